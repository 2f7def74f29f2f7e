/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads an image into the memory of a guest. Small segments are copied, in one step each. Of large
 * ones whole pages are mapped from the image's own file, which nobody can change: all sandboxes
 * share them until they write, and loading does not depend on how many they are. Where the guest is
 * another process that maps memory too, it maps the same file for those that it cannot write; the
 * others are copied when there is need for them (guest_memory_missing.c).
 */
#include "mem/guest_memory_internal.h"

#include <string.h>

/* From so many bytes on mapping pays: below, faults cost more than the copy. */
#define MAPPED_FROM (UINT64_C(1) << 20)

static uint64_t page_down(uint64_t value)
{
	return value & ~(MOTE_PAGE_SIZE - 1);
}

static uint64_t page_up(uint64_t value)
{
	return page_down(value + MOTE_PAGE_SIZE - 1);
}

/* Where loading writes: SIZE bytes of a segment, to an offset in RAM. */
struct piece {
	uint64_t offset;
	uint64_t file_offset;
	uint64_t size;
};

/* Its pages become resident in one step instead of a fault a page, which took most of the time of
 * loading. */
static void copy(struct guest_memory *memory, const uint8_t *file, const struct piece *piece)
{
	const uint64_t first = page_down(piece->offset);

	if (piece->size == 0)
		return;
	shared_mem_populate(memory->ram, first, page_up(piece->offset + piece->size) - first);
	memcpy(shared_mem_bytes(memory->ram) + piece->offset, file + piece->file_offset,
	       piece->size);
}

/* The whole pages of PIECE. They are no pages of the file if those lie differently there. */
static struct piece whole_pages(const struct piece *piece)
{
	const uint64_t first = page_up(piece->offset), end = page_down(piece->offset + piece->size);

	if (end <= first || (piece->offset - piece->file_offset) % MOTE_PAGE_SIZE)
		return (struct piece){ 0 };
	return (struct piece){ first, piece->file_offset + (first - piece->offset), end - first };
}

/* Whether RAM has a descriptor, which another process maps. */
static bool has_viewers(const struct guest_memory *memory)
{
	return shared_mem_fd(memory->ram) >= 0;
}

/* Has RUN come from the image's file. */
static mote_status show_run(struct guest_memory *memory, const struct page_run *run,
			    mote_error *err)
{
	const uint64_t offset = run->first * MOTE_PAGE_SIZE, size = run->count * MOTE_PAGE_SIZE;
	const uint64_t at = run->file_page * MOTE_PAGE_SIZE;
	const int fd = memory->image->fd;

	memory->image_runs[memory->nimage_runs++] = *run;
	if (!has_viewers(memory))
		return shared_mem_show_file(memory->ram, offset, size, fd, at, true, err);
	memory->nviews++;
	return guest_memory_is_writable(memory, run)
		       ? guest_memory_miss(memory, run, err)
		       : shared_mem_show_sealed(memory->ram, offset, size, fd, at, err);
}

/* Maps PAGES and copies what is around them. */
static mote_status show(struct guest_memory *memory, const uint8_t *file, const struct piece *piece,
			const struct piece *pages, mote_error *err)
{
	const uint64_t end = pages->offset + pages->size;
	const struct piece head = { piece->offset, piece->file_offset,
				    pages->offset - piece->offset };
	const struct piece tail = { end, pages->file_offset + pages->size,
				    piece->offset + piece->size - end };

	const struct page_run run = {
		.first = pages->offset / MOTE_PAGE_SIZE,
		.count = pages->size / MOTE_PAGE_SIZE,
		.file_page = pages->file_offset / MOTE_PAGE_SIZE,
	};

	copy(memory, file, &head);
	copy(memory, file, &tail);
	return show_run(memory, &run, err);
}

static mote_status load(struct guest_memory *memory, const uint8_t *file, const struct piece *piece,
			mote_error *err)
{
	const struct piece pages = whole_pages(piece);

	if (pages.size >= MAPPED_FROM && memory->image)
		return show(memory, file, piece, &pages, err);
	copy(memory, file, piece);
	return MOTE_OK;
}

