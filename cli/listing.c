/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of functions with their types, from the records in the guest's file.
 */
#include "listing.h"

#include "json.h"
#include "values.h"

#include <stdio.h>

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

void functions_print(const mote_image *image)
{
	print_functions("exports", mote_image_export, image);
	print_functions("imports", mote_image_import, image);
}

void functions_add(struct json_object *json, const mote_image *image)
{
	json_add(json, "exports", functions_json(mote_image_export, image));
	json_add(json, "imports", functions_json(mote_image_import, image));
}
