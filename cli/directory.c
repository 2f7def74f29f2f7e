/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories for guests on the command line. What follows the last colon that a slash follows is
 * the guest's path and what it may do there, so that the host's may have colons in it.
 */
#include "directory.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

/* A word taken apart; it points into the word. */
struct parts {
	size_t host_length;
	const char *guest;
	size_t guest_length;
	uint64_t flags, max_bytes;
};

static const struct {
	const char *text;
	uint64_t flags;
} rights[] = {
	{ ":ro", 0 },
	{ ":rw-private", MOTE_DIR_PRIVATE },
};

/* Takes what the guest may do off the end of WORD, whose length is *END. False: an unsound size. */
static bool take_rights(const char *word, size_t *end, struct parts *parts)
{
	static const char limited[] = ":rw-private=";
	const char *size = strstr(word, limited);

	if (size) {
		*end = (size_t)(size - word);
		parts->flags = MOTE_DIR_PRIVATE;
		return size_parse(size + sizeof limited - 1, &parts->max_bytes);
	}
	for (size_t i = 0; i < sizeof rights / sizeof rights[0]; i++) {
		const size_t length = strlen(rights[i].text);
		if (*end >= length && strcmp(word + *end - length, rights[i].text) == 0) {
			*end -= length;
			parts->flags = rights[i].flags;
			break;
		}
	}
	return true;
}

static bool parse(struct parts *parts, const char *word)
{
	size_t end = strlen(word);

	*parts = (struct parts){ 0 };
	if (!take_rights(word, &end, parts))
		return false;
	for (size_t at = end; at-- > 0;)
		if (word[at] == ':' && word[at + 1] == '/') {
			parts->host_length = at;
			parts->guest = word + at + 1;
			parts->guest_length = end - at - 1;
			break;
		}
	if (parts->guest && parts->host_length == 0)
		parts->flags = MOTE_DIR_PRIVATE; /* in memory */
	return parts->guest && !memchr(parts->guest, ':', parts->guest_length);
}

bool directory_check(const char *word)
{
	return parse(&(struct parts){ 0 }, word);
}

static mote_status add(struct directories *directories, const char *word)
{
	mote_directory *directory = &directories->list[directories->count];
	struct parts parts;

	if (!parse(&parts, word)) /* those were refused before */
		return MOTE_OK;
	directories->count++;
	directory->flags = parts.flags;
	directory->max_bytes = parts.max_bytes;
	directory->guest = strndup(parts.guest, parts.guest_length);
	if (parts.host_length)
		directory->host = strndup(word, parts.host_length);
	return directory->guest && (directory->host || !parts.host_length) ? MOTE_OK : MOTE_E_NOMEM;
}

mote_status directories_make(struct directories *directories, const struct word_list *words,
			     mote_error *err)
{
	mote_status status = MOTE_OK;

	*directories = (struct directories){ .list = NULL };
	if (words->count == 0)
		return MOTE_OK;
	directories->list = calloc(words->count, sizeof directories->list[0]);
	if (!directories->list)
		return fail(err, MOTE_E_NOMEM, "out of memory");
	for (size_t i = 0; i < words->count && !status; i++)
		status = add(directories, words->words[i]);
	if (!status)
		return MOTE_OK;
	directories_free(directories);
	return fail(err, MOTE_E_NOMEM, "out of memory");
}

void directories_free(struct directories *directories)
{
	for (size_t i = 0; i < directories->count; i++) {
		free((void *)directories->list[i].guest);
		free((void *)directories->list[i].host);
	}
	free(directories->list);
	*directories = (struct directories){ .list = NULL };
}
