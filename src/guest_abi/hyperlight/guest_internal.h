/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_internal.h - what the files of a hyperlight guest share.
 *
 * abi.c     the table
 * guest.c   makes, restores and frees guests
 * run.c     calls, and what the exits of the machine mean
 * memory.c  from guest addresses to bytes
 * regions.c what the guest has mapped
 * stopped.c where it was when it stopped
 * files.c   mapped files
 * take.c    snapshots of guests
 * places.c  names for what is where
 * parts.c   snapshots for disks, and from there
 * pages.c   what is in a snapshot
 * state.c   the registers that a file may say
 */
#ifndef GUEST_ABI_HYPERLIGHT_GUEST_INTERNAL_H
#define GUEST_ABI_HYPERLIGHT_GUEST_INTERNAL_H

#include "guest_abi/hyperlight/abort.h"
#include "guest_abi/hyperlight/hyperlight.h"
#include "guest_abi/hyperlight/snapshot.h"

#include "abi/vmem_flat.h"
#include "abi/vmem_walk.h"
#include "mem/file_mapping.h"

struct hyperlight_guest {
	struct guest guest;
	const struct host *host;
	struct hv *hv;
	const struct hv_system_ops *system;
	struct hyperlight_snapshot *base; /* whose pages the guest sees below scratch */
	struct shared_mem *scratch;
	struct file_mapping *files[HYPERLIGHT_FILES_MAX]; /* in physical memory */
	size_t nfiles;
	struct hv_vm *vm; /* NULL: could not be made again */

	bool is_ready;
	bool is_idle;        /* ready, and no call is under way */
	bool has_run;        /* since it was made, or restored: vector registers may be any */
	bool is_broken;      /* the machine: only a new one will do */
	uint64_t generation; /* how many snapshots there are between the image and now */
	uint64_t dispatch;   /* where calls begin, and with which stack pointer, if ready */
	uint64_t stack;
	bool wants_flush; /* the next call is to drop translations of before the restore */
	struct account *account;
	struct hyperlight_abort abort;
	char text[128]; /* of the last event */
};

/* The functions of the table. */
mote_status hyperlight_guest_new(struct guest **out, const struct guest_plan *plan,
				 mote_error *err);
void hyperlight_guest_free(struct guest *base);
struct io_stack hyperlight_input(const struct guest *base);
struct io_stack hyperlight_output(const struct guest *base);
mote_status hyperlight_call(struct guest *base, uint64_t export_number, uint64_t spans,
			    mote_error *err);
mote_status hyperlight_run(struct guest *base, struct guest_event *event, mote_error *err);
mote_status hyperlight_take(struct guest_snapshot **out, struct guest *base, mote_error *err);
mote_status hyperlight_fits(const struct guest *base, const struct guest_snapshot *snapshot,
			    mote_error *err);
mote_status hyperlight_restore(struct guest *base, struct guest_snapshot *snapshot,
			       mote_error *err);
mote_status hyperlight_map_file(struct guest *base, struct file_mapping *file, mote_error *err);
mote_status hyperlight_read(struct guest *base, uint64_t address, void *to, size_t size,
			    mote_error *err);
mote_status hyperlight_write(struct guest *base, uint64_t address, const void *from, size_t size,
			     mote_error *err);
bool hyperlight_visit_regions(struct guest *base, uint64_t first, uint64_t last, guest_look look,
			      void *user);
mote_status hyperlight_find_used(struct guest_used *out, struct guest *base, mote_error *err);
struct hv_regs hyperlight_stopped(struct guest *base);

/* Calls VISIT for each region that a guest of LAYOUT begins with, in the order of their physical
 * addresses. INIT_FLAGS: enum region_flags, what it may do with its init data besides reading. */
void hyperlight_visit_layout(const struct hyperlight_layout *layout, unsigned init_flags,
			     guest_visit_region visit, void *user);

/* The same for RANGE, which is mapped in a guest of LAYOUT, in as many regions as it has names,
 * less what is no memory. */
void hyperlight_visit_range(const struct hyperlight_layout *layout, const struct vmem_range *range,
			    guest_visit_region visit, void *user);

/* enum region_flags: what the guest's code may do, a page of its own being made if need be. */
unsigned hyperlight_rights(const struct vmem_range *range);

