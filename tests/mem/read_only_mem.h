/* SPDX-License-Identifier: Apache-2.0 */
/*
 * read_only_mem.h - blocks that begin with what the host says, and that nobody can write to.
 */
#ifndef TESTS_MEM_READ_ONLY_MEM_H
#define TESTS_MEM_READ_ONLY_MEM_H

#include "mem/shared_mem.h"

#include <string.h>

/* Stores a read-only block of SIZE bytes with CONTENTS, of which guests are to see GUEST_SIZE.
 * Errors: those of its parts; OUT is NULL then. */
static inline mote_status read_only_mem_new(struct shared_mem **out, const struct host *host,
					    const void *contents, uint64_t size,
					    uint64_t guest_size, enum shared_mem_backing backing,
					    mote_error *err)
{
	mote_status status = shared_mem_new(out, host, size, backing, err);

	if (status)
		return status;
	memcpy(shared_mem_bytes(*out), contents, size);
	status = shared_mem_make_read_only(*out, guest_size, err);
	if (status) {
		shared_mem_unref(*out);
		*out = NULL;
	}
	return status;
}

#endif
