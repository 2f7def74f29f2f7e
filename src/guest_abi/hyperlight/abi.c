/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hyperlight ABI as a table, and the operations that are no more than a look at something.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/hyperlight.h"
#include "base/error.h"
#include "image/image.h"

#include <string.h>

_Static_assert(HYPERLIGHT_VERSION_SIZE == GUEST_VERSION_SIZE, "recognise() copies all of it");

/* A guest may come without a note: any static executable may be one. */
static enum guest_claim recognise(const void *file, size_t size, char version[GUEST_VERSION_SIZE])
{
	struct hyperlight_image image;
	const mote_status status = hyperlight_image_parse(&image, file, size, NULL);

	memcpy(version, image.version, GUEST_VERSION_SIZE);
	if (version[0])
		return GUEST_MINE;
	return status == MOTE_OK ? GUEST_PERHAPS : GUEST_NOT_MINE;
}

/* All of it may be read, written and executed, whatever the file says. */
mote_status hyperlight_describe(struct elf *out, const void *file, size_t size, mote_error *err)
{
	struct hyperlight_image image;
	const mote_status status = hyperlight_image_parse(&image, file, size, err);

	*out = (struct elf){ .nsegments = 0 };
	if (status)
		return status;
	*out = image.elf;
	out->is_pie = out->header.e_type == ET_DYN;
	out->bias = HYPERLIGHT_BASE - image.base;
	out->entry = image.entry;
	for (size_t i = 0; i < out->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(out, i);

		if (phdr.p_type == PT_LOAD)
			out->segments[out->nsegments++] = (mote_segment_info){
				.address = out->bias + phdr.p_vaddr,
				.memory_size = phdr.p_memsz,
				.file_size = phdr.p_filesz,
				.file_offset = phdr.p_offset,
				.readable = true,
				.writable = true,
				.executable = true,
			};
	}
	return MOTE_OK;
}

static mote_status parse(struct mote_image *image, mote_error *err)
{
	mote_status status =
		hyperlight_describe(&image->elf, image->file.at, image->file.size, err);

	image->abi_name = hyperlight_abi.name;
	if (status)
		error_prefix(err, "%s: ", image->name);
	return status;
}

static struct hyperlight_start start_of(const struct guest_start *start)
{
	return (struct hyperlight_start){
		.sizes = { .input = start->input_size,
			   .output = start->output_size,
			   .heap = start->heap_size,
			   .scratch = start->scratch_size,
			   .init_data = start->init_data_size },
		.init_data = start->init_data,
		.init_flags = start->init_data_flags,
	};
}

static mote_status parse_file(struct hyperlight_image *out, const struct mote_image *image,
			      mote_error *err)
{
	return hyperlight_image_parse(out, image->file.at, image->file.size, err);
}

/* Guests ask the host for functions by name, and see no list of them. */
static mote_status describe(const struct guest_start *start, size_t nfunctions,
			    guest_visit_region visit, void *user, mote_error *err)
{
	const struct hyperlight_start how = start_of(start);
	struct hyperlight_layout layout;
	struct hyperlight_image image;

	(void)nfunctions;
	mote_status status = parse_file(&image, start->image, err);
	if (!status)
		status = hyperlight_snapshot_layout(&layout, &image, &how, err);
	if (!status)
		hyperlight_visit_layout(&layout, how.init_flags, visit, user);
	return status;
}

mote_status hyperlight_load(struct guest_snapshot **out, const struct host *host,
			    const struct guest_start *start, mote_error *err)
{
	const struct hyperlight_start how = start_of(start);
	struct hyperlight_snapshot *snapshot;
	struct hyperlight_image image;

	*out = NULL;
	mote_status status = parse_file(&image, start->image, err);
	if (!status)
		status = hyperlight_snapshot_new(&snapshot, host, &image, &how, err);
	if (!status)
		*out = &snapshot->base;
	return status;
}

static bool is_ready(const struct guest *base)
{
	return ((const struct hyperlight_guest *)base)->is_ready;
}

static uint64_t call_stack(const struct guest *base)
{
	return ((const struct hyperlight_guest *)base)->stack;
}

static uint64_t fs_base(const struct guest *base)
{
	const struct hyperlight_guest *guest = (const struct hyperlight_guest *)base;
	struct hv_system system;

	guest->system->get(guest->vm, &system);
	return system.fs.base;
}

static struct hv_vm *vm(const struct guest *base)
{
	return ((const struct hyperlight_guest *)base)->vm;
}

const struct guest_abi hyperlight_abi = {
	.name = "hyperlight",
	.recognise = recognise,
	.parse = parse,
	.describe = describe,
	.snapshot_free = hyperlight_snapshot_free,
	.guest_new = hyperlight_guest_new,
	.guest_free = hyperlight_guest_free,
	.is_ready = is_ready,
	.input = hyperlight_input,
	.output = hyperlight_output,
	.call = hyperlight_call,
	.run = hyperlight_run,
	.snapshot = hyperlight_take,
	.fits = hyperlight_fits,
	.restore = hyperlight_restore,
	.snapshot_describe = hyperlight_snapshot_describe,
	.snapshot_pages = hyperlight_snapshot_pages,
	.parts_open = hyperlight_parts_open,
	.parts_make = hyperlight_parts_make,
	.map_file = hyperlight_map_file,
	.read = hyperlight_read,
	.write = hyperlight_write,
	.visit_regions = hyperlight_visit_regions,
	.find_used = hyperlight_find_used,
	.vm = vm,
	.stopped = hyperlight_stopped,
	.call_stack = call_stack,
	.fs_base = fs_base,
};
