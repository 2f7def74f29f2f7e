/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of directories that guests are given.
 */
#include "guest_abi/directories.h"

#include "base/error.h"
#include "base/options.h"

#include <mote/limits.h>
#include <string.h>

mote_status directories_check(const mote_directory *given, size_t count, mote_error *err)
{
	if (count > MOTE_MAX_DIRECTORIES)
		return error_set(err, MOTE_E_INVALID, "ndirectories is %zu; it may be at most %d",
				 count, MOTE_MAX_DIRECTORIES);
	if (count && !given)
		return error_set(err, MOTE_E_INVALID, "directories: NULL with a count of %zu",
				 count);
	return MOTE_OK;
}

static const char *append_string(char **at, const char *text)
{
	const size_t size = text ? strlen(text) + 1 : 0;
	char *copy = *at;

	if (!text)
		return NULL;
	memcpy(copy, text, size);
	*at += size;
	return copy;
}

mote_status directories_copy(mote_directory **out, size_t *size, const struct host *host,
			     const mote_directory *given, size_t count, mote_error *err)
{
	mote_status status = directories_check(given, count, err);

	*out = NULL;
	*size = 0;
	if (status || !count)
		return status;
	*size = count * (sizeof given[0] + sizeof(mote_file_system));
	for (size_t i = 0; i < count; i++) {
		*size += given[i].guest ? strlen(given[i].guest) + 1 : 0;
		*size += given[i].host ? strlen(given[i].host) + 1 : 0;
	}
	*out = host_alloc(host, *size);
	if (!*out)
		return error_nomem(err, "a list of directories", *size);
	mote_file_system *systems = (mote_file_system *)(*out + count);
	char *at = (char *)(systems + count);
	for (size_t i = 0; i < count && !status; i++) {
		(*out)[i] = given[i];
		if (given[i].system) {
			(*out)[i].system = &systems[i];
			status = options_copy(&systems[i], sizeof systems[i], given[i].system,
					      "mote_file_system", err);
		}
		(*out)[i].guest = append_string(&at, given[i].guest);
		(*out)[i].host = append_string(&at, given[i].host);
	}
	return status;
}
