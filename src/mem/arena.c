/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The heap's pages. Guest arguments become a range of pages first, by subtraction and
 * comparison only; from then on all numbers are page numbers of the heap and cannot wrap.
 * A request is decided before anything is changed.
 */
#include "mem/arena_internal.h"
#include "mem/page_bitmap.h"

#include <errno.h>
#include <string.h>

enum { PAGES_PER_WORD = 64 };

/* Bits of the map of huge blocks, which lies behind. */
static uint64_t nblocks(const struct arena *arena)
{
	return arena->npages * MOTE_PAGE_SIZE / LAYOUT_LARGE_PAGE;
}

mote_status arena_init(struct arena *arena, const struct host *host, struct guest_memory *memory,
		       mote_error *err)
{
	const struct layout *layout = guest_memory_layout(memory);
	const struct region *heap = layout_get(layout, REGION_HEAP);
	uint64_t npages = heap->size / MOTE_PAGE_SIZE;

	*arena = (struct arena){
		.host = host,
		.ram = guest_memory_ram(memory),
		.ram_offset = heap->gpa - layout->ram.gpa,
		.base = heap->va,
		.npages = npages,
		.nfree = npages,
		.ceiling = npages,
	};
	arena->used = page_bitmap_new(host, npages + nblocks(arena));
	if (!arena->used)
		return error_nomem(err, "the map of a guest's heap", (size_t)npages / 8);
	arena->huge = arena->used + npages / PAGES_PER_WORD;
	return MOTE_OK;
}
_Static_assert(LAYOUT_LARGE_PAGE / MOTE_PAGE_SIZE % PAGES_PER_WORD == 0,
	       "arena: a heap of whole large pages fills whole words of the map");

void arena_fini(struct arena *arena)
{
	page_bitmap_free(arena->host, arena->used, arena->npages + nblocks(arena));
	arena->used = NULL;
}

mote_status arena_save(struct arena_state *state, const struct arena *arena, mote_error *err)
{
	*state = (struct arena_state){
		.brk = arena->brk,
		.nfree = arena->nfree,
		.ceiling = arena->ceiling,
	};
	state->used = page_bitmap_new(arena->host, arena->npages);
	if (!state->used)
		return error_nomem(err, "a copy of the map of a guest's heap",
				   (size_t)arena->npages / 8);
	state->npages = arena->npages;
	page_bitmap_assign(state->used, arena->used, arena->npages);
	return MOTE_OK;
}

void arena_state_fini(struct arena_state *state, const struct host *host)
{
	page_bitmap_free(host, state->used, state->npages);
	*state = (struct arena_state){ 0 };
}

void arena_restore(struct arena *arena, const struct arena_state *state)
{
	arena->brk = state->brk;
	arena->nfree = state->nfree;
	arena->ceiling = state->ceiling;
	page_bitmap_assign(arena->used, state->used, arena->npages);
	/* the pages may be others */
	page_bitmap_fill(arena->huge, 0, nblocks(arena), false);
}

static uint64_t heap_size(const struct arena *arena)
{
	return arena->npages * MOTE_PAGE_SIZE;
}

/* SIZE must be at most the heap's. */
static uint64_t pages_for(uint64_t size)
{
	return (size + MOTE_PAGE_SIZE - 1) / MOTE_PAGE_SIZE;
}

static uint64_t address_of(const struct arena *arena, uint64_t page)
{
	return arena->base + page * MOTE_PAGE_SIZE;
}

/* The pages of a range whose ADDRESS is page-aligned. False if it is not all in the heap. */
static bool locate(const struct arena *arena, uint64_t address, uint64_t size, struct pages *pages)
{
	uint64_t offset = address - arena->base; /* below the heap: wraps, to more than its size */

	if (offset > heap_size(arena) || size > heap_size(arena) - offset)
		return false;
	pages->first = offset / MOTE_PAGE_SIZE;
	pages->end = pages->first + pages_for(size);
	return true;
}

static bool is_free(const struct arena *arena, struct pages pages)
{
	return page_bitmap_next(arena->used, pages.first, pages.end, true) == pages.end;
}

static bool is_used(const struct arena *arena, struct pages pages)
{
	return page_bitmap_next(arena->used, pages.first, pages.end, false) == pages.end;
}

/* Hands out pages that are free. */
static void take(struct arena *arena, struct pages pages, unsigned flags)
{
	arena->changes++;
	page_bitmap_fill(arena->used, pages.first, pages.end, true);
	arena->nfree -= pages.end - pages.first;
	if (pages.end == arena->ceiling)
		arena->ceiling = pages.first;
	if (!(flags & ARENA_SPARSE) &&
	    arena->npages - arena->nfree >= ARENA_HUGE_FROM / MOTE_PAGE_SIZE &&
	    pages.end - pages.first <= ARENA_DENSE_MAX / MOTE_PAGE_SIZE)
		arena_prefer_huge(arena, pages);
}

/* Takes back those of PAGES that are in use. Pages that cannot be zeroed stay in use: nobody
 * may get them. */
static void give_up(struct arena *arena, struct pages pages)
{
	while (pages.first < pages.end) {
		struct pages run;
		run.first = page_bitmap_next(arena->used, pages.first, pages.end, true);
		run.end = page_bitmap_next(arena->used, run.first, pages.end, false);
		pages.first = run.end;
		if (run.first == run.end || !arena_zero_pages(arena, run))
			continue;
		arena->changes++;
		page_bitmap_fill(arena->used, run.first, run.end, false);
		arena->nfree += run.end - run.first;
		if (run.end > arena->ceiling)
			arena->ceiling = run.end;
	}
}

