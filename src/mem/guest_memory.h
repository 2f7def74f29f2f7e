/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_memory.h - the memory of one guest, and the only door to it.
 *
 * Owns the RAM of a sandbox, laid out, loaded and with page tables built. Every address that
 * comes from the guest goes through here; nothing else turns one into a host pointer. The
 * layout decides what is mapped: structures that the guest could have written are never
 * asked.
 *
 * The guest is hostile and its memory may change whenever its vCPU runs: copy first, then
 * check, then use the copy.
 *
 * Rights are REGION_READ, REGION_WRITE, REGION_EXECUTE: what the guest's own code must be
 * allowed to do with the range. The page of the hypercall code belongs to the firmware and
 * counts as not mapped here. Mapped files are read like RAM, and written to by nobody.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef MEM_GUEST_MEMORY_H
#define MEM_GUEST_MEMORY_H

#include "abi/io_stack.h"
#include "mem/layout.h"
#include "mem/shared_mem.h"

struct file_mapping;
struct guest_memory;
struct memory_snapshot;

/*
 * Makes the memory of a guest: computes the layout of CONFIG, copies the bytes of the
 * segments from FILE (where they lie at file_offset; NULL: none), builds page tables, fills the
 * start block and makes the I/O buffers empty. Function table and init data are zero, for the
 * caller to write before the guest runs. CONFIG and FILE are not needed afterwards; HOST must
 * outlive the memory. The RAM is shared when this returns. Errors: as layout_compute(),
 * MOTE_E_NOMEM, MOTE_E_OS. *OUT is NULL then.
 */
mote_status guest_memory_new(struct guest_memory **out, const struct host *host,
			     const struct layout_config *config, const void *file,
			     enum shared_mem_backing backing, mote_error *err);

/* NULL is fine. No vCPU may use the memory any more. */
void guest_memory_free(struct guest_memory *memory);

/* Where everything is. Lives as long as MEMORY. */
const struct layout *guest_memory_layout(const struct guest_memory *memory);

/* The block behind the RAM slot (layout->ram), for slots and arenas. Lives as long as MEMORY. */
struct shared_mem *guest_memory_ram(struct guest_memory *memory);

/*
 * What others must look for elsewhere than in the descriptor of RAM, if it has one: stores the
 * INDEX-th run of such pages, by address, all in one region, with the file that they are in. False
 * past the last; *OUT is left alone then. They can be read or executed, as their region; the file
 * lives until guest_memory_views() returns another number, which happens when the host writes to
 * them or restores others: then they are elsewhere.
 */
bool guest_memory_elsewhere(const struct guest_memory *memory, size_t index, struct region *out);

/*
 * What others must be told of when they touch it: the same for runs that the guest can write, whose
 * pages are copied to the descriptor of RAM when somebody looks at them first.
 * guest_memory_supply_page() does that; false: nothing is missing at ADDRESS.
 * guest_memory_supply_all() copies all of them, now and from now on, for others that cannot be told.
 */
bool guest_memory_missing(const struct guest_memory *memory, size_t index, struct region *out);
bool guest_memory_supply_page(struct guest_memory *memory, uint64_t address);
void guest_memory_supply_all(struct guest_memory *memory);

/* How often others began to look for memory elsewhere. */
unsigned guest_memory_views(const struct guest_memory *memory);

/* Guest physical address of the root page table (CR3), and of the page that no slot backs. */
uint64_t guest_memory_root(const struct guest_memory *memory);
uint64_t guest_memory_doorbell_gpa(const struct guest_memory *memory);

/* Writes the number that tells the guest that it was restored; see mote_abi.h. */
void guest_memory_set_generation(struct guest_memory *memory, uint64_t generation);

/* The page that the processor pushes exception frames on: MOTE_PAGE_SIZE bytes that ring 3
 * cannot reach. Copy before use all the same. */
const void *guest_memory_exception_stack(const struct guest_memory *memory);

