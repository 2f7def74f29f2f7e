/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that stands still, for back-traces and core files: what it sees, what it has touched, and
 * where it was.
 */
#include "guest_abi/mote/guest.h"

#include "abi/mote_abi.h"
#include "guest_abi/mote/supervisor.h"
#include "mem/file_mapping.h"
#include "mem/page_bitmap.h"

/* Whether any of SIZE bytes at VA, which do not wrap, is at FIRST or above. */
static bool reaches(uint64_t va, uint64_t size, uint64_t first)
{
	return va + (size - 1) >= first;
}

/* The first region from the INDEX-th on that the layout gives to the guest itself and that reaches
 * FIRST; NULL if there is none. */
static const struct region *next_in_layout(const struct layout *layout, size_t *index,
					   uint64_t first)
{
	const struct region *region;

	for (; (region = layout_mapped(layout, *index)); ++*index)
		if (reaches(region->va, region->size, first) && region->is_user &&
		    region->kind != REGION_DOORBELL)
			break;
	return region;
}

/* The same for mapped files. */
static const struct file_mapping *next_file(const struct guest_memory *memory, size_t *index,
					    uint64_t first)
{
	const struct file_mapping *file;

	for (; (file = guest_memory_file(memory, *index)); ++*index)
		if (reaches(file->address, file->size, first))
			break;
	return file;
}

/* REGION, with its bytes if the host knows them: the hypercall page is all guests' of a runtime. */
static struct region with_bytes(const struct mote_guest *guest, const struct region *region)
{
	struct region out = *region;

	if (region->kind == REGION_HYPERCALL)
		out.host = (struct region_host){
			.base = guest->platform->firmware.host,
			.size = FIRMWARE_SIZE,
			.offset = SUPERVISOR_BLOCK_SIZE,
			.file = -1,
		};
	return out;
}

/* Layout and mapped files, of which there are few, are two lists by address. */
bool mote_guest_visit_regions(struct guest *base, uint64_t first, uint64_t last, guest_look look,
			      void *user)
{
	const struct mote_guest *guest = mote_guest_of(base);
	const struct layout *layout = guest_memory_layout(guest->memory);
	size_t index = 0, nfiles = 0;

	for (;;) {
		const struct region *region = next_in_layout(layout, &index, first);
		const struct file_mapping *file = next_file(guest->memory, &nfiles, first);
		const bool is_file = file && (!region || file->address < region->va);

		if (!region && !file)
			return true;
		if ((is_file ? file->address : region->va) > last)
			return true;
		const struct region next =
			is_file ? file_mapping_region(file) : with_bytes(guest, region);
		if (!look(user, &next))
			return false;
		*(is_file ? &nfiles : &index) += 1;
	}
}

mote_status mote_guest_find_used(struct guest_used *out, struct guest *base, mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	const struct region *ram = &guest_memory_layout(guest->memory)->ram;

	*out = (struct guest_used){ .first = ram->gpa, .npages = ram->size / MOTE_PAGE_SIZE };
	out->bits = page_bitmap_new(guest->host, out->npages);
	return out->bits ? guest_memory_used(guest->memory, out->bits, err)
			 : error_nomem(err, "the map of a guest's used pages",
				       (size_t)out->npages / 8);
}

struct hv_regs mote_guest_stopped(struct guest *base)
{
	struct hv_regs regs = *mote_guest_of(base)->machine.vm->regs;

	/* on the way to a system call: the instruction `syscall` has left the address behind it in
	 * rcx */
	if (regs.rip - (MOTE_HYPERCALL_PAGE + MOTE_SYSCALL_ENTRY) <
	    MOTE_START_ENTRY - MOTE_SYSCALL_ENTRY)
		regs.rip = regs.rcx;
	return regs;
}
