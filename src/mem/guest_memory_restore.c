/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes guest memory what it was when a snapshot was taken. Pages are copied back in place, because
 * a page that the guest writes in every call is then never mapped, protected or faulted again; what
 * was not written is not looked at.
 */
#include "mem/guest_memory.h"

#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"
#include "mem/page_bitmap.h"
#include "mem/zero_page.h"

#include <string.h>

static void note(struct guest_memory *memory, uint64_t page)
{
	if (written_pages_has(&memory->written, page))
		return;
	struct written_page what = {
		.to = (uint8_t *)shared_mem_base(memory->ram) + page * MOTE_PAGE_SIZE,
	};
	/* if what was there cannot be read, the restore will say so */
	if (memory_snapshot_page(memory->base, page, &what.from, NULL))
		guest_memory_note_all(memory);
	else
		written_pages_add(&memory->written, page, what);
}

void guest_memory_note_page(void *user, uint64_t offset)
{
	struct guest_memory *memory = user;

	if (memory->base && offset >= memory->guest_part)
		note(memory, offset / MOTE_PAGE_SIZE);
}

static bool is_guests(const struct guest_memory *memory, const struct region *region)
{
	return region->flags & REGION_WRITE && region->gpa >= memory->layout.ram.gpa &&
	       region->gpa - memory->layout.ram.gpa >= memory->guest_part;
}

static bool is_buffer(const struct guest_memory *memory, const struct region *region)
{
	(void)memory;
	return region->kind == REGION_ARGUMENTS || region->kind == REGION_RESULTS;
}

/* The pages that were ever touched in regions that IS_WANTED. */
static void note_touched(struct guest_memory *memory,
			 bool (*is_wanted)(const struct guest_memory *memory,
					   const struct region *region))
{
	const struct layout *layout = &memory->layout;
	const uint64_t npages = memory->written.npages;
	uint64_t *bits = page_bitmap_new(memory->host, npages);

	if (!bits || shared_mem_touched(memory->ram, bits, NULL))
		guest_memory_note_all(memory);
	for (size_t i = 0; i < layout->nregions && !memory->written.is_lost; i++) {
		const struct region *region = &layout->regions[i];
		uint64_t page = (region->gpa - layout->ram.gpa) / MOTE_PAGE_SIZE;
		const uint64_t end = page + region->size / MOTE_PAGE_SIZE;

		if (!is_wanted(memory, region))
			continue;
		while ((page = page_bitmap_next(bits, page, end, true)) != end)
			note(memory, page++);
	}
	page_bitmap_free(memory->host, bits, npages);
}

void guest_memory_note_touched(struct guest_memory *memory)
{
	if (!memory->base || memory->written.is_lost)
		return;
	if (shared_mem_fd(memory->ram) >= 0)
		note_touched(memory, is_guests);
	else
		guest_memory_note_all(memory);
}

void guest_memory_note_buffers(struct guest_memory *memory)
{
	if (layout_get(&memory->layout, REGION_RESULTS))
		note_touched(memory, is_buffer);
}

void guest_memory_note_all(struct guest_memory *memory)
{
	memory->written.is_lost = true;
}

static void note_pages(struct guest_memory *memory, uint64_t first, uint64_t end)
{
	for (uint64_t page = first; page < end && !memory->written.is_lost; page++)
		note(memory, page);
}

/* Pages that become zero and are zero in the snapshot need no note, however many they are. */
static void note_zeroed(struct guest_memory *memory, uint64_t first, uint64_t end)
{
	struct page_run part;

	for (; (part = memory_snapshot_part(memory->base, first, end)).count;
	     first = part.first + part.count)
		note_pages(memory, part.first, part.first + part.count);
}

/* What the host is about to write. The range is inside of RAM. */
static void note_range(void *user, uint64_t offset, uint64_t size, bool is_zero)
{
	struct guest_memory *memory = user;
	uint64_t first = offset / MOTE_PAGE_SIZE;
	uint64_t end = (offset + size + MOTE_PAGE_SIZE - 1) / MOTE_PAGE_SIZE;
	uint64_t guest = memory->guest_part / MOTE_PAGE_SIZE;

	first = first < guest ? guest : first;
	if (is_zero)
		note_zeroed(memory, first, end);
	else
		note_pages(memory, first, end);
}

static uint64_t ram_offset(const struct guest_memory *memory, enum region_kind kind)
{
	return layout_get(&memory->layout, kind)->gpa - memory->layout.ram.gpa;
}

void guest_memory_note_input(struct guest_memory *memory, uint64_t size)
{
	shared_mem_note(memory->ram, ram_offset(memory, REGION_INPUT), size);
}

void guest_memory_note_arguments(struct guest_memory *memory, uint64_t offset, uint64_t size)
{
	shared_mem_note(memory->ram, ram_offset(memory, REGION_ARGUMENTS) + offset, size);
}

bool guest_memory_has_base(const struct guest_memory *memory,
			   const struct memory_snapshot *snapshot)
{
	return memory->base == snapshot;
}

bool guest_memory_is_based_on(const struct guest_memory *memory,
			      const struct memory_snapshot *snapshot)
{
	return memory->base == snapshot && !memory->written.is_lost;
}

size_t guest_memory_noted(const struct guest_memory *memory)
{
	return memory->written.count;
}