/* The buffers that messages travel in. The views point into guest memory and live as long as it. */
struct io_stack guest_memory_input(const struct guest_memory *memory);
struct io_stack guest_memory_output(const struct guest_memory *memory);

/* The buffer that is REGION_ARGUMENTS or REGION_RESULTS; all zero if there is none. Its bytes live
 * as long as MEMORY, never fault, and are not to be looked at while the guest runs; what the host
 * writes to them it must note. */
struct bulk_buffer guest_memory_buffer(const struct guest_memory *memory, enum region_kind kind);

/*
 * Copies SIZE bytes at guest virtual ADDRESS, across regions if need be. All of the range must
 * be mapped for the guest with RIGHTS, else nothing is copied. Errors: MOTE_E_INVALID; the message
 * and err->guest_address have the first byte that is not. MOTE_E_OS, when the file behind a mapping
 * was cut since: TO may then have been written to.
 */
mote_status guest_memory_read(struct guest_memory *memory, uint64_t address, void *to, size_t size,
			      unsigned rights, mote_error *err);
mote_status guest_memory_write(struct guest_memory *memory, uint64_t address, const void *from,
			       size_t size, unsigned rights, mote_error *err);

/*
 * Copies a string and its NUL, at most CAPACITY bytes, that the guest may read, and stores its
 * length without the NUL. Errors: MOTE_E_INVALID (not mapped, as above), MOTE_E_LIMIT (no NUL
 * within CAPACITY). On failure TO is an empty string (CAPACITY must not be 0), *LENGTH 0.
 */
mote_status guest_memory_string(struct guest_memory *memory, uint64_t address, char *to,
				size_t capacity, size_t *length, mote_error *err);

/* Whether all of the range is mapped for the guest with RIGHTS. */
bool guest_memory_allows(struct guest_memory *memory, uint64_t address, size_t size,
			 unsigned rights);

/* Whether ADDRESS is in a segment of the image that may be executed: a pointer that the guest wants
 * to be called at. Executable init data and files do not count. */
bool guest_memory_is_code(struct guest_memory *memory, uint64_t address);

/* What lies at ADDRESS, for messages: "stack", "guard gap below the stack", `mapped file "LABEL"`;
 * NULL if nothing does. Lives as long as MEMORY. */
const char *guest_memory_place(const struct guest_memory *memory, uint64_t address);

/* Sets the bit (mem/page_bitmap.h) of each page of RAM that may be other than zero; the others are
 * clear. BITS has one for each page. In proportion to the pages that were ever touched. Errors:
 * MOTE_E_OS. */
mote_status guest_memory_used(struct guest_memory *memory, uint64_t *bits, mote_error *err);

/*
 * The stack guard: 16 random bytes at the low end of the stack, below which only the guard
 * gap lies. Set it before the guest runs; a guest that has overwritten it ran out of stack, and the
 * guard is not intact. Errors: MOTE_E_OS (no random bytes; memory that cannot be read any more).
 */
mote_status guest_memory_set_stack_guard(struct guest_memory *memory, mote_error *err);
mote_status guest_memory_check_stack_guard(struct guest_memory *memory, bool *is_intact,
					   mote_error *err);

/*
 * Adds FILE in two steps, so that the backend's part (hv_backend.map) fits between them. begin()
 * checks that all will be well and gives FILE its guest physical address. If it succeeds, end()
 * must follow before the guest or anything else uses MEMORY; if the file IS_MAPPED by then, the
 * guest's page tables and mapping table learn of it, and it is MEMORY's from then on, to be freed
 * with it; else nothing has changed. Errors: MOTE_E_INVALID (an overlap, named by both ranges; a
 * label that is taken), MOTE_E_LIMIT (MOTE_MAPPINGS_MAX, page tables), MOTE_E_STATE (the guest
 * runs).
 */
