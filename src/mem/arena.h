/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena.h - which pages of the guest's heap are in use: brk, mmap, munmap and mremap
 * for a guest whose page tables never change.
 *
 * The whole heap is mapped from the start, so "mapping" is bookkeeping: one bit a page.
 * The break grows from the bottom, other mappings are placed from the top down. A page
 * that is handed out reads as zero, because pages are zeroed when they are given up.
 *
 * Arguments come from a hostile guest and may be anything. Results are as the Linux
 * kernel gives them to user space: an address, 0, or a negative errno value. A call does
 * work for the words of the bitmap and the holes among the pages, and allocates nothing.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef MEM_ARENA_H
#define MEM_ARENA_H

#include "mem/guest_memory.h"

#include <stdbool.h>
#include <stdint.h>

/* The most bytes that one call copies to move a mapping. A libc whose mremap fails copies
 * by itself, in guest time, where limits hold. */
#define ARENA_MOVE_MAX (UINT64_C(64) << 20)

/*
 * From so many bytes in use on, what is taken comes as huge pages of the host, if it is not more
 * than the second number at once: those who take more often touch little of it. A small guest thus
 * takes no more memory than it touches, and a large one at most 2 MiB more for each that it
 * touches.
 */
#define ARENA_HUGE_FROM (UINT64_C(4) << 20)
#define ARENA_DENSE_MAX (UINT64_C(256) << 20)

enum arena_flags {
	ARENA_FIXED = 1,      /* at this address, giving up what is there */
	ARENA_NO_REPLACE = 2, /* with ARENA_FIXED: unless anything is there (-EEXIST) */
	ARENA_MAY_MOVE = 4,   /* for arena_remap() */
	ARENA_SPARSE = 8,     /* little of it will be touched: no huge pages */
};

/* Private to arena.c; embed it, do not look inside. */
struct arena {
	const struct host *host;
	struct shared_mem *ram;
	uint64_t ram_offset; /* of the heap in RAM */
	uint64_t base;       /* guest virtual address of the heap */
	uint64_t npages;
	uint64_t brk;     /* in bytes from BASE */
	uint64_t nfree;   /* pages whose bit is clear */
	uint64_t ceiling; /* all pages from here on are in use */
	uint64_t *used;   /* a bit a page */
	uint64_t *huge;   /* a bit for each 2 MiB: they come as a huge page */
	uint64_t changes; /* so many times has any of this changed */
};

/* Makes an arena of the heap of MEMORY, which must outlive it: nothing is in use.
 * Errors: MOTE_E_NOMEM. On failure the arena is empty and fini is fine. */
mote_status arena_init(struct arena *arena, const struct host *host, struct guest_memory *memory,
		       mote_error *err);
void arena_fini(struct arena *arena);

/* Which pages are in use at one moment, for arena_restore(). */
struct arena_state {
	uint64_t brk, nfree, ceiling;
	uint64_t *used; /* page_bitmap_new() */
	uint64_t npages;
};

/* Copies the state of ARENA. Errors: MOTE_E_NOMEM; *STATE is empty then, and fini is fine. */
mote_status arena_save(struct arena_state *state, const struct arena *arena, mote_error *err);
void arena_state_fini(struct arena_state *state, const struct host *host);

/* Makes ARENA, whose heap is as large, what it was; the pages' contents are the caller's. */
void arena_restore(struct arena *arena, const struct arena_state *state);

/* Moves the break to WANTED if that is possible; returns where it is then. 0 asks. */
uint64_t arena_brk(struct arena *arena, uint64_t wanted);

/*
 * Takes SIZE bytes, rounded up to pages: at ADDRESS if they are free there or ARENA_FIXED says so,
 * else as high as possible. Returns their address, -EINVAL (size 0, fixed and not page-aligned),
 * -ENOMEM (no place, fixed and outside of the heap) or -EEXIST.
 */
int64_t arena_map(struct arena *arena, uint64_t address, uint64_t size, unsigned flags);

/* Gives up every page of the range that is in use. Returns 0 or -EINVAL (size 0, not
 * page-aligned, not in the heap). */
int64_t arena_unmap(struct arena *arena, uint64_t address, uint64_t size);

/*
 * Resizes a mapping: in place if possible, else elsewhere if FLAGS have ARENA_MAY_MOVE. Returns the
 * new address, -EINVAL (a size is 0, not page-aligned), -EFAULT (not all in use) or -ENOMEM.
 */
int64_t arena_remap(struct arena *arena, uint64_t address, uint64_t old_size, uint64_t new_size,
		    unsigned flags);

/* Zeroes the pages of a range that must all be in use (MADV_DONTNEED). Returns 0, -EINVAL (not
 * page-aligned) or -ENOMEM (not all in use). */
int64_t arena_zero(struct arena *arena, uint64_t address, uint64_t size);

/* Has a range that must all be in use come as huge pages where it is touched from now on
 * (MADV_HUGEPAGE), if there are any. Returns 0, -EINVAL or -ENOMEM, as arena_zero(). */
int64_t arena_advise_huge(struct arena *arena, uint64_t address, uint64_t size);

/* Whether the whole range is in use, for calls that have no other effect (mprotect, madvise). */
bool arena_is_used(const struct arena *arena, uint64_t address, uint64_t size);

#endif
