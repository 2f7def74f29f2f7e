/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of --limit.
 */
#include "limits.h"

#include "options.h"

#include <mote/limits.h>

#include <string.h>

static const struct limit_row {
	const char *name;
	size_t offset; /* in struct limits */
} rows[] = {
	{ "exits", offsetof(struct limits, exits) },
	{ "host_calls", offsetof(struct limits, host_calls) },
	{ "output_bytes", offsetof(struct limits, output_bytes) },
	{ "log_lines", offsetof(struct limits, log_lines) },
	{ "log_bytes", offsetof(struct limits, log_bytes) },
};

bool limits_set(struct limits *limits, const char *word)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const size_t length = strlen(rows[i].name);
		uint64_t *limit = (uint64_t *)(void *)((char *)limits + rows[i].offset);

		if (strncmp(word, rows[i].name, length) != 0 || word[length] != '=')
			continue;
		word += length + 1;
		if (strcmp(word, "none") != 0)
			return size_parse(word, limit);
		*limit = MOTE_NO_LIMIT;
		return true;
	}
	return false;
}
