/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in a guest's physical memory, between the snapshot and scratch. The guest maps them, or
 * not; a snapshot takes what it has mapped as data like any other, and a restore drops them all.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include <inttypes.h>

static mote_status refuse(const struct file_mapping *file, const char *what, uint64_t first,
			  uint64_t size, mote_error *err)
{
	return error_set(
		err, MOTE_E_INVALID,
		"the %s at 0x%" PRIx64 "..0x%" PRIx64 " overlaps %s at 0x%" PRIx64 "..0x%" PRIx64,
		file->name, file->address, file->address + file->size, what, first, first + size);
}

/* Whether SIZE bytes at FIRST have one in common with FILE. No sum wraps: all end below 2^37. */
static bool overlaps(const struct file_mapping *file, uint64_t first, uint64_t size)
{
	return file->address < first + size && first < file->address + file->size;
}

static mote_status check(const struct hyperlight_guest *guest, const struct file_mapping *file,
			 mote_error *err)
{
	const struct hyperlight_layout *layout = &guest->base->layout;
	const uint64_t scratch = hyperlight_scratch_gpa(layout);

	if (!guest->is_idle)
		return error_set(err, MOTE_E_STATE, "files are mapped while no call is under way");
	if (guest->nfiles == HYPERLIGHT_FILES_MAX)
		return error_set(err, MOTE_E_LIMIT,
				 "the guest has %d mapped files, as many as can be",
				 HYPERLIGHT_FILES_MAX);
	if (file->address > SCRATCH_END_GPA || file->size > SCRATCH_END_GPA - file->address)
		return error_set(err, MOTE_E_INVALID,
				 "the %s at 0x%" PRIx64 " with 0x%" PRIx64
				 " bytes ends behind the guest's physical memory, at 0x%" PRIx64,
				 file->name, file->address, file->size, SCRATCH_END_GPA);
	if (overlaps(file, HYPERLIGHT_BASE, layout->data_size))
		return refuse(file, "the snapshot", HYPERLIGHT_BASE, layout->data_size, err);
	if (overlaps(file, scratch, layout->sizes.scratch))
		return refuse(file, "scratch", scratch, layout->sizes.scratch, err);
	for (size_t i = 0; i < guest->nfiles; i++)
		if (overlaps(file, guest->files[i]->address, guest->files[i]->size))
			return refuse(file, guest->files[i]->name, guest->files[i]->address,
				      guest->files[i]->size, err);
	return MOTE_OK;
}

mote_status hyperlight_map_file(struct guest *base, struct file_mapping *file, mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	struct region region = file_mapping_region(file);
	mote_status status = check(guest, file, err);

	if (status)
		return status;
	region.gpa = file->address;
	region.host.file = -1;
	status = guest->hv->ops->map(guest->vm, &region, err);
	if (status) {
		error_prefix(err, "cannot map the %s: ", file->name);
		return status;
	}
	file->gpa = file->address;
	guest->files[guest->nfiles++] = file;
	return MOTE_OK;
}

void hyperlight_drop_files(struct hyperlight_guest *guest)
{
	while (guest->nfiles > 0)
		file_mapping_unref(guest->files[--guest->nfiles]);
}

const struct file_mapping *hyperlight_file_at(const struct hyperlight_bytes *bytes, uint64_t pa,
					      uint64_t *offset)
{
	for (size_t i = 0; i < bytes->nfiles; i++) {
		*offset = pa - bytes->files[i]->address; /* below, it wraps past any size */
		if (*offset < bytes->files[i]->size)
			return bytes->files[i];
	}
	return NULL;
}
