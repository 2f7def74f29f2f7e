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
 * There are two kinds of objects. A *snapshot* is an immutable state that guests begin in. The
 * first is made of a file, by load(), and its guests must run until GUEST_READY; later ones
 * are taken of guests that are ready. A *guest* is always made of a snapshot.
 *
 * A call: push the message on input(), call(), and run() until GUEST_DONE; then pop the result from
 * output(). GUEST_HOST_CALL and GUEST_LOG have a message on output(), the first wants a result on
 * input(); then run() goes on. GUEST_INTERRUPTED: run() goes on, if the caller wants that.
 * After anything else only restore() makes the guest run again.
 *
 * The guest is hostile: no operation trusts what it wrote, and each does work in proportion to the
 * memory of the guest at most.
 *
 * How the two ABIs fit:
 *
 *   hyperlight  ring 0, copy-on-write by the guest; a snapshot is a block of pages that all its
 *               guests see, read-only. Everything is in hyperlight/.
 *   mote        ring 3, a sealed machine. load() is guest_memory_new() with the function table and
 *               init data in it, taken as a memory_snapshot before anything ran; guest_new() is
 *               sandbox_make()'s part below the sandbox: memory, machine, personality, arena, the
 *               guard of the stack. run() is machine_run() in a loop: it serves system calls by the
 *               personality, as GUEST_OUTPUT where they print, makes hypercalls the events of the
 *               same names, exceptions GUEST_ENDED with machine_describe()'s text, and lets
 *               the last host call return 0. call() is machine_start() with the export's number.
 *               snapshot() is memory_snapshot_take() with FS base, signal mask and arena;
 *               restore() copies written pages back and resets or renews the machine. It is not
 *               behind this table yet, and brings words of its own when it comes: an event for
 *               guests that sleep until a time, and in GUEST_HOST_CALL and GUEST_DONE which values
 *               are spans of the shared buffers.
 *
 * Threads: a snapshot may be used from any; a guest from one at a time.
 */
#ifndef GUEST_ABI_GUEST_ABI_H
#define GUEST_ABI_GUEST_ABI_H

#include "abi/io_stack.h"
#include "guest_abi/event.h"
#include "hv/system.h"
#include "mem/region.h"

#include <stdatomic.h>

struct elf;
struct file_mapping;

/* How sure an ABI is that a file is a guest of its own. */
enum guest_claim {
	GUEST_NOT_MINE,
	GUEST_PERHAPS, /* nothing in the file says so, and nothing says otherwise */
	GUEST_MINE,    /* the file says so; load() may still refuse it */
};

/* Bytes for an ABI's version, with its NUL. */
#define GUEST_VERSION_SIZE 32

/* What the first snapshot is made of. Sizes in bytes; 0 is the ABI's default, and what an ABI has
 * no use for does not count. */
struct guest_start {
	const void *file; /* the executable; not needed afterwards */
	size_t file_size;
	uint64_t input_size, output_size; /* of the buffers */
	uint64_t heap_size;
	uint64_t stack_size;   /* mote */
	uint64_t scratch_size; /* hyperlight: all that a guest may write, stack included */
	const void *init_data; /* INIT_DATA_SIZE bytes */
	uint64_t init_data_size;
	unsigned init_data_flags; /* enum region_flags: what the guest may do besides reading */
};

/* The head of every ABI's guest and snapshot. */
struct guest {
	const struct guest_abi *abi;
};

struct guest_snapshot {
	const struct guest_abi *abi;
	atomic_size_t nrefs;
};

/* Below, "Errors" are all that there can be; on failure outputs are NULL. */
struct guest_abi {
	const char *name;
	/* The file lists its exports, so that calls can be checked before the guest runs; else
	 * only the guest knows, and says so by errors 4, 5 and 14 (enum wire_code). */
	bool lists_exports;

	/* Looks at SIZE bytes at FILE, which may be anything, and stores the version that they are
	 * for, "" if they do not say. */
	enum guest_claim (*recognise)(const void *file, size_t size,
				      char version[GUEST_VERSION_SIZE]);

	/* Checks all of the file that load() will use, and describes it to OUT: header, entry, bias
	 * and segments, as the guest will see them. FILE must live as long as OUT is used. Errors,
	 * after which OUT is empty: MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH (messages do not name the
	 * file). */
	mote_status (*describe)(struct elf *out, const void *file, size_t size, mote_error *err);

