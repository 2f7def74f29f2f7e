/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size-first structs. The size is the first member of each, a size_t; the rest is copied
 * as bytes, so that one function serves all of them.
 */
#include "base/options.h"

#include "base/error.h"

#include <stdint.h>
#include <string.h>

/* The size that the caller stored in its struct, or 0 for one that cannot be. */
static size_t caller_size(const void *options)
{
	size_t size;
	memcpy(&size, options, sizeof size);
	return size >= sizeof size && size <= OPTIONS_SIZE_MAX ? size : 0;
}

static mote_status refuse_size(const void *options, const char *struct_name, mote_error *err)
{
	size_t size;
	memcpy(&size, options, sizeof size);
	return error_set(err, MOTE_E_INVALID, "%s.size is %zu; set it to sizeof(%s)", struct_name,
			 size, struct_name);
}

mote_status options_copy(void *to, size_t known, const void *from, const char *struct_name,
			 mote_error *err)
{
	memset(to, 0, known);
	if (!from) {
		memcpy(to, &known, sizeof known);
		return MOTE_OK;
	}
	size_t size = caller_size(from);
	if (size == 0)
		return refuse_size(from, struct_name, err);

	const uint8_t *bytes = from;
	for (size_t i = known; i < size; i++)
		if (bytes[i] != 0)
			return error_set(
				err, MOTE_E_OPTION,
				"%s has a field at offset %zu that this library (version %s, "
				"%zu bytes) does not know; leave it 0 or use a newer library",
				struct_name, i, mote_version(), known);
	memcpy(to, from, size < known ? size : known);
	memcpy(to, &known, sizeof known);
	return MOTE_OK;
}

mote_status options_fill(void *to, const void *from, size_t known, const char *struct_name,
			 mote_error *err)
{
	size_t size = caller_size(to);
	if (size == 0)
		return refuse_size(to, struct_name, err);
	memset(to, 0, size);
	memcpy(to, from, size < known ? size : known);
	memcpy(to, &size, sizeof size);
	return MOTE_OK;
}
