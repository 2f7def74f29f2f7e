/* SPDX-License-Identifier: Apache-2.0 */
/*
 * counts.h - how many system calls some work makes, counted and not assumed: from outside,
 * as strace does.
 */
#ifndef BENCH_COUNTS_H
#define BENCH_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

struct system_calls {
	uint64_t ioctls;
	uint64_t exits; /* of those, the ones that wait for a guest to leave: one for each time */
};

/*
 * Runs WORK(STATE) in a child process and counts what the child's first thread does between two
 * calls of system_calls_mark(). False when WORK returned false, or the child could not be
 * traced; then COUNTS is undefined.
 */
bool system_calls_count(struct system_calls *counts, bool (*work)(void *state), void *state);

/* Begins and ends the part of WORK that counts. */
void system_calls_mark(void);

#endif
