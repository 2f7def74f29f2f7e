/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a snapshot, by the addresses that its guest has it at: those stay what they are from
 * snapshot to snapshot, while physical ones do not. A page that is at two addresses is there twice.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/zero_page.h"

#include <string.h>

typedef void (*visit_fn)(void *user, uint64_t address, const void *bytes);

/* What the tables map to scratch is none of the snapshot's: it begins as zero. */
static void visit_range(const struct hyperlight_bytes *bytes, const struct vmem_range *range,
			visit_fn visit, void *user)
{
	for (uint64_t at = 0; at < range->size; at += VMEM_PAGE_SIZE) {
		const uint64_t offset = range->pa + at - HYPERLIGHT_BASE;

		if (offset < bytes->data_size && !zero_page_is(bytes->data + offset))
			visit(user, range->va + at, bytes->data + offset);
	}
}

mote_status hyperlight_snapshot_pages(const struct guest_snapshot *base, visit_fn visit, void *user,
				      mote_error *err)
{
	const struct hyperlight_snapshot *snapshot = (const struct hyperlight_snapshot *)base;
	const struct hyperlight_layout *layout = &snapshot->layout;
	const uint8_t *data = shared_mem_contents(snapshot->blob);
	/* Of scratch there are the tables that it will begin with; nobody writes to them here. */
	struct hyperlight_bytes bytes = {
		.scratch = (uint8_t *)(uintptr_t)data + layout->data_size,
		.scratch_gpa = hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout),
		.scratch_size = layout->tables_size,
		.data = data,
		.data_size = layout->data_size,
	};
	const uint64_t tables = (layout->data_size + layout->sizes.scratch) / VMEM_PAGE_SIZE;
	uint64_t left = tables * VMEM_PAGE_SIZE / sizeof(uint64_t); /* pages, if all are small */
	struct vmem_walk walk;
	struct vmem_range range;
	enum vmem_status status;

	hyperlight_walk_begin(&walk, &bytes, bytes.scratch_gpa, 0, tables);
	while ((status = hyperlight_walk_next(&walk, &bytes, &range)) == VMEM_OK &&
	       range.size / VMEM_PAGE_SIZE <= left) {
		left -= range.size / VMEM_PAGE_SIZE;
		visit_range(&bytes, &range, visit, user);
	}
	if (status != VMEM_END)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the guest's page tables lead to more than its memory");
	return MOTE_OK;
}
