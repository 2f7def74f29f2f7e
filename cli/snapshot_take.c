/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote snapshot take`: a sandbox, some calls, and what it is after them on disk. All words are
 * parsed before the guest runs, so that a mistake in the last call costs nothing.
 */
#include "command.h"
#include "function_call.h"
#include "guest.h"
#include "json.h"
#include "report.h"
#include "stored.h"

#include <stdlib.h>
#include <string.h>

struct calls {
	struct function_call *list;
	size_t count;
};

/* How many words are behind the --call at FIRST. */
static size_t count_words(const struct word_list *words, size_t first)
{
	size_t n = 0;

	while (first + 1 + n < words->count && strcmp(words->words[first + 1 + n], "--call") != 0)
		n++;
	return n;
}

static mote_status parse_calls(struct calls *calls, const struct guest *guest,
			       const struct word_list *words, const char *path, mote_error *err)
{
	mote_status status = MOTE_OK;

	calls->list = calloc(words->count + 1, sizeof calls->list[0]);
	if (!calls->list)
		return fail(err, MOTE_E_NOMEM, "out of memory");
	for (size_t at = 0, n; !status && at < words->count; at += 1 + n) {
		n = count_words(words, at);
		if (n == 0)
			return fail(err, MOTE_E_INVALID,
				    "--call needs a function: --call FUNCTION [ARG...]");
		status = function_call_parse(&calls->list[calls->count++], guest, path, n,
					     &words->words[at + 1], err);
	}
	return status;
}

static void free_calls(struct calls *calls)
{
	for (size_t i = 0; i < calls->count; i++)
		function_call_fini(&calls->list[i]);
	free(calls->list);
}

/* As text each result is printed when it is there; as JSON they are collected in RESULTS. */
static mote_status make_calls(const struct calls *calls, mote_sandbox *sb,
			      const struct options *options, struct json_object *results,
			      mote_error *err)
{
	for (size_t i = 0; i < calls->count; i++) {
		mote_value result;
		mote_status status =
			function_call_make(&calls->list[i], sb, options, &result, NULL, err);
		if (status)
			return status;
		if (!options->wants_json) {
			value_print(stdout, &result, options->wants_raw);
			continue;
		}
		struct json_object *json = json_map();
		json_add(json, "function", json_text(calls->list[i].function->name));
		json_add(json, "type", json_text(mote_type_name(result.type)));
		json_add(json, "result", value_json(&result));
		json_append(results, json);
	}
	return MOTE_OK;
}

static mote_status save(mote_sandbox *sb, const struct stored *to, mote_error *err)
{
	mote_snapshot *snapshot;
	mote_status status = mote_snapshot_take(&snapshot, sb, err);

	if (!status)
		status = mote_snapshot_save(snapshot, to->directory, to->tag, err);
	mote_snapshot_unref(snapshot);
	return status;
}

/* What was saved, as the directory has it. */
static mote_status print_saved(const struct stored *to, struct json_object *results,
			       mote_error *err)
{
	struct stored_info info;
	mote_status status = stored_find(&info, to, err);

	if (status)
		return status;
	struct json_object *json = json_map();
	json_add(json, "directory", json_text(to->directory));
	json_add(json, "tag", json_text(to->tag));
	json_add(json, "digest", json_text(info.digest));
	json_add(json, "memory_size", json_number(info.memory_size));
	json_add(json, "stored_size", json_number(info.stored_size));
	json_add(json, "calls", json_object_get(results));
	json_print(stdout, json);
	return MOTE_OK;
}

static mote_status take(struct guest *guest, const struct options *options,
			const struct calls *calls, const struct stored *to, mote_error *err)
{
	struct json_object *results = json_list();
	mote_sandbox *sb = NULL;
	mote_status status = guest_start(&sb, guest, options, err);

	if (!status)
		status = make_calls(calls, sb, options, results, err);
	if (!status)
		status = save(sb, to, err);
	if (!status && options->wants_json)
		status = print_saved(to, results, err);
	json_object_put(results);
	mote_sandbox_free(sb);
	return status;
}

int take_command(const struct options *options, int nargs, char **args)
{
	struct guest guest = { 0 };
	struct calls calls = { 0 };
	struct stored to = { 0 };
	mote_status status = MOTE_OK;
	mote_error err;

	(void)nargs;
	if (!options->destination)
		status = fail(&err, MOTE_E_INVALID,
			      "where to? -o DIR[:TAG] says what is made or added to; options come "
			      "before the first --call");
	if (!status)
		status = stored_parse(&to, options->destination, &err);
	if (!status)
		status = guest_open_stored(&guest, options, args[0], &err);
	if (!status)
		status = parse_calls(&calls, &guest, &options->calls, args[0], &err);
	if (!status)
		status = take(&guest, options, &calls, &to, &err);
	const int exit_status =
		status ? report_crash(&err, &guest.crash, NULL, options->wants_json) : EXIT_OK;
	free_calls(&calls);
	stored_fini(&to);
	guest_close(&guest);
	return exit_status;
}
