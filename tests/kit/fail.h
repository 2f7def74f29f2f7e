/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail.h - a struct host whose operations fail on demand.
 *
 * Each allocation and each system call that the library makes through its struct host is
 * an operation, counted from 1. A test makes the n-th one fail, for each n, until the scenario
 * makes fewer than n; after each run nothing may be left allocated, open or mapped:
 *
 *     fail_each_operation(scenario, user, NULL);
 *
 * Calls that give things back (free, close, munmap) and calls that cannot fail never do.
 * The state is the program's: one scenario at a time, which may use several threads.
 */
#ifndef KIT_FAIL_H
#define KIT_FAIL_H

#include "base/host.h"

#include <mote/status.h>

#include <stddef.h>

enum fail_mode {
	FAIL_ONCE,    /* the n-th operation and no other */
	FAIL_ONWARDS, /* the n-th operation and all after it */
};

/*
 * Forgets what was counted and returns a host that lives until the next fail_host(). Its NTH
 * operation fails with errno ERROR (allocations with NULL); none does when NTH is 0.
 * Allocations arrive filled with 0xab where the library may not expect zeros.
 */
const struct host *fail_host(unsigned nth, enum fail_mode mode, int error);

/*
 * Counts anew from here, on the same host, with other operations to fail. What is held stays
 * in the books, so a test can make something in peace and then have the next step fail.
 */
void fail_from_here(unsigned nth, enum fail_mode mode, int error);

/* The name of the first operation that failed on demand ("mmap", "realloc"), or NULL. */
const char *fail_name(void);

/* How many operations the host has seen since it began to count. */
unsigned fail_operations(void);

/* A sentence about the first thing that is still allocated, open or mapped, or NULL. Lives
 * until the next call. */
const char *fail_leak(void);

/* What a test does with HOST. Frees all it makes; returns the status of what it is about. */
typedef mote_status (*fail_scenario)(const struct host *host, void *user, mote_error *err);

/*
 * Runs SCENARIO with every operation failing, in both modes, and fails the test when something
 * is left behind, or when an operation failed and the scenario succeeded all the same or gave no
 * message. BENIGN names the operations that it may do without, up to a NULL; NULL for none.
 */
void fail_each_operation(fail_scenario scenario, void *user, const char *const *benign);

#endif
