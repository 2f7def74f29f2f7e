/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Debian's zlib: a megabyte of words packed, and unpacked a few times.
 */
#include "bench/programs/work.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { SIZE = 1 << 20, PACKED_MAX = SIZE + (SIZE >> 3) };

static unsigned char *words, *packed, *unpacked;
static uLong packed_size;

static uint64_t pack(void)
{
	packed_size = PACKED_MAX;
	return compress2(packed, &packed_size, words, SIZE, 3) == Z_OK ? packed_size : 0;
}

static bool prepare(void)
{
	if (words)
		return true;
	words = malloc(SIZE);
	packed = malloc(PACKED_MAX);
	unpacked = malloc(SIZE);
	if (!words || !packed || !unpacked)
		return false;
	for (size_t i = 0; i < SIZE; i += 8) {
		uint64_t word = work_scramble(work_scramble(i) % 1024) | 0x2020202020202020;
		memcpy(words + i, &word, 8);
	}
	return pack() != 0;
}

static uint64_t unpack(void)
{
	enum { TIMES = 5 };
	uLong size = SIZE;
	bool is_done = true;

	for (int i = 0; i < TIMES && is_done; i++)
		is_done = uncompress(unpacked, &size, packed, packed_size) == Z_OK;
	return is_done ? adler32(0, unpacked, 64) : 0;
}

WORK(deflate, prepare, pack)
WORK(inflate, prepare, unpack)
