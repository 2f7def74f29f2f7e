/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a snapshot apart, for a file, and puts one together from parts that anybody may have
 * written.
 *
 * Its page tables are bytes like those of the data. They decide what the guest sees, and not what
 * it may reach, which are the two slots of its machine, whose sizes are checked here; and whatever
 * the host looks up in tables it looks up in those of a guest that may write to them anyway.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "base/text.h"
#include "guest_abi/snapshot_parts.h"
#include "image/image.h"
#include "mem/sealed_file.h"
#include "mem/zero_page.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Fewer pages of zeroes than this between two others are saved with them, at first. */
#define GAP 16

/* Stores the runs of pages that are not zero, with gaps of less than GAP, to LIST, if there is one;
 * returns how many there are. */
static size_t find_runs(const uint8_t *bytes, uint64_t npages, uint64_t gap,
			struct snapshot_run *list)
{
	uint64_t first = 0, end = 0, before = 0;
	size_t n = 0;

	for (uint64_t page = 0; page < npages; page++) {
		if (zero_page_is(bytes + page * VMEM_PAGE_SIZE))
			continue;
		if (n == 0 || page - end >= gap) {
			before += end - first;
			first = page;
			n++;
		}
		end = page + 1;
		if (list)
			list[n - 1] = (struct snapshot_run){
				.address = HYPERLIGHT_BASE + first * VMEM_PAGE_SIZE,
				.count = end - first,
				.file_page = before,
			};
	}
	return n;
}

static mote_status list_runs(struct snapshot_parts *parts,
			     const struct hyperlight_snapshot *snapshot, mote_error *err)
{
	const uint8_t *bytes = shared_mem_contents(snapshot->blob);
	const uint64_t npages = shared_mem_size(snapshot->blob) / VMEM_PAGE_SIZE;
	uint64_t gap = GAP;
	size_t count;

	while ((count = find_runs(bytes, npages, gap, NULL)) > SNAPSHOT_RUNS_MAX)
		gap *= 4;
	struct snapshot_run *list = host_alloc_array(snapshot->host, count, sizeof list[0]);
	if (!list)
		return error_nomem(err, "a list of a snapshot's pages", count * sizeof list[0]);
	parts->nruns = find_runs(bytes, npages, gap, list);
	parts->runs = list;
	return MOTE_OK;
}

/* The runs, one behind the other. */
static mote_status fill_file(struct snapshot_parts *parts,
			     const struct hyperlight_snapshot *snapshot, mote_error *err)
{
	mote_status status = sealed_file_new(&parts->pages, snapshot->host, err);

	for (size_t i = 0; i < parts->nruns && !status; i++)
		status = sealed_file_append(parts->pages,
					    shared_mem_contents(snapshot->blob) +
						    (parts->runs[i].address - HYPERLIGHT_BASE),
					    parts->runs[i].count * VMEM_PAGE_SIZE, err);
	if (!status)
		status = sealed_file_seal(parts->pages, err);
	if (status)
		return status;
	parts->fd = parts->pages->fd;
	parts->file_size = parts->pages->size;
	return MOTE_OK;
}

mote_status hyperlight_parts_open(struct snapshot_parts *parts, const struct guest_snapshot *base,
				  mote_error *err)
{
	const struct hyperlight_snapshot *snapshot = (const struct hyperlight_snapshot *)base;
	const struct hyperlight_layout *layout = &snapshot->layout;
	mote_status status =
		hyperlight_state_check(&snapshot->system, snapshot->entry, snapshot->stack, err);

	if (status)
		return status;
	parts->cpu_features = snapshot->cpu_features;
	parts->generation = snapshot->generation;
	parts->memory_size = layout->data_size + layout->sizes.scratch;
	parts->hyperlight = (struct hyperlight_parts){
		.input_size = layout->sizes.input,
		.output_size = layout->sizes.output,
		.heap_size = layout->sizes.heap,
		.scratch_size = layout->sizes.scratch,
		.init_data_size = layout->sizes.init_data,
		.image_size = layout->peb - HYPERLIGHT_BASE,
		.data_size = layout->data_size,
		.tables_size = layout->tables_size,
		.dispatch = snapshot->entry,
		.stack = snapshot->stack,
		.system = snapshot->system,
	};
	status = list_runs(parts, snapshot, err);
	return status ? status : fill_file(parts, snapshot, err);
}

