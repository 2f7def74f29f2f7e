/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From guest addresses to bytes. The only way there, and each step of it is checked: the guest
 * has written its page tables, and CR3.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"

#include <inttypes.h>
#include <string.h>

mote_status hyperlight_bytes_open(struct hyperlight_bytes *bytes, struct hyperlight_guest *guest,
				  mote_error *err)
{
	*bytes = (struct hyperlight_bytes){
		.scratch_gpa = SCRATCH_END_GPA - shared_mem_size(guest->scratch),
		.scratch_size = shared_mem_size(guest->scratch),
		.data = shared_mem_contents(guest->base->blob),
		.data_size = shared_mem_guest_size(guest->base->blob),
		.files = guest->files,
		.nfiles = guest->nfiles,
	};
	return shared_mem_lock(guest->scratch, &bytes->scratch, err);
}

void hyperlight_bytes_close(struct hyperlight_guest *guest)
{
	shared_mem_unlock(guest->scratch);
}

void *hyperlight_bytes_at(const struct hyperlight_bytes *bytes, uint64_t pa, uint64_t size)
{
	uint64_t offset = pa - bytes->scratch_gpa; /* below, it wraps past any size */

	if (offset < bytes->scratch_size && size <= bytes->scratch_size - offset)
		return bytes->scratch + offset;
	offset = pa - HYPERLIGHT_BASE;
	if (offset < bytes->data_size && size <= bytes->data_size - offset)
		return (void *)(uintptr_t)(bytes->data + offset);
	return NULL;
}

static void *table_at(void *memory, uint64_t pa)
{
	return hyperlight_bytes_at(memory, pa, VMEM_PAGE_SIZE);
}

const struct vmem_ops hyperlight_bytes_ops = { .table = table_at };

uint64_t hyperlight_root(const struct hyperlight_guest *guest)
{
	struct hv_system system = { .cr3 = UINT64_MAX };

	if (guest->vm) /* else nothing is mapped */
		guest->system->get(guest->vm, &system);
	return system.cr3 & VMEM_AMD64_ADDRESS;
}

mote_status hyperlight_bytes_copy(const struct hyperlight_bytes *bytes, uint64_t pa, void *to,
				  size_t size, mote_error *err)
{
	const void *from = hyperlight_bytes_at(bytes, pa, size);
	uint64_t offset;
	const struct file_mapping *file = from ? NULL : hyperlight_file_at(bytes, pa, &offset);

	if (file)
		return file_mapping_read(file, offset, to, size, err);
	if (!from)
		return MOTE_E_INVALID;
	memcpy(to, from, size);
	return MOTE_OK;
}

/* Where the page of ADDRESS is in physical memory, from ADDRESS on, and how many of SIZE bytes are
 * in it. False: not mapped. */
static bool find_piece(struct hyperlight_bytes *bytes, uint64_t root, uint64_t address, size_t size,
		       uint64_t *pa, size_t *piece)
{
	const size_t in_page = (size_t)(VMEM_PAGE_SIZE - address % VMEM_PAGE_SIZE);
	struct vmem_range range;

	*piece = size < in_page ? size : in_page;
	if (!vmem_translate(&vmem_amd64, &hyperlight_bytes_ops, bytes, root, address, &range))
		return false;
	*pa = range.pa;
	return true;
}

static mote_status bad_address(uint64_t address, const char *what, mote_error *err)
{
	error_set(err, MOTE_E_INVALID, "the guest has %s at 0x%" PRIx64, what, address);
	if (err)
		err->guest_address = address;
	return MOTE_E_INVALID;
}

mote_status hyperlight_read(struct guest *base, uint64_t address, void *to, size_t size,
			    mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	struct hyperlight_bytes bytes;
	mote_status status = hyperlight_bytes_open(&bytes, guest, err);
	const uint64_t root = hyperlight_root(guest);
	uint64_t pa;
	size_t piece;

	if (status)
		return status;
	for (; !status && size > 0; size -= piece, address += piece) {
		status = find_piece(&bytes, root, address, size, &pa, &piece)
				 ? hyperlight_bytes_copy(&bytes, pa, to, piece, err)
				 : MOTE_E_INVALID;
		if (status == MOTE_E_INVALID)
			bad_address(address, "nothing mapped", err);
		to = (char *)to + piece;
	}
	hyperlight_bytes_close(guest);
	return status;
}

mote_status hyperlight_write(struct guest *base, uint64_t address, const void *from, size_t size,
			     mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	struct hyperlight_bytes bytes;
	mote_status status = hyperlight_bytes_open(&bytes, guest, err);
	const uint64_t root = hyperlight_root(guest);
	uint64_t pa;
	size_t piece;

	if (status)
		return status;
	for (; !status && size > 0; size -= piece, address += piece) {
		uint8_t *to = find_piece(&bytes, root, address, size, &pa, &piece)
				      ? hyperlight_bytes_at(&bytes, pa, piece)
				      : NULL;
		const bool is_own =
			to && (uintptr_t)to - (uintptr_t)bytes.scratch < bytes.scratch_size;

		if (is_own)
			memcpy(to, from, piece);
		else
			status = bad_address(address, "no page of its own", err);
		from = (const char *)from + piece;
	}
	hyperlight_bytes_close(guest);
	return status;
}

void hyperlight_walk_begin(struct vmem_walk *walk, struct hyperlight_bytes *bytes, uint64_t root,
			   uint64_t address, uint64_t max_tables)
{
	vmem_walk_begin(walk, &vmem_amd64, &hyperlight_bytes_ops, bytes, root, address, UINT64_MAX,
			max_tables);
}

enum vmem_status hyperlight_walk_next(struct vmem_walk *walk, struct hyperlight_bytes *bytes,
				      struct vmem_range *range)
{
	return vmem_walk_next(walk, &vmem_amd64, &hyperlight_bytes_ops, bytes, range);
}
