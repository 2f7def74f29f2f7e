/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote call`: one call of one function in a sandbox of its own. Arguments are parsed by the
 * types in the guest's export record before anything runs.
 */
#include "command.h"
#include "guest.h"
#include "init_data.h"
#include "json.h"
#include "mapping.h"
#include "report.h"
#include "suggest.h"
#include "values.h"

#include <mote/call.h>

#include <inttypes.h>

/* Parsed one by one; on failure those before are freed with the rest. */
struct arguments {
	struct argument list[MOTE_MAX_PARAMS];
	size_t count; /* parsed */
};

/* Here and not in the library: a suggestion needs the list, and types must be known to parse. */
static mote_status no_such_function(const struct guest *guest, const char *path, const char *name,
				    mote_error *err)
{
	struct suggestion like = suggestion_for(name);
	const mote_function_info *function;

	if (!guest->info.is_mote_guest)
		return fail(err, MOTE_E_IMAGE,
			    "%.200s: not a mote guest: it exports no functions; `mote run` runs it "
			    "as a program",
			    path);
	for (size_t i = 0; (function = mote_image_export(guest->image, i)); i++)
		suggestion_offer(&like, function->name);
	if (like.best)
		return fail(err, MOTE_E_NO_FUNCTION,
			    "%.200s: no function \"%.100s\"; did you mean \"%s\"?", path, name,
			    like.best);
	return fail(err, MOTE_E_NO_FUNCTION,
		    "%.200s: no function \"%.100s\"; `mote inspect` lists what there is", path,
		    name);
}

static mote_status parse_arguments(struct arguments *arguments, const mote_function_info *function,
				   size_t nwords, char **words, mote_error *err)
{
	char text[SIGNATURE_SIZE];

	if (nwords != function->nparams) {
		signature_format(text, function);
		return fail(err, MOTE_E_SIGNATURE,
			    "%zu arguments given, the function wants %" PRIu32 ": %s", nwords,
			    function->nparams, text);
	}
	for (; arguments->count < nwords; arguments->count++) {
		size_t i = arguments->count;
		mote_status status =
			argument_parse(&arguments->list[i], function, i, words[i], err);
		if (status)
			return status;
	}
	return MOTE_OK;
}

/* The result alone, to be used by scripts; or with what it is, as JSON. */
static void print_result(const struct guest *guest, const struct options *options,
			 const mote_function_info *function, const mote_value *result)
{
	if (!options->wants_json) {
		value_print(stdout, result, options->wants_raw);
		return;
	}
	struct json_object *json = json_map();
	json_add(json, "function", json_text(function->name));
	json_add(json, "backend", json_text(mote_runtime_backend(guest->rt)));
	json_add(json, "type", json_text(mote_type_name(result->type)));
	json_add(json, "result", value_json(result));
	json_print(stdout, json);
}

/* From here on the guest may run. The result lives as long as the sandbox, so it is printed here. */
static mote_status call_parsed(const struct guest *guest, const struct options *options,
			       const mote_function_info *function,
			       const struct arguments *arguments, mote_error *err)
{
	mote_value values[MOTE_MAX_PARAMS];
	mote_value result;
	mote_sandbox *sb;
	mote_sandbox_options sandbox = guest_sandbox_options(options);

	sandbox.output = guest_output_to_stderr;
	mote_status status = init_data_read(&sandbox, options->init_data, err);
	if (!status)
		status = mote_sandbox_new(&sb, guest->image, &sandbox, err);
	init_data_free(&sandbox);
	if (status)
		return status;
	for (size_t i = 0; i < arguments->count; i++)
		values[i] = arguments->list[i].value;
	status = mappings_apply(sb, &options->maps, err);
	if (!status)
		status = mote_call(sb, function->name, values, arguments->count, &result, err);
	if (!status)
		print_result(guest, options, function, &result);
	mote_sandbox_free(sb);
	return status;
}

static mote_status call(const struct guest *guest, const struct options *options, int nargs,
			char **args, mote_error *err)
{
	struct arguments arguments = { 0 };
	const mote_function_info *function = mote_image_find_export(guest->image, args[1]);

	if (!function)
		return no_such_function(guest, args[0], args[1], err);
	mote_status status =
		parse_arguments(&arguments, function, (size_t)nargs - 2, args + 2, err);
	if (!status)
		status = call_parsed(guest, options, function, &arguments, err);
	for (size_t i = 0; i < arguments.count; i++)
		argument_fini(&arguments.list[i]);
	return status;
}

int call_command(const struct options *options, int nargs, char **args)
{
	struct guest guest;
	mote_error err;

	mote_status status = guest_open(&guest, options, args[0], true, &err);
	if (!status)
		status = call(&guest, options, nargs, args, &err);
	guest_close(&guest);
	return status ? report(&err, options->wants_json) : EXIT_OK;
}