static mote_status check_size(const char *name, uint64_t size, uint64_t most, mote_error *err)
{
	if (size == 0 || size % VMEM_PAGE_SIZE || size > most)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "\"%s\" is 0x%" PRIx64 "; it must be whole pages, and at most "
				 "0x%" PRIx64,
				 name, size, most);
	return MOTE_OK;
}

/* The layout as it follows from the sizes of the guest, and those of the snapshot. */
static mote_status make_layout(struct hyperlight_layout *layout,
			       const struct hyperlight_parts *parts, uint64_t file_size,
			       mote_error *err)
{
	const struct hyperlight_sizes sizes = {
		.input = parts->input_size,
		.output = parts->output_size,
		.heap = parts->heap_size,
		.scratch = parts->scratch_size,
		.init_data = parts->init_data_size,
	};
	mote_status status = check_size("image_size", parts->image_size, HYPERLIGHT_MAX_SIZE, err);

	if (!status)
		status = check_size("data_size", parts->data_size, HYPERLIGHT_MAX_SIZE, err);
	/* no table is all zero, so the file has them; and each restore copies them */
	if (!status)
		status = check_size("tables_size", parts->tables_size, file_size, err);
	if (status)
		return status;
	status = hyperlight_layout_compute(layout, &sizes, parts->image_size, err);
	if (!status)
		status = hyperlight_layout_set_tables(layout, parts->tables_size, err);
	if (status && err)
		err->code = MOTE_E_SNAPSHOT;
	if (status)
		return MOTE_E_SNAPSHOT;
	layout->data_size = parts->data_size;
	if (memcmp(&layout->sizes, &sizes, sizeof sizes) != 0)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "a size of heap, buffers or scratch is too small");
	return MOTE_OK;
}
_Static_assert(sizeof(struct hyperlight_sizes) == 5 * sizeof(uint64_t),
	       "sizes are compared as bytes");

/* What describes the guest lies in it. */
static mote_status check_image(const struct snapshot_parts *parts, mote_error *err)
{
	const uint64_t size = parts->hyperlight.image_size;
	const char *version = parts->guest_version;

	if (version[0] && strcmp(version, HYPERLIGHT_VERSION) != 0) {
		char shown[GUEST_VERSION_SIZE];
		text_escape(shown, sizeof shown, version, strlen(version));
		return error_set(err, MOTE_E_SNAPSHOT, HYPERLIGHT_OTHER_VERSION, shown,
				 HYPERLIGHT_VERSION);
	}
	for (size_t i = 0; i < parts->nsegments; i++) {
		const mote_segment_info *segment = &parts->segments[i];
		const uint64_t offset = segment->address - HYPERLIGHT_BASE;

		if (offset > size || segment->memory_size > size - offset)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "segment %zu is outside of an image of 0x%" PRIx64
					 " bytes",
					 i, size);
	}
	return MOTE_OK;
}

/* SIZE bytes are between run and file, both checked. */
static mote_status read_run(const struct sys *sys, int fd, const struct snapshot_run *run,
			    uint8_t *to, mote_error *err)
{
	const size_t size = (size_t)(run->count * VMEM_PAGE_SIZE);
	const uint64_t from = run->file_page * VMEM_PAGE_SIZE;
	const ssize_t n = sys_pread_all(sys, fd, to, size, from);

	if (n != (ssize_t)size)
		return error_os(err, n < 0 ? errno : EIO,
				"cannot read %zu bytes at %" PRIu64 " of the snapshot's file", size,
				from);
	return MOTE_OK;
}

