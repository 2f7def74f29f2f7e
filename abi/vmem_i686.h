/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_i686.h - the entries of 32-bit x86 page tables without PAE: two levels, pages
 * of 4 KiB and 4 MiB, addresses of 32 bits on both sides.
 *
 * There is no bit against execution. Table entries always allow user mode, as
 * hyperlight's 32-bit guests have them; leaves decide. Large pages need CR4.PSE;
 * their addresses above 4 GiB (PSE-36) count as reserved bits.
 */
#ifndef ABI_VMEM_I686_H
#define ABI_VMEM_I686_H

#include "abi/vmem.h"

enum {
	VMEM_I686_PRESENT = 1 << 0,
	VMEM_I686_WRITE = 1 << 1,
	VMEM_I686_USER = 1 << 2,
	VMEM_I686_ACCESSED = 1 << 5,
	VMEM_I686_DIRTY = 1 << 6,
	VMEM_I686_LARGE = 1 << 7,
	VMEM_I686_COW = 1 << 9, /* of the three bits that are the software's */
	VMEM_I686_SOFTWARE = 7 << 9,
	VMEM_I686_LARGE_RESERVED = 0x1ff << 13,
};

#define VMEM_I686_ADDRESS       UINT64_C(0xfffff000)
#define VMEM_I686_LARGE_ADDRESS UINT64_C(0xffc00000)

VMEM_INLINE uint64_t vmem_i686_table_entry(uint64_t pa, uint32_t flags)
{
	(void)flags;
	return pa | VMEM_I686_PRESENT | VMEM_I686_WRITE | VMEM_I686_USER | VMEM_I686_ACCESSED;
}

VMEM_INLINE uint64_t vmem_i686_leaf_entry(unsigned level, uint64_t pa, uint32_t flags,
					  enum vmem_kind kind)
{
	uint64_t raw = pa | VMEM_I686_PRESENT | VMEM_I686_ACCESSED | VMEM_I686_DIRTY;

	if (kind == VMEM_UNMAPPED)
		return 0;
	if (level > 0)
		raw |= VMEM_I686_LARGE;
	if (kind == VMEM_COW)
		raw |= VMEM_I686_COW;
	else if (flags & VMEM_WRITE)
		raw |= VMEM_I686_WRITE;
	if (flags & VMEM_USER)
		raw |= VMEM_I686_USER;
	return raw;
}

VMEM_INLINE struct vmem_entry vmem_i686_decode(unsigned level, uint64_t raw)
{
	struct vmem_entry entry = { .what = VMEM_ABSENT };
	bool large = level > 0 && (raw & VMEM_I686_LARGE);

	if (!(raw & VMEM_I686_PRESENT))
		return entry;
	entry.pa = raw & (large ? VMEM_I686_LARGE_ADDRESS : VMEM_I686_ADDRESS);
	entry.flags = VMEM_EXEC | VMEM_KERNEL_EXEC;
	if (raw & VMEM_I686_WRITE)
		entry.flags |= VMEM_WRITE;
	if (raw & VMEM_I686_USER)
		entry.flags |= VMEM_USER;
	if (level > 0 && !large) {
		entry.what = VMEM_TABLE;
		return entry;
	}

	entry.what = large && (raw & VMEM_I686_LARGE_RESERVED) ? VMEM_MALFORMED : VMEM_LEAF;
	entry.kind = VMEM_BASIC;
	if ((raw & VMEM_I686_SOFTWARE) == VMEM_I686_COW) {
		entry.kind = VMEM_COW;
		entry.flags &= ~(uint32_t)VMEM_WRITE;
	}
	return entry;
}

static const struct vmem_format vmem_i686 = {
	.name = "i686",
	.levels = 2,
	.index_bits = 10,
	.entry_size = 4,
	.largest_leaf = 1,
	.address_mask = VMEM_I686_ADDRESS,
	.physical_size = UINT64_C(1) << 32,
	.low_half_size = UINT64_C(1) << 32,
	.high_half = VMEM_NO_HIGH_HALF,
	.table_entry = vmem_i686_table_entry,
	.leaf_entry = vmem_i686_leaf_entry,
	.decode = vmem_i686_decode,
};

#endif
