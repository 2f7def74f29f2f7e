/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_aarch64.h - stage 1 descriptors of 64-bit Arm: 4 KiB granule, four levels,
 * 48-bit addresses, blocks of 2 MiB and 1 GiB. (Arm counts its levels from the root;
 * here 0 is the page level as everywhere in vmem.)
 *
 * TTBR0 and TTBR1 hold a root each, for the low and the high half. Memory type 0 of
 * MAIR_EL1 must be normal memory, which is mapped inner shareable. Hardware management
 * of the dirty state is not used: bit 51 stays clear.
 */
#ifndef ABI_VMEM_AARCH64_H
#define ABI_VMEM_AARCH64_H

#include "abi/vmem.h"

enum {
	VMEM_AARCH64_VALID = 1 << 0,
	VMEM_AARCH64_TABLE = 1 << 1, /* above the page level; a page has it, a block has not */
	VMEM_AARCH64_USER = 1 << 6,
	VMEM_AARCH64_READ_ONLY = 1 << 7,
	VMEM_AARCH64_INNER_SHAREABLE = 3 << 8,
	VMEM_AARCH64_ACCESSED = 1 << 10,
};

#define VMEM_AARCH64_ADDRESS        UINT64_C(0x0000fffffffff000)
#define VMEM_AARCH64_ADDRESS_52     (UINT64_C(15) << 48) /* 0 without 52-bit addresses */
#define VMEM_AARCH64_NO_KERNEL_EXEC (UINT64_C(1) << 53)
#define VMEM_AARCH64_NO_USER_EXEC   (UINT64_C(1) << 54)
#define VMEM_AARCH64_COW            (UINT64_C(1) << 55) /* of four bits that are the software's */
#define VMEM_AARCH64_SOFTWARE       (UINT64_C(15) << 55)

/* What a table descriptor takes away from all leaves below it. */
#define VMEM_AARCH64_BELOW_NO_KERNEL_EXEC (UINT64_C(1) << 59)
#define VMEM_AARCH64_BELOW_NO_USER_EXEC   (UINT64_C(1) << 60)
#define VMEM_AARCH64_BELOW_NO_USER        (UINT64_C(1) << 61)
#define VMEM_AARCH64_BELOW_READ_ONLY      (UINT64_C(1) << 62)

VMEM_INLINE uint64_t vmem_aarch64_table_entry(uint64_t pa, uint32_t flags)
{
	(void)flags;
	return pa | VMEM_AARCH64_VALID | VMEM_AARCH64_TABLE;
}

VMEM_INLINE uint64_t vmem_aarch64_leaf_entry(unsigned level, uint64_t pa, uint32_t flags,
					     enum vmem_kind kind)
{
	uint64_t raw = pa | VMEM_AARCH64_VALID | VMEM_AARCH64_INNER_SHAREABLE |
		       VMEM_AARCH64_ACCESSED | VMEM_AARCH64_NO_KERNEL_EXEC |
		       VMEM_AARCH64_NO_USER_EXEC;

	if (kind == VMEM_UNMAPPED)
		return 0;
	if (level == 0)
		raw |= VMEM_AARCH64_TABLE;
	if (kind == VMEM_COW)
		raw |= VMEM_AARCH64_COW;
	if (kind == VMEM_COW || !(flags & VMEM_WRITE))
		raw |= VMEM_AARCH64_READ_ONLY;
	if (flags & VMEM_USER)
		raw |= VMEM_AARCH64_USER;
	if (flags & VMEM_EXEC)
		raw &= ~(flags & VMEM_USER ? VMEM_AARCH64_NO_USER_EXEC
					   : VMEM_AARCH64_NO_KERNEL_EXEC);
	return raw;
}

VMEM_INLINE uint32_t vmem_aarch64_table_rights(uint64_t raw)
{
	return (raw & VMEM_AARCH64_BELOW_READ_ONLY ? 0 : VMEM_WRITE) |
	       (raw & VMEM_AARCH64_BELOW_NO_USER ? 0 : VMEM_USER) |
	       (raw & VMEM_AARCH64_BELOW_NO_USER_EXEC ? 0 : VMEM_EXEC) |
	       (raw & VMEM_AARCH64_BELOW_NO_KERNEL_EXEC ? 0 : VMEM_KERNEL_EXEC);
}

VMEM_INLINE uint32_t vmem_aarch64_leaf_rights(uint64_t raw)
{
	return (raw & VMEM_AARCH64_READ_ONLY ? 0 : VMEM_WRITE) |
	       (raw & VMEM_AARCH64_USER ? VMEM_USER : 0) |
	       (raw & VMEM_AARCH64_NO_USER_EXEC ? 0 : VMEM_EXEC) |
	       (raw & VMEM_AARCH64_NO_KERNEL_EXEC ? 0 : VMEM_KERNEL_EXEC);
}

VMEM_INLINE struct vmem_entry vmem_aarch64_decode(unsigned level, uint64_t raw)
{
	struct vmem_entry entry = { .what = VMEM_ABSENT };
	bool is_table = raw & VMEM_AARCH64_TABLE;
	uint64_t span = UINT64_C(1) << (VMEM_PAGE_SHIFT + 9 * level);

	if (!(raw & VMEM_AARCH64_VALID))
		return entry;
	entry.pa = raw & VMEM_AARCH64_ADDRESS;
	if (is_table && level > 0) {
		entry.what = raw & VMEM_AARCH64_ADDRESS_52 ? VMEM_MALFORMED : VMEM_TABLE;
		entry.flags = vmem_aarch64_table_rights(raw);
		return entry;
	}

	entry.what = VMEM_LEAF;
	/* A block among pages or in the root; an access flag that would fault; a wild address. */
	if (is_table != (level == 0) || level > 2 || !(raw & VMEM_AARCH64_ACCESSED) ||
	    (raw & VMEM_AARCH64_ADDRESS_52) || (entry.pa & (span - 1)))
		entry.what = VMEM_MALFORMED;
	entry.flags = vmem_aarch64_leaf_rights(raw);
	entry.kind = VMEM_BASIC;
	if ((raw & VMEM_AARCH64_SOFTWARE) == VMEM_AARCH64_COW) {
		entry.kind = VMEM_COW;
		entry.flags &= ~(uint32_t)VMEM_WRITE;
	}
	return entry;
}

static const struct vmem_format vmem_aarch64 = {
	.name = "aarch64",
	.levels = 4,
	.index_bits = 9,
	.entry_size = 8,
	.largest_leaf = 2,
	.address_mask = VMEM_AARCH64_ADDRESS,
	.physical_size = UINT64_C(1) << 48,
	.low_half_size = UINT64_C(1) << 48,
	.high_half = VMEM_OWN_ROOT,
	.table_entry = vmem_aarch64_table_entry,
	.leaf_entry = vmem_aarch64_leaf_entry,
	.decode = vmem_aarch64_decode,
};

#endif
