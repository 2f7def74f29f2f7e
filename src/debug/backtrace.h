/* SPDX-License-Identifier: Apache-2.0 */
/*
 * backtrace.h - back-traces of guests, with names and lines.
 *
 * Joins frames (frames.h), symbols (functions.h) and, if there is a struct libdw, debug information
 * (libdw.h). Texts of the guest's making are escaped here. Nothing is kept from one to the next.
 *
 * Threads: as the sandbox.
 */
#ifndef DEBUG_BACKTRACE_H
#define DEBUG_BACKTRACE_H

#include "debug/libdw.h"
#include "hv/hv.h"

#include <mote/crash.h>

/* Bytes that a name of a function or file has at most, escaped, with its NUL; longer ones are cut. */
#define BACKTRACE_NAME_SIZE 256

/* Room for what backtrace_describe() writes: names are cut so that all of it fits into a message. */
#define BACKTRACE_TEXT_SIZE 320

/* A guest that stands still. All of it is the caller's. */
struct stopped_guest {
	struct guest *guest;
	const struct elf *elf;
	const struct libdw *libdw; /* NULL: debug information is not to be read */
	struct frames_start start; /* where it stopped */
};

/* Calls VISIT for each frame, see mote_sandbox_backtrace(). */
void backtrace_visit(const struct stopped_guest *guest,
		     void (*visit)(void *user, const mote_frame_info *frame), void *user);

/* Writes where GUEST stands to TEXT, which has BACKTRACE_TEXT_SIZE bytes: "in crash at main.c:7",
 * "in crash+0x13", "at instruction 0x0, called by crash+0x13", or, without a name for it, "at
 * instruction 0x401234". */
void backtrace_describe(const struct stopped_guest *guest, char *text);

#endif
