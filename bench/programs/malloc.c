/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory taken and given back, in small pieces and in ones of several pages, some of which the
 * allocator asks the system for.
 */
#include "bench/programs/work.h"

#include <stdlib.h>

enum {
	PIECES = 2048,
	SMALL_MAX = 1024,
	SMALL_STEPS = 200000,
	LARGE_MAX = 192 << 10,
	LARGE_STEPS = 800
};

static char *pieces[PIECES];

static bool prepare(void)
{
	return true;
}

/* Puts a new piece of up to MOST bytes in the place of one of the first COUNT. */
static uint64_t replace(uint64_t random, size_t count, size_t most)
{
	char **piece = &pieces[random % count];
	const size_t size = (random >> 20) % most + 8;
	uint64_t found = 0;

	if (*piece)
		found = (unsigned char)**piece;
	free(*piece);
	*piece = malloc(size);
	if (*piece)
		for (size_t i = 0; i < size; i += 512)
			(*piece)[i] = (char)random;
	return found;
}

static void free_all(void)
{
	for (size_t i = 0; i < PIECES; i++) {
		free(pieces[i]);
		pieces[i] = NULL;
	}
}

static uint64_t churn_small(void)
{
	uint64_t sum = 1;

	for (uint64_t i = 0; i < SMALL_STEPS; i++)
		sum += replace(work_scramble(i), PIECES, SMALL_MAX);
	free_all();
	return sum;
}

static uint64_t churn_large(void)
{
	uint64_t sum = 1;

	for (uint64_t i = 0; i < LARGE_STEPS; i++)
		sum += replace(work_scramble(i), 64, LARGE_MAX);
	free_all();
	return sum;
}

WORK(malloc_small, prepare, churn_small)
WORK(malloc_large, prepare, churn_large)
