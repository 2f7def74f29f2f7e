/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of saved snapshots. A tag has no slash and no colon, so that the last colon ends the
 * directory's name, unless a slash comes behind it; a digest has one colon.
 */
#include "stored.h"

#include "report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_directory(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_layout(const char *directory)
{
	static const char file[] = "/oci-layout";
	char path[4096 + sizeof file];
	struct stat st;

	return strlen(directory) < 4096 &&
	       snprintf(path, sizeof path, "%s%s", directory, file) > 0 && stat(path, &st) == 0;
}

/* Where the colon before the tag of WORD is; NULL if it has none. */
static const char *find_tag(const char *word)
{
	const char *colon = strrchr(word, ':'), *digest = strstr(word, ":sha256:");

	if (digest)
		colon = digest;
	return colon && colon != word && !strchr(colon, '/') ? colon : NULL;
}

mote_status stored_parse(struct stored *stored, const char *word, mote_error *err)
{
	const char *colon = is_directory(word) ? NULL : find_tag(word);

	stored->tag = colon ? colon + 1 : "latest";
	stored->directory = strndup(word, colon ? (size_t)(colon - word) : strlen(word));
	return stored->directory ? MOTE_OK : fail(err, MOTE_E_NOMEM, "out of memory");
}

bool stored_is(const char *word)
{
	struct stored stored;
	mote_error err;

	if (stored_parse(&stored, word, &err))
		return false;
	bool is = is_layout(stored.directory);
	stored_fini(&stored);
	return is;
}

void stored_fini(struct stored *stored)
{
	free(stored->directory);
	stored->directory = NULL;
}

struct search {
	const char *tag;
	struct stored_info *info;
};

static void compare(void *user, const mote_stored_info *found)
{
	const struct search *search = user;
	struct stored_info *info = search->info;

	if (info->is_there || (strcmp(search->tag, found->digest) != 0 &&
			       (!found->tag || strcmp(search->tag, found->tag) != 0)))
		return;
	info->is_there = true;
	snprintf(info->digest, sizeof info->digest, "%s", found->digest);
	snprintf(info->guest, sizeof info->guest, "%s", found->guest);
	snprintf(info->created, sizeof info->created, "%s", found->created);
	info->memory_size = found->memory_size;
	info->stored_size = found->stored_size;
}

mote_status stored_find(struct stored_info *info, const struct stored *stored, mote_error *err)
{
	struct search search = { stored->tag, info };

	*info = (struct stored_info){ 0 };
	return mote_store_list(stored->directory, compare, &search, err);
}

mote_status stored_find_word(struct stored_info *info, const char *word, mote_error *err)
{
	struct stored stored;
	mote_status status = stored_parse(&stored, word, err);

	if (!status)
		status = stored_find(info, &stored, err);
	stored_fini(&stored);
	return status;
}
