/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names for what is where in a guest's memory, for people. Rights are those that the guest's code
 * finds: what is copied when it is written to can be written to.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/region.h"

/* What is at the virtual ADDRESS, and goes on there for SIZE bytes, unless the guest has put
 * something else there. */
static const char *find_name(const struct hyperlight_layout *layout, uint64_t address,
			     uint64_t *size)
{
	static const char guests[] = "mapped by the guest";
	static const char *const names[] = {
		guests,         "image",           "process environment block",
		"heap",         "init data",       guests,
		"descriptors",  "stack",           guests,
		"input buffer", "output buffer",   "page tables",
		"scratch",      "exception stack", guests,
	};
	const uint64_t init_size = (layout->sizes.init_data + VMEM_PAGE_SIZE - 1) & -VMEM_PAGE_SIZE;
	const uint64_t scratch = hyperlight_scratch_gva(layout);
	const uint64_t tables = scratch + hyperlight_tables_offset(layout);
	const uint64_t starts[] = {
		0,
		HYPERLIGHT_BASE,
		layout->peb,
		layout->heap,
		layout->init_data,
		layout->init_data + init_size,
		HYPERLIGHT_DESCRIPTORS_GVA,
		HYPERLIGHT_STACK_LIMIT_GVA,
		HYPERLIGHT_STACK_TOP_GVA,
		scratch,
		scratch + layout->sizes.input,
		tables,
		tables + layout->tables_size,
		SCRATCH_END_GVA - SCRATCH_KEPT,
		SCRATCH_END_GVA,
		0, /* 2^64 */
	};
	size_t i = sizeof names / sizeof names[0];

	_Static_assert(sizeof starts / sizeof starts[0] == sizeof names / sizeof names[0] + 1,
		       "a name for each place, which ends where the next one begins");
	while (starts[--i] > address)
		;
	*size = starts[i + 1] - address;
	return names[i];
}

unsigned hyperlight_rights(const struct vmem_range *range)
{
	const bool is_writable = range->kind == VMEM_COW || range->flags & VMEM_WRITE;

	return REGION_READ | (is_writable ? REGION_WRITE : 0) |
	       (range->flags & VMEM_EXEC ? REGION_EXECUTE : 0);
}

/* What lies at the beginning of RANGE. What is below scratch has its name by its virtual address,
 * since the physical one changes with each snapshot; what is in scratch, wherever that is mapped,
 * by the place that it has there. No slot: it is no memory. */
static mote_region_info look_at(const struct hyperlight_layout *layout,
				const struct vmem_range *range)
{
	const unsigned rights = hyperlight_rights(range);
	const uint64_t offset = range->pa - HYPERLIGHT_BASE;
	const uint64_t inside = range->pa - hyperlight_scratch_gpa(layout);
	mote_region_info info = {
		.address = range->va,
		.physical = range->pa,
		.size = VMEM_PAGE_SIZE,
		.readable = true,
		.writable = rights & REGION_WRITE,
		.executable = rights & REGION_EXECUTE,
	};
	uint64_t address = range->va, size;

	if (offset < layout->data_size) {
		info.slot = "snapshot";
		info.size = layout->data_size - offset;
	} else if (inside < layout->sizes.scratch) {
		info.slot = "scratch";
		info.size = layout->sizes.scratch - inside;
		address = hyperlight_scratch_gva(layout) + inside;
	}
	info.name = find_name(layout, address, &size);
	if (info.size > size)
		info.size = size;
	if (info.size > range->size)
		info.size = range->size;
	return info;
}

void hyperlight_visit_range(const struct hyperlight_layout *layout, const struct vmem_range *range,
			    guest_visit_region visit, void *user)
{
	struct vmem_range left = *range;

	while (left.size > 0) {
		const mote_region_info info = look_at(layout, &left);

		if (info.slot)
			visit(user, &info);
		left.va += info.size;
		left.pa += info.size;
		left.size -= info.size;
	}
}
