/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts a snapshot together from parts that anybody may have written. Each is checked before it is
 * used, in the order in which they depend on each other: the layout that follows from the image and
 * the sizes, what lies where in there, and where the guest goes on.
 */
#include "guest_abi/mote/parts.h"

#include "mem/page_bitmap.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static mote_status check_version(const struct snapshot_parts *parts, mote_error *err)
{
	if (parts->mote.abi_version == MOTE_ABI_VERSION)
		return MOTE_OK;
	return error_set(
		err, MOTE_E_SNAPSHOT,
		"the snapshot's guest speaks version %" PRIu32
		" of the guest ABI, this library version %d; take it anew with this library",
		parts->mote.abi_version, MOTE_ABI_VERSION);
}

/* What the guest has pointers to must lie where it did when the snapshot was taken. */
static mote_status make_layout(struct mote_guest_snapshot *snapshot,
			       const struct snapshot_parts *parts, struct layout *layout,
			       mote_error *err)
{
	const struct guest_start start = {
		.image = snapshot->image,
		.heap_size = parts->mote.heap_size,
		.stack_size = parts->mote.stack_size,
		.input_size = parts->mote.input_size,
		.output_size = parts->mote.output_size,
		.buffer_size = parts->mote.buffer_size,
		.init_data_size = parts->mote.init_data_size,
		.init_data_flags = parts->mote.init_data_rights,
	};

	if (!parts->mote.heap_size || !parts->mote.stack_size || !parts->mote.input_size ||
	    !parts->mote.output_size)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a size of heap, stack, input or output is 0");
	if (parts->mote.init_data_rights & ~(unsigned)(REGION_WRITE | REGION_EXECUTE))
		return error_set(err, MOTE_E_SNAPSHOT, "init data has rights 0x%x, which are none",
				 parts->mote.init_data_rights);
	snapshot->config = mote_layout_config(&start, parts->nhost_functions);
	mote_status status = layout_compute(layout, &snapshot->config, err);
	if (status) {
		if (err)
			err->code = MOTE_E_SNAPSHOT;
		return MOTE_E_SNAPSHOT;
	}
	const struct snapshot_places places = snapshot_places(layout);
	if (memcmp(&places, &parts->mote.places, sizeof places) != 0)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot is of a library that lays guests out in another way "
				 "(its heap is at 0x%" PRIx64 ", here at 0x%" PRIx64
				 "); take it anew with this library",
				 parts->mote.places.heap, places.heap);
	return MOTE_OK;
}
_Static_assert(sizeof(struct snapshot_places) == 5 * sizeof(uint64_t),
	       "places are compared as bytes");

/* FIRST and COUNT of each range are checked to lie behind the one before and inside of NPAGES. */
static mote_status use_ranges(struct arena_state *arena, const struct snapshot_parts *parts,
			      uint64_t npages, mote_error *err)
{
	uint64_t free_from = 0;

	for (size_t i = 0; i < parts->mote.nused; i++) {
		const struct snapshot_range *range = &parts->mote.used[i];
		if (range->count == 0 || range->first < free_from || range->first > npages ||
		    range->count > npages - range->first)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "range %zu of used pages, %" PRIu64 " from page %" PRIu64
					 " on, overlaps another or is outside of a heap of %" PRIu64
					 " pages",
					 i, range->count, range->first, npages);
		free_from = range->first + range->count;
		page_bitmap_fill(arena->used, range->first, free_from, true);
		arena->nfree -= range->count;
	}
	arena->ceiling = page_bitmap_previous(arena->used, npages, false) + 1;
	return MOTE_OK;
}
_Static_assert(PAGE_BITMAP_NONE + 1 == 0, "a heap that is full is in use from page 0 on");

static mote_status make_arena(struct mote_guest_snapshot *snapshot,
			      const struct snapshot_parts *parts, const struct layout *layout,
			      mote_error *err)
{
	const uint64_t npages = layout_get(layout, REGION_HEAP)->size / MOTE_PAGE_SIZE;
	struct arena_state *arena = &snapshot->arena;

	arena->npages = npages;
	arena->used = page_bitmap_new(snapshot->host, npages);
	if (!arena->used)
		return error_nomem(err, "the map of a guest's heap", (size_t)npages / 8);
	arena->nfree = npages;
	mote_status status = use_ranges(arena, parts, npages, err);
	if (status)
		return status;
	arena->brk = parts->mote.brk;
	if (arena->brk > npages * MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the break is at %" PRIu64 " in a heap of %" PRIu64 " bytes",
				 arena->brk, npages * MOTE_PAGE_SIZE);
	const uint64_t broken = (arena->brk + MOTE_PAGE_SIZE - 1) / MOTE_PAGE_SIZE;
	if (page_bitmap_next(arena->used, 0, broken, false) != broken)
		return error_set(err, MOTE_E_SNAPSHOT, "pages below the break are not in use");
	return MOTE_OK;
}

