/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Init data on the command line. Which rights go together is the library's business, and so is
 * the size.
 */
#include "init_data.h"

#include "file.h"
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* A bound for files without end, beyond what the library takes. */
#define FILE_MAX ((size_t)2 << 30)

/* Whether TEXT is a colon and rights; stores their flags, else 0. */
static bool parse_rights(const char *text, uint64_t *flags)
{
	const char *end = text + 2;

	*flags = 0;
	if (text[0] != ':' || text[1] != 'r' || end[strspn(end, "wx")] != '\0')
		return false;
	if (strchr(end, 'w'))
		*flags |= MOTE_INIT_DATA_WRITE;
	if (strchr(end, 'x'))
		*flags |= MOTE_INIT_DATA_EXECUTE;
	return true;
}

mote_status init_data_read(mote_sandbox_options *options, const char *word, mote_error *err)
{
	if (!word)
		return MOTE_OK;
	char *path = strdup(word);
	if (!path)
		return fail(err, MOTE_E_NOMEM, "out of memory");
	char *colon = strrchr(path, ':');
	char *bytes;
	size_t size;

	if (colon && parse_rights(colon, &options->init_data_flags))
		*colon = '\0';
	mote_status status = file_read(path, FILE_MAX, &bytes, &size, err);
	free(path);
	options->init_data = bytes;
	options->init_data_size = size;
	return status;
}

void init_data_free(mote_sandbox_options *options)
{
	free((void *)options->init_data);
	options->init_data = NULL;
}
