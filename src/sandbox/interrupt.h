/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupt.h - the inside of a mote_interrupt: one word that says whether there is a call to stop.
 *
 * The sandbox's thread begins and ends calls, all others kill them. A kill takes hold of the call
 * by the word, so that it counts for that call and no other, and the call's end waits until
 * the killer has let go of the machine.
 */
#ifndef SANDBOX_INTERRUPT_H
#define SANDBOX_INTERRUPT_H

#include "hv/hv.h"

#include <mote/interrupt.h>

#include <stdatomic.h>

enum interrupt_state {
	INTERRUPT_IDLE,     /* no call */
	INTERRUPT_RUNNING,  /* a call that can be stopped */
	INTERRUPT_KICKING,  /* somebody stops it, and uses VM */
	INTERRUPT_CANCELED, /* it is to end */
};

struct mote_interrupt {
	const struct host *host; /* the runtime's */
	atomic_uint nrefs;       /* one of them the sandbox's */
	atomic_uint state;
	struct hv_vm *vm; /* valid while there is a call */
};

/* Whether anybody but the sandbox has INTERRUPT, which may be NULL. */
bool interrupt_is_wanted(const struct mote_interrupt *interrupt);

/* A call on VM, which is armed, begins. */
void interrupt_begin(struct mote_interrupt *interrupt, struct hv_vm *vm);

/* Whether the call is to end. */
bool interrupt_is_canceled(const struct mote_interrupt *interrupt);

/* The call is over; whether somebody was told that it is canceled. Nobody uses VM any more. */
bool interrupt_end(struct mote_interrupt *interrupt);

#endif