mote_status guest_memory_map_begin(struct guest_memory *memory, struct file_mapping *file,
				   mote_error *err);
void guest_memory_map_end(struct guest_memory *memory, struct file_mapping *file, bool is_mapped);

/* How many files are mapped. */
size_t guest_memory_nfiles(const struct guest_memory *memory);

/* The INDEX-th mapped file by address, or NULL past the last. */
const struct file_mapping *guest_memory_file(const struct guest_memory *memory, size_t index);

/*
 * Restoring. After memory_snapshot_take() or a restore, memory has a snapshot that it is equal to
 * but for the pages that were written since. The host's own writes are noted here; what the guest
 * writes, the caller finds out and notes. Restoring to that snapshot copies the noted pages back,
 * and keeps them on the list. Any other snapshot that fits replaces all pages.
 */

/* Notes that the guest of USER, a struct guest_memory, has written to the page at OFFSET of RAM. */
void guest_memory_note_page(void *user, uint64_t offset);

/* For a backend that cannot tell: notes each page that the guest may write and that was ever
 * touched, if memory has a file that knows; else all. Nothing, if there is no snapshot. */
void guest_memory_note_touched(struct guest_memory *memory);

/* Notes that the guest may have written anywhere. */
void guest_memory_note_all(struct guest_memory *memory);

/* Notes that the host wrote to the first SIZE bytes of the input buffer. */
void guest_memory_note_input(struct guest_memory *memory, uint64_t size);

/* The same for SIZE bytes from OFFSET on, inside of the argument buffer. */
void guest_memory_note_arguments(struct guest_memory *memory, uint64_t offset, uint64_t size);

/* Notes all pages of the buffers for bulk data that were ever touched: for memory that has just got
 * a snapshot. */
void guest_memory_note_buffers(struct guest_memory *memory);

/* Whether MEMORY was made equal to SNAPSHOT last; and whether it is that still, but for the pages
 * that are noted. */
bool guest_memory_has_base(const struct guest_memory *memory,
			   const struct memory_snapshot *snapshot);
bool guest_memory_is_based_on(const struct guest_memory *memory,
			      const struct memory_snapshot *snapshot);

/* How many pages are noted. */
size_t guest_memory_noted(const struct guest_memory *memory);

/*
 * Stores how many of the pages that are noted differ now from what they were in the snapshot;
 * buffers do not count. False: nobody knows, because there is no snapshot, or too much was
 * written. Takes as long as restoring them.
 */
bool guest_memory_count_changed(struct guest_memory *memory, uint64_t *count);

/* What guest_memory_restore() did. */
struct restored {
	bool all_pages; /* not only those that were noted: no page is noted now */
	bool files;     /* other files are mapped now, which the backend does not know of */
};

/*
 * Makes all that the guest can see what it was when SNAPSHOT, which fits, was taken: its memory,
 * its mapped files; the buffers are empty. Errors: MOTE_E_NOMEM, MOTE_E_OS; memory is neither
 * the one nor the other then, until a restore succeeds.
 */
mote_status guest_memory_restore(struct guest_memory *memory, struct memory_snapshot *snapshot,
				 bool forgets_pages, struct restored *restored, mote_error *err);

/*
 * Compares all memory with the snapshot that it was restored to last, page tables and buffers with
 * what they should be. Reads every page that was ever touched. Errors: MOTE_E_SNAPSHOT (the first
 * difference, by address and region), MOTE_E_NOMEM, MOTE_E_OS.
 */
mote_status guest_memory_audit(struct guest_memory *memory, mote_error *err);

/* The mapped file that ADDRESS lies in, or NULL. */
const struct file_mapping *guest_memory_find_file(const struct guest_memory *memory,
						  uint64_t address);

/* The first mapped file that has lost pages because it was cut; its size is *NOW. NULL if there is
 * none. */
const struct file_mapping *guest_memory_cut_file(const struct guest_memory *memory, uint64_t *now);

#endif
