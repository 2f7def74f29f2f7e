/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signal_state.h - what a guest has said about signals, as far as snapshots keep it.
 *
 * A value, which a file may have been read into: mote/signals.h says what is sound.
 */
#ifndef GUEST_ABI_SIGNAL_STATE_H
#define GUEST_ABI_SIGNAL_STATE_H

#include <stdint.h>

#define SIGNALS_MAX 64

/* The kernel's struct sigaction. A handler may be 0 (the default) or 1 (ignore). */
struct signal_action {
	uint64_t handler, flags, restorer, mask;
};

/* Sets have bit N - 1 for signal N. A value: snapshots keep a copy. */
struct signals {
	uint64_t mask;                   /* blocked */
	uint64_t pending;                /* sent, and blocked until now */
	uint64_t handled;                /* those whose action is not the default */
	uint64_t stack_base, stack_size; /* for handlers that want it; size 0: there is none */
	struct signal_action actions[SIGNALS_MAX]; /* all zero but for those that are HANDLED */
};

#endif