static bool is_in_buffer(const struct guest_memory *memory, uint64_t offset)
{
	static const enum region_kind kinds[] = { REGION_INPUT, REGION_OUTPUT, REGION_ARGUMENTS,
						  REGION_RESULTS };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct region *region = layout_get(&memory->layout, kinds[i]);

		if (region && memory->layout.ram.gpa + offset - region->gpa < region->size)
			return true;
	}
	return false;
}

bool guest_memory_count_changed(struct guest_memory *memory, uint64_t *count)
{
	const uint8_t *base = shared_mem_base(memory->ram);
	const bool may_fault = shared_mem_may_fault(memory->ram);
	uint8_t copy[MOTE_PAGE_SIZE];

	*count = 0;
	if (!memory->base || memory->written.is_lost)
		return false;
	for (size_t i = 0; i < memory->written.count; i++) {
		const struct written_page *page = &memory->written.list[i];
		const uint64_t offset = (uint64_t)(page->to - base);

		if (is_in_buffer(memory, offset))
			continue;
		const uint8_t *now = may_fault ? copy : page->to;
		if (may_fault && shared_mem_read(memory->ram, offset, copy, sizeof copy, NULL)) {
			*count = 0;
			return false;
		}
		*count += !zero_page_or_same(now, page->from);
	}
	return true;
}

mote_status guest_memory_set_base(struct guest_memory *memory, struct memory_snapshot *snapshot,
				  mote_error *err)
{
	if (!memory->written.host) {
		uint64_t npages = memory->layout.ram.size / MOTE_PAGE_SIZE;
		mote_status status = written_pages_init(&memory->written, memory->host,
							shared_mem_base(memory->ram), npages, err);
		if (status)
			return status;
		shared_mem_watch(memory->ram, note_range, memory);
	}
	written_pages_clear(&memory->written);
	memory_snapshot_ref(snapshot);
	memory_snapshot_unref(memory->base);
	memory->base = snapshot;
	return MOTE_OK;
}

static mote_status replace_pages(struct guest_memory *memory, const struct memory_snapshot *from,
				 mote_error *err)
{
	mote_status status = memory_snapshot_check_file(from, err);

	if (!status)
		status = guest_memory_show_image(memory, from, err);
	memory->is_blank = false;
	for (size_t i = 0; !status && i < from->nruns; i++) {
		const struct page_run *run = &from->runs[i];
		guest_memory_supply(memory, run->first * MOTE_PAGE_SIZE,
				    run->count * MOTE_PAGE_SIZE);
		status = shared_mem_show_file(memory->ram, run->first * MOTE_PAGE_SIZE,
					      run->count * MOTE_PAGE_SIZE, from->fd,
					      run->file_page * MOTE_PAGE_SIZE,
					      memory_snapshot_is_sealed(from), err);
	}
	return status;
}

static bool has_files_of(const struct guest_memory *memory, const struct memory_snapshot *snapshot)
{
	if (memory->nfiles != snapshot->nfiles)
		return false;
	for (size_t i = 0; i < memory->nfiles; i++)
		if (memory->files[i] != snapshot->files[i])
			return false;
	return true;
}

/* Page tables and mapping table are made anew. */
static mote_status replace_files(struct guest_memory *memory,
				 const struct memory_snapshot *snapshot, mote_error *err)
{
	struct vmem_flat tables = guest_memory_tables(memory);

	for (size_t i = 0; i < memory->nfiles; i++)
		file_mapping_unref(memory->files[i]);
	memory->nfiles = snapshot->nfiles;
	for (size_t i = 0; i < memory->nfiles; i++)
		memory->files[i] = file_mapping_ref(snapshot->files[i]);
	memory->next_gpa = snapshot->next_gpa;
	guest_memory_list_files(memory);

	tables.used = 0;
	mote_status status = guest_memory_build_tables(memory, &tables, &memory->root, err);
	memory->tables_used = tables.used;
	return status;
}

void guest_memory_empty_buffers(struct guest_memory *memory)
{
	struct io_stack input = guest_memory_input(memory);
	struct io_stack output = guest_memory_output(memory);

	io_stack_init(&input);
	io_stack_init(&output);
	shared_mem_note(memory->ram, ram_offset(memory, REGION_INPUT), IO_STACK_HEAD);
	shared_mem_note(memory->ram, ram_offset(memory, REGION_OUTPUT), IO_STACK_HEAD);
}

mote_status guest_memory_restore(struct guest_memory *memory, struct memory_snapshot *snapshot,
				 bool forgets_pages, struct restored *restored, mote_error *err)
{
	mote_status status = MOTE_OK;

	*restored = (struct restored){
		.all_pages = !guest_memory_is_based_on(memory, snapshot),
		.files = !has_files_of(memory, snapshot),
	};
	if (!restored->all_pages) {
		if (shared_mem_may_fault(memory->ram))
			status = written_pages_restore_checked(&memory->written, err);
		else
			written_pages_restore(&memory->written);
		if (!status && forgets_pages)
			written_pages_clear(&memory->written);
	} else {
		guest_memory_note_all(memory); /* until it has succeeded */
		status = replace_pages(memory, snapshot, err);
		if (!status)
			status = guest_memory_set_base(memory, snapshot, err);
	}
	if (!status && restored->files)
		status = replace_files(memory, snapshot, err);
	if (status)
		return status;
	memcpy(memory->stack_guard, snapshot->stack_guard, sizeof memory->stack_guard);
	guest_memory_empty_buffers(memory);
	return MOTE_OK;
}
