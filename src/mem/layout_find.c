/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Questions about a layout: which region is this, which one maps that address, what is
 * told to those who ask from outside.
 */
#include "mem/layout.h"

const struct region *layout_get(const struct layout *layout, enum region_kind kind)
{
	uint8_t index = layout->first[kind];

	return index == LAYOUT_NONE ? NULL : &layout->regions[index];
}

const struct region *layout_mapped(const struct layout *layout, size_t index)
{
	return index < layout->nmapped ? &layout->regions[layout->by_va[index]] : NULL;
}

const struct region *layout_find(const struct layout *layout, uint64_t address, size_t *cache)
{
	return region_find(layout->regions, layout->by_va, layout->nmapped, address, cache);
}

uint64_t layout_guard(enum region_kind kind)
{
	bool is_guarded = kind == REGION_STACK || kind == REGION_INPUT || kind == REGION_OUTPUT ||
			  kind == REGION_INIT_DATA || kind == REGION_ARGUMENTS ||
			  kind == REGION_RESULTS;

	return is_guarded ? LAYOUT_GUARD_SIZE : 0;
}

/* Of the public API. */
static const char *slot_name(const struct layout *layout, const struct region *region)
{
	if (region->kind == REGION_DOORBELL)
		return NULL;
	return region->gpa < layout->ram.gpa ? "firmware" : "RAM";
}

void layout_visit(const struct layout *layout,
		  void (*visit)(void *user, const mote_region_info *region), void *user)
{
	for (size_t i = 0; i < layout->nregions; i++) {
		const struct region *region = &layout->regions[i];
		unsigned rights = region->is_user ? region->flags : 0;

		visit(user, &(mote_region_info){
				    .name = region_kind_name(region->kind),
				    .address = region->is_user ? region->va : 0,
				    .physical = region->gpa,
				    .size = region->size,
				    .readable = rights & REGION_READ,
				    .writable = rights & REGION_WRITE,
				    .executable = rights & REGION_EXECUTE,
				    .slot = slot_name(layout, region),
			    });
	}
}
