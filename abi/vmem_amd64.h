/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_amd64.h - the entries of x86-64 page tables: four levels, 48-bit addresses,
 * pages of 4 KiB, 2 MiB and 1 GiB.
 *
 * The values are part of the hyperlight guest ABI, whose guests edit these tables
 * themselves: rights are decided by leaves, tables allow everything but user mode,
 * and user mode where a leaf below has it.
 */
#ifndef ABI_VMEM_AMD64_H
#define ABI_VMEM_AMD64_H

#include "abi/vmem.h"

enum {
	VMEM_AMD64_PRESENT = 1 << 0,
	VMEM_AMD64_WRITE = 1 << 1,
	VMEM_AMD64_USER = 1 << 2,
	VMEM_AMD64_ACCESSED = 1 << 5,
	VMEM_AMD64_DIRTY = 1 << 6,
	VMEM_AMD64_LARGE = 1 << 7,
	VMEM_AMD64_COW = 1 << 9, /* of the three bits that are the software's */
	VMEM_AMD64_SOFTWARE = 7 << 9,
	VMEM_AMD64_LARGE_PAT = 1 << 12, /* in a large leaf: no part of the address */
};

#define VMEM_AMD64_ADDRESS    UINT64_C(0x000ffffffffff000)
#define VMEM_AMD64_NO_EXECUTE (UINT64_C(1) << 63)

_Static_assert((VMEM_AMD64_PRESENT | VMEM_AMD64_WRITE | VMEM_AMD64_ACCESSED) == 0x23,
	       "table entries: hyperlight guests and their host compare these bits");
_Static_assert((VMEM_AMD64_PRESENT | VMEM_AMD64_ACCESSED | VMEM_AMD64_DIRTY | VMEM_AMD64_COW) ==
		       0x261,
	       "copy-on-write leaves: the page-fault handler of hyperlight guests looks for these");

VMEM_INLINE uint64_t vmem_amd64_table_entry(uint64_t pa, uint32_t flags)
{
	return pa | VMEM_AMD64_PRESENT | VMEM_AMD64_WRITE | VMEM_AMD64_ACCESSED |
	       (flags & VMEM_USER ? VMEM_AMD64_USER : 0);
}

VMEM_INLINE uint64_t vmem_amd64_leaf_entry(unsigned level, uint64_t pa, uint32_t flags,
					   enum vmem_kind kind)
{
	uint64_t raw = pa | VMEM_AMD64_PRESENT | VMEM_AMD64_ACCESSED | VMEM_AMD64_DIRTY;

	if (kind == VMEM_UNMAPPED)
		return 0;
	if (level > 0)
		raw |= VMEM_AMD64_LARGE;
	if (kind == VMEM_COW)
		raw |= VMEM_AMD64_COW;
	else if (flags & VMEM_WRITE)
		raw |= VMEM_AMD64_WRITE;
	if (flags & VMEM_USER)
		raw |= VMEM_AMD64_USER;
	if (!(flags & VMEM_EXEC))
		raw |= VMEM_AMD64_NO_EXECUTE;
	return raw;
}

/* The address bits of a large leaf that its alignment forces to 0, less the PAT bit. */
VMEM_INLINE uint64_t vmem_amd64_reserved(unsigned level)
{
	uint64_t span = UINT64_C(1) << (VMEM_PAGE_SHIFT + 9 * level);

	return (span - 1) & VMEM_AMD64_ADDRESS & ~(uint64_t)VMEM_AMD64_LARGE_PAT;
}

VMEM_INLINE struct vmem_entry vmem_amd64_decode(unsigned level, uint64_t raw)
{
	struct vmem_entry entry = { .what = VMEM_ABSENT };
	bool large = level > 0 && (raw & VMEM_AMD64_LARGE);

	if (!(raw & VMEM_AMD64_PRESENT))
		return entry;
	entry.pa = raw & VMEM_AMD64_ADDRESS;
	if (raw & VMEM_AMD64_WRITE)
		entry.flags |= VMEM_WRITE;
	if (raw & VMEM_AMD64_USER)
		entry.flags |= VMEM_USER;
	if (!(raw & VMEM_AMD64_NO_EXECUTE))
		entry.flags |= VMEM_EXEC | VMEM_KERNEL_EXEC;
	if (level > 0 && !large) {
		entry.what = VMEM_TABLE;
		return entry;
	}

	entry.what = VMEM_LEAF;
	entry.kind = VMEM_BASIC;
	if (large) {
		if (level > 2 || (raw & vmem_amd64_reserved(level)))
			entry.what = VMEM_MALFORMED;
		entry.pa &= ~(uint64_t)VMEM_AMD64_LARGE_PAT;
	}
	if ((raw & VMEM_AMD64_SOFTWARE) == VMEM_AMD64_COW) {
		entry.kind = VMEM_COW;
		entry.flags &= ~(uint32_t)VMEM_WRITE;
	}
	return entry;
}

static const struct vmem_format vmem_amd64 = {
	.name = "amd64",
	.levels = 4,
	.index_bits = 9,
	.entry_size = 8,
	.largest_leaf = 2,
	.address_mask = VMEM_AMD64_ADDRESS,
	.physical_size = UINT64_C(1) << 52,
	.low_half_size = UINT64_C(1) << 47,
	.high_half = VMEM_SAME_ROOT,
	.table_entry = vmem_amd64_table_entry,
	.leaf_entry = vmem_amd64_leaf_entry,
	.decode = vmem_amd64_decode,
};

#endif
