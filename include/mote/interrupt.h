/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/interrupt.h - stopping a call from another thread.
 *
 *     mote_interrupt *stop = mote_interrupt_of(sb);
 *     ... on this thread:    status = mote_call(sb, ...);
 *     ... on another one:    mote_interrupt_kill(stop);
 *     mote_interrupt_unref(stop);
 *
 * Limits in time need none of this: see mote_call_with() in mote/call.h.
 */
#ifndef MOTE_INTERRUPT_H
#define MOTE_INTERRUPT_H

#include <mote/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The handle to stop one sandbox by: any thread, any time, even after the sandbox is freed; to be
 * unref'ed before the runtime is freed. */
typedef struct mote_interrupt mote_interrupt;

/*
 * SB's handle, or NULL if memory is out. By the thread that uses SB. It works for calls that begin
 * later. While anybody has it, calls cost a system call or none more; with the backend "kvm" they
 * fail with MOTE_E_STATE if the signal that stops guests is taken (interrupt_signal in
 * mote/runtime.h).
 */
MOTE_API mote_interrupt *mote_interrupt_of(mote_sandbox *sb);

/*
 * Stops the call that is under way in the sandbox. True: that call, and no other, ends with
 * MOTE_E_CANCELED, even if its guest is just done; the sandbox is poisoned then. False: there was
 * none, or somebody has stopped it already, and nothing has changed: a call that begins later is
 * not stopped. Of several that stop one call exactly one gets true.
 *
 * The guest is stopped wherever it is. A host function is not: the call ends when that returns; it
 * can ask mote_host_should_stop(). Any thread, also a handler of a signal. Does not wait for the
 * end of the call.
 */
MOTE_API bool mote_interrupt_kill(mote_interrupt *interrupt);

/* Gives one handle back. NULL is fine. */
MOTE_API void mote_interrupt_unref(mote_interrupt *interrupt);

/*
 * For host functions and output callbacks, on the thread that they are called on: whether the call
 * that called them is to end, because it was killed or is over a limit, or the call that contains
 * it is: a host function may call into other sandboxes. Elsewhere false.
 */
MOTE_API bool mote_host_should_stop(void);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_INTERRUPT_H */
