/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results and signatures as text and as JSON.
 */
#include "values.h"

#include "json.h"
#include "terminal.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Room for the longest number, 17 digits, sign, point and exponent. */
#define NUMBER_SIZE 40

/* The shortest text from which the same number is read again. */
static void format_real(char text[NUMBER_SIZE], double value, bool is_float)
{
	for (int digits = is_float ? 6 : 15; digits <= 17; digits++) {
		snprintf(text, NUMBER_SIZE, "%.*g", digits, value);
		if (is_float ? strtof(text, NULL) == (float)value : strtod(text, NULL) == value)
			return;
	}
}

/* Numbers and bool as text; false for the other types. */
static bool format_scalar(char text[NUMBER_SIZE], const mote_value *value)
{
	switch (value->type) {
	case MOTE_I32:
		snprintf(text, NUMBER_SIZE, "%" PRId32, value->as.i32);
		return true;
	case MOTE_U32:
		snprintf(text, NUMBER_SIZE, "%" PRIu32, value->as.u32);
		return true;
	case MOTE_I64:
		snprintf(text, NUMBER_SIZE, "%" PRId64, value->as.i64);
		return true;
	case MOTE_U64:
		snprintf(text, NUMBER_SIZE, "%" PRIu64, value->as.u64);
		return true;
	case MOTE_F32:
		format_real(text, (double)value->as.f32, true);
		return true;
	case MOTE_F64:
		format_real(text, value->as.f64, false);
		return true;
	case MOTE_BOOL:
		snprintf(text, NUMBER_SIZE, "%s", value->as.boolean ? "true" : "false");
		return true;
	default:
		return false;
	}
}

/* Digits alone: behind hex: they are an argument again. */
static void print_hex(FILE *to, const unsigned char *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fprintf(to, "%02x", bytes[i]);
}

void value_print(FILE *to, const mote_value *value, bool is_raw)
{
	char text[NUMBER_SIZE];

	if (value->type == MOTE_VOID)
		return;
	if (format_scalar(text, value))
		fputs(text, to);
	else if (is_raw) {
		/* str and bytes have one shape */
		fwrite(value->as.bytes.ptr, 1, value->as.bytes.len, to);
		return;
	} else if (value->type == MOTE_STRING)
		terminal_write(to, value->as.str.ptr, value->as.str.len);
	else
		print_hex(to, value->as.bytes.ptr, value->as.bytes.len);
	putc('\n', to);
}

/* JSON has no bytes. NULL when memory is out. */
static struct json_object *hex_json(const unsigned char *bytes, size_t size)
{
	char *text = NULL;
	size_t length = 0;
	FILE *to = open_memstream(&text, &length);

	if (to) {
		print_hex(to, bytes, size);
		fclose(to);
	}
	struct json_object *json = text ? json_text_n(text, length) : NULL;
	free(text);
	return json;
}

/* As short as in text, which json-c would not print it. */
static struct json_object *real_json(double value, const char *text)
{
	return isfinite(value) ? json_real(value, text) : json_text(text);
}

struct json_object *value_json(const mote_value *value)
{
	char text[NUMBER_SIZE];

	format_scalar(text, value);
	switch (value->type) {
	case MOTE_I32:
		return json_integer(value->as.i32);
	case MOTE_I64:
		return json_integer(value->as.i64);
	case MOTE_U32:
		return json_number(value->as.u32);
	case MOTE_U64:
		return json_number(value->as.u64);
	case MOTE_F32:
		return real_json((double)value->as.f32, text);
	case MOTE_F64:
		return real_json(value->as.f64, text);
	case MOTE_BOOL:
		return json_flag(value->as.boolean);
	case MOTE_STRING:
		return json_text_n(value->as.str.ptr, value->as.str.len);
	case MOTE_BYTES:
		return hex_json(value->as.bytes.ptr, value->as.bytes.len);
	case MOTE_VOID:
		break;
	}
	return NULL;
}

void signature_format(char text[SIGNATURE_SIZE], const mote_function_info *function)
{
	int used = snprintf(text, SIGNATURE_SIZE, "%s(", function->name);
	for (uint32_t i = 0; i < function->nparams; i++)
		used += snprintf(text + used, SIGNATURE_SIZE - (size_t)used, "%s%s", i ? ", " : "",
				 mote_type_name(function->params[i]));
	snprintf(text + used, SIGNATURE_SIZE - (size_t)used, ") -> %s",
		 mote_type_name(function->result));
}
