/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arguments from words. The guest's export record has the types, so nobody has to write them:
 * numbers are checked against their range, and what is too large is refused, not cut.
 */
#include "file.h"
#include "number.h"
#include "report.h"
#include "values.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What fits no input buffer need not be read. */
#define FILE_MAX (UINT64_C(64) << 20)

/* Returns what is wanted instead, or NULL when WORD was parsed. */
typedef const char *parse_fn(mote_value *value, const char *word);

static const char *parse_i32(mote_value *value, const char *word)
{
	int64_t number = 0;
	bool fits = number_signed(word, INT32_MIN, INT32_MAX, &number);
	*value = mote_i32((int32_t)number);
	return fits ? NULL : "a whole number from -2147483648 to 2147483647";
}

static const char *parse_u32(mote_value *value, const char *word)
{
	uint64_t number = 0;
	bool fits = number_unsigned(word, UINT32_MAX, &number);
	*value = mote_u32((uint32_t)number);
	return fits ? NULL : "a whole number from 0 to 4294967295";
}

static const char *parse_i64(mote_value *value, const char *word)
{
	int64_t number = 0;
	bool fits = number_signed(word, INT64_MIN, INT64_MAX, &number);
	*value = mote_i64(number);
	return fits ? NULL : "a whole number from -9223372036854775808 to 9223372036854775807";
}

static const char *parse_u64(mote_value *value, const char *word)
{
	uint64_t number = 0;
	bool fits = number_unsigned(word, UINT64_MAX, &number);
	*value = mote_u64(number);
	return fits ? NULL : "a whole number from 0 to 18446744073709551615";
}

/* Whether strtod() or strtof() read all of WORD, from its first byte on, and found a number that
 * the type can hold: a finite word that became infinite is one that it cannot. */
static bool is_whole(const char *word, const char *end, double value)
{
	bool says_infinite = strpbrk(word, "iI") != NULL;
	return end != word && *end == '\0' && !strchr(" \t\n\v\f\r", *word) &&
	       (!isinf(value) || says_infinite);
}

static const char *parse_f32(mote_value *value, const char *word)
{
	char *end;
	*value = mote_f32(strtof(word, &end));
	return is_whole(word, end, (double)value->as.f32) ? NULL : "a number that fits a float";
}

static const char *parse_f64(mote_value *value, const char *word)
{
	char *end;
	*value = mote_f64(strtod(word, &end));
	return is_whole(word, end, value->as.f64) ? NULL : "a number that fits a double";
}

static const char *parse_bool(mote_value *value, const char *word)
{
	*value = mote_bool(strcmp(word, "true") == 0);
	return value->as.boolean || strcmp(word, "false") == 0 ? NULL : "true or false";
}

/* By type; str and bytes, which may own memory, are parsed apart. */
static parse_fn *const parsers[] = {
	[MOTE_I32] = parse_i32,   [MOTE_U32] = parse_u32, [MOTE_I64] = parse_i64,
	[MOTE_U64] = parse_u64,   [MOTE_F32] = parse_f32, [MOTE_F64] = parse_f64,
	[MOTE_BOOL] = parse_bool,
};

/* The content of PATH as the argument. The library checks that a str is UTF-8 without NUL. */
static mote_status read_argument(struct argument *argument, mote_type type, const char *path,
				 mote_error *err)
{
	char *bytes;
	size_t size;
	mote_status status = file_read(path, FILE_MAX, &bytes, &size, err);

	if (status)
		return status;
	argument->owned = bytes;
	argument->value = type == MOTE_STRING ? mote_strn(bytes, size) : mote_bytes(bytes, size);
	return MOTE_OK;
}

/* Decodes hexadecimal digits in pairs. False if they are none. */
static bool decode_hex(struct argument *argument, const char *digits)
{
	size_t size = strlen(digits) / 2;
	unsigned char *bytes = malloc(size + 1);

	argument->owned = bytes;
	for (size_t i = 0; bytes && i < size; i++) {
		uint64_t byte;
		const char pair[] = { '0', 'x', digits[2 * i], digits[2 * i + 1], '\0' };
		if (!number_unsigned(pair, UINT8_MAX, &byte))
			return false;
		bytes[i] = (unsigned char)byte;
	}
	argument->value = mote_bytes(bytes, size);
	return bytes && digits[2 * size] == '\0';
}

/* WORD is no value of its type: WANTED says what would be one. */
static mote_status refuse(const mote_function_info *function, size_t index, const char *word,
			  const char *wanted, mote_error *err)
{
	return fail(err, MOTE_E_SIGNATURE, "argument %zu of %s, \"%.100s\", is no %s: want %s",
		    index + 1, function->name, word, mote_type_name(function->params[index]),
		    wanted);
}

/* Without the prefix it would be anyone's guess whether "00ff" is two bytes or four. */
static mote_status parse_bytes(struct argument *argument, const mote_function_info *function,
			       size_t index, const char *word, mote_error *err)
{
	static const char prefix[] = "hex:";
	if (strncmp(word, prefix, sizeof prefix - 1) == 0 &&
	    decode_hex(argument, word + sizeof prefix - 1))
		return MOTE_OK;
	argument_fini(argument);
	return refuse(function, index, word, "hex:00ff or @FILE", err);
}

mote_status argument_parse(struct argument *argument, const mote_function_info *function,
			   size_t index, const char *word, mote_error *err)
{
	mote_type type = function->params[index];
	*argument = (struct argument){ 0 };
	if (type != MOTE_STRING && type != MOTE_BYTES) {
		const char *wanted = parsers[type](&argument->value, word);
		return wanted ? refuse(function, index, word, wanted, err) : MOTE_OK;
	}
	/* @@ is for text that begins with an @ */
	if (word[0] == '@' && word[1] != '@')
		return read_argument(argument, type, word + 1, err);
	if (type == MOTE_BYTES)
		return parse_bytes(argument, function, index, word, err);
	argument->value = mote_str(word[0] == '@' ? word + 1 : word);
	return MOTE_OK;
}

void argument_fini(struct argument *argument)
{
	free(argument->owned);
	*argument = (struct argument){ 0 };
}
