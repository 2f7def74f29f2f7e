/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host has mapped for the guest is in physical memory, and nowhere else: hosts of this ABI
 * keep no list of it, and no address leads there until the guest makes one.
 */
#include "abi/hyperlight.h"
#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "guest/cow/tables.h"
#include "guest/hyperlight/boot.h"

#include <mote/guest.h>

const struct mote_mapping *mote_mapping_get(size_t index)
{
	(void)index;
	return NULL;
}

const struct mote_mapping *mote_mapping_find(const char *label)
{
	(void)label;
	return NULL;
}

static bool is_mapped(uint64_t root, uint64_t page)
{
	struct vmem_range range;

	return vmem_translate(&vmem_amd64, &tables_ops, NULL, root, page, &range);
}

/* Maps what is not mapped of the pages from FIRST to END. The rest is a copy that a snapshot made
 * of the mapping, or the same pages from an earlier time. */
static bool map_missing(uint64_t first, uint64_t end)
{
	uint64_t root = hyperlight_root();

	while (first < end) {
		uint64_t next = first;

		while (next < end && !is_mapped(root, next))
			next += VMEM_PAGE_SIZE;
		const struct vmem_range range = { first, first, next - first, VMEM_EXEC,
						  VMEM_BASIC };

		if (next > first &&
		    vmem_map(&vmem_amd64, &tables_ops, NULL, &root, &range) != VMEM_OK)
			return false;
		first = next > first ? next : first + VMEM_PAGE_SIZE;
	}
	hyperlight_settle();
	return true;
}

/* At the same virtual address: the host keeps mappings away from the snapshot, which is where the
 * guest's own pages are, and those of scratch are far above. */
const void *mote_mapping_at(uint64_t address, size_t size)
{
	const uint64_t scratch =
		SCRATCH_END_GPA - *(const volatile uint64_t *)(SCRATCH_END_GVA - SCRATCH_SIZE);
	const uint64_t end = (address + size + VMEM_PAGE_SIZE - 1) & -VMEM_PAGE_SIZE;

	if (address < HYPERLIGHT_BASE || address > scratch || size > scratch - address ||
	    !map_missing(address & -VMEM_PAGE_SIZE, end))
		return NULL;
	return (const void *)address;
}
