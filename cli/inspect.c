/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote inspect`: what is in a guest file. Nothing of it runs.
 */
#include "command.h"
#include "drawing.h"
#include "guest.h"
#include "init_data.h"
#include "json.h"
#include "listing.h"
#include "report.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* As mote_sandbox_options has it. */
#define FUNCTIONS_MAX 1024

/* A sandbox as it would be made, by a host that has all the functions that the guest imports. */
static mote_status plan_sandbox(mote_sandbox_options *plan, const struct guest *guest,
				const struct options *options, mote_error *err)
{
	*plan = guest_sandbox_options(options);
	while (plan->nfunctions < FUNCTIONS_MAX &&
	       mote_image_import(guest->image, plan->nfunctions))
		plan->nfunctions++;
	return init_data_read(plan, options->init_data, err);
}

static void print_range(uint64_t address, uint64_t size, bool readable, bool writable,
			bool executable)
{
	printf("  %c%c%c  0x%012" PRIx64 "  %10" PRIu64, readable ? 'r' : '-', writable ? 'w' : '-',
	       executable ? 'x' : '-', address, size);
}

/* For mote_image_layout(). */
static void print_region(void *user, const mote_region_info *region)
{
	(void)user;
	print_range(region->address, region->size, region->readable, region->writable,
		    region->executable);
	printf("  0x%09" PRIx64 "  %s\n", region->physical, region->name);
}

static void print_image(const struct guest *guest, const char *path)
{
	const mote_segment_info *segment;

	terminal_write(stdout, path, strlen(path));
	printf(": ");
	kind_print(&guest->info);
	printf(", %" PRIu64 " bytes, entry 0x%" PRIx64 "\n\nsegments (address, bytes in memory, in "
	       "the file, offset there)\n",
	       guest->info.file_bytes, guest->info.entry);
	for (size_t i = 0; (segment = mote_image_segment(guest->image, i)); i++) {
		print_range(segment->address, segment->memory_size, segment->readable,
			    segment->writable, segment->executable);
		printf("  %10" PRIu64 "  0x%" PRIx64 "\n", segment->file_size,
		       segment->file_offset);
	}
	functions_print(guest->image, &guest->info);
}

static mote_status print_layout(const struct guest *guest, const mote_sandbox_options *plan,
				mote_error *err)
{
	printf("\nmemory (address, bytes, physical address)\n");
	return mote_image_layout(guest->image, plan, print_region, NULL, err);
}

static void add_rights(struct json_object *json, bool readable, bool writable, bool executable)
{
	json_add(json, "readable", json_flag(readable));
	json_add(json, "writable", json_flag(writable));
	json_add(json, "executable", json_flag(executable));
}

static struct json_object *segments_json(const mote_image *image)
{
	struct json_object *list = json_list();
	const mote_segment_info *segment;

	for (size_t i = 0; (segment = mote_image_segment(image, i)); i++) {
		struct json_object *json = json_map();
		json_add(json, "address", json_number(segment->address));
		json_add(json, "memory_size", json_number(segment->memory_size));
		json_add(json, "file_size", json_number(segment->file_size));
		json_add(json, "file_offset", json_number(segment->file_offset));
		add_rights(json, segment->readable, segment->writable, segment->executable);
		json_append(list, json);
	}
	return list;
}

/* The same; USER is a JSON array. */
static void append_region(void *user, const mote_region_info *region)
{
	struct json_object *json = json_map();

	json_add(json, "name", json_text(region->name));
	json_add(json, "address", json_number(region->address));
	json_add(json, "physical", json_number(region->physical));
	json_add(json, "size", json_number(region->size));
	add_rights(json, region->readable, region->writable, region->executable);
	json_append(user, json);
}

/* The layout first: it can fail, and a failure must be the only thing that is printed. */
static mote_status print_json(const struct guest *guest, const mote_sandbox_options *plan,
			      const char *path, mote_error *err)
{
	const mote_image_info *info = &guest->info;
	struct json_object *layout = json_list();
	mote_status status = mote_image_layout(guest->image, plan, append_region, layout, err);

	if (status) {
		json_object_put(layout);
		return status;
	}
	struct json_object *json = json_map();
	json_add(json, "file", json_text(path));
	json_add(json, "kind", kind_json(info));
	json_add(json, "is_pie", json_flag(info->is_pie));
	json_add(json, "guest_abi", info->guest_abi ? json_text(info->guest_abi) : NULL);
	json_add(json, "guest_abi_version", json_text(info->guest_abi_version));
	json_add(json, "abi_version", json_number(info->abi_version));
	json_add(json, "entry", json_number(info->entry));
	json_add(json, "file_bytes", json_number(info->file_bytes));
	json_add(json, "segments", segments_json(guest->image));
	functions_add(json, guest->image, &guest->info);
	json_add(json, "layout", layout);
	json_print(stdout, json);
	return MOTE_OK;
}

static mote_status inspect(const struct guest *guest, const struct options *options,
			   const mote_sandbox_options *plan, const char *path, mote_error *err)
{
	if (options->view)
		return drawing_print(stdout, options->view, guest->image, plan, err);
	if (options->wants_json)
		return print_json(guest, plan, path, err);
	print_image(guest, path);
	return options->wants_layout ? print_layout(guest, plan, err) : MOTE_OK;
}

int inspect_command(const struct options *options, int nargs, char **args)
{
	struct guest guest;
	mote_sandbox_options plan = { .size = sizeof plan };
	mote_error err;

	(void)nargs;
	mote_status status = guest_open(&guest, options, args[0], false, &err);
	if (!status)
		status = plan_sandbox(&plan, &guest, options, &err);
	if (!status)
		status = inspect(&guest, options, &plan, args[0], &err);
	init_data_free(&plan);
	guest_close(&guest);
	return status ? report(&err, options->wants_json) : EXIT_OK;
}
