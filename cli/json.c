/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON output. json-c escapes what JSON must escape. On the way out the control characters
 * that JSON allows in strings are escaped too, since they may come from a guest and go to a
 * terminal, and bytes that are no UTF-8, as in names of files, are replaced.
 */
#include "json.h"

#include "command.h"
#include "terminal.h"

#include <stdlib.h>
#include <string.h>

static _Noreturn void out_of_memory(void)
{
	fputs("mote: out of memory\n", stderr);
	exit(EXIT_HOST);
}

/* Every failure of json-c here is one of memory. */
static struct json_object *checked(struct json_object *value)
{
	if (!value)
		out_of_memory();
	return value;
}

struct json_object *json_map(void)
{
	return checked(json_object_new_object());
}

struct json_object *json_list(void)
{
	return checked(json_object_new_array());
}

struct json_object *json_text(const char *text)
{
	return checked(json_object_new_string(text));
}

struct json_object *json_text_n(const char *text, size_t size)
{
	return checked(json_object_new_string_len(text, (int)size));
}

struct json_object *json_number(uint64_t number)
{
	return checked(json_object_new_uint64(number));
}

struct json_object *json_integer(int64_t number)
{
	return checked(json_object_new_int64(number));
}

struct json_object *json_flag(bool flag)
{
	return checked(json_object_new_boolean(flag));
}

struct json_object *json_real(double value, const char *text)
{
	return checked(json_object_new_double_s(value, text));
}

void json_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (json_object_object_add_ex(object, key, value, JSON_C_OBJECT_ADD_CONSTANT_KEY) != 0)
		out_of_memory();
}

void json_append(struct json_object *array, struct json_object *value)
{
	if (json_object_array_add(array, value) != 0)
		out_of_memory();
}

/* Writes a character that a terminal or a JSON parser would choke on; returns its length. */
static size_t print_escaped(FILE *to, const unsigned char *at)
{
	if (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) {
		fprintf(to, "\\u%04x", at[1]);
		return 2;
	}
	fputs(at[0] == 0x7f ? "\\u007f" : "\\ufffd", to);
	return 1;
}

void json_print(FILE *to, struct json_object *value)
{
	size_t size;
	const char *text = json_object_to_json_string_length(
		value,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE,
		&size);
	if (!text)
		out_of_memory();
	while (size) {
		size_t length = terminal_harmless(text, size);
		if (length)
			fwrite(text, 1, length, to);
		else
			length = print_escaped(to, (const unsigned char *)text);
		text += length;
		size -= length;
	}
	putc('\n', to);
	json_object_put(value);
}
