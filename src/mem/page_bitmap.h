/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page_bitmap.h - a bit a page, and the searches that an allocator of pages needs.
 *
 * A bitmap is an array of words; page P is bit P % 64 of word P / 64. Ranges must lie inside of it.
 * Whole words are dealt with at once.
 */
#ifndef MEM_PAGE_BITMAP_H
#define MEM_PAGE_BITMAP_H

#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

#define PAGE_BITMAP_NONE UINT64_MAX

/* A bitmap of NPAGES, all clear. That of a large memory costs the host memory only where bits are
 * set, and no time. NULL if there is no memory. */
uint64_t *page_bitmap_new(const struct host *host, uint64_t npages);
void page_bitmap_free(const struct host *host, uint64_t *bits, uint64_t npages);

/* Makes the bitmap TO of NPAGES what FROM is, and writes only where they differ. */
void page_bitmap_assign(uint64_t *to, const uint64_t *from, uint64_t npages);

/* Sets the bits of the pages FIRST to END - 1 to VALUE. */
void page_bitmap_fill(uint64_t *bits, uint64_t first, uint64_t end, bool value);

/* The lowest page from FIRST to END - 1 whose bit is VALUE; END if there is none. */
uint64_t page_bitmap_next(const uint64_t *bits, uint64_t first, uint64_t end, bool value);

/* The highest page below END whose bit is VALUE; PAGE_BITMAP_NONE if there is none. */
uint64_t page_bitmap_previous(const uint64_t *bits, uint64_t end, bool value);

/* The first of the highest COUNT pages in a row below END whose bits are all clear;
 * PAGE_BITMAP_NONE if there are none. COUNT must not be 0. */
uint64_t page_bitmap_find_clear(const uint64_t *bits, uint64_t end, uint64_t count);

#endif
