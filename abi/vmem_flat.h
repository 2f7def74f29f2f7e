/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_flat.h - table memory that is one plain buffer: a window of guest physical
 * memory, with the pages for new tables taken from it one after the other.
 *
 * The host builds a guest's first tables in one, and reads tables that lie in one
 * region. The buffer stays the caller's and must be aligned to 8 bytes. Tables never
 * move.
 */
#ifndef ABI_VMEM_FLAT_H
#define ABI_VMEM_FLAT_H

#include "abi/vmem.h"

#include <string.h>

struct vmem_flat {
	void *memory;
	uint64_t base; /* the physical address of MEMORY */
	uint64_t size;
	uint64_t used; /* bytes of MEMORY that are in use; a new table comes from behind them */
};

VMEM_INLINE void *vmem_flat_table(void *memory, uint64_t pa)
{
	const struct vmem_flat *flat = memory;
	uint64_t offset = pa - flat->base; /* below BASE it wraps, past any size */

	if (flat->size < VMEM_PAGE_SIZE || offset > flat->size - VMEM_PAGE_SIZE)
		return NULL;
	return (char *)flat->memory + offset;
}

VMEM_INLINE uint64_t vmem_flat_alloc(void *memory)
{
	struct vmem_flat *flat = memory;

	if (flat->used > flat->size || flat->size - flat->used < VMEM_PAGE_SIZE)
		return VMEM_NO_TABLE;
	memset((char *)flat->memory + flat->used, 0, VMEM_PAGE_SIZE);
	flat->used += VMEM_PAGE_SIZE;
	return flat->base + flat->used - VMEM_PAGE_SIZE;
}

/* For vmem functions whose MEMORY is a struct vmem_flat. A root is vmem_flat_alloc()'s first. */
static const struct vmem_ops vmem_flat_ops = {
	.table = vmem_flat_table,
	.alloc = vmem_flat_alloc,
};

#endif
