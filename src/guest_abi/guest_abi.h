/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_abi.h - what a guest ABI is to everything above: a table of operations.
 *
 * An ABI is what a guest and its host agree on: how a file is loaded, how the vCPU starts, what
 * leaving the machine means, how a call begins and ends, what a snapshot must keep. Each is a
 * folder here; sandboxes know none by name. What they share stays outside: messages
 * (abi/wire.h) in two stack-shaped buffers (abi/io_stack.h), limits, interrupts, host functions,
 * logs, and the backends (hv/hv.h), which an ABI uses and does not extend.
 *
 * There are two kinds of objects. A *guest* is a machine with its memory: made of an image, it must
 * run until GUEST_READY before it takes calls; made of a snapshot, it is where that was taken. A
 * *snapshot* is an immutable state of a guest that is ready, for any number of guests.
 *
 * A call: push the message on input(), call(), and run() until GUEST_DONE; then pop the result from
 * output(). GUEST_HOST_CALL and GUEST_LOG have a message on output(), the first wants a result on
 * input(); then run() goes on. After anything that is over only restore() makes the guest run again.
 *
 * The guest is hostile: no operation trusts what it wrote, and each does work in proportion to the
 * memory of the guest at most.
 *
 * Threads: a snapshot may be used from any; a guest from one at a time.
 */
#ifndef GUEST_ABI_GUEST_ABI_H
#define GUEST_ABI_GUEST_ABI_H

#include "abi/io_stack.h"
#include "guest_abi/account.h"
#include "guest_abi/directories.h"
#include "guest_abi/event.h"
#include "guest_abi/streams.h"
#include "hv/system.h"
#include "mem/region.h"

#include <mote/image.h>
#include <mote/sandbox.h>

#include <stdatomic.h>

struct file_mapping;
struct guest_platform;
struct snapshot_parts;

/* How sure an ABI is that a file is a guest of its own. */
enum guest_claim {
	GUEST_NOT_MINE,
	GUEST_PERHAPS, /* nothing in the file says so, and nothing says otherwise */
	GUEST_MINE,    /* the file says so; load() may still refuse it */
};

/* Bytes for an ABI's version, with its NUL. */
#define GUEST_VERSION_SIZE 32

/* What a guest of an image is made of. Sizes in bytes; 0 is the ABI's default, and what an ABI has
 * no use for does not count. */
struct guest_start {
	struct mote_image *image;
	uint64_t input_size, output_size; /* of the buffers */
	uint64_t buffer_size;             /* of those for bulk data, one each way; 0: none */
	uint64_t heap_size;
	uint64_t stack_size;   /* mote */
	uint64_t scratch_size; /* hyperlight: all that a guest may write, stack included */
	const void *init_data; /* INIT_DATA_SIZE bytes */
	uint64_t init_data_size;
	unsigned init_data_flags; /* enum region_flags: what the guest may do besides reading */
	/* The guest is told of the host: it takes calls when its main() has returned. A program is
	 * not told, and ends. */
	bool takes_calls;
	size_t argc, envc;
	const char *const *argv;
	const char *const *envp;
};

/* What a guest is made of. HV, PLATFORM, ACCOUNT, STREAMS and what strings and functions point to
 * must outlive it; the rest is not needed afterwards. */
struct guest_plan {
	struct hv *hv;
	const struct guest_platform *platform; /* of its ABI, for HV */
	struct account *account;               /* counts what it uses, and has limits */
	struct streams *streams;
	struct guest_snapshot *snapshot; /* where it begins; a reference is taken. NULL: at START */
	struct guest_start start;
	const mote_function_info *functions; /* of the host, by name */
	size_t nfunctions;
	struct files_plan files;
	uint64_t max_mappings;   /* of files at a time */
	uint64_t audit_interval; /* restores from one audit to the next; 0: none */
};

/* The head of every ABI's guest and snapshot. */
struct guest {
	const struct guest_abi *abi;
};

struct guest_snapshot {
	const struct guest_abi *abi;
	atomic_size_t nrefs;
};

/* One of the buffers for bulk data, in the guest's memory. SIZE 0: there is none. */
enum guest_buffer { GUEST_ARGUMENTS, GUEST_RESULTS };

/* Takes note of a region that a guest has, or would have. */
typedef void (*guest_visit_region)(void *user, const mote_region_info *region);

/* Looks at a region that a guest has; false: it has seen enough. */
typedef bool (*guest_look)(void *user, const struct region *region);

/* A bit (mem/page_bitmap.h) for each of NPAGES from the physical address FIRST on: the page may be
 * other than zero, as may all pages elsewhere. To be freed with page_bitmap_free(). */
struct guest_used {
	uint64_t *bits;
	uint64_t first;
	uint64_t npages;
};

/* Takes note of what a program asked for in vain, TIMES times: the system call NUMBER, whose NAME
 * may be NULL, or a path. Functions may be NULL. */
struct guest_refused {
	void (*call)(void *user, uint64_t number, const char *name, uint64_t times);
	void *call_user;
	void (*path)(void *user, const char *path, uint64_t times);
	void *path_user;
};