/* IMAGE is FILE, with no pages yet. */
static mote_status set_image(struct guest_memory *memory, struct sealed_file *file, mote_error *err)
{
	memory->image_runs =
		host_alloc_array(memory->host, MOTE_MAX_SEGMENTS, sizeof memory->image_runs[0]);
	if (!memory->image_runs)
		return error_nomem(err, "the list of an image's pages",
				   MOTE_MAX_SEGMENTS * sizeof memory->image_runs[0]);
	memory->image = sealed_file_ref(file);
	return MOTE_OK;
}

/* The segments' regions are in the order of the segments, those without memory left out. */
mote_status guest_memory_load_image(struct guest_memory *memory, const struct layout_config *config,
				    const uint8_t *file, mote_error *err)
{
	const struct region *region = &memory->layout.regions[0];
	mote_status status = MOTE_OK;

	if (config->file)
		status = set_image(memory, config->file, err);
	for (size_t i = 0; i < config->nsegments && !status; i++) {
		const mote_segment_info *segment = &config->segments[i];
		if (segment->memory_size == 0)
			continue;
		while (region->kind < REGION_CODE || region->kind > REGION_DATA)
			region++;
		const struct piece piece = {
			.offset = region->gpa - memory->layout.ram.gpa +
				  (segment->address - region->va),
			.file_offset = segment->file_offset,
			.size = segment->file_size,
		};
		status = load(memory, file, &piece, err);
		region++;
	}
	return status;
}

/* Of memory with a descriptor: its own pages come back, and have what was in there last. */
static mote_status show_own(struct guest_memory *memory, const struct page_run *run,
			    mote_error *err)
{
	return shared_mem_show_own(memory->ram, run->first * MOTE_PAGE_SIZE,
				   run->count * MOTE_PAGE_SIZE, err);
}

void guest_memory_forget_image(struct guest_memory *memory)
{
	host_free(memory->host, memory->image_runs,
		  MOTE_MAX_SEGMENTS * sizeof memory->image_runs[0]);
	sealed_file_unref(memory->image);
	guest_memory_forget_missing(memory);
	memory->image = NULL;
	memory->image_runs = NULL;
	memory->nimage_runs = 0;
}

/* None of its pages come from the image's file any more; what they are is undefined. */
static mote_status drop_image(struct guest_memory *memory, mote_error *err)
{
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && has_viewers(memory) && i < memory->nimage_runs; i++) {
		memory->nviews++;
		if (!guest_memory_is_writable(memory, &memory->image_runs[i]))
			status = show_own(memory, &memory->image_runs[i], err);
	}
	if (!status)
		guest_memory_forget_image(memory);
	return status;
}

/* All memory that a snapshot has, but for pages that others look for in the image's file. */
static mote_status show_zeroes(struct guest_memory *memory, mote_error *err)
{
	uint64_t at = memory->guest_part;
	mote_status status = MOTE_OK;
	struct region run;

	for (size_t i = 0; !status && guest_memory_elsewhere(memory, i, &run); i++) {
		const uint64_t offset = run.gpa - memory->layout.ram.gpa;
		if (offset > at)
			status = shared_mem_show_zeroes(memory->ram, at, offset - at, err);
		at = offset + run.size;
	}
	return status ? status
		      : shared_mem_show_zeroes(memory->ram, at, memory->layout.ram.size - at, err);
}

/* Whether memory that another process maps too has the image's pages as it should. */
static bool has_image_of(const struct guest_memory *memory, const struct memory_snapshot *snapshot)
{
	return has_viewers(memory) && memory->image == snapshot->image &&
	       memory->nimage_runs == snapshot->nimage_runs &&
	       (!memory->image || memcmp(memory->image_runs, snapshot->image_runs,
					 memory->nimage_runs * sizeof memory->image_runs[0]) == 0);
}