static int by_first(const void *a, const void *b)
{
	const struct page_run *one = a, *two = b;

	return one->first < two->first ? -1 : one->first > two->first;
}

/* From addresses to pages of RAM. */
static mote_status place_run(const struct layout *layout, const struct snapshot_run *run,
			     struct page_run *out, mote_error *err)
{
	size_t cache = 0;
	const struct region *region = layout_find(layout, run->address, &cache);

	if (!region || run->address % MOTE_PAGE_SIZE || !memory_snapshot_keeps(region->kind) ||
	    run->count > (region->size - (run->address - region->va)) / MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a run of %" PRIu64 " pages at 0x%" PRIx64
				 " is not memory that a snapshot can have",
				 run->count, run->address);
	*out = (struct page_run){
		.first = (region->gpa - layout->ram.gpa + (run->address - region->va)) /
			 MOTE_PAGE_SIZE,
		.count = run->count,
		.file_page = run->file_page,
	};
	return MOTE_OK;
}

/* Joins what was split at the ends of regions. Runs may overlap: that is found out later. */
static size_t join(struct page_run *runs, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct page_run *last = n ? &runs[n - 1] : NULL;

		if (last && last->first + last->count == runs[i].first &&
		    last->file_page + last->count == runs[i].file_page)
			last->count += runs[i].count;
		else
			runs[n++] = runs[i];
	}
	return n;
}

static mote_status make_memory(struct mote_guest_snapshot *snapshot,
			       const struct snapshot_parts *parts, const struct layout *layout,
			       int fd, mote_error *err)
{
	struct page_run runs[SNAPSHOT_RUNS_MAX];
	mote_status status = MOTE_OK;

	if (parts->nruns > SNAPSHOT_RUNS_MAX)
		return error_set(err, MOTE_E_SNAPSHOT, "%zu runs of pages; at most %d",
				 parts->nruns, SNAPSHOT_RUNS_MAX);
	for (size_t i = 0; !status && i < parts->nruns; i++)
		status = place_run(layout, &parts->runs[i], &runs[i], err);
	if (status)
		return status;
	qsort(runs, parts->nruns, sizeof runs[0], by_first);
	return memory_snapshot_load(&snapshot->memory, snapshot->host, layout, runs,
				    join(runs, parts->nruns), fd, parts->file_size,
				    parts->mote.stack_guard, err);
}

static mote_status set_start(struct mote_guest_snapshot *snapshot,
			     const struct snapshot_parts *parts, const struct layout *layout,
			     mote_error *err)
{
	size_t cache = 0;
	const struct region *code = layout_find(layout, parts->mote.dispatch, &cache);

	if (!code || code->kind != REGION_CODE)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the dispatch function at 0x%" PRIx64
				 " is not in the guest's code",
				 parts->mote.dispatch);
	if (parts->mote.fs_base >= MOTE_ADDRESS_END || parts->mote.call_stack >= MOTE_ADDRESS_END)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "thread pointer 0x%" PRIx64 " or stack 0x%" PRIx64
				 " is not an address that a guest can have",
				 parts->mote.fs_base, parts->mote.call_stack);
	if (!signals_are_sound(&parts->mote.signals))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "signals that no guest can have: a handler or a stack outside of "
				 "its addresses, or SIGKILL or SIGSTOP blocked");
	if (parts->generation > SNAPSHOT_GENERATION_MAX)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "generation %" PRIu64 " is more than anybody counts",
				 parts->generation);
	snapshot->dispatch = parts->mote.dispatch;
	snapshot->call_stack = parts->mote.call_stack;
	snapshot->fs_base = parts->mote.fs_base;
	snapshot->signals = parts->mote.signals;
	snapshot->generation = parts->generation;
	return MOTE_OK;
}

static mote_status make(struct mote_guest_snapshot *snapshot, const struct snapshot_parts *parts,
			int fd, mote_error *err)
{
	struct layout layout;
	mote_status status = check_version(parts, err);

	if (!status)
		status = make_layout(snapshot, parts, &layout, err);
	if (!status)
		status = make_arena(snapshot, parts, &layout, err);
	if (!status)
		status = set_start(snapshot, parts, &layout, err);
	if (!status)
		status = make_memory(snapshot, parts, &layout, fd, err);
	return status;
}

mote_status mote_guest_parts_make(struct guest_snapshot **out, struct mote_image *image,
				  const struct snapshot_parts *parts, int fd, mote_error *err)
{
	struct mote_guest_snapshot *snapshot = mote_snapshot_alloc(image->host, image, err);

	*out = NULL;
	if (!snapshot)
		return MOTE_E_NOMEM;
	snapshot->cpu_features = parts->cpu_features;
	mote_status status = make(snapshot, parts, fd, err);
	if (status) {
		guest_snapshot_unref(&snapshot->base);
		return status;
	}
	*out = &snapshot->base;
	return MOTE_OK;
}
