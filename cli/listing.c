/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kind of guest an image is, and lists of functions with their types, from the records in the
 * guest's file.
 */
#include "listing.h"

#include "json.h"
#include "values.h"

#include <stdio.h>

/* Room for the name of an ABI. */
enum { KIND_SIZE = 40 };

/* mote_image_export or mote_image_import. */
typedef const mote_function_info *function_at(const mote_image *image, size_t index);

/* Names come from the guest; the library refuses files with names that are not fit to print. */
static void print_functions(const char *title, function_at *at, const mote_image *image)
{
	const mote_function_info *function;
	char text[SIGNATURE_SIZE];

	if (!at(image, 0))
		return;
	printf("\n%s\n", title);
	for (size_t i = 0; (function = at(image, i)); i++) {
		signature_format(text, function);
		printf("  %s\n", text);
	}
}

static struct json_object *functions_json(function_at *at, const mote_image *image)
{
	struct json_object *list = json_list();
	const mote_function_info *function;
	char text[SIGNATURE_SIZE];

	for (size_t i = 0; (function = at(image, i)); i++) {
		struct json_object *json = json_map(), *params = json_list();
		for (uint32_t p = 0; p < function->nparams; p++)
			json_append(params, json_text(mote_type_name(function->params[p])));
		signature_format(text, function);
		json_add(json, "name", json_text(function->name));
		json_add(json, "params", params);
		json_add(json, "result", json_text(mote_type_name(function->result)));
		json_add(json, "signature", json_text(text));
		json_append(list, json);
	}
	return list;
}

/* "mote guest", "program". */
static void format_kind(char text[KIND_SIZE], const mote_image_info *info)
{
	snprintf(text, KIND_SIZE, "%s%s", info->guest_abi ? info->guest_abi : "program",
		 info->guest_abi ? " guest" : "");
}

struct json_object *kind_json(const mote_image_info *info)
{
	char text[KIND_SIZE];

	format_kind(text, info);
	return json_text(text);
}

void kind_print(const mote_image_info *info)
{
	char text[KIND_SIZE];

	format_kind(text, info);
	printf("%s, %s", text, info->is_pie ? "static PIE" : "static");
	if (info->guest_abi)
		printf(", guest ABI %s %s", info->guest_abi,
		       info->guest_abi_version[0] ? info->guest_abi_version
						  : "of a version that it does not say");
}

void functions_print(const mote_image *image, const mote_image_info *info)
{
	if (!info->lists_functions) {
		printf("\nexports and imports are only known when it runs: the file does not list "
		       "them\n");
		return;
	}
	print_functions("exports", mote_image_export, image);
	print_functions("imports", mote_image_import, image);
}

void functions_add(struct json_object *json, const mote_image *image, const mote_image_info *info)
{
	json_add(json, "lists_functions", json_flag(info->lists_functions));
	if (!info->lists_functions)
		return;
	json_add(json, "exports", functions_json(mote_image_export, image));
	json_add(json, "imports", functions_json(mote_image_import, image));
}
