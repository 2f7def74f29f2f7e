/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Uses a snapshot in every way that there is, whatever its files say.
 */
#include "store/tried.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void ignore_info(void *user, const mote_stored_info *info)
{
	(void)user;
	assert_non_null(info->guest);
}

/* Whether MESSAGE has one of the names in PATH in it: ".snapshot.memory.runs[0][1]=null". */
static bool names_the_path(const char *message, const char *path)
{
	char name[64];

	while (*path && *path != '=') {
		size_t length = strcspn(path, ".[]=");
		snprintf(name, sizeof name, "%.*s", (int)length, path);
		if (length && !isdigit((unsigned char)name[0]) && strstr(message, name))
			return true;
		path += length + (path[length] != '=' && path[length]);
	}
	return false;
}

/* Whether MESSAGE has a name in quotes in it that a field of TEXT has. */
static bool names_a_field(const char *message, const char *text)
{
	char name[64];

	while ((message = strchr(message, '"'))) {
		size_t length = strcspn(++message, "\"");
		snprintf(name, sizeof name, "\"%.*s\":", (int)length, message);
		if (strstr(text, name))
			return true;
	}
	return false;
}

/* What messages say in plain words, not by a field's name: of media types and annotations, and of
 * what is only wrong together with something else. */
static bool speaks_plainly(const char *message)
{
	static const char *const words[] = {
		"no snapshot",    "blob",    "a run of",        "the break",       "thread pointer",
		"a size of heap", "segment", "the image needs", "scratch_size is", "image, heap"
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strstr(message, words[i]))
			return true;
	return false;
}

static void judge(const struct tried *tried, mote_status status, const char *path)
{
	const char *message = tried->box->g->err.message;

	if (status != MOTE_E_SNAPSHOT && status != MOTE_E_INVALID)
		fail_msg("%s: %s: %s", path, mote_status_name(status), message);
	if (!strstr(message, tried->box->folder))
		fail_msg("%s: the message does not name the folder: %s", path, message);
	if (tried->text && !names_the_path(message, path) && !names_a_field(message, tried->text) &&
	    !speaks_plainly(message))
		fail_msg("%s: the message names no field: %s", path, message);
	for (const char *c = message; *c; c++)
		if ((unsigned char)*c < ' ')
			fail_msg("%s: a message with control characters", path);
}

void tried_use(struct tried *tried, const char *path)
{
	struct box *box = tried->box;
	mote_error *err = &box->g->err;
	mote_snapshot *snapshot;
	mote_sandbox *sb;
	mote_value result;

	mote_status status = mote_store_list(box->folder, ignore_info, NULL, err);
	if (status && status != MOTE_E_SNAPSHOT)
		fail_msg("%s: listing says %s: %s", path, mote_status_name(status), err->message);
	err->message[0] = '\0';
	status = box_load(box, "one", false, &snapshot);
	if (status) {
		assert_null(snapshot);
		judge(tried, status, path);
		tried->refused++;
		return;
	}
	tried->accepted++;
	if (mote_sandbox_from_snapshot(&sb, box->rt, snapshot, &box->options, err) == MOTE_OK) {
		(void)!mote_call(sb, "Count", NULL, 0, &result, err);
		(void)!mote_sandbox_restore(sb, snapshot, err);
		mote_sandbox_free(sb);
	}
	mote_snapshot_unref(snapshot);
}

bool tried_is_first(const struct guest *g)
{
	return strcmp(strrchr(g->path, '-'), "-glibc") == 0;
}

bool tried_concerns(struct guest *g)
{
	if (strcmp(g->backend, "process") != 0 && !getenv("MOTE_TEST_BACKEND"))
		skip_row(g, "what files say is the same for all backends; tried with process");
	return tried_is_first(g);
}
