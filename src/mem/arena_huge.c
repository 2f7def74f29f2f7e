/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Huge pages for heaps. A page that is touched for the first time costs a guest of KVM a fault, and
 * more of it than a process; one huge page is one fault for 512 of them. But it is 2 MiB of the
 * host's memory, so that a block gets one only where much memory is in use already, and then
 * goes back to the host as a whole: taking pages out of it would break it up.
 */
#include "mem/arena_internal.h"
#include "mem/page_bitmap.h"

enum { PAGES_PER_BLOCK = LAYOUT_LARGE_PAGE / MOTE_PAGE_SIZE };

static uint64_t block_of(uint64_t page)
{
	return page / PAGES_PER_BLOCK;
}

static bool is_huge(const struct arena *arena, uint64_t block)
{
	return arena->huge[block / 64] >> block % 64 & 1;
}

static uint64_t offset_of(const struct arena *arena, uint64_t page)
{
	return arena->ram_offset + page * MOTE_PAGE_SIZE;
}

void arena_prefer_huge(struct arena *arena, struct pages pages)
{
	const uint64_t end = block_of(pages.end + PAGES_PER_BLOCK - 1);

	for (uint64_t block = block_of(pages.first), next; block < end; block = next) {
		block = page_bitmap_next(arena->huge, block, end, false);
		next = page_bitmap_next(arena->huge, block, end, true);
		if (block < next &&
		    shared_mem_prefer_huge(arena->ram, offset_of(arena, block * PAGES_PER_BLOCK),
					   (next - block) * LAYOUT_LARGE_PAGE))
			page_bitmap_fill(arena->huge, block, next, true);
	}
}

static bool has_used(const struct arena *arena, uint64_t first, uint64_t end)
{
	return page_bitmap_next(arena->used, first, end, true) != end;
}

static bool clear(struct arena *arena, uint64_t first, uint64_t end)
{
	return shared_mem_fill(arena->ram, offset_of(arena, first), 0,
			       (end - first) * MOTE_PAGE_SIZE, NULL) == MOTE_OK;
}

/* Large ranges go back to the host. */
static bool discard(struct arena *arena, uint64_t first, uint64_t end)
{
	return shared_mem_zero(arena->ram, offset_of(arena, first), (end - first) * MOTE_PAGE_SIZE,
			       NULL) == MOTE_OK;
}

/* PAGES are all in one block that is huge: it goes back when nothing else of it is in use, since
 * pages that are not are zero already. */
static bool zero_in_block(struct arena *arena, struct pages pages)
{
	const uint64_t start = block_of(pages.first) * PAGES_PER_BLOCK;
	const uint64_t end = start + PAGES_PER_BLOCK;

	if (has_used(arena, start, pages.first) || has_used(arena, pages.end, end))
		return clear(arena, pages.first, pages.end);
	return discard(arena, start, end);
}

/* The blocks at both ends may be huge; what is between goes back whatever it is. */
bool arena_zero_pages(struct arena *arena, struct pages pages)
{
	const uint64_t after_first = (block_of(pages.first) + 1) * PAGES_PER_BLOCK;
	bool is_done = true;

	if (pages.first < pages.end && is_huge(arena, block_of(pages.first))) {
		struct pages part = { pages.first,
				      pages.end < after_first ? pages.end : after_first };
		is_done = zero_in_block(arena, part);
		pages.first = part.end;
	}
	if (is_done && pages.first < pages.end && is_huge(arena, block_of(pages.end - 1))) {
		const uint64_t start = block_of(pages.end - 1) * PAGES_PER_BLOCK;
		/* not the first block, of which nothing would be left */
		struct pages part = { start, pages.end };
		is_done = zero_in_block(arena, part);
		pages.end = part.first;
	}
	return is_done && (pages.first == pages.end || discard(arena, pages.first, pages.end));
}
