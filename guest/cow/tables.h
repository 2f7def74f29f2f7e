/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tables.h - how vmem reaches the page tables of the guest that it runs in: those in
 * scratch as they are, those of the snapshot for reading alone. They move to scratch
 * when they are to be written.
 *
 * Inline, and MEMORY of no use, so that the compiler folds vmem with this into the code
 * of one guest. Running out of pages ends the guest.
 */
#ifndef GUEST_COW_TABLES_H
#define GUEST_COW_TABLES_H

#include "abi/scratch.h"
#include "guest/cow/scratch.h"

/* Where the snapshot's table at PA can be read, or NULL if none can be there. */
static inline void *tables_of_snapshot(uint64_t pa)
{
	uint64_t first = *(const volatile uint64_t *)(SCRATCH_END_GVA - SCRATCH_TABLES);
	uint64_t offset = pa - first; /* below the first it wraps */

	return offset < SNAPSHOT_TABLES_GVA_SIZE ? (void *)(SNAPSHOT_TABLES_GVA + offset) : NULL;
}

static inline void *tables_at(void *memory, uint64_t pa)
{
	(void)memory;
	return scratch_has(pa) ? scratch_at(pa) : tables_of_snapshot(pa);
}

static inline uint64_t tables_alloc(void *memory)
{
	uint64_t pa = scratch_take_page();

	(void)memory;
	scratch_clear_page(scratch_at(pa));
	return pa;
}

static inline uint64_t tables_move(void *memory, uint64_t pa)
{
	uint64_t copy;

	(void)memory;
	if (scratch_has(pa))
		return pa;
	copy = scratch_take_page();
	scratch_copy_page(scratch_at(copy), tables_of_snapshot(pa));
	return copy;
}

/* For vmem functions in a guest; their MEMORY is NULL. */
static const struct vmem_ops tables_ops = {
	.table = tables_at,
	.alloc = tables_alloc,
	.move = tables_move,
};

#endif