	/* Makes the state before the first instruction, with one reference. HOST must outlive it.
	 * Errors: MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH (messages do not name the file),
	 * MOTE_E_INVALID, MOTE_E_LIMIT (sizes), MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*load)(struct guest_snapshot **out, const struct host *host,
			    const struct guest_start *start, mote_error *err);

	/* What guest_snapshot_unref() calls last. */
	void (*snapshot_free)(struct guest_snapshot *snapshot);

	/* Makes a guest of SNAPSHOT, to which it takes a reference. HV must outlive it. Errors:
	 * MOTE_E_NO_HYPERVISOR (HV cannot run guests of this ABI), MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*guest_new)(struct guest **out, struct hv *hv, struct guest_snapshot *snapshot,
				 mote_error *err);
	void (*guest_free)(struct guest *guest); /* NULL is fine */

	/* Whether it has been GUEST_READY, or its snapshot's guest had. */
	bool (*is_ready)(const struct guest *guest);

	/* The buffers. Views on guest memory, until the next restore. */
	struct io_stack (*input)(const struct guest *guest);
	struct io_stack (*output)(const struct guest *guest);

	/* Sets the registers for a call, whose message is on the input buffer. The guest must be
	 * ready and idle. EXPORT is the number of the function where the ABI lists exports. Errors:
	 * MOTE_E_OS; only a restore helps. */
	mote_status (*call)(struct guest *guest, uint64_t export_number, mote_error *err);

	/* Runs until the next event. Errors, which are not the guest's doing, and after which only
	 * a restore helps: MOTE_E_OS. */
	mote_status (*run)(struct guest *guest, struct guest_event *event, mote_error *err);

	/* Takes a snapshot of a guest that is ready and idle. Errors: MOTE_E_STATE (it is not),
	 * MOTE_E_SNAPSHOT (what the guest made of its memory cannot be kept), MOTE_E_LIMIT,
	 * MOTE_E_NOMEM, MOTE_E_OS. */
	mote_status (*snapshot)(struct guest_snapshot **out, struct guest *guest, mote_error *err);

	/* Makes the guest what it was in SNAPSHOT, of this ABI, whatever it has done since, in
	 * memory or in its vCPU. Errors: MOTE_E_SNAPSHOT (it does not fit; nothing has changed),
	 * MOTE_E_NOMEM, MOTE_E_OS: the guest may not run until a restore succeeds. */
	mote_status (*restore)(struct guest *guest, struct guest_snapshot *snapshot,
			       mote_error *err);

	/* Maps FILE, which was prepared for an address, in a guest that is ready and idle: to be
	 * read and executed. In a mote guest it is there from the next call on; a hyperlight guest
	 * has it in physical memory, and maps it itself. It is the guest's from then on, until the
	 * next restore to a snapshot that does not have it. Errors, after which FILE is the
	 * caller's: MOTE_E_INVALID (an overlap, by both ranges), MOTE_E_LIMIT, MOTE_E_STATE,
	 * MOTE_E_OS. */
	mote_status (*map_file)(struct guest *guest, struct file_mapping *file, mote_error *err);

	/* Copies SIZE bytes at the guest's virtual ADDRESS. All of the range must be mapped, and to
	 * be written it must be the guest's own: else MOTE_E_INVALID, with the first address that
	 * is not in err->guest_address, and TO may have been written to. MOTE_E_OS, when the file
	 * behind a mapping was cut since. */
	mote_status (*read)(struct guest *guest, uint64_t address, void *to, size_t size,
			    mote_error *err);
	mote_status (*write)(struct guest *guest, uint64_t address, const void *from, size_t size,
			     mote_error *err);

	/* Finds the first piece of memory that the guest sees at ADDRESS or above, for core files:
	 * whole pages, mapped in one way, which read() can read. False: there is no more. A hostile
	 * guest may have more pieces than anybody wants. */
	bool (*next_region)(struct guest *guest, uint64_t address, struct region *out);

	/* What the guest has at ADDRESS, for messages: "stack"; NULL if nobody knows. Static. */
	const char *(*place)(const struct guest *guest, uint64_t address);

	/* The machine: to arm, to kick, and for its registers. Until the next restore. */
	struct hv_vm *(*vm)(const struct guest *guest);
};

/* One more reference. Returns SNAPSHOT. */
struct guest_snapshot *guest_snapshot_ref(struct guest_snapshot *snapshot);

/* Drops a reference; the last one frees. NULL is fine. */
void guest_snapshot_unref(struct guest_snapshot *snapshot);

#endif
