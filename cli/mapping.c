/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files for guests on the command line. Only the form of the words is checked here; the library
 * knows which files, addresses and labels are good.
 */
#include "mapping.h"

#include "number.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

bool mapping_parse(struct mapping *mapping, const char *word)
{
	for (size_t at = strlen(word); at-- > 1;) {
		if (word[at] != '@')
			continue;
		const char *end = number_scan(word + at + 1, &mapping->address);
		if (!end || (*end != '\0' && *end != ':'))
			continue;
		mapping->path_length = at;
		mapping->label = *end == ':' ? end + 1 : NULL;
		return true;
	}
	return false;
}

static mote_status apply(mote_sandbox *sb, const char *word, mote_error *err)
{
	struct mapping mapping = { 0 };

	mapping_parse(&mapping, word);
	char *path = malloc(mapping.path_length + 1);
	if (!path)
		return fail(err, MOTE_E_NOMEM, "out of memory");
	memcpy(path, word, mapping.path_length);
	path[mapping.path_length] = '\0';
	mote_status status = mote_sandbox_map_file(sb, path, mapping.address, mapping.label, err);
	free(path);
	return status;
}

mote_status mappings_apply(mote_sandbox *sb, const struct word_list *words, mote_error *err)
{
	mote_status status = MOTE_OK;

	for (size_t i = 0; i < words->count && !status; i++)
		status = apply(sb, words->words[i], err);
	return status;
}
