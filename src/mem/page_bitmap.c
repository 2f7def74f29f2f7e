/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bitmaps of pages. Every search reads a word, hides the bits that are out of range, and
 * lets the processor find the first or last one that is left.
 */
#include "mem/page_bitmap.h"

#include <stddef.h>

enum { WORD_BITS = 64 };

/* The bits of one word from LOW to HIGH - 1; LOW < HIGH <= 64. */
static uint64_t mask(uint64_t low, uint64_t high)
{
	return UINT64_MAX >> (WORD_BITS - (high - low)) << low;
}

/* Word WORD with the bits that are VALUE as ones. */
static uint64_t matching(const uint64_t *bits, uint64_t word, bool value)
{
	return value ? bits[word] : ~bits[word];
}

void page_bitmap_fill(uint64_t *bits, uint64_t first, uint64_t end, bool value)
{
	while (first < end) {
		uint64_t low = first % WORD_BITS;
		uint64_t left = end - first;
		uint64_t high = left < WORD_BITS - low ? low + left : WORD_BITS;

		if (value)
			bits[first / WORD_BITS] |= mask(low, high);
		else
			bits[first / WORD_BITS] &= ~mask(low, high);
		first += high - low;
	}
}

uint64_t page_bitmap_next(const uint64_t *bits, uint64_t first, uint64_t end, bool value)
{
	while (first < end) {
		uint64_t low = first % WORD_BITS;
		uint64_t found = matching(bits, first / WORD_BITS, value) & mask(low, WORD_BITS);

		if (found) {
			uint64_t page = first - low + (uint64_t)__builtin_ctzll(found);
			return page < end ? page : end;
		}
		first += WORD_BITS - low;
	}
	return end;
}

uint64_t page_bitmap_previous(const uint64_t *bits, uint64_t end, bool value)
{
	while (end > 0) {
		uint64_t last = end - 1;
		uint64_t high = last % WORD_BITS + 1;
		uint64_t found = matching(bits, last / WORD_BITS, value) & mask(0, high);

		if (found)
			return end - high + (WORD_BITS - 1 - (uint64_t)__builtin_clzll(found));
		end -= high;
	}
	return PAGE_BITMAP_NONE;
}

uint64_t page_bitmap_find_clear(const uint64_t *bits, uint64_t end, uint64_t count)
{
	while (end >= count) {
		uint64_t top = page_bitmap_previous(bits, end, false);
		if (top == PAGE_BITMAP_NONE)
			break;
		/* The page above the last used one below TOP; with none it is page 0. */
		uint64_t below = page_bitmap_previous(bits, top, true);
		uint64_t bottom = below + 1;

		if (top - bottom + 1 >= count)
			return top + 1 - count;
		end = bottom;
	}
	return PAGE_BITMAP_NONE;
}
_Static_assert(PAGE_BITMAP_NONE + 1 == 0, "find_clear: the page above none is page 0");
