/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arena_internal.h - what the parts of the arena share.
 *
 * arena.c      which pages are in use
 * arena_huge.c which of them should come as huge pages, and how pages become zero
 */
#ifndef MEM_ARENA_INTERNAL_H
#define MEM_ARENA_INTERNAL_H

#include "mem/arena.h"

/* Pages FIRST to END - 1 of the heap. */
struct pages {
	uint64_t first;
	uint64_t end;
};

/* Has the blocks of 2 MiB that PAGES lie in come as huge pages, when they are touched. Only speed
 * depends on it, so it cannot fail. */
void arena_prefer_huge(struct arena *arena, struct pages pages);

/* Zeroes PAGES; they may be in use or not. False if that cannot be. */
bool arena_zero_pages(struct arena *arena, struct pages pages);

#endif
