/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole numbers from words of the command line.
 */
#include "number.h"

#include <stddef.h>

/* The value of C as a digit, at least 16 when it is none. */
static unsigned digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A' + 10);
	return 16;
}

const char *number_scan(const char *text, uint64_t *value)
{
	bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	unsigned base = is_hex ? 16 : 10;
	const char *at = is_hex ? text + 2 : text;
	uint64_t sum = 0;

	if (digit(*at) >= base)
		return NULL;
	for (; digit(*at) < base; at++) {
		if (sum > (UINT64_MAX - digit(*at)) / base)
			return NULL;
		sum = sum * base + digit(*at);
	}
	*value = sum;
	return at;
}

bool number_unsigned(const char *text, uint64_t max, uint64_t *value)
{
	const char *end = number_scan(text, value);
	return end && *end == '\0' && *value <= max;
}

bool number_signed(const char *text, int64_t min, int64_t max, int64_t *value)
{
	uint64_t size;
	bool is_negative = text[0] == '-';
	/* min + 1 can be negated whatever min is */
	uint64_t limit = is_negative ? (uint64_t) - (min + 1) + 1 : (uint64_t)max;

	if (!number_unsigned(text + is_negative, limit, &size))
		return false;
	*value = !is_negative ? (int64_t)size : size ? -(int64_t)(size - 1) - 1 : 0;
	return true;
}
