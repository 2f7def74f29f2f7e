/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot says of itself: its image, its layout, and the pages that it keeps, for programs
 * that compare or show snapshots.
 */
#include "sandbox/snapshot.h"

const mote_image *mote_snapshot_image(const mote_snapshot *snapshot)
{
	return snapshot->image;
}

void mote_snapshot_layout(const mote_snapshot *snapshot,
			  void (*visit)(void *user, const mote_region_info *region), void *user)
{
	layout_visit(&snapshot->memory->layout, visit, user);
}

typedef void (*visit_fn)(void *user, uint64_t address, const void *bytes);

static mote_status visit_region(const struct memory_snapshot *memory, const struct region *region,
				visit_fn visit, void *user, mote_error *err)
{
	const uint64_t first = (region->gpa - memory->layout.ram.gpa) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;
	struct page_run part;

	for (size_t i = 0; (part = memory_snapshot_part(memory, first, end, i)).count; i++)
		for (uint64_t page = part.first; page < part.first + part.count; page++) {
			const uint8_t *bytes;
			mote_status status = memory_snapshot_page(memory, page, &bytes, err);
			if (status)
				return status;
			visit(user, region->va + (page - first) * MOTE_PAGE_SIZE, bytes);
		}
	return MOTE_OK;
}

mote_status mote_snapshot_pages(const mote_snapshot *snapshot, visit_fn visit, void *user,
				mote_error *err)
{
	const struct memory_snapshot *memory = snapshot->memory;
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && i < memory->layout.nmapped; i++) {
		const struct region *region = layout_mapped(&memory->layout, i);
		if (memory_snapshot_keeps(region->kind))
			status = visit_region(memory, region, visit, user, err);
	}
	return status;
}