/* Checks all of a file that hyperlight_load() will use, and describes it to OUT: header, entry,
 * bias and segments, as the guest will see them. FILE must live as long as OUT is used. Errors,
 * after which OUT is empty: MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH (messages do not name the file). */
mote_status hyperlight_describe(struct elf *out, const void *file, size_t size, mote_error *err);

/*
 * Makes the state before the first instruction, with one reference: a snapshot like any other, but
 * that its guests are not ready. HOST must outlive it. Errors: MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH,
 * MOTE_E_INVALID, MOTE_E_LIMIT, MOTE_E_NOMEM, MOTE_E_OS.
 */
mote_status hyperlight_load(struct guest_snapshot **out, const struct host *host,
			    const struct guest_start *start, mote_error *err);

/* The bytes behind guest physical addresses, while the guest does not run. */
struct hyperlight_bytes {
	uint8_t *scratch;
	uint64_t scratch_gpa, scratch_size;
	const uint8_t *data; /* at HYPERLIGHT_BASE */
	uint64_t data_size;
	struct file_mapping *const *files;
	size_t nfiles;
};

/* Opens the bytes of GUEST; to be closed again. Errors: MOTE_E_STATE. */
mote_status hyperlight_bytes_open(struct hyperlight_bytes *bytes, struct hyperlight_guest *guest,
				  mote_error *err);
void hyperlight_bytes_close(struct hyperlight_guest *guest);

/* The SIZE bytes at physical address PA, all in one of the two; NULL if there are none. Those of
 * the snapshot may not be written to. */
void *hyperlight_bytes_at(const struct hyperlight_bytes *bytes, uint64_t pa, uint64_t size);

/* Copies SIZE bytes at PA, which lie in one page. Errors: MOTE_E_INVALID (no memory is there; no
 * message), MOTE_E_OS (a mapped file was cut). */
mote_status hyperlight_bytes_copy(const struct hyperlight_bytes *bytes, uint64_t pa, void *to,
				  size_t size, mote_error *err);

/* The file that PA lies in, and where in it; NULL if there is none. */
const struct file_mapping *hyperlight_file_at(const struct hyperlight_bytes *bytes, uint64_t pa,
					      uint64_t *offset);

/* Forgets all mapped files, which no machine has any more. */
void hyperlight_drop_files(struct hyperlight_guest *guest);

/* For vmem functions whose MEMORY is a struct hyperlight_bytes. */
extern const struct vmem_ops hyperlight_bytes_ops;

/* The steps of a walk through page tables, in one place: the code for that is long. */
void hyperlight_walk_begin(struct vmem_walk *walk, struct hyperlight_bytes *bytes, uint64_t root,
			   uint64_t address, uint64_t max_tables);
enum vmem_status hyperlight_walk_next(struct vmem_walk *walk, struct hyperlight_bytes *bytes,
				      struct vmem_range *range);

/* What the table of guest_abi.h has for files. */
mote_status hyperlight_parts_open(struct snapshot_parts *parts, const struct guest_snapshot *base,
				  mote_error *err);
mote_status hyperlight_parts_make(struct guest_snapshot **out, struct mote_image *image,
				  const struct snapshot_parts *parts, int fd, mote_error *err);
void hyperlight_snapshot_describe(const struct guest_snapshot *base, guest_visit_region visit,
				  void *user);
mote_status hyperlight_snapshot_pages(const struct guest_snapshot *base,
				      void (*visit)(void *user, uint64_t address,
						    const void *bytes),
				      void *user, mote_error *err);

/*
 * Whether a guest that takes calls at DISPATCH, with the stack pointer STACK, can have SYSTEM, so
 * that processors take it: 64-bit mode in ring 0, with no more turned on than guests' processors
 * have. CR2, CR3 and CR8 do not count. Errors: MOTE_E_SNAPSHOT.
 */
mote_status hyperlight_state_check(const struct hv_system *system, uint64_t dispatch,
				   uint64_t stack, mote_error *err);

/* The root of the guest's page tables, as its vCPU has it; without a vCPU one that maps nothing. */
uint64_t hyperlight_root(const struct hyperlight_guest *guest);

#endif
