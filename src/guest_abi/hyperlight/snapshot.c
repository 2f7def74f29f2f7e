/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the snapshot that a guest starts from: the image as it lies in memory, the PEB, the heap,
 * init data, and page tables that map all this. The tables already say where in scratch they
 * will be, so they are copied there as they are.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_map.h"
#include "mem/region.h"

#include <string.h>

void hyperlight_snapshot_free(struct guest_snapshot *base)
{
	struct hyperlight_snapshot *snapshot = (struct hyperlight_snapshot *)base;

	shared_mem_unref(snapshot->blob);
	host_free(snapshot->host, snapshot, sizeof *snapshot);
}

struct hyperlight_snapshot *hyperlight_snapshot_alloc(const struct host *host, mote_error *err)
{
	struct hyperlight_snapshot *snapshot = host_alloc(host, sizeof *snapshot);

	if (!snapshot) {
		error_nomem(err, "a snapshot", sizeof *snapshot);
		return NULL;
	}
	snapshot->base.abi = &hyperlight_abi;
	atomic_init(&snapshot->base.nrefs, 1);
	snapshot->host = host;
	return snapshot;
}

enum { RANGES_MAX = 5 };

/* What is mapped at first, by address. Returns how many ranges there are. */
static size_t list_ranges(const struct hyperlight_layout *layout, unsigned init_flags,
			  struct vmem_range ranges[RANGES_MAX])
{
	const uint32_t init_exec = init_flags & REGION_EXECUTE ? VMEM_EXEC : 0;
	const enum vmem_kind init_kind = init_flags & REGION_WRITE ? VMEM_COW : VMEM_BASIC;
	const uint64_t end = HYPERLIGHT_BASE + layout->data_size;
	const struct vmem_range all[RANGES_MAX] = {
		{ HYPERLIGHT_BASE, HYPERLIGHT_BASE, layout->peb - HYPERLIGHT_BASE, VMEM_EXEC,
		  VMEM_COW },
		{ layout->peb, layout->peb, layout->heap - layout->peb, 0, VMEM_BASIC },
		{ layout->heap, layout->heap, layout->init_data - layout->heap, 0, VMEM_COW },
		{ layout->init_data, layout->init_data, end - layout->init_data, init_exec,
		  init_kind },
		{ hyperlight_scratch_gva(layout), hyperlight_scratch_gpa(layout),
		  layout->sizes.scratch, VMEM_WRITE, VMEM_BASIC },
	};
	size_t n = 0;

	for (size_t i = 0; i < RANGES_MAX; i++)
		if (all[i].size > 0)
			ranges[n++] = all[i];
	return n;
}

void hyperlight_visit_layout(const struct hyperlight_layout *layout, unsigned init_flags,
			     guest_visit_region visit, void *user)
{
	struct vmem_range ranges[RANGES_MAX];
	const size_t n = list_ranges(layout, init_flags, ranges);

	for (size_t i = 0; i < n; i++)
		hyperlight_visit_range(layout, &ranges[i], visit, user);
}

enum vmem_status hyperlight_map(struct vmem_flat *tables, uint64_t *root,
				const struct vmem_range *range)
{
	return vmem_map(&vmem_amd64, &vmem_flat_ops, tables, root, range);
}

/* RANGES are valid, and there is room for their tables: nothing can fail. */
static void build_tables(const struct hyperlight_layout *layout, uint8_t *to,
			 const struct vmem_range *ranges, size_t n)
{
	struct vmem_flat tables = {
		.memory = to,
		.base = hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout),
		.size = layout->tables_size,
	};
	uint64_t root = vmem_flat_alloc(&tables);

	for (size_t i = 0; i < n; i++)
		hyperlight_map(&tables, &root, &ranges[i]);
}

static void fill(uint8_t *bytes, const struct hyperlight_layout *layout,
		 const struct hyperlight_image *image, const struct hyperlight_start *start)
{
	const struct hyperlight_peb peb = hyperlight_peb(layout);

	hyperlight_image_load(image, bytes);
	memcpy(bytes + (layout->peb - HYPERLIGHT_BASE), &peb, sizeof peb);
	if (layout->sizes.init_data > 0)
		memcpy(bytes + (layout->init_data - HYPERLIGHT_BASE), start->init_data,
		       layout->sizes.init_data);
}

mote_status hyperlight_snapshot_layout(struct hyperlight_layout *layout,
				       const struct hyperlight_image *image,
				       const struct hyperlight_start *start, mote_error *err)
{
	struct vmem_range ranges[RANGES_MAX];
	mote_status status = hyperlight_layout_compute(layout, &start->sizes, image->size, err);

	if (status)
		return status;
	const size_t n = list_ranges(layout, start->init_flags, ranges);
	const uint64_t ntables = vmem_count_tables(&vmem_amd64, ranges, n);
	return hyperlight_layout_set_tables(layout, ntables * VMEM_PAGE_SIZE, err);
}

static mote_status make_blob(struct hyperlight_snapshot *snapshot,
			     const struct hyperlight_image *image,
			     const struct hyperlight_start *start, mote_error *err)
{
	const struct hyperlight_layout *layout = &snapshot->layout;
	struct vmem_range ranges[RANGES_MAX];
	const size_t n = list_ranges(layout, start->init_flags, ranges);
	mote_status status =
		shared_mem_new(&snapshot->blob, snapshot->host,
			       layout->data_size + layout->tables_size, SHARED_MEM_PRIVATE, err);

	if (status)
		return status;
	fill(shared_mem_bytes(snapshot->blob), layout, image, start);
	build_tables(layout, shared_mem_bytes(snapshot->blob) + layout->data_size, ranges, n);
	return shared_mem_make_read_only(snapshot->blob, layout->data_size, err);
}

mote_status hyperlight_snapshot_new(struct hyperlight_snapshot **out, const struct host *host,
				    const struct hyperlight_image *image,
				    const struct hyperlight_start *start, mote_error *err)
{
	*out = NULL;
	struct hyperlight_snapshot *snapshot = hyperlight_snapshot_alloc(host, err);
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->entry = image->entry;
	/* As after a call instruction: 8 bytes below a multiple of 16. */
	snapshot->stack = SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK - 8;

	mote_status status = hyperlight_snapshot_layout(&snapshot->layout, image, start, err);
	if (!status)
		status = make_blob(snapshot, image, start, err);
	if (status) {
		guest_snapshot_unref(&snapshot->base);
		return status;
	}
	*out = snapshot;
	return MOTE_OK;
}
