/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote snapshot inspect`: what a saved snapshot is of, how large it is, and where its pages are.
 */
#include "command.h"
#include "guest.h"
#include "json.h"
#include "listing.h"
#include "regions.h"
#include "report.h"
#include "stored.h"
#include "terminal.h"

#include <inttypes.h>
#include <string.h>

static void print_text(const char *text)
{
	terminal_escape(stdout, text, strlen(text));
}

static void print_header(const struct guest *guest, const struct stored_info *info,
			 const char *word)
{
	print_text(word);
	printf(": ");
	print_text(info->guest);
	printf(", ");
	kind_print(&guest->info);
	putchar('\n');
	print_text(info->digest);
	printf(", taken ");
	print_text(info->created);
	putchar('\n');
	printf("%" PRIu64 " bytes of memory, of which %" PRIu64 " are stored\n", info->memory_size,
	       info->stored_size);
}

static void print_regions(const struct regions *regions)
{
	printf("\nmemory (address, bytes, pages that are stored)\n");
	for (size_t i = 0; i < regions->count; i++) {
		const mote_region_info *info = &regions->list[i].info;
		printf("  %c%c%c  0x%012" PRIx64 "  %10" PRIu64 "  %6" PRIu64 "  %s\n",
		       info->readable ? 'r' : '-', info->writable ? 'w' : '-',
		       info->executable ? 'x' : '-', info->address, info->size,
		       regions->list[i].npages, info->name);
	}
}

static struct json_object *regions_json(const struct regions *regions)
{
	struct json_object *list = json_list();

	for (size_t i = 0; i < regions->count; i++) {
		const mote_region_info *info = &regions->list[i].info;
		struct json_object *json = json_map();
		json_add(json, "name", json_text(info->name));
		json_add(json, "address", json_number(info->address));
		json_add(json, "size", json_number(info->size));
		json_add(json, "readable", json_flag(info->readable));
		json_add(json, "writable", json_flag(info->writable));
		json_add(json, "executable", json_flag(info->executable));
		json_add(json, "pages", json_number(regions->list[i].npages));
		json_append(list, json);
	}
	return list;
}

/* The sizes that a sandbox of it has, by the names that options have. */
static struct json_object *config_json(const struct regions *regions, const char *abi)
{
	static const struct {
		const char *part; /* of memory: a region or a slot */
		const char *key;
		const char *abi; /* the only one that has it; NULL: all do */
	} rows[] = {
		{ "heap", "heap_size", NULL },
		{ "stack", "stack_size", "mote" },
		{ "input buffer", "input_size", NULL },
		{ "output buffer", "output_size", NULL },
		{ "init data", "init_data_size", NULL },
		{ "result buffer", "buffer_size", "mote" },
		{ "scratch", "scratch_size", "hyperlight" },
	};
	struct json_object *json = json_map();

	for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
		uint64_t size = 0;
		if (rows[r].abi && strcmp(rows[r].abi, abi) != 0)
			continue;
		for (size_t i = 0; i < regions->count; i++) {
			const mote_region_info *info = &regions->list[i].info;
			if (strcmp(info->name, rows[r].part) == 0 ||
			    (info->slot && strcmp(info->slot, rows[r].part) == 0))
				size += info->size;
		}
		json_add(json, rows[r].key, json_number(size));
	}
	return json;
}

static void print_json(const struct guest *guest, const struct stored_info *info,
		       const struct regions *regions, const char *word)
{
	struct json_object *json = json_map();

	json_add(json, "snapshot", json_text(word));
	json_add(json, "digest", json_text(info->digest));
	json_add(json, "created", json_text(info->created));
	json_add(json, "guest", json_text(info->guest));
	json_add(json, "is_pie", json_flag(guest->info.is_pie));
	json_add(json, "guest_abi", json_text(guest->info.guest_abi));
	json_add(json, "guest_abi_version", json_text(guest->info.guest_abi_version));
	json_add(json, "abi_version", json_number(guest->info.abi_version));
	json_add(json, "memory_size", json_number(info->memory_size));
	json_add(json, "stored_size", json_number(info->stored_size));
	json_add(json, "config", config_json(regions, guest->info.guest_abi));
	json_add(json, "regions", regions_json(regions));
	functions_add(json, guest->image, &guest->info);
	json_print(stdout, json);
}

static mote_status inspect(const struct guest *guest, const struct options *options,
			   const char *word, mote_error *err)
{
	struct stored_info info;
	struct regions regions;
	mote_status status = stored_find_word(&info, word, err);

	if (status)
		return status;
	regions_read(&regions, guest->snapshot);
	status = regions_count(&regions, guest->snapshot, err);
	if (!status && options->wants_json) {
		print_json(guest, &info, &regions, word);
	} else if (!status) {
		print_header(guest, &info, word);
		print_regions(&regions);
		functions_print(guest->image, &guest->info);
	}
	regions_fini(&regions);
	return status;
}

int stored_command(const struct options *options, int nargs, char **args)
{
	struct guest guest;
	mote_error err;

	(void)nargs;
	mote_status status = guest_open_snapshot(&guest, options, args[0], false, &err);
	if (!status)
		status = inspect(&guest, options, args[0], &err);
	guest_close(&guest);
	return status ? report(&err, options->wants_json) : EXIT_OK;
}
