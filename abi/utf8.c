/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 validation. Nearly all text on the boundary is short ASCII (function
 * names, log lines), so eight bytes at a time are tried first; only what is left
 * over is looked at byte by byte.
 */
#include "abi/utf8.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define EVERY_BYTE(x) (UINT64_C(0x0101010101010101) * (x))

/* Second and later bytes of a character: 0x80 to 0xbf. */
static bool is_continuation(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/*
 * The length of the multi-byte character at P, of which LEFT bytes remain, or 0.
 * The second byte's range depends on the first: that is where overlong forms
 * (0xe0, 0xf0), surrogates (0xed) and too large values (0xf4) are refused.
 */
static size_t character_length(const uint8_t *p, size_t left)
{
	uint8_t low = 0x80, high = 0xbf;
	size_t length;

	if (p[0] >= 0xc2 && p[0] <= 0xdf) {
		length = 2;
	} else if ((p[0] & 0xf0) == 0xe0) {
		length = 3;
		low = p[0] == 0xe0 ? 0xa0 : low;
		high = p[0] == 0xed ? 0x9f : high;
	} else if (p[0] >= 0xf0 && p[0] <= 0xf4) {
		length = 4;
		low = p[0] == 0xf0 ? 0x90 : low;
		high = p[0] == 0xf4 ? 0x8f : high;
	} else {
		return 0;
	}
	if (left < length || p[1] < low || p[1] > high)
		return 0;
	for (size_t i = 2; i < length; i++)
		if (!is_continuation(p[i]))
			return 0;
	return length;
}

/* How many of the SIZE bytes at P are, in whole words of eight, ASCII without NUL. */
static size_t ascii_words(const uint8_t *p, size_t size)
{
	size_t at = 0;

	while (size - at >= 8) {
		uint64_t word;
		memcpy(&word, p + at, 8);
		/* A top bit is set if a byte is not ASCII, or was 0 and lost the one taken. */
		if (((word - EVERY_BYTE(1)) | word) & EVERY_BYTE(0x80))
			break;
		at += 8;
	}
	return at;
}

enum utf8_verdict utf8_check(const void *text, size_t size)
{
	const uint8_t *p = text;
	enum utf8_verdict verdict = UTF8_TEXT;
	size_t at = 0;

	while (at < size) {
		at += ascii_words(p + at, size - at);
		/* The word that stopped, or the rest: up to eight bytes, then try again. */
		size_t until = size - at > 8 ? at + 8 : size;
		while (at < until) {
			size_t length = 1;
			if (p[at] == 0)
				verdict = UTF8_WITH_NUL;
			else if (p[at] >= 0x80)
				length = character_length(p + at, size - at);
			if (length == 0)
				return UTF8_MALFORMED;
			at += length;
		}
	}
	return verdict;
}
