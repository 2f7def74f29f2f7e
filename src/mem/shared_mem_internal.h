/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_mem_internal.h - what the two halves of shared_mem share: who may use a block
 * (shared_mem.c), and the copies out of and into it (shared_mem_access.c).
 */
#ifndef MEM_SHARED_MEM_INTERNAL_H
#define MEM_SHARED_MEM_INTERNAL_H

#include "mem/mapping.h"
#include "mem/shared_mem.h"

#include <stdatomic.h>

enum shared_mem_form {
	SHARED_MEM_IS_EXCLUSIVE,
	SHARED_MEM_IS_SHARED,
	SHARED_MEM_IS_READ_ONLY,
};

struct shared_mem {
	const struct host *host;
	struct mapping mapping;
	uint64_t guest_size;
	atomic_int form;
	/* Who is inside: -1 for the one who locked it, otherwise the number of guests that run
	 * and of copies under way. */
	atomic_int gate;
	atomic_uint nrefs;
	shared_mem_note_fn note; /* NULL: nobody wants to know what the host writes */
	void *note_user;
};

/* The form that MEM has now; another thread may change it at any time. */
enum shared_mem_form shared_mem_form(const struct shared_mem *mem);

/* One more inside; false if the block is locked. Then shared_mem_leave(). */
bool shared_mem_enter(struct shared_mem *mem);
void shared_mem_leave(struct shared_mem *mem);

/* The error for ACTION ("read") that the form or the gate of MEM forbids. */
mote_status shared_mem_refuse(const struct shared_mem *mem, const char *action, mote_error *err);

#endif
