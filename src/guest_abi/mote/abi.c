/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mote ABI as a table, and the operations that are no more than a look at something.
 */
#include "guest_abi/mote/guest.h"

#include "guest_abi/mote/syscall_names.h"

/* Any static executable runs; those that take calls say so, in a note of their own. */
static enum guest_claim recognise(const void *file, size_t size, char version[GUEST_VERSION_SIZE])
{
	(void)file;
	(void)size;
	version[0] = '\0';
	return GUEST_PERHAPS;
}

static mote_status describe(const struct guest_start *start, size_t nfunctions,
			    guest_visit_region visit, void *user, mote_error *err)
{
	const struct layout_config config = mote_layout_config(start, nfunctions);
	struct layout layout;
	mote_status status = layout_compute(&layout, &config, err);

	if (!status)
		layout_visit(&layout, visit, user);
	return status;
}

static bool is_ready(const struct guest *base)
{
	return mote_guest_of(base)->dispatch != 0;
}

static struct io_stack input(const struct guest *base)
{
	return guest_memory_input(mote_guest_of(base)->memory);
}

static struct io_stack output(const struct guest *base)
{
	return guest_memory_output(mote_guest_of(base)->memory);
}

static void wrote_input(struct guest *base, uint64_t size)
{
	guest_memory_note_input(mote_guest_of(base)->memory, size);
}

static void wrote_arguments(struct guest *base, uint64_t offset, uint64_t size)
{
	guest_memory_note_arguments(mote_guest_of(base)->memory, offset, size);
}

static struct bulk_buffer buffer(const struct guest *base, enum guest_buffer which)
{
	return guest_memory_buffer(mote_guest_of(base)->memory,
				   which == GUEST_ARGUMENTS ? REGION_ARGUMENTS : REGION_RESULTS);
}

/* Drains what the hypervisor has noted, as the next restore would. */
static bool count_changed(struct guest *base, uint64_t *count)
{
	struct mote_guest *guest = mote_guest_of(base);

	mote_guest_note_written(guest);
	return guest_memory_count_changed(guest->memory, count);
}

static void snapshot_describe(const struct guest_snapshot *base, guest_visit_region visit,
			      void *user)
{
	layout_visit(&mote_snapshot_of(base)->memory->layout, visit, user);
}

static mote_status visit_region(const struct memory_snapshot *memory, const struct region *region,
				void (*visit)(void *user, uint64_t address, const void *bytes),
				void *user, mote_error *err)
{
	const uint64_t first = (region->gpa - memory->layout.ram.gpa) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;
	struct page_run part;

	for (uint64_t at = first; (part = memory_snapshot_part(memory, at, end)).count;
	     at = part.first + part.count)
		for (uint64_t page = part.first; page < part.first + part.count; page++) {
			const uint8_t *bytes;
			mote_status status = memory_snapshot_page(memory, page, &bytes, err);
			if (status)
				return status;
			visit(user, region->va + (page - first) * MOTE_PAGE_SIZE, bytes);
		}
	return MOTE_OK;
}

static mote_status snapshot_pages(const struct guest_snapshot *base,
				  void (*visit)(void *user, uint64_t address, const void *bytes),
				  void *user, mote_error *err)
{
	const struct memory_snapshot *memory = mote_snapshot_of(base)->memory;
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && i < memory->layout.nmapped; i++) {
		const struct region *region = layout_mapped(&memory->layout, i);
		if (memory_snapshot_keeps(region->kind))
			status = visit_region(memory, region, visit, user, err);
	}
	return status;
}

static mote_status map_file(struct guest *base, struct file_mapping *file, mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	mote_status status =
		mote_guest_check_files(guest, guest_memory_nfiles(guest->memory) + 1, err);

	return status ? status : machine_map_file(&guest->machine, file, err);
}

static mote_status read(struct guest *base, uint64_t address, void *to, size_t size,
			mote_error *err)
{
	return guest_memory_read(mote_guest_of(base)->memory, address, to, size, 0, err);
}

static mote_status write(struct guest *base, uint64_t address, const void *from, size_t size,
			 mote_error *err)
{
	struct mote_guest *guest = mote_guest_of(base);
	mote_status status = guest_memory_write(guest->memory, address, from, size, 0, err);

	return status ? status : machine_follow(&guest->machine, err);
}

static uint64_t alarm(const struct guest *base, uint64_t now)
{
	return personality_alarm(&mote_guest_of(base)->personality, now);
}

static void visit_refused(const struct guest *base, const struct guest_refused *refused)
{
	const struct personality *p = &mote_guest_of(base)->personality;

	for (uint64_t i = 0; refused->call && i < PERSONALITY_SYSCALL_END; i++)
		if (p->refused[i])
			refused->call(refused->call_user, i, syscall_name(i), p->refused[i]);
	for (size_t i = 0; refused->path && i < FILES_REFUSED_MAX; i++)
		if (p->files.refused[i].path)
			refused->path(refused->path_user, p->files.refused[i].path,
				      p->files.refused[i].times);
}

static struct hv_vm *vm(const struct guest *base)
{
	return mote_guest_of(base)->machine.vm;
}

static uint64_t call_stack(const struct guest *base)
{
	return mote_guest_of(base)->call_stack;
}

static uint64_t fs_base(const struct guest *base)
{
	return machine_fs_base(&mote_guest_of(base)->machine);
}

const struct guest_abi mote_abi = {
	.name = "mote",
	.lists_exports = true,
	.runs_programs = true,
	.recognise = recognise,
	.parse = image_parse,
	.platform_new = mote_platform_new,
	.platform_free = mote_platform_free,
	.platform_describe = mote_platform_describe,
	.describe = describe,
	.guest_new = mote_guest_new,
	.guest_free = mote_guest_free,
	.is_ready = is_ready,
	.input = input,
	.output = output,
	.wrote_input = wrote_input,
	.wrote_arguments = wrote_arguments,
	.buffer = buffer,
	.call = mote_guest_call,
	.run = mote_guest_run,
	.alarm = alarm,
	.answer = mote_guest_answer,
	.snapshot = mote_guest_snapshot,
	.snapshot_free = mote_guest_snapshot_free,
	.fits = mote_guest_fits,
	.restore = mote_guest_restore,
	.count_changed = count_changed,
	.snapshot_describe = snapshot_describe,
	.snapshot_pages = snapshot_pages,
	.parts_open = mote_guest_parts_open,
	.parts_make = mote_guest_parts_make,
	.map_file = map_file,
	.read = read,
	.write = write,
	.visit_regions = mote_guest_visit_regions,
	.find_used = mote_guest_find_used,
	.visit_refused = visit_refused,
	.vm = vm,
	.stopped = mote_guest_stopped,
	.call_stack = call_stack,
	.fs_base = fs_base,
};
