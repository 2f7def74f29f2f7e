/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that goes to the host: bounded, and always UTF-8, since the host takes a malformed message
 * for an attack and ends the guest.
 */
#include "state.h"

#include "abi/utf8.h"

#include <string.h>

static bool continues_character(char byte)
{
	return ((unsigned char)byte & 0xc0) == 0x80;
}

size_t text_copy(char *to, size_t size, const char *from, size_t len)
{
	if (len > size - 1) {
		len = size - 1;
		while (len > 0 && continues_character(from[len]))
			len--;
	}
	bool is_utf8 = utf8_check(from, len) != UTF8_MALFORMED;
	for (size_t i = 0; i < len; i++)
		to[i] = is_utf8 || (unsigned char)from[i] < 0x80 ? from[i] : '?';
	to[len] = '\0';
	return len;
}

#define DIGITS_MAX 20 /* of an unsigned long */

/* Writes VALUE in decimal digits to the end of DIGITS; returns how many there are. */
static size_t decimal(char digits[DIGITS_MAX], unsigned long value)
{
	size_t n = 0;

	do
		digits[DIGITS_MAX - ++n] = (char)('0' + value % 10);
	while ((value /= 10) != 0 && n < DIGITS_MAX);
	return n;
}

size_t text_format(char *to, size_t size, const char *format, va_list arguments)
{
	char digits[DIGITS_MAX];
	size_t len = 0;

	while (*format != '\0' && len < size - 1) {
		const char *piece = format;
		size_t piece_len = 1;
		if (strncmp(format, "%s", 2) == 0) {
			piece = va_arg(arguments, const char *);
			piece_len = strlen(piece);
			format += 2;
		} else if (strncmp(format, "%lu", 3) == 0) {
			piece_len = decimal(digits, va_arg(arguments, unsigned long));
			piece = digits + DIGITS_MAX - piece_len;
			format += 3;
		} else {
			format++;
		}
		len += text_copy(to + len, size - len, piece, piece_len);
	}
	to[len] = '\0';
	return len;
}
