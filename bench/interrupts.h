/* SPDX-License-Identifier: Apache-2.0 */
/*
 * interrupts.h - subjects about calls that can be stopped, for struct bench. STATE of each is a
 * struct measured_backend, whose ERR they fill when they fail.
 */
#ifndef BENCH_INTERRUPTS_H
#define BENCH_INTERRUPTS_H

#include "bench/subjects.h"

/* `call`, with a time limit that it keeps; and while somebody could stop it. */
uint64_t call_with_timeout(void *state, unsigned n);
uint64_t call_with_interrupt(void *state, unsigned n);

/* From mote_interrupt_kill() in one thread until mote_call(), of a guest that does nothing for
 * ever, has returned in another. */
uint64_t interrupt_latency(void *state, unsigned n);

#endif
