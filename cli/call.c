/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote call`: one call of one function in a sandbox of its own, made from a guest file or from a
 * saved snapshot.
 */
#include "command.h"
#include "function_call.h"
#include "guest.h"
#include "json.h"
#include "mapping.h"
#include "receipt.h"
#include "report.h"

/* The result alone, to be used by scripts; or with what it is, as JSON. */
static void print_result(const struct guest *guest, const struct options *options,
			 const mote_function_info *function, const mote_value *result,
			 const mote_receipt *receipt)
{
	if (!options->wants_json) {
		value_print(stdout, result, options->wants_raw);
		if (options->wants_receipt)
			receipt_print(receipt);
		return;
	}
	struct json_object *json = json_map();
	json_add(json, "function", json_text(function->name));
	json_add(json, "backend", json_text(mote_runtime_backend(guest->rt)));
	json_add(json, "type", json_text(mote_type_name(result->type)));
	json_add(json, "result", value_json(result));
	if (options->wants_receipt)
		receipt_add_json(receipt, json);
	json_print(stdout, json);
}

/* From here on the guest may run. The result lives as long as the sandbox, so it is printed here. */
static mote_status call_parsed(struct guest *guest, const struct options *options,
			       const struct function_call *call, mote_receipt *receipt,
			       mote_error *err)
{
	mote_value result;
	mote_sandbox *sb;

	mote_status status = guest_start(&sb, guest, options, err);
	if (status)
		return status;
	status = mappings_apply(sb, &options->maps, err);
	if (!status)
		status = function_call_make(call, sb, options, &result, receipt, err);
	if (!status)
		print_result(guest, options, call->function, &result, receipt);
	mote_sandbox_free(sb);
	return status;
}

int call_command(const struct options *options, int nargs, char **args)
{
	struct function_call call = { 0 };
	mote_receipt receipt = { .size = sizeof receipt };
	mote_receipt *wanted = options->wants_receipt ? &receipt : NULL;
	struct guest guest;
	mote_error err;

	mote_status status = guest_open_stored(&guest, options, args[0], &err);
	if (!status)
		status = function_call_parse(&call, &guest, args[0], (size_t)nargs - 1,
					     (const char *const *)args + 1, &err);
	if (!status)
		status = call_parsed(&guest, options, &call, wanted, &err);
	const int exit_status =
		status ? report_crash(&err, &guest.crash, wanted, options->wants_json) : EXIT_OK;
	function_call_fini(&call);
	guest_close(&guest);
	return exit_status;
}