/* Below, "Errors" are all that there can be; on failure outputs are NULL. Functions that are said
 * to be optional may be NULL. */
struct guest_abi {
	const char *name;
	/* The file lists its exports, so that calls can be checked before the guest runs; else
	 * only the guest knows, and says so by errors 4, 5 and 14 (enum wire_code). */
	bool lists_exports;
	/* Programs that never heard of mote run by it, from their entry to GUEST_EXIT. */
	bool runs_programs;

	/* Looks at SIZE bytes at FILE, which may be anything, and stores the version that they are
	 * for, "" if they do not say. */
	enum guest_claim (*recognise)(const void *file, size_t size,
				      char version[GUEST_VERSION_SIZE]);

	/* Takes apart the file of IMAGE, which was just opened, and checks all of it that a guest
	 * will be made of. Errors, after which the image is good for nothing: MOTE_E_IMAGE,
	 * MOTE_E_ABI_MISMATCH, MOTE_E_NOMEM, with the image's name in front. */
	mote_status (*parse)(struct mote_image *image, mote_error *err);

	/* Optional. What all guests on HV share, for a runtime; it learns what HV can do, in a
	 * millisecond or two. HAS_CLOCK: guests may tell the time without leaving their machine.
	 * Errors: MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*platform_new)(struct guest_platform **out, struct hv *hv, bool has_clock,
				    mote_error *err);
	void (*platform_free)(struct guest_platform *platform); /* NULL is fine */

	/* Optional. Writes words on how guests of HV get out to TEXT; false if HV fails. */
	bool (*platform_describe)(struct hv *hv, char *text, size_t size);

	/* Calls VISIT for each region that a guest of START, and as many host functions, would
	 * have. Errors: MOTE_E_IMAGE, MOTE_E_INVALID, MOTE_E_LIMIT. */
	mote_status (*describe)(const struct guest_start *start, size_t nfunctions,
				guest_visit_region visit, void *user, mote_error *err);

	/* Makes a guest. Errors: MOTE_E_NO_HYPERVISOR (HV cannot run guests of this ABI),
	 * MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH (messages do not name the file), MOTE_E_INVALID,
	 * MOTE_E_LIMIT (sizes), MOTE_E_SNAPSHOT (it does not fit PLAN), MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*guest_new)(struct guest **out, const struct guest_plan *plan,
				 mote_error *err);
	void (*guest_free)(struct guest *guest); /* NULL is fine */

	/* Whether it has been GUEST_READY, or its snapshot's guest had. */
	bool (*is_ready)(const struct guest *guest);

	/* The buffers. Views on guest memory, until the next restore. */
	struct io_stack (*input)(const struct guest *guest);
	struct io_stack (*output)(const struct guest *guest);

	/* Optional. The host wrote to the first SIZE bytes of the input buffer, and to SIZE bytes
	 * from OFFSET on of the buffer of arguments. */
	void (*wrote_input)(struct guest *guest, uint64_t size);
	void (*wrote_arguments)(struct guest *guest, uint64_t offset, uint64_t size);

	/* Optional: there are no buffers for bulk data. Lives as long as the guest. */
	struct bulk_buffer (*buffer)(const struct guest *guest, enum guest_buffer which);

	/* Sets the registers for a call, whose message is on the input buffer, with a bit in SPANS
	 * for each argument that is in a bulk buffer. The guest must be ready and idle. EXPORT is
	 * the number of the function where the ABI lists exports. Errors: MOTE_E_OS; only a restore
	 * helps. */
	mote_status (*call)(struct guest *guest, uint64_t export_number, uint64_t spans,
			    mote_error *err);

	/* Runs until the next event. Errors, which are not the guest's doing, and after which only
	 * a restore helps: MOTE_E_OS. */
	mote_status (*run)(struct guest *guest, struct guest_event *event, mote_error *err);

	/* Optional. In how many nanoseconds from NOW, on CLOCK_MONOTONIC, a guest that runs is to
	 * be interrupted for a timer of its own; UINT64_MAX: never. */
	uint64_t (*alarm)(const struct guest *guest, uint64_t now);

	/* Optional. After GUEST_HOST_CALL, if the result is on the input buffer: which of it is in
	 * a bulk buffer. */
	void (*answer)(struct guest *guest, uint64_t spans);

	/* Takes a snapshot of a guest that is ready and idle. Errors: MOTE_E_STATE (it is not, or
	 * has what no snapshot can have), MOTE_E_SNAPSHOT (what the guest made of its memory cannot
	 * be kept), MOTE_E_LIMIT, MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*snapshot)(struct guest_snapshot **out, struct guest *guest, mote_error *err);

	/* What guest_snapshot_unref() calls last. */
	void (*snapshot_free)(struct guest_snapshot *snapshot);

