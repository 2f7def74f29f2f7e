/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is in a snapshot, by the addresses that its guest has it at: those stay what they are from
 * snapshot to snapshot, while physical ones do not. A page that is at two addresses is there twice.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/zero_page.h"

#include <inttypes.h>
#include <string.h>

#define RANGES_MAX 1024

/* Looks at a range that is mapped; false: it has seen enough. */
typedef bool (*look_fn)(void *user, const struct vmem_range *range);

/* Calls LOOK for each range that the snapshot's tables map, by address. False: there is more,
 * because LOOK wanted no more, or because they lead to more than the guest's memory. */
static bool walk_ranges(const struct hyperlight_snapshot *snapshot, look_fn look, void *user)
{
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
	       range.size / VMEM_PAGE_SIZE <= left && look(user, &range))
		left -= range.size / VMEM_PAGE_SIZE;
	return status == VMEM_END;
}

/* Whom to tell of what, and of how many ranges at most. */
struct visit {
	const struct hyperlight_snapshot *snapshot;
	void (*page)(void *user, uint64_t address, const void *bytes);
	guest_visit_region region;
	void *user;
	unsigned left;
};

/* What the tables map to scratch is none of the snapshot's: it begins as zero. */
static bool visit_pages(void *user, const struct vmem_range *range)
{
	const struct visit *visit = user;
	const uint8_t *data = shared_mem_contents(visit->snapshot->blob);

	for (uint64_t at = 0; at < range->size; at += VMEM_PAGE_SIZE) {
		const uint64_t offset = range->pa + at - HYPERLIGHT_BASE;

		if (offset < visit->snapshot->layout.data_size && !zero_page_is(data + offset))
			visit->page(visit->user, range->va + at, data + offset);
	}
	return true;
}

mote_status hyperlight_snapshot_pages(const struct guest_snapshot *base,
				      void (*visit)(void *user, uint64_t address,
						    const void *bytes),
				      void *user, mote_error *err)
{
	const struct hyperlight_snapshot *snapshot = (const struct hyperlight_snapshot *)base;
	struct visit all = { .snapshot = snapshot, .page = visit, .user = user };

	if (!walk_ranges(snapshot, visit_pages, &all))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the guest's page tables lead to more than its memory");
	return MOTE_OK;
}

static bool visit_regions(void *user, const struct vmem_range *range)
{
	struct visit *visit = user;

	if (visit->left == 0)
		return false;
	visit->left--;
	hyperlight_visit_range(&visit->snapshot->layout, range, visit->region, visit->user);
	return true;
}

void hyperlight_snapshot_describe(const struct guest_snapshot *base, guest_visit_region visit,
				  void *user)
{
	const struct hyperlight_snapshot *snapshot = (const struct hyperlight_snapshot *)base;
	struct visit all = {
		.snapshot = snapshot, .region = visit, .user = user, .left = RANGES_MAX
	};

	if (!walk_ranges(snapshot, visit_regions, &all))
		host_log(snapshot->host, MOTE_LOG_WARN,
			 "not all regions of a snapshot are listed: its guest has mapped more than "
			 "%d pieces of memory, or its memory many times",
			 RANGES_MAX);
}
