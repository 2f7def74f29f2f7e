/* SPDX-License-Identifier: Apache-2.0 */
/*
 * crash.h - what the command line shows of a guest that crashed, besides the message: who called
 * whom, and a core file for debuggers.
 *
 * A sandbox may be gone when the failure is reported, so that all is collected when it happens.
 */
#ifndef CLI_CRASH_H
#define CLI_CRASH_H

#include <mote/crash.h>

#include <stdbool.h>

struct json_object;

struct crash {
	const char *guest;     /* the file, for the hint how to look at the core file; NULL: none */
	const char *core_path; /* NULL: no core file is wanted */
	mote_frame_info *frames; /* with texts of their own */
	size_t nframes;
	bool has_core;
	mote_error core_error; /* its code is MOTE_OK, or says why there is no core file */
};

/* A mote_crash_fn; USER is the struct crash. */
void crash_collect(void *user, mote_sandbox *sb, mote_status status);

/* Prints what was collected to stderr, in lines; nothing if no guest has crashed. */
void crash_print(const struct crash *crash);

/* Adds what was collected to ERROR. */
void crash_add_json(const struct crash *crash, struct json_object *error);

void crash_fini(struct crash *crash);

#endif
