/* SPDX-License-Identifier: Apache-2.0 */
/*
 * zero_page.h - pages of zeroes, for all that compares pages with one. There is none to compare
 * with: that would be 4 KiB in the file of the library.
 */
#ifndef MEM_ZERO_PAGE_H
#define MEM_ZERO_PAGE_H

#include "abi/mote_abi.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Whether all bytes of the page at BYTES are zero: the first is, and each is what the one before it
 * is. */
static inline bool zero_page_is(const uint8_t *bytes)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, MOTE_PAGE_SIZE - 1) == 0;
}

/* Whether the page at BYTES is that at WANT; NULL: one of zeroes. */
static inline bool zero_page_or_same(const uint8_t *bytes, const uint8_t *want)
{
	return want ? memcmp(bytes, want, MOTE_PAGE_SIZE) == 0 : zero_page_is(bytes);
}

#endif