/* Runs come by address, and lie one behind the other in the file: no byte of it is read twice. */
static mote_status read_runs(const struct sys *sys, int fd, const struct snapshot_parts *parts,
			     uint8_t *to, uint64_t size, mote_error *err)
{
	const uint64_t npages = size / VMEM_PAGE_SIZE;
	const uint64_t file_pages = parts->file_size / VMEM_PAGE_SIZE;
	uint64_t free_from = 0, read = 0;

	for (size_t i = 0; i < parts->nruns; i++) {
		const struct snapshot_run *run = &parts->runs[i];
		const uint64_t first = (run->address - HYPERLIGHT_BASE) / VMEM_PAGE_SIZE;

		if (run->address % VMEM_PAGE_SIZE || first < free_from || first > npages ||
		    run->count > npages - first)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "a run of %" PRIu64 " pages at 0x%" PRIx64
					 " is not memory that a snapshot can have",
					 run->count, run->address);
		if (run->file_page != read || run->count > file_pages - read)
			return error_set(err, MOTE_E_SNAPSHOT,
					 "a run of %" PRIu64 " pages at page %" PRIu64
					 " of a file that has %" PRIu64,
					 run->count, run->file_page, file_pages);
		mote_status status = read_run(sys, fd, run, to + first * VMEM_PAGE_SIZE, err);
		if (status)
			return status;
		free_from = first + run->count;
		read += run->count;
	}
	return MOTE_OK;
}

/* Read and not mapped: a file may be cut, and the host looks at these pages at any time. */
static mote_status make_blob(struct hyperlight_snapshot *snapshot,
			     const struct snapshot_parts *parts, int fd, mote_error *err)
{
	const uint64_t data = snapshot->layout.data_size;
	const uint64_t size = data + snapshot->layout.tables_size;
	mote_status status =
		shared_mem_new(&snapshot->blob, snapshot->host, size, SHARED_MEM_PRIVATE, err);

	if (!status)
		status = read_runs(snapshot->host->sys, fd, parts, shared_mem_bytes(snapshot->blob),
				   size, err);
	return status ? status : shared_mem_make_read_only(snapshot->blob, data, err);
}

static mote_status make(struct hyperlight_snapshot *snapshot, const struct snapshot_parts *parts,
			int fd, mote_error *err)
{
	const struct hyperlight_parts *own = &parts->hyperlight;
	mote_status status = make_layout(&snapshot->layout, own, parts->file_size, err);

	if (!status)
		status = check_image(parts, err);
	if (!status)
		status = hyperlight_state_check(&own->system, own->dispatch, own->stack, err);
	if (!status && parts->generation > SNAPSHOT_GENERATION_MAX)
		status = error_set(err, MOTE_E_SNAPSHOT,
				   "generation %" PRIu64 " is more than anybody counts",
				   parts->generation);
	if (status)
		return status;
	snapshot->is_ready = true;
	snapshot->entry = own->dispatch;
	snapshot->stack = own->stack;
	snapshot->generation = parts->generation;
	snapshot->cpu_features = parts->cpu_features;
	snapshot->system = own->system;
	snapshot->system.cr2 = snapshot->system.cr8 = 0;
	snapshot->system.cr3 = hyperlight_scratch_gpa(&snapshot->layout) +
			       hyperlight_tables_offset(&snapshot->layout);
	return make_blob(snapshot, parts, fd, err);
}

mote_status hyperlight_parts_make(struct guest_snapshot **out, struct mote_image *image,
				  const struct snapshot_parts *parts, int fd, mote_error *err)
{
	struct hyperlight_snapshot *snapshot = hyperlight_snapshot_alloc(image->host, err);

	*out = NULL;
	if (!snapshot)
		return MOTE_E_NOMEM;
	mote_status status = make(snapshot, parts, fd, err);
	if (status) {
		guest_snapshot_unref(&snapshot->base);
		return status;
	}
	snapshot->host->sys->close(fd);
	*out = &snapshot->base;
	return MOTE_OK;
}
