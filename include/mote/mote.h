/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/mote.h - run untrusted functions in micro virtual machines.
 *
 * Life of a program:
 *
 *     mote_runtime   one per process or per subsystem; picks the hypervisor
 *       mote_image     a guest ELF, parsed and checked once, shared by sandboxes
 *         mote_sandbox   one virtual machine; state persists between calls
 *           mote_call      a typed call into it
 *           mote_buffer    room for its arguments that the guest reads in place
 *           mote_interrupt what stops a call from elsewhere
 *           mote_snapshot  its state, to go back to after each call
 *             mote_pool      sandboxes that begin there, kept ready
 *
 * Errors: a function that can fail returns mote_status and takes, last, a
 * mote_error that it fills on failure. Pass NULL when the code is enough.
 *
 * Ownership: what a mote_*_new or mote_*_load function hands out is freed with the
 * matching mote_*_unref or mote_*_free; every free function accepts NULL. Pointers
 * inside a mote_value that the library fills in belong to the sandbox and stay
 * valid until the next call on that sandbox.
 *
 * Threads: each header names the rule of its type. A const parameter means that
 * the call may run beside other calls that take the same object as const.
 */
#ifndef MOTE_MOTE_H
#define MOTE_MOTE_H

#include <mote/buffer.h>
#include <mote/call.h>
#include <mote/crash.h>
#include <mote/files.h>
#include <mote/host_check.h>
#include <mote/image.h>
#include <mote/interrupt.h>
#include <mote/limits.h>
#include <mote/pool.h>
#include <mote/receipt.h>
#include <mote/runtime.h>
#include <mote/sandbox.h>
#include <mote/snapshot.h>
#include <mote/status.h>
#include <mote/value.h>

#endif /* MOTE_MOTE_H */
