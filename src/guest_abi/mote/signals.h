/* SPDX-License-Identifier: Apache-2.0 */
/*
 * signals.h - the signals of a guest: which it handles, and how its handlers are called.
 *
 * A guest gets signals from itself only: for its faults, and those that it sends. What it handles
 * is delivered as Linux does it on x86-64, by a frame on its stack that holds all its registers;
 * the handler returns through rt_sigreturn. What is in a frame when it comes back is the guest's
 * word, of which the machine takes what a processor in ring 3 may have.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_SIGNALS_H
#define GUEST_ABI_MOTE_SIGNALS_H

#include "guest_abi/signal_state.h"
#include "hv/hv.h"

#include <stdbool.h>
#include <stdint.h>

/* A signal that was sent with a siginfo of the sender's, until it is delivered; 0: none. */
struct queued_signal {
	int signal;
	uint8_t info[128];
};

/* Makes TO what FROM is; quick when neither has handlers. */
void signals_copy(struct signals *to, const struct signals *from);

/* Whether a guest can have come to have SIGNALS, which somebody made up. */
bool signals_are_sound(const struct signals *signals);

/* SIGNAL's action is ACTION from now on; false, and nothing has changed: its handler is at no
 * address that a guest can have. */
bool signals_set_action(struct signals *signals, int signal, const struct signal_action *action);

/* Whether the guest would notice that SIGNAL is delivered: by a handler, or its end. */
bool signals_are_felt(const struct signals *signals, int signal);

/* Whether a signal waits that is not blocked, and that the guest would notice. */
bool signals_are_due(const struct signals *signals);

struct personality;

/*
 * EVENT, an exception, happened to the guest of P: whether it goes on in a handler of its own. If
 * not (there is none, the signal is blocked, or the stack has no room for a frame), nothing has
 * changed.
 */
bool signals_fault(struct personality *p, const struct hv_exit *event);

/* When the guest has REGS: delivers what is pending and not blocked, which may end the guest. What
 * comes back after the first handler is p->wait.mask, if it has one. */
void signals_deliver(struct personality *p, const struct hv_regs *regs);

#endif
