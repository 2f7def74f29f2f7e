/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Escaping of guest text. Works on any bytes of any length, without allocation.
 */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* The table of well-formed sequences: Unicode 15, section 3.9, table 3-7. */
size_t text_utf8_length(const char *text, size_t size)
{
	const uint8_t *p = (const uint8_t *)text;
	if (size == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	if (size < 2 || !is_continuation(p[1]))
		return 0;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		return 2;
	if (size < 3 || !is_continuation(p[2]))
		return 0;
	if (p[0] == 0xe0)
		return p[1] >= 0xa0 ? 3 : 0;
	if (p[0] == 0xed)
		return p[1] <= 0x9f ? 3 : 0;
	if (p[0] > 0xe0 && p[0] <= 0xef)
		return 3;
	if (size < 4 || !is_continuation(p[3]))
		return 0;
	if (p[0] == 0xf0)
		return p[1] >= 0x90 ? 4 : 0;
	if (p[0] == 0xf4)
		return p[1] <= 0x8f ? 4 : 0;
	return p[0] > 0xf0 && p[0] < 0xf4 ? 4 : 0;
}

/* C1 controls, U+0080 to U+009F, are two bytes long and steer terminals too. */
static bool is_printable(const uint8_t *p, size_t length)
{
	if (length == 1)
		return p[0] >= 0x20 && p[0] != 0x7f && p[0] != '\\';
	return !(length == 2 && p[0] == 0xc2 && p[1] < 0xa0);
}

size_t text_escape(char *out, size_t capacity, const char *text, size_t size)
{
	static const char hex[] = "0123456789abcdef";
	size_t used = 0;

	if (capacity == 0)
		return 0;
	for (size_t i = 0; i < size;) {
		const uint8_t *p = (const uint8_t *)text + i;
		size_t length = text_utf8_length(text + i, size - i);
		char piece[4];
		size_t piece_size = length;

		if (length && is_printable(p, length)) {
			memcpy(piece, p, length);
		} else if (*p == '\\') {
			memcpy(piece, "\\\\", piece_size = 2);
		} else {
			piece[0] = '\\';
			piece[1] = 'x';
			piece[2] = hex[*p >> 4];
			piece[3] = hex[*p & 15];
			piece_size = 4;
			length = 1;
		}
		if (piece_size >= capacity - used)
			break;
		memcpy(out + used, piece, piece_size);
		used += piece_size;
		i += length;
	}
	out[used] = '\0';
	return used;
}
