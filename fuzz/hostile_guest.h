/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hostile_guest.h - a guest on a fake backend whose every step the input decides: what it writes
 * to its memory and registers, which messages it sends, sound or not, and how it leaves. For a
 * backend that says what was written, it keeps the list of pages.
 */
#ifndef FUZZ_HOSTILE_GUEST_H
#define FUZZ_HOSTILE_GUEST_H

#include "fuzz/fuzz.h"
#include "tests/hv/fake.h"

#include <mote/image.h>

#define HOSTILE_PAGES 64 /* that it writes and that are listed */

enum hostile_mood {
	MOOD_READY,   /* main() returns 0 */
	MOOD_HOSTILE, /* the input decides, to its end; then the guest is done */
	MOOD_GOOD,    /* it answers a call of Add(i32, i32) -> i32 */
};

/* What fake.user points to. */
struct hostile_guest {
	enum hostile_mood mood;
	struct input *input;
	unsigned nsteps;
	uint64_t stack; /* where calls begin; set by MOOD_READY */
	uint64_t written[HOSTILE_PAGES];
	size_t nwritten;
	bool is_list_full; /* more was written than is in it */
	bool is_ready;     /* it was told so, in whatever way */
};

/* fake.guest. */
bool hostile_guest_runs(struct fake_vm *vm, struct hv_exit *exit);

/* A value of TYPE, or of any if that is MOTE_VOID, from INPUT; it may be one that no value may be.
 * It points into the input, or nowhere. */
mote_value hostile_value(struct input *input, mote_type type);

#endif
