/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a snapshot apart, for saving it. Everything is named by guest virtual addresses, because
 * physical ones are an inner matter of the layout.
 */
#include "guest_abi/mote/parts.h"

#include "mem/file_mapping.h"
#include "mem/page_bitmap.h"

static uint64_t size_of(const struct layout *layout, enum region_kind kind)
{
	const struct region *region = layout_get(layout, kind);

	return region ? region->size : 0;
}

static uint64_t place_of(const struct layout *layout, enum region_kind kind)
{
	const struct region *region = layout_get(layout, kind);

	return region ? region->va : 0;
}

struct snapshot_places snapshot_places(const struct layout *layout)
{
	return (struct snapshot_places){
		.heap = place_of(layout, REGION_HEAP),
		.stack = place_of(layout, REGION_STACK),
		.input = place_of(layout, REGION_INPUT),
		.output = place_of(layout, REGION_OUTPUT),
		.init_data = place_of(layout, REGION_INIT_DATA),
	};
}

/* Stores the ranges to LIST, if there is one, and returns how many there are. */
static size_t find_ranges(const struct arena_state *arena, struct snapshot_range *list)
{
	const uint64_t npages = arena->npages;
	size_t n = 0;

	for (uint64_t at = 0;; n++) {
		uint64_t first = page_bitmap_next(arena->used, at, npages, true);
		if (first == npages)
			return n;
		at = page_bitmap_next(arena->used, first, npages, false);
		if (list)
			list[n] = (struct snapshot_range){ first, at - first };
	}
}

static mote_status list_ranges(struct snapshot_parts *parts,
			       const struct mote_guest_snapshot *snapshot, mote_error *err)
{
	const size_t count = find_ranges(&snapshot->arena, NULL);

	if (count > SNAPSHOT_RANGES_MAX)
		return error_set(err, MOTE_E_LIMIT,
				 "the guest's heap is in %zu pieces; a snapshot with more than %d "
				 "cannot be saved",
				 count, SNAPSHOT_RANGES_MAX);
	if (count == 0)
		return MOTE_OK;
	struct snapshot_range *list = host_alloc_array(snapshot->host, count, sizeof list[0]);
	if (!list)
		return error_nomem(err, "a list of the heap's pages", count * sizeof list[0]);
	parts->mote.nused = find_ranges(&snapshot->arena, list);
	parts->mote.used = list;
	return MOTE_OK;
}

/* Stores the parts of all runs that lie in REGION to LIST, if there is one; how many there are. */
static size_t find_runs(const struct memory_snapshot *memory, const struct region *region,
			struct snapshot_run *list)
{
	const uint64_t first = (region->gpa - memory->layout.ram.gpa) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;
	struct page_run part;
	size_t n = 0;

	for (uint64_t at = first; (part = memory_snapshot_part(memory, at, end)).count;
	     at = part.first + part.count, n++)
		if (list)
			list[n] = (struct snapshot_run){
				.address = region->va + (part.first - first) * MOTE_PAGE_SIZE,
				.count = part.count,
				.file_page = part.file_page,
			};
	return n;
}

static size_t find_all_runs(const struct memory_snapshot *memory, struct snapshot_run *list)
{
	size_t n = 0;

	for (size_t i = 0; i < memory->layout.nmapped; i++) {
		const struct region *region = layout_mapped(&memory->layout, i);
		if (memory_snapshot_keeps(region->kind))
			n += find_runs(memory, region, list ? list + n : NULL);
	}
	return n;
}
_Static_assert(MEMORY_SNAPSHOT_RUNS_MAX + LAYOUT_REGIONS_MAX <= SNAPSHOT_RUNS_MAX,
	       "each end of a region splits one run at most");

static mote_status list_runs(struct snapshot_parts *parts,
			     const struct mote_guest_snapshot *snapshot, mote_error *err)
{
	const size_t count = find_all_runs(parts->memory, NULL);

	if (count == 0)
		return MOTE_OK;
	struct snapshot_run *list = host_alloc_array(snapshot->host, count, sizeof list[0]);
	if (!list)
		return error_nomem(err, "a list of a snapshot's pages", count * sizeof list[0]);
	parts->nruns = find_all_runs(parts->memory, list);
	parts->runs = list;
	return MOTE_OK;
}

static void describe_memory(struct snapshot_parts *parts,
			    const struct mote_guest_snapshot *snapshot)
{
	const struct memory_snapshot *memory = snapshot->memory;
	const struct layout *layout = &memory->layout;

	parts->mote.heap_size = size_of(layout, REGION_HEAP);
	parts->mote.stack_size = size_of(layout, REGION_STACK);
	parts->mote.input_size = size_of(layout, REGION_INPUT);
	parts->mote.output_size = size_of(layout, REGION_OUTPUT);
	parts->mote.buffer_size = size_of(layout, REGION_RESULTS);
	parts->mote.init_data_size = snapshot->config.init_data_size;
	parts->mote.init_data_rights = snapshot->config.init_data_rights;
	parts->mote.places = snapshot_places(layout);
	parts->memory_size = layout->ram.size;
	parts->mote.brk = snapshot->arena.brk;
	for (size_t i = 0; i < sizeof parts->mote.stack_guard; i++)
		parts->mote.stack_guard[i] = memory->stack_guard[i];
	if (memory->nfiles > 0)
		parts->mapped_file = memory->files[0]->label;
	parts->changed_file = snapshot->files.changed;
	parts->open_file = files_state_difference(&snapshot->files);
}

/* What is saved must not need the image's file. */
static mote_status open_memory(struct snapshot_parts *parts,
			       const struct mote_guest_snapshot *snapshot, mote_error *err)
{
	mote_status status = MOTE_OK;

	if (snapshot->memory->image)
		status = memory_snapshot_complete(&parts->memory, snapshot->memory, err);
	else
		parts->memory = memory_snapshot_ref(snapshot->memory);
	if (status)
		return status;
	parts->file_size = parts->memory->file_size;
	parts->fd = parts->memory->fd;
	return list_runs(parts, snapshot, err);
}

mote_status mote_guest_parts_open(struct snapshot_parts *parts, const struct guest_snapshot *base,
				  mote_error *err)
{
	const struct mote_guest_snapshot *snapshot = mote_snapshot_of(base);

	parts->mote.abi_version = snapshot->image->abi_version;
	parts->cpu_features = snapshot->cpu_features;
	parts->mote.dispatch = snapshot->dispatch;
	parts->mote.call_stack = snapshot->call_stack;
	parts->mote.fs_base = snapshot->fs_base;
	parts->mote.signals = snapshot->signals;
	parts->generation = snapshot->generation;
	describe_memory(parts, snapshot);
	mote_status status = list_ranges(parts, snapshot, err);
	return status ? status : open_memory(parts, snapshot, err);
}
