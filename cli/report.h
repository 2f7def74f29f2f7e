/* SPDX-License-Identifier: Apache-2.0 */
/*
 * report.h - how failures reach people and scripts.
 *
 * Whether the library or a command notices it, a failure is a mote_error until the command
 * ends; then it is reported once: a line on stderr, or with --json an object on stdout.
 */
#ifndef CLI_REPORT_H
#define CLI_REPORT_H

#include "crash.h"

#include <mote/receipt.h>
#include <mote/status.h>

#include <stdbool.h>

/* Fills ERR with CODE and a message; returns CODE. */
mote_status fail(mote_error *err, mote_status code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Reports ERR and returns the exit status for its code, see command.h. */
int report(const mote_error *err, bool wants_json);

/* The same, with what was collected of a crash, if there was one, and of the call that failed;
 * RECEIPT may be NULL. */
int report_crash(const mote_error *err, const struct crash *crash, const mote_receipt *receipt,
		 bool wants_json);

/* The exit status for CODE. */
int report_status(mote_status code);

#endif
