/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.h - what events.c asks of crash.c when a guest faults.
 */
#ifndef SANDBOX_CRASH_H
#define SANDBOX_CRASH_H

#include "debug/backtrace.h"
#include "sandbox/sandbox.h"

/* Writes where SB's guest stands, PC, to TEXT; see backtrace_describe(). */
void crash_describe(mote_sandbox *sb, uint64_t pc, char text[BACKTRACE_TEXT_SIZE]);

#endif
