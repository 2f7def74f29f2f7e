/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about a layout: which region is this, which one maps that address, what is
 * it called.
 */
#include "mem/layout.h"

const struct layout_region *layout_get(const struct layout *layout, enum layout_kind kind)
{
	uint8_t index = layout->first[kind];

	return index == LAYOUT_NONE ? NULL : &layout->regions[index];
}

const struct layout_region *layout_mapped(const struct layout *layout, size_t index)
{
	return index < layout->nmapped ? &layout->regions[layout->by_va[index]] : NULL;
}

static bool maps(const struct layout_region *region, uint64_t address)
{
	return region && address >= region->va && address - region->va < region->size;
}

const struct layout_region *layout_find(const struct layout *layout, uint64_t address,
					size_t *cache)
{
	/* Accesses come in runs: the same region, or the next of a range that spans two. */
	for (size_t i = 0; i < 2; i++) {
		const struct layout_region *region = layout_mapped(layout, *cache);
		if (maps(region, address))
			return region;
		if (i == 0 && *cache < layout->nmapped)
			++*cache;
	}

	size_t low = 0;
	size_t high = layout->nmapped;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct layout_region *region = layout_mapped(layout, middle);

		*cache = middle;
		if (maps(region, address))
			return region;
		if (region->va > address)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

uint64_t layout_guard(enum layout_kind kind)
{
	bool is_guarded = kind == LAYOUT_STACK || kind == LAYOUT_INPUT || kind == LAYOUT_OUTPUT;

	return is_guarded ? LAYOUT_GUARD_SIZE : 0;
}

void layout_visit(const struct layout *layout,
		  void (*visit)(void *user, const mote_region_info *region), void *user)
{
	for (size_t i = 0; i < layout->nregions; i++) {
		const struct layout_region *region = &layout->regions[i];
		unsigned rights = region->is_user ? region->rights : 0;

		visit(user, &(mote_region_info){
				    .name = layout_kind_name(region->kind),
				    .address = region->is_user ? region->va : 0,
				    .physical = region->gpa,
				    .size = region->size,
				    .readable = rights & LAYOUT_READ,
				    .writable = rights & LAYOUT_WRITE,
				    .executable = rights & LAYOUT_EXECUTE,
			    });
	}
}

const char *layout_kind_name(enum layout_kind kind)
{
	static const char *const names[LAYOUT_KINDS] = {
		[LAYOUT_DOORBELL] = "doorbell",
		[LAYOUT_SUPERVISOR] = "supervisor block",
		[LAYOUT_HYPERCALL] = "hypercall page",
		[LAYOUT_PAGE_TABLES] = "page tables",
		[LAYOUT_SPARE_PAGE_TABLES] = "spare page tables",
		[LAYOUT_EXCEPTION_STACK] = "exception stack",
		[LAYOUT_START_BLOCK] = "start block",
		[LAYOUT_MAPPING_TABLE] = "mapping table",
		[LAYOUT_CODE] = "code",
		[LAYOUT_READ_ONLY_DATA] = "read-only data",
		[LAYOUT_DATA] = "data",
		[LAYOUT_STACK] = "stack",
		[LAYOUT_INPUT] = "input buffer",
		[LAYOUT_OUTPUT] = "output buffer",
		[LAYOUT_HEAP] = "heap",
	};

	return kind < LAYOUT_KINDS ? names[kind] : "?";
}
