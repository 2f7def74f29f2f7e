/* SPDX-License-Identifier: Apache-2.0 */
/*
 * values.h - what crosses the boundary, as words: arguments in, results out.
 */
#ifndef CLI_VALUES_H
#define CLI_VALUES_H

#include <mote/image.h>
#include <mote/status.h>
#include <mote/value.h>

#include <json-c/json_object.h>
#include <stdio.h>

/* An argument, and the memory that its value points into, if any. */
struct argument {
	mote_value value;
	void *owned;
};

/*
 * Finds out the type of WORD, the INDEX-th argument, for a function that nothing is known of, and
 * what of it is the value: i32:1 says it, other words are what they look like. Fails with
 * MOTE_E_SIGNATURE for numbers that could be of several types.
 */
mote_status argument_type(mote_type *type, const char **value, size_t index, const char *word,
			  mote_error *err);

/*
 * Parses WORD, the INDEX-th argument of FUNCTION counted from 0, by its type there. Files (@FILE)
 * are read. On failure ERR names word, place and what was wanted, and nothing is owned.
 */
mote_status argument_parse(struct argument *argument, const mote_function_info *function,
			   size_t index, const char *word, mote_error *err);

/* Frees what a parsed, or zeroed, argument owns. */
void argument_fini(struct argument *argument);

/* Prints VALUE: numbers so that they can be read back, str harmless to a terminal, bytes in hex,
 * each with a line end; void is nothing. With IS_RAW str and bytes go out as they are. */
void value_print(FILE *to, const mote_value *value, bool is_raw);

/* VALUE for JSON: bytes in hex; NaN and infinities, which JSON has not, as text; void as null. */
struct json_object *value_json(const mote_value *value);

/* Writes FUNCTION as "SayHello(str) -> str" to TEXT, which holds the longest there is: a name of
 * 63 bytes and 11 parameters. */
#define SIGNATURE_SIZE 160
void signature_format(char text[SIGNATURE_SIZE], const mote_function_info *function);

#endif
