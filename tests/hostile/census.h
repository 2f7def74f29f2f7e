/* SPDX-License-Identifier: Apache-2.0 */
/*
 * census.h - what this process has: memory, descriptors, children.
 */
#ifndef TESTS_HOSTILE_CENSUS_H
#define TESTS_HOSTILE_CENSUS_H

#include <stddef.h>
#include <stdint.h>

struct census {
	uint64_t now, peak; /* resident bytes */
	unsigned descriptors;
	unsigned children;
};

struct census census_take(void);

/* What an allocator gave away, in bytes. */
struct ledger {
	uint64_t now, peak;
};

/* As mote_runtime_options.realloc, with USER a struct ledger. For one thread. */
void *ledger_realloc(void *user, void *ptr, size_t old_size, size_t new_size);

#endif
