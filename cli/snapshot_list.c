/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `mote snapshot list` and `verify`: what a directory says that it has, and whether that is so.
 */
#include "command.h"
#include "guest.h"
#include "json.h"
#include "report.h"
#include "stored.h"
#include "terminal.h"

#include <inttypes.h>
#include <string.h>

/* For mote_store_list(). What the files say is foreign text. */
static void print_row(void *user, const mote_stored_info *info)
{
	(void)user;
	terminal_escape(stdout, info->tag ? info->tag : "-", strlen(info->tag ? info->tag : "-"));
	putchar('\t');
	terminal_escape(stdout, info->created, strlen(info->created));
	printf("\t%" PRIu64 " bytes of %" PRIu64 "\t", info->stored_size, info->memory_size);
	terminal_escape(stdout, info->guest, strlen(info->guest));
	putchar('\t');
	terminal_escape(stdout, info->digest, strlen(info->digest));
	putchar('\n');
}

/* The same; USER is a JSON array. */
static void append_row(void *user, const mote_stored_info *info)
{
	struct json_object *json = json_map();

	json_add(json, "tag", info->tag ? json_text(info->tag) : NULL);
	json_add(json, "digest", json_text(info->digest));
	json_add(json, "guest", json_text(info->guest));
	json_add(json, "created", json_text(info->created));
	json_add(json, "memory_size", json_number(info->memory_size));
	json_add(json, "stored_size", json_number(info->stored_size));
	json_append(user, json);
}

int list_command(const struct options *options, int nargs, char **args)
{
	struct json_object *list = json_list();
	mote_error err;

	(void)nargs;
	mote_status status =
		mote_store_list(args[0], options->wants_json ? append_row : print_row, list, &err);
	if (status || !options->wants_json)
		json_object_put(list);
	else
		json_print(stdout, list);
	return status ? report(&err, options->wants_json) : EXIT_OK;
}

static mote_status print_verified(const struct options *options, const char *word, mote_error *err)
{
	struct stored_info info;
	mote_status status = stored_find_word(&info, word, err);

	if (status)
		return status;
	if (options->wants_json) {
		struct json_object *json = json_map();
		json_add(json, "digest", json_text(info.digest));
		json_add(json, "stored_size", json_number(info.stored_size));
		json_add(json, "is_verified", json_flag(true));
		json_print(stdout, json);
	} else {
		terminal_escape(stdout, word, strlen(word));
		printf(": all %" PRIu64 " bytes are what was saved\n", info.stored_size);
	}
	return MOTE_OK;
}

int verify_command(const struct options *options, int nargs, char **args)
{
	struct guest guest;
	mote_error err;

	(void)nargs;
	mote_status status = guest_open_snapshot(&guest, options, args[0], true, &err);
	if (!status)
		status = print_verified(options, args[0], &err);
	guest_close(&guest);
	return status ? report(&err, options->wants_json) : EXIT_OK;
}
