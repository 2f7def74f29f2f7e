/* SPDX-License-Identifier: Apache-2.0 */
/*
 * given.h - a folder of the host that attacks on files are given, and what lies beside it.
 */
#ifndef TESTS_HOSTILE_GIVEN_H
#define TESTS_HOSTILE_GIVEN_H

#include <stdbool.h>
#include <stdint.h>

struct given {
	char top[40];    /* has "secret", which no guest may see */
	char folder[48]; /* what guests are given */
	uint64_t digest; /* of all that is in TOP */
};

/* Makes the folder, with links that lead out of it, and a pipe. All its regular
 * files begin with "honest". */
bool given_make(struct given *given);

/* Whether names, contents, modes and times in TOP are other than when it was made. */
bool given_changed(const struct given *given);

void given_remove(const struct given *given);

#endif
