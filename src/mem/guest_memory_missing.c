/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large writable segments of a guest that is another process. Both must see what either writes, so
 * the pages cannot be the image's; they are copied when somebody looks at them first, a few at once.
 * The host asks here before it does. The guest faults, because its memory has no such page yet.
 */
#include "mem/guest_memory.h"

#include "mem/guest_memory_internal.h"
#include "mem/page_bitmap.h"

#include <string.h>

/* Pages that are copied at once: a fault of the guest costs as much as copying so many. */
#define CHUNK_PAGES UINT64_C(32)

static uint64_t nchunks(const struct guest_memory *memory)
{
	return memory->layout.ram.size / (CHUNK_PAGES * MOTE_PAGE_SIZE) + 1;
}

bool guest_memory_is_writable(const struct guest_memory *memory, const struct page_run *run)
{
	const uint64_t gpa = memory->layout.ram.gpa + run->first * MOTE_PAGE_SIZE;

	for (size_t i = 0; i < memory->layout.nregions; i++) {
		const struct region *region = &memory->layout.regions[i];
		if (gpa - region->gpa < region->size)
			return region->flags & REGION_WRITE;
	}
	return false;
}

/* The pages of RUN from FIRST to before END. */
static void copy_pages(struct guest_memory *memory, const struct page_run *run, uint64_t first,
		       uint64_t end)
{
	const uint64_t last = run->first + run->count;
	const uint64_t from = first > run->first ? first : run->first, to = end < last ? end : last;

	if (from >= to)
		return;
	const size_t offset = (size_t)(from * MOTE_PAGE_SIZE);
	const size_t size = (size_t)((to - from) * MOTE_PAGE_SIZE);
	shared_mem_populate(memory->ram, offset, size);
	memcpy((uint8_t *)shared_mem_base(memory->ram) + offset,
	       memory->image->bytes + (run->file_page + (from - run->first)) * MOTE_PAGE_SIZE,
	       size);
}

static void copy_chunk(struct guest_memory *memory, uint64_t chunk)
{
	for (size_t i = 0; i < memory->nimage_runs; i++)
		if (guest_memory_is_writable(memory, &memory->image_runs[i]))
			copy_pages(memory, &memory->image_runs[i], chunk * CHUNK_PAGES,
				   (chunk + 1) * CHUNK_PAGES);
	page_bitmap_fill(memory->missing, chunk, chunk + 1, false);
}

void guest_memory_supply(struct guest_memory *memory, uint64_t offset, uint64_t size)
{
	const uint64_t chunk_size = CHUNK_PAGES * MOTE_PAGE_SIZE;
	const uint64_t end = (offset + size + chunk_size - 1) / chunk_size;
	uint64_t chunk = offset / chunk_size;

	if (!memory->missing)
		return;
	while ((chunk = page_bitmap_next(memory->missing, chunk, end, true)) != end)
		copy_chunk(memory, chunk);
}

bool guest_memory_supply_page(struct guest_memory *memory, uint64_t address)
{
	size_t cache = memory->last_found;
	const struct region *region = layout_find(&memory->layout, address, &cache);

	if (!memory->missing || !region || !(region->flags & REGION_WRITE) ||
	    region->gpa < memory->layout.ram.gpa)
		return false;
	const uint64_t offset = region->gpa - memory->layout.ram.gpa + (address - region->va);
	const uint64_t chunk = offset / (CHUNK_PAGES * MOTE_PAGE_SIZE);

	if (page_bitmap_next(memory->missing, chunk, chunk + 1, true) != chunk)
		return false;
	copy_chunk(memory, chunk);
	return true;
}

void guest_memory_supply_all(struct guest_memory *memory)
{
	guest_memory_supply(memory, 0, memory->layout.ram.size);
	memory->has_all = true;
	guest_memory_forget_missing(memory);
}

mote_status guest_memory_miss(struct guest_memory *memory, const struct page_run *run,
			      mote_error *err)
{
	if (memory->has_all) {
		copy_pages(memory, run, run->first, run->first + run->count);
		return MOTE_OK;
	}
	if (!memory->missing)
		memory->missing = page_bitmap_new(memory->host, nchunks(memory));
	if (!memory->missing)
		return error_nomem(err, "the map of pages to be copied",
				   (size_t)nchunks(memory) / 8);
	page_bitmap_fill(memory->missing, run->first / CHUNK_PAGES,
			 (run->first + run->count + CHUNK_PAGES - 1) / CHUNK_PAGES, true);
	return MOTE_OK;
}

void guest_memory_forget_missing(struct guest_memory *memory)
{
	page_bitmap_free(memory->host, memory->missing, nchunks(memory));
	memory->missing = NULL;
}