mote_status guest_memory_show_image(struct guest_memory *memory,
				    const struct memory_snapshot *snapshot, mote_error *err)
{
	const bool stays = has_image_of(memory, snapshot);
	mote_status status = stays ? MOTE_OK : drop_image(memory, err);

	/* mapping memory anew costs every virtual machine of this process a look at it */
	if (!status && !memory->is_blank)
		status = show_zeroes(memory, err);
	if (!status && !stays && snapshot->image)
		status = set_image(memory, snapshot->image, err);
	if (!memory->image)
		return status;
	for (size_t i = 0; !status && i < snapshot->nimage_runs; i++) {
		const struct page_run *run = &snapshot->image_runs[i];
		if (!stays)
			status = show_run(memory, run, err);
		else if (guest_memory_is_writable(memory, run))
			status = guest_memory_miss(memory, run, err);
	}
	return status;
}

/* It happens when a program changes code or constants of its guest, so it need not be quick. */
static mote_status own_run(struct guest_memory *memory, size_t index, mote_error *err)
{
	const struct page_run run = memory->image_runs[index];
	const uint64_t offset = run.first * MOTE_PAGE_SIZE, size = run.count * MOTE_PAGE_SIZE;
	mote_status status = show_own(memory, &run, err);

	memory->nviews++;
	if (status)
		return status;
	memcpy((uint8_t *)shared_mem_base(memory->ram) + offset,
	       memory->image->bytes + run.file_page * MOTE_PAGE_SIZE, (size_t)size);
	memory->nimage_runs--;
	memmove(&memory->image_runs[index], &memory->image_runs[index + 1],
		(memory->nimage_runs - index) * sizeof run);
	return MOTE_OK;
}

mote_status guest_memory_own_image(struct guest_memory *memory, uint64_t offset, uint64_t size,
				   mote_error *err)
{
	const uint64_t first = offset / MOTE_PAGE_SIZE;
	const uint64_t end = (offset + size + MOTE_PAGE_SIZE - 1) / MOTE_PAGE_SIZE;
	mote_status status = MOTE_OK;

	for (size_t i = memory->nimage_runs; !status && has_viewers(memory) && i-- > 0;)
		if (!guest_memory_is_writable(memory, &memory->image_runs[i]) &&
		    memory->image_runs[i].first < end &&
		    first < memory->image_runs[i].first + memory->image_runs[i].count)
			status = own_run(memory, i, err);
	return status;
}

/* The INDEX-th of the image's runs that the guest can write, or of the others. */
static const struct page_run *nth_run(const struct guest_memory *memory, bool is_writable,
				      size_t index)
{
	for (size_t i = 0; has_viewers(memory) && i < memory->nimage_runs; i++)
		if (guest_memory_is_writable(memory, &memory->image_runs[i]) == is_writable &&
		    index-- == 0)
			return &memory->image_runs[i];
	return NULL;
}

/* RUN as a region, if there is one. */
static bool describe(const struct guest_memory *memory, const struct page_run *run,
		     struct region *out)
{
	const struct sealed_file *image = memory->image;

	if (!run || !image)
		return false;
	*out = (struct region){
		.gpa = memory->layout.ram.gpa + run->first * MOTE_PAGE_SIZE,
		.size = run->count * MOTE_PAGE_SIZE,
		.flags = REGION_READ | REGION_EXECUTE,
		.kind = REGION_RAM,
		.host = { .size = image->size,
			  .offset = run->file_page * MOTE_PAGE_SIZE,
			  .file = image->fd },
	};
	return true;
}

bool guest_memory_elsewhere(const struct guest_memory *memory, size_t index, struct region *out)
{
	return describe(memory, nth_run(memory, false, index), out);
}

bool guest_memory_missing(const struct guest_memory *memory, size_t index, struct region *out)
{
	return memory->missing && describe(memory, nth_run(memory, true, index), out);
}

unsigned guest_memory_views(const struct guest_memory *memory)
{
	return memory->nviews;
}
