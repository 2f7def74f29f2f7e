/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote snapshot diff`: which pages of two snapshots differ, and which variables.
 */
#include "command.h"
#include "comparison.h"
#include "guest.h"
#include "json.h"
#include "regions.h"
#include "report.h"
#include "terminal.h"

#include <inttypes.h>
#include <string.h>

/* The two, and what was asked for. Zeroed, it can be closed. */
struct diff {
	struct guest a, b;
	struct regions regions_a, regions_b;
	struct symbols symbols;
	struct comparison found;
};

static const char *region_name(const struct diff *diff, uint64_t address)
{
	const struct counted_region *region = regions_find(&diff->regions_b, address);

	if (!region)
		region = regions_find(&diff->regions_a, address);
	return region ? region->info.name : "?";
}

static void hex_format(char text[2 * VARIABLE_BYTES_MAX + 1], const unsigned char *bytes,
		       size_t size)
{
	for (size_t i = 0; i < size; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
}

static void print_variable(const struct variable *variable)
{
	const struct symbol *symbol = variable->symbol;
	char old[2 * VARIABLE_BYTES_MAX + 1], new[2 * VARIABLE_BYTES_MAX + 1];

	printf("  0x%012" PRIx64 "  %8" PRIu64 "  ", symbol->address, symbol->size);
	terminal_escape(stdout, symbol->name, strlen(symbol->name));
	if (symbol->size <= VARIABLE_BYTES_MAX) {
		hex_format(old, variable->old, (size_t)symbol->size);
		hex_format(new, variable->new, (size_t)symbol->size);
		printf("  %s -> %s", old, new);
	}
	putchar('\n');
}

static void print_text(const struct diff *diff)
{
	const struct comparison *found = &diff->found;
	bool has_title = false;

	if (found->npages == 0)
		return;
	printf("pages that differ (address, pages)\n");
	for (size_t i = 0; i < found->nranges; i++)
		printf("  0x%012" PRIx64 "  %8" PRIu64 "  %s\n", found->ranges[i].address,
		       found->ranges[i].count, region_name(diff, found->ranges[i].address));
	for (size_t i = 0; i < found->nvariables; i++) {
		if (!found->variables[i].differs)
			continue;
		if (!has_title)
			printf("\nvariables that differ (address, bytes)\n");
		has_title = true;
		print_variable(&found->variables[i]);
	}
}

static struct json_object *variable_json(const struct variable *variable)
{
	const struct symbol *symbol = variable->symbol;
	char text[2 * VARIABLE_BYTES_MAX + 1];
	struct json_object *json = json_map();

	json_add(json, "name", json_text(symbol->name));
	json_add(json, "address", json_number(symbol->address));
	json_add(json, "size", json_number(symbol->size));
	if (symbol->size <= VARIABLE_BYTES_MAX) {
		hex_format(text, variable->old, (size_t)symbol->size);
		json_add(json, "old", json_text(text));
		hex_format(text, variable->new, (size_t)symbol->size);
		json_add(json, "new", json_text(text));
	}
	return json;
}

static void print_json(const struct diff *diff, bool has_symbols)
{
	const struct comparison *found = &diff->found;
	struct json_object *json = json_map(), *ranges = json_list(), *variables = json_list();

	for (size_t i = 0; i < found->nranges; i++) {
		struct json_object *range = json_map();
		json_add(range, "address", json_number(found->ranges[i].address));
		json_add(range, "pages", json_number(found->ranges[i].count));
		json_add(range, "region", json_text(region_name(diff, found->ranges[i].address)));
		json_append(ranges, range);
	}
	for (size_t i = 0; i < found->nvariables; i++)
		if (found->variables[i].differs)
			json_append(variables, variable_json(&found->variables[i]));
	json_add(json, "pages", json_number(found->npages));
	json_add(json, "ranges", ranges);
	if (has_symbols)
		json_add(json, "variables", variables);
	else
		json_object_put(variables);
	json_print(stdout, json);
}

static mote_status compare(struct diff *diff, const struct options *options, char **args,
			   mote_error *err)
{
	mote_status status = guest_open_snapshot(&diff->a, options, args[0], false, err);

	if (!status)
		status = guest_open_snapshot(&diff->b, options, args[1], false, err);
	if (!status && options->symbols)
		status = symbols_read(&diff->symbols, diff->a.rt, options->symbols, err);
	if (status)
		return status;
	regions_read(&diff->regions_a, diff->a.snapshot);
	regions_read(&diff->regions_b, diff->b.snapshot);
	return comparison_make(&diff->found, diff->a.snapshot, diff->b.snapshot,
			       options->symbols ? &diff->symbols : NULL, err);
}

int diff_command(const struct options *options, int nargs, char **args)
{
	struct diff diff = { 0 };
	int exit_status = EXIT_OK;
	mote_error err;

	(void)nargs;
	mote_status status = compare(&diff, options, args, &err);
	if (status) {
		exit_status = report(&err, options->wants_json);
	} else {
		if (options->wants_json)
			print_json(&diff, options->symbols != NULL);
		else
			print_text(&diff);
		exit_status = diff.found.npages ? EXIT_DIFFERENT : EXIT_OK;
	}
	comparison_fini(&diff.found);
	symbols_fini(&diff.symbols);
	regions_fini(&diff.regions_a);
	regions_fini(&diff.regions_b);
	guest_close(&diff.b);
	guest_close(&diff.a);
	return exit_status;
}
