/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.h - filling in a mote_error.
 *
 * A function that fails says so once, with one sentence: lower case, no full
 * stop, naming the thing, the numbers and the way out. It then returns the code
 * that these functions return, so that a failure is one statement:
 *
 *     return error_set(err, MOTE_E_INVALID, "stack_size is %" PRIu64 "; ...", n);
 *
 * ERR may be NULL everywhere. Nothing here allocates or fails.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <mote/status.h>

#include <stddef.h>

/* Fills ERR with CODE and a formatted message, cut to fit; returns CODE. */
mote_status error_set(mote_error *err, mote_status code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for a failed system call: code MOTE_E_OS, or MOTE_E_NOMEM for ENOMEM and its like;
 * appends
 * ": " and the text of OS_ERROR (errno, or GetLastError()) to the message. */
mote_status error_os(mote_error *err, int os_error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The error for an allocation of SIZE bytes for WHAT that failed. */
mote_status error_nomem(mote_error *err, const char *what, size_t size);

/* Puts a formatted text in front of the message that ERR holds already. */
void error_prefix(mote_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
