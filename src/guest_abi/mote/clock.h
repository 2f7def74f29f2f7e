/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock.h - the clock that a guest reads without leaving its machine.
 *
 * The vDSO (abi/vdso.h) counts the ticks of the time-stamp counter from a moment whose time the
 * host has written down. The host writes it when a guest asks for the time by a system call, and at
 * restores if it has; a while later it is too old, and the guest asks again. Only where the counter
 * is as good as the host's own clock: the kernel uses it itself, and the guest reads it unchanged.
 *
 * Threads: as its sandbox; what is learned about the host (struct clock_start) is immutable.
 */
#ifndef GUEST_ABI_MOTE_CLOCK_H
#define GUEST_ABI_MOTE_CLOCK_H

#include "abi/mote_abi.h"
#include "base/error.h"
#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

struct guest_memory;

/* One moment on both. NS: CLOCK_REALTIME and CLOCK_MONOTONIC, as in struct mote_clock. */
struct clock_sample {
	uint64_t tsc;
	uint64_t ns[2];
};

/* What a runtime knows from its beginning on. */
struct clock_start {
	bool is_usable; /* the counter, for clocks */
	struct clock_sample sample;
};

struct guest_clock {
	bool is_wanted;               /* the guest has a vDSO, and may read the counter */
	bool is_used;                 /* it has asked */
	struct clock_sample old, new; /* how fast the counter is follows from these */
	struct mote_clock shown;      /* what the guest has */
};

/* Looks whether the host's counter is good for clocks, and what it shows. Errors: MOTE_E_OS. */
mote_status clock_learn(struct clock_start *start, const struct host *host, mote_error *err);

/* A guest's clock, of which it sees nothing yet. */
void clock_init(struct guest_clock *clock, const struct clock_start *start, bool is_wanted);

/*
 * Shows the guest with MEMORY what time it is, and stores that: CLOCK_REALTIME, CLOCK_MONOTONIC, in
 * nanoseconds. Neither is before what the guest can have read already. False: the guest has no such
 * clock, or it is too early to tell how fast the counter is; nothing is stored.
 */
bool clock_show(struct guest_clock *clock, const struct host *host, struct guest_memory *memory,
		uint64_t ns[2]);

/* MEMORY is about to be kept, or was brought from elsewhere: what it shows is not to be believed. */
void clock_hide(struct guest_clock *clock, struct guest_memory *memory);

#endif
