/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads an image into the memory of a guest. Small segments are copied, in one step each. Of large
 * ones whole pages are mapped from the image's own file, which nobody can change: all sandboxes
 * share them until they write, and loading does not depend on how many they are.
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

/* Maps PAGES and copies what is around them. */
static mote_status show(struct guest_memory *memory, const struct layout_config *config,
			const uint8_t *file, const struct piece *piece, const struct piece *pages,
			mote_error *err)
{
	const uint64_t end = pages->offset + pages->size;
	const struct piece head = { piece->offset, piece->file_offset,
				    pages->offset - piece->offset };
	const struct piece tail = { end, pages->file_offset + pages->size,
				    piece->offset + piece->size - end };

	copy(memory, file, &head);
	copy(memory, file, &tail);
	memory->image_runs[memory->nimage_runs++] = (struct page_run){
		.first = pages->offset / MOTE_PAGE_SIZE,
		.count = pages->size / MOTE_PAGE_SIZE,
		.file_page = pages->file_offset / MOTE_PAGE_SIZE,
	};
	return shared_mem_show_file(memory->ram, pages->offset, pages->size, config->file,
				    pages->file_offset, true, err);
}

/* Memory with a descriptor of its own, which another process maps, can only be copied to. */
static mote_status load(struct guest_memory *memory, const struct layout_config *config,
			const uint8_t *file, const struct piece *piece, mote_error *err)
{
	const struct piece pages = whole_pages(piece);

	if (pages.size >= MAPPED_FROM && memory->image_runs)
		return show(memory, config, file, piece, &pages, err);
	copy(memory, file, piece);
	return MOTE_OK;
}

static mote_status make_runs(struct guest_memory *memory, const struct layout_config *config,
			     mote_error *err)
{
	if (!config->has_file || shared_mem_fd(memory->ram) >= 0)
		return MOTE_OK;
	memory->image_runs =
		host_alloc_array(memory->host, MOTE_MAX_SEGMENTS, sizeof memory->image_runs[0]);
	return memory->image_runs ? MOTE_OK
				  : error_nomem(err, "the list of an image's pages",
						MOTE_MAX_SEGMENTS * sizeof memory->image_runs[0]);
}

/* The segments' regions are in the order of the segments, those without memory left out. */
mote_status guest_memory_load_image(struct guest_memory *memory, const struct layout_config *config,
				    const uint8_t *file, mote_error *err)
{
	const struct region *region = &memory->layout.regions[0];
	mote_status status = make_runs(memory, config, err);

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
		status = load(memory, config, file, &piece, err);
		region++;
	}
	return status;
}

void guest_memory_drop_image(struct guest_memory *memory)
{
	host_free(memory->host, memory->image_runs,
		  MOTE_MAX_SEGMENTS * sizeof memory->image_runs[0]);
	memory->image_runs = NULL;
	memory->nimage_runs = 0;
}
