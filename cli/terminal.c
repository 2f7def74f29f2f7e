/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes control characters of foreign text visible, as ls and less do.
 */
#include "terminal.h"

#include <stdbool.h>
#include <unistd.h>

static size_t length_by_first(unsigned char byte)
{
	if (byte < 0x80)
		return 1;
	if (byte < 0xc2 || byte >= 0xf5)
		return 0;
	return byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

/* Whether the second byte fits the first: not an overlong form, a surrogate, or past U+10FFFF. */
static bool is_second(unsigned char first, unsigned char second)
{
	switch (first) {
	case 0xe0:
		return second >= 0xa0;
	case 0xed:
		return second < 0xa0;
	case 0xf0:
		return second >= 0x90;
	case 0xf4:
		return second < 0x90;
	default:
		return true;
	}
}

size_t terminal_harmless(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;
	size_t length = length_by_first(at[0]);

	if (length > size)
		return 0;
	/* C0, DEL, and U+0080 to U+009F, which some terminals obey as they do C0 */
	if ((at[0] < 0x20 && at[0] != '\n' && at[0] != '\t') || at[0] == 0x7f)
		return 0;
	if ((at[0] == 0xc2 && at[1] < 0xa0) || (length > 1 && !is_second(at[0], at[1])))
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

void terminal_escape(FILE *to, const char *text, size_t size)
{
	while (size) {
		size_t length = terminal_harmless(text, size);
		if (length)
			fwrite(text, 1, length, to);
		else
			fprintf(to, "\\x%02x", (unsigned char)*text);
		text += length ? length : 1;
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
