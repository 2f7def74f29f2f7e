/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directories.h - which files of the host's a guest sees: lists of mote_directory from options.
 * What is in one is checked by the ABI whose guest gets it. Pure functions; any thread.
 */
#ifndef GUEST_ABI_DIRECTORIES_H
#define GUEST_ABI_DIRECTORIES_H

#include "base/host.h"

#include <mote/files.h>

struct files_plan {
	const mote_directory *directories;
	size_t ndirectories;
	uint64_t max_open_files; /* 0: the default */
};

/* Whether there can be COUNT directories at GIVEN. Errors: MOTE_E_INVALID (too many, or NULL). */
mote_status directories_check(const mote_directory *given, size_t count, mote_error *err);

/* A copy of COUNT directories and their strings, in one block, of which *SIZE bytes are to be freed
 * with host_free(); *OUT is NULL if there are none. Errors: MOTE_E_INVALID (too many, or NULL),
 * MOTE_E_NOMEM. */
mote_status directories_copy(mote_directory **out, size_t *size, const struct host *host,
			     const mote_directory *given, size_t count, mote_error *err);

#endif
