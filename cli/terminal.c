/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes control characters of foreign text visible, as ls and less do.
 */
#include "terminal.h"

#include <stdbool.h>
#include <unistd.h>

/* Bytes that are never part of harmless text: C0 and DEL. */
static bool is_control(unsigned char byte)
{
	return (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7f;
}

static size_t length_by_first(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte < 0xc2 || byte >= 0xf5)
		return 0;
	return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* The length of the UTF-8 character at TEXT by its first byte and the continuations that are
 * there; 0 if it is none, or one of the controls U+0080 to U+009F. */
static size_t character(const unsigned char *text, size_t size)
{
	size_t length = length_by_first(text[0]);

	if (length > size || (text[0] == 0xc2 && text[1] < 0xa0))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void terminal_escape(FILE *to, const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	while (size) {
		size_t length = is_control(*at) ? 0 : character(at, size);
		if (length)
			fwrite(at, 1, length, to);
		else
			fprintf(to, "\\x%02x", *at);
		at += length ? length : 1;
		size -= length ? length : 1;
	}
}

void terminal_write(FILE *to, const char *text, size_t size)
{
	if (isatty(fileno(to)))
		terminal_escape(to, text, size);
	else
		fwrite(text, 1, size, to);
}
