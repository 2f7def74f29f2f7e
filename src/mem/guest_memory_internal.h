/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_memory_internal.h - what the two halves of guest_memory share: building and access.
 */
#ifndef MEM_GUEST_MEMORY_INTERNAL_H
#define MEM_GUEST_MEMORY_INTERNAL_H

#include "mem/guest_memory.h"

struct guest_memory {
	const struct host *host;
	struct shared_mem *ram; /* layout.ram, its first byte at layout.ram.gpa */
	struct layout layout;
	uint64_t root;
	size_t last_found; /* layout_find()'s cache */
	uint8_t stack_guard[16];
};

#endif
