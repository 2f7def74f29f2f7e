/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.h - what events.c asks of crash.c when a guest faults.
 */
#ifndef SANDBOX_CRASH_H
#define SANDBOX_CRASH_H

#include "debug/backtrace.h"
#include "sandbox/sandbox.h"

/* Keeps what EVENT, a fault of SB's guest, would have been to Linux, for core files. */
void crash_note(mote_sandbox *sb, const struct hv_exit *event);

/* Writes where SB's guest stands, PC, to TEXT; see backtrace_describe(). */
void crash_describe(mote_sandbox *sb, uint64_t pc, char text[BACKTRACE_TEXT_SIZE]);

#endif