	/* Whether GUEST can be restored to SNAPSHOT, of this ABI. Errors: MOTE_E_SNAPSHOT,
	 * MOTE_E_LIMIT (more mapped files than it may have). */
	mote_status (*fits)(const struct guest *guest, const struct guest_snapshot *snapshot,
			    mote_error *err);

	/* Makes the guest what it was in SNAPSHOT, which fits, whatever it has done since, in
	 * memory or in its vCPU. Errors, after which it may not run until a restore succeeds:
	 * MOTE_E_SNAPSHOT (an audit found a difference, a file cannot be opened again),
	 * MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*restore)(struct guest *guest, struct guest_snapshot *snapshot,
			       mote_error *err);

	/* Optional. Counts the pages that differ from those of the last snapshot or restore; false:
	 * nobody knows. */
	bool (*count_changed)(struct guest *guest, uint64_t *count);

	/* As describe(), of a snapshot. Where guests make their own page tables, those decide, and
	 * regions come by virtual address; what is too much is left out, and the log says so. */
	void (*snapshot_describe)(const struct guest_snapshot *snapshot, guest_visit_region visit,
				  void *user);

	/* Calls VISIT for each page that is not zero, by virtual address. Errors: MOTE_E_OS (of a
	 * file), MOTE_E_SNAPSHOT (the guest's own page tables are too many). */
	mote_status (*snapshot_pages)(const struct guest_snapshot *snapshot,
				      void (*visit)(void *user, uint64_t address,
						    const void *bytes),
				      void *user, mote_error *err);

	/* For disks: takes a snapshot apart, as far as PARTS are the guest's, and puts one together
	 * again, with the file FD, for IMAGE, which was made of the same parts: see
	 * guest_abi/snapshot_parts.h. Errors: as mote_private_snapshot_open() and
	 * mote_private_snapshot_make(). */
	mote_status (*parts_open)(struct snapshot_parts *parts,
				  const struct guest_snapshot *snapshot, mote_error *err);
	mote_status (*parts_make)(struct guest_snapshot **out, struct mote_image *image,
				  const struct snapshot_parts *parts, int fd, mote_error *err);

	/* Maps FILE, which was prepared for an address, in a guest that is ready and idle: to be
	 * read and executed. In a mote guest it is there from the next call on; a hyperlight guest
	 * has it in physical memory, and maps it itself. It is the guest's from then on, until the
	 * next restore to a snapshot that does not have it. Errors, after which FILE is the
	 * caller's: MOTE_E_INVALID (an overlap, by both ranges), MOTE_E_LIMIT, MOTE_E_STATE,
	 * MOTE_E_OS. */
	mote_status (*map_file)(struct guest *guest, struct file_mapping *file, mote_error *err);

	/* Copies SIZE bytes at the guest's virtual ADDRESS. All of the range must be mapped, and to
	 * be written it must be the guest's own: else MOTE_E_INVALID, with the first address that
	 * is not in err->guest_address, and TO may have been written to. MOTE_E_OS: the file behind
	 * a mapping was cut since. After any other error of write(), MOTE_E_NOMEM and MOTE_E_OS,
	 * only a restore helps. */
	mote_status (*read)(struct guest *guest, uint64_t address, void *to, size_t size,
			    mote_error *err);
	mote_status (*write)(struct guest *guest, uint64_t address, const void *from, size_t size,
			     mote_error *err);

	/* Calls LOOK for each piece of memory that the guest's own code sees from FIRST to LAST, by
	 * address, until it returns false; it may not use the guest. Pieces are whole pages that
	 * are mapped in one way, and the first and last may go on outside of that; REGION_WRITE
	 * is also for pages that the guest copies when it writes to them. read() can read them,
	 * but for those whose bytes the host knows (region_bytes()). False: there is more,
	 * because LOOK wanted no more, or because a hostile guest maps far more than it has. */
	bool (*visit_regions)(struct guest *guest, uint64_t first, uint64_t last, guest_look look,
			      void *user);

	/* Finds out which pages of memory may be other than zero, in proportion to how many were
	 * ever touched. Errors, after which OUT is to be freed, too: MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*find_used)(struct guest_used *out, struct guest *guest, mote_error *err);

	/* Optional. Tells what a program was refused. */
	void (*visit_refused)(const struct guest *guest, const struct guest_refused *refused);

	/* The machine: to arm, to kick, and for its registers. Until the next restore; NULL: it
	 * could not be made again. */
	struct hv_vm *(*vm)(const struct guest *guest);

	/* The registers of the guest's own code where it stopped: not of what serves its system
	 * calls or exceptions. */
	struct hv_regs (*stopped)(struct guest *guest);

	/* Where the stack of a call begins, and the thread pointer; 0: not known. */
	uint64_t (*call_stack)(const struct guest *guest);
	uint64_t (*fs_base)(const struct guest *guest);
};

/* One more reference. Returns SNAPSHOT. */
struct guest_snapshot *guest_snapshot_ref(struct guest_snapshot *snapshot);

/* Drops a reference; the last one frees. NULL is fine. */
void guest_snapshot_unref(struct guest_snapshot *snapshot);

#endif
