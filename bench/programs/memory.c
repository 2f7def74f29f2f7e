/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only memory limits: 64 MiB copied within themselves, and read and written here and there.
 */
#include "bench/programs/work.h"

#include <stdlib.h>
#include <string.h>

enum { SIZE = 64 << 20, STEPS = 200000 };

static char *block;

static bool prepare(void)
{
	if (block)
		return true;
	block = malloc(SIZE);
	if (block)
		memset(block, 1, SIZE);
	return block != NULL;
}

static uint64_t copy(void)
{
	memcpy(block, block + SIZE / 2, SIZE / 2);
	memcpy(block + SIZE / 2, block, SIZE / 2);
	return (uint64_t)block[SIZE / 3];
}

/* Each place depends on what was found at the one before. */
static uint64_t wander(void)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < STEPS; i++) {
		uint32_t *word = (uint32_t *)(void *)(block + (at % SIZE & ~UINT64_C(3)));
		at = work_scramble(at + *word);
		*word ^= 1;
	}
	return at;
}

WORK(memcpy_64mib, prepare, copy)
WORK(random_access_64mib, prepare, wander)
