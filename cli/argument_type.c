/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types of arguments where no record has them: of guests that do not list their functions. A
 * word says its type, i32:1, or it has the form of one type alone. The guest compares types
 * exactly, so a number that may be of several must say which it is: only the most common, an i32,
 * need not.
 */
#include "number.h"
#include "report.h"
#include "values.h"

#include <stdlib.h>
#include <string.h>

/* The type that WORD begins with, in front of a colon; MOTE_VOID if with none. */
static mote_type said_type(const char *word, size_t length)
{
	for (mote_type type = MOTE_I32; type <= MOTE_BYTES; type++) {
		const char *name = mote_type_name(type);

		if (strlen(name) == length && strncmp(word, name, length) == 0)
			return type;
	}
	return MOTE_VOID;
}

/* A number, whole or not, of whatever size. "inf" and "nan" are words like any other. */
static bool looks_like_number(const char *word)
{
	const char *digits = word + (*word == '-' || *word == '+');
	char *end;

	if (!strchr(".0123456789", *digits))
		return false;
	(void)strtod(word, &end);
	return *end == '\0' && end != word;
}

mote_status argument_type(mote_type *type, const char **value, size_t index, const char *word,
			  mote_error *err)
{
	const char *colon = strchr(word, ':');
	int64_t number;

	*type = colon ? said_type(word, (size_t)(colon - word)) : MOTE_VOID;
	*value = *type == MOTE_VOID ? word : colon + 1;
	if (*type != MOTE_VOID)
		return MOTE_OK;
	if (number_signed(word, INT32_MIN, INT32_MAX, &number))
		*type = MOTE_I32;
	else if (looks_like_number(word))
		return fail(err, MOTE_E_SIGNATURE,
			    "argument %zu, \"%.100s\", is no i32, and may be of several types: "
			    "say which, as in u64:1, f64:1.5 or str:1",
			    index + 1, word);
	else if (strcmp(word, "true") == 0 || strcmp(word, "false") == 0)
		*type = MOTE_BOOL;
	else
		*type = strncmp(word, "hex:", 4) == 0 ? MOTE_BYTES : MOTE_STRING;
	return MOTE_OK;
}
