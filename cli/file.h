/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file.h - whole files, as arguments and as what guests are given.
 */
#ifndef CLI_FILE_H
#define CLI_FILE_H

#include <mote/status.h>

#include <stddef.h>

/* Reads all of PATH, which may be a pipe, into memory that the caller frees. Errors:
 * MOTE_E_OS, also for a file of more than MAX bytes; *BYTES is NULL then. */
mote_status file_read(const char *path, size_t max, char **bytes, size_t *size, mote_error *err);

/* The same for a PATH that is "-" when standard input is meant. */
mote_status file_read_input(const char *path, size_t max, char **bytes, size_t *size,
			    mote_error *err);

#endif