/* The highest free place for COUNT pages. */
static bool find_place(const struct arena *arena, uint64_t count, struct pages *pages)
{
	if (count > arena->nfree)
		return false;
	pages->first = page_bitmap_find_clear(arena->used, arena->ceiling, count);
	pages->end = pages->first + count;
	return pages->first != PAGE_BITMAP_NONE;
}

uint64_t arena_brk(struct arena *arena, uint64_t wanted)
{
	uint64_t now = arena->base + arena->brk;
	struct pages old = { 0, pages_for(arena->brk) };
	struct pages new;

	if (!locate(arena, arena->base, wanted - arena->base, &new))
		return now;
	if (new.end > old.end) {
		struct pages more = { old.end, new.end };
		if (!is_free(arena, more))
			return now;
		take(arena, more, 0);
	} else {
		give_up(arena, (struct pages){ new.end, old.end });
	}
	arena->brk = wanted - arena->base;
	arena->changes++;
	return wanted;
}

static int64_t map_fixed(struct arena *arena, uint64_t address, uint64_t size, unsigned flags)
{
	struct pages pages;

	if (address % MOTE_PAGE_SIZE)
		return -EINVAL;
	if (!locate(arena, address, size, &pages))
		return -ENOMEM;
	if (!is_free(arena, pages)) {
		if (flags & ARENA_NO_REPLACE)
			return -EEXIST;
		give_up(arena, pages);
		if (!is_free(arena, pages))
			return -ENOMEM;
	}
	take(arena, pages, flags);
	return (int64_t)address;
}

int64_t arena_map(struct arena *arena, uint64_t address, uint64_t size, unsigned flags)
{
	struct pages pages;

	if (size == 0)
		return -EINVAL;
	if (flags & ARENA_FIXED)
		return map_fixed(arena, address, size, flags);
	if (size > heap_size(arena))
		return -ENOMEM;
	/* A hint is taken as far as it goes; an odd one is as good as none. */
	if (address % MOTE_PAGE_SIZE || !locate(arena, address, size, &pages) ||
	    !is_free(arena, pages)) {
		if (!find_place(arena, pages_for(size), &pages))
			return -ENOMEM;
	}
	take(arena, pages, flags);
	return (int64_t)address_of(arena, pages.first);
}

int64_t arena_unmap(struct arena *arena, uint64_t address, uint64_t size)
{
	struct pages pages;

	if (size == 0 || address % MOTE_PAGE_SIZE || !locate(arena, address, size, &pages))
		return -EINVAL;
	give_up(arena, pages);
	return 0;
}

/* Copies what lies in FROM, page by page; a page passes through the host once. */
static bool copy(struct arena *arena, struct pages from, struct pages to)
{
	uint8_t page[MOTE_PAGE_SIZE];

	for (uint64_t i = 0; i < from.end - from.first; i++) {
		uint64_t source = arena->ram_offset + (from.first + i) * MOTE_PAGE_SIZE;
		uint64_t target = arena->ram_offset + (to.first + i) * MOTE_PAGE_SIZE;
		if (shared_mem_read(arena->ram, source, page, sizeof page, NULL) ||
		    shared_mem_write(arena->ram, target, page, sizeof page, NULL))
			return false;
	}
	return true;
}

static int64_t move(struct arena *arena, struct pages old, uint64_t count)
{
	struct pages new;

	if (old.end - old.first > ARENA_MOVE_MAX / MOTE_PAGE_SIZE ||
	    !find_place(arena, count, &new))
		return -ENOMEM;
	take(arena, new, 0);
	if (!copy(arena, old, new)) {
		give_up(arena, new);
		return -ENOMEM;
	}
	give_up(arena, old);
	return (int64_t)address_of(arena, new.first);
}

int64_t arena_remap(struct arena *arena, uint64_t address, uint64_t old_size, uint64_t new_size,
		    unsigned flags)
{
	struct pages old;

	if (old_size == 0 || new_size == 0 || address % MOTE_PAGE_SIZE)
		return -EINVAL;
	if (!locate(arena, address, old_size, &old) || !is_used(arena, old))
		return -EFAULT;
	if (new_size > heap_size(arena))
		return -ENOMEM;

	uint64_t count = pages_for(new_size);
	uint64_t end = old.first + count;

	if (end <= old.end) {
		give_up(arena, (struct pages){ end, old.end });
		return (int64_t)address;
	}
	if (end <= arena->npages && is_free(arena, (struct pages){ old.end, end })) {
		take(arena, (struct pages){ old.end, end }, flags);
		return (int64_t)address;
	}
	return flags & ARENA_MAY_MOVE ? move(arena, old, count) : -ENOMEM;
}

int64_t arena_zero(struct arena *arena, uint64_t address, uint64_t size)
{
	struct pages pages;

	if (address % MOTE_PAGE_SIZE)
		return -EINVAL;
	if (!locate(arena, address, size, &pages) || !is_used(arena, pages) ||
	    !arena_zero_pages(arena, pages))
		return -ENOMEM;
	return 0;
}

bool arena_is_used(const struct arena *arena, uint64_t address, uint64_t size)
{
	uint64_t odd = address % MOTE_PAGE_SIZE;
	struct pages pages;

	if (size > UINT64_MAX - odd)
		return false;
	return locate(arena, address - odd, size + odd, &pages) && is_used(arena, pages);
}

int64_t arena_advise_huge(struct arena *arena, uint64_t address, uint64_t size)
{
	struct pages pages;

	if (address % MOTE_PAGE_SIZE)
		return -EINVAL;
	if (!locate(arena, address, size, &pages) || !is_used(arena, pages))
		return -ENOMEM;
	arena_prefer_huge(arena, pages);
	return 0;
}
