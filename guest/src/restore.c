/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest does when its memory was made what it was before. The host writes another
 * generation into the start block then; the one that memory remembers tells, at the next call, that
 * this happened. What runs then is written down last, so that a call that ends half-way leaves it
 * to be done again.
 */
#include "state.h"

#define CALLBACKS_MAX 16

static struct {
	void (*fn)(void *user);
	void *user;
} callbacks[CALLBACKS_MAX];
static size_t ncallbacks;

/* As the block has it when main() runs. */
static uint64_t known;

uint64_t mote_guest_generation(void)
{
	const struct mote_start_block *block = start_block();

	return block ? block->generation : 0;
}

void mote_guest_on_restore(void (*fn)(void *user), void *user)
{
	if (ncallbacks == CALLBACKS_MAX)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "the guest has %lu functions for mote_guest_on_restore() already, "
				 "and there can be no more",
				 (unsigned long)CALLBACKS_MAX);
	callbacks[ncallbacks].fn = fn;
	callbacks[ncallbacks].user = user;
	ncallbacks++;
}

/* Apart, so that calls without a restore before them save no registers for it. */
static __attribute__((noinline)) void run_callbacks(uint64_t generation)
{
	const size_t n = ncallbacks; /* not those that are added by them */

	for (size_t i = 0; i < n; i++)
		callbacks[i].fn(callbacks[i].user);
	known = generation;
}

void restore_notice(void)
{
	const uint64_t generation = start_block()->generation;

	if (generation != known)
		run_callbacks(generation);
}
