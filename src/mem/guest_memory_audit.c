/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that a restore was complete: all guest memory, compared with the snapshot and with what the
 * layout says, and not only what is known to have been written.
 */
#include "mem/guest_memory.h"

#include "mem/guest_memory_internal.h"
#include "mem/page_bitmap.h"
#include "mem/zero_page.h"

#include <inttypes.h>
#include <string.h>

/* For messages: where the guest has PAGE of RAM. */
static mote_status differs(const struct guest_memory *memory, uint64_t page, mote_error *err)
{
	const struct layout *layout = &memory->layout;
	uint64_t gpa = layout->ram.gpa + page * MOTE_PAGE_SIZE;

	for (size_t i = 0; i < layout->nregions; i++) {
		const struct region *region = &layout->regions[i];
		if (gpa - region->gpa >= region->size)
			continue;
		uint64_t va = region->va ? region->va + (gpa - region->gpa) : 0;
		error_set(err, MOTE_E_SNAPSHOT,
			  "the page at 0x%" PRIx64 " (%s) is not what it was in the snapshot", va,
			  region_kind_name(region->kind));
		if (err)
			err->guest_address = va;
		return MOTE_E_SNAPSHOT;
	}
	return error_set(err, MOTE_E_SNAPSHOT, "a page outside of all regions has changed");
}

static mote_status compare_page(struct guest_memory *memory, uint64_t page, mote_error *err)
{
	const uint8_t *want;
	uint8_t now[MOTE_PAGE_SIZE];
	mote_status status = memory_snapshot_page(memory->base, page, &want, err);

	guest_memory_supply(memory, page * MOTE_PAGE_SIZE, MOTE_PAGE_SIZE);
	if (!status)
		status = shared_mem_read(memory->ram, page * MOTE_PAGE_SIZE, now, sizeof now, err);
	if (status)
		return status;
	return zero_page_or_same(now, want) ? MOTE_OK : differs(memory, page, err);
}

/* Nobody has changed pages that nobody has touched. */
static mote_status compare_kept(struct guest_memory *memory, uint64_t *touched, mote_error *err)
{
	const struct layout *layout = &memory->layout;
	mote_status status = guest_memory_used(memory, touched, err);

	for (size_t i = 0; !status && i < layout->nregions; i++) {
		const struct region *region = &layout->regions[i];
		uint64_t page = (region->gpa - layout->ram.gpa) / MOTE_PAGE_SIZE;
		const uint64_t end = page + region->size / MOTE_PAGE_SIZE;

		if (!memory_snapshot_keeps(region->kind))
			continue;
		while (!status && (page = page_bitmap_next(touched, page, end, true)) != end)
			status = compare_page(memory, page++, err);
	}
	return status;
}

/* All zero but for the stack pointer of an I/O buffer, which says that it is empty. */
static mote_status compare_buffer(struct guest_memory *memory, enum region_kind kind,
				  const uint64_t *touched, mote_error *err)
{
	const struct region *region = layout_get(&memory->layout, kind);
	const bool is_stack = kind == REGION_INPUT || kind == REGION_OUTPUT;
	uint8_t now[MOTE_PAGE_SIZE], want[MOTE_PAGE_SIZE] = { 0 };
	const struct io_stack empty = { want, sizeof want };

	if (!region) /* as there may be none for bulk data */
		return MOTE_OK;
	const uint64_t first = (region->gpa - memory->layout.ram.gpa) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;

	if (is_stack)
		io_stack_init(&empty);
	for (uint64_t page = first; page < end; page++) {
		if ((page != first || !is_stack) &&
		    (page = page_bitmap_next(touched, page, end, true)) == end)
			break;
		mote_status status =
			shared_mem_read(memory->ram, page * MOTE_PAGE_SIZE, now, sizeof now, err);
		if (status)
			return status;
		if (!zero_page_or_same(now, page == first ? want : NULL))
			return differs(memory, page, err);
	}
	return MOTE_OK;
}

/* The same tables once more, from the layout and the mapped files. */
static mote_status compare_tables(struct guest_memory *memory, mote_error *err)
{
	const struct vmem_flat now = guest_memory_tables(memory);
	struct vmem_flat want = now;
	uint64_t root;

	want.used = 0;
	want.memory = host_alloc(memory->host, (size_t)now.size);
	if (!want.memory)
		return error_nomem(err, "page tables to compare with", (size_t)now.size);
	mote_status status = guest_memory_build_tables(memory, &want, &root, err);
	if (!status && (root != memory->root || want.used != now.used ||
			memcmp(want.memory, now.memory, (size_t)now.used) != 0))
		status = error_set(err, MOTE_E_SNAPSHOT,
				   "the guest's page tables are not what the host made them");
	host_free(memory->host, want.memory, (size_t)now.size);
	return status;
}

mote_status guest_memory_audit(struct guest_memory *memory, mote_error *err)
{
	const uint64_t npages = memory->written.npages;
	uint64_t *touched = page_bitmap_new(memory->host, npages);

	if (!touched)
		return error_nomem(err, "the map of pages to compare", (size_t)npages / 8);
	static const enum region_kind buffers[] = { REGION_INPUT, REGION_OUTPUT, REGION_ARGUMENTS,
						    REGION_RESULTS };
	mote_status status = compare_kept(memory, touched, err);
	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0] && !status; i++)
		status = compare_buffer(memory, buffers[i], touched, err);
	page_bitmap_free(memory->host, touched, npages);
	return status ? status : compare_tables(memory, err);
}
