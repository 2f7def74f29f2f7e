/* SPDX-License-Identifier: Apache-2.0 */
/*
 * limits.h - what a call may use, from the words of --limit: NAME=NUMBER, or NAME=none.
 */
#ifndef CLI_LIMITS_H
#define CLI_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/* As in mote_sandbox_options; 0: the library's default. */
struct limits {
	uint64_t exits, host_calls, output_bytes, log_lines, log_bytes;
};

/* Sets the limit that WORD names. False when there is none of that name, or its number is none,
 * or 0. */
bool limits_set(struct limits *limits, const char *word);

#endif
