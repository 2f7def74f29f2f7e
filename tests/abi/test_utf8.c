/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UTF-8 is judged right at every edge of its definition, at every place in a
 * word, and without reading past the end.
 */
#include "abi/utf8.h"
#include "fenced.h"

#include <stdbool.h>

static const struct {
	const char *what;
	const char *text;
	size_t size;
	enum utf8_verdict want;
} rows[] = {
	{ "nothing", "", 0, UTF8_TEXT },
	{ "one letter", "a", 1, UTF8_TEXT },
	{ "only a NUL", "\0", 1, UTF8_WITH_NUL },
	{ "DEL, the highest ASCII", "\x7f", 1, UTF8_TEXT },
	{ "a NUL in the first word", "abc\0efgh", 8, UTF8_WITH_NUL },
	{ "a NUL behind the first word", "abcdefgh\0", 9, UTF8_WITH_NUL },
	{ "a one behind a zero is not taken for one", "\1\0\1\1\1\1\1\1", 8, UTF8_WITH_NUL },
	{ "a NUL and then a bad byte: bad wins", "a\0\xff", 3, UTF8_MALFORMED },
	{ "a stray continuation byte", "\x80", 1, UTF8_MALFORMED },
	{ "the highest continuation byte", "\xbf", 1, UTF8_MALFORMED },
	{ "overlong NUL", "\xc0\x80", 2, UTF8_MALFORMED },
	{ "highest overlong pair", "\xc1\xbf", 2, UTF8_MALFORMED },
	{ "U+0080, the lowest pair", "\xc2\x80", 2, UTF8_TEXT },
	{ "U+07FF, the highest pair", "\xdf\xbf", 2, UTF8_TEXT },
	{ "a pair whose second byte is ASCII", "\xdf\x7f", 2, UTF8_MALFORMED },
	{ "a pair whose second byte is a lead byte", "\xdf\xc0", 2, UTF8_MALFORMED },
	{ "half a pair", "\xdf", 1, UTF8_MALFORMED },
	{ "highest overlong triple", "\xe0\x9f\xbf", 3, UTF8_MALFORMED },
	{ "U+0800, the lowest triple", "\xe0\xa0\x80", 3, UTF8_TEXT },
	{ "U+D7FF, below the surrogates", "\xed\x9f\xbf", 3, UTF8_TEXT },
	{ "U+D800, the first surrogate", "\xed\xa0\x80", 3, UTF8_MALFORMED },
	{ "U+E000, above the surrogates", "\xee\x80\x80", 3, UTF8_TEXT },
	{ "U+FFFF, the highest triple", "\xef\xbf\xbf", 3, UTF8_TEXT },
	{ "a triple with an ASCII third byte", "\xe2\x82\x2e", 3, UTF8_MALFORMED },
	{ "two thirds of a triple", "\xe2\x82", 2, UTF8_MALFORMED },
	{ "highest overlong quadruple", "\xf0\x8f\xbf\xbf", 4, UTF8_MALFORMED },
	{ "U+10000, the lowest quadruple", "\xf0\x90\x80\x80", 4, UTF8_TEXT },
	{ "U+10FFFF, the highest character", "\xf4\x8f\xbf\xbf", 4, UTF8_TEXT },
	{ "U+110000, one too high", "\xf4\x90\x80\x80", 4, UTF8_MALFORMED },
	{ "a lead byte that stands for nothing", "\xf5\x80\x80\x80", 4, UTF8_MALFORMED },
	{ "the byte that is never UTF-8", "\xff", 1, UTF8_MALFORMED },
	{ "three quarters of a quadruple", "\xf0\x90\x80", 3, UTF8_MALFORMED },
	{ "a character across two words", "abcdefg\xe2\x82\xacxyz", 13, UTF8_TEXT },
	{ "text behind such a character is judged", "abcdefg\xe2\x82\xacxyz12345678\xff", 22,
	  UTF8_MALFORMED },
};

static void each_edge_is_judged(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum utf8_verdict got =
			utf8_check(fenced_copy(rows[i].text, rows[i].size), rows[i].size);
		if (got != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].what, got, rows[i].want);
	}
}

static void the_place_in_a_word_does_not_matter(void **state)
{
	char text[64];
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t before = 0; before < 20; before++) {
			for (size_t behind = 0; behind < 12; behind++) {
				size_t size = before + rows[i].size + behind;
				memset(text, 'x', sizeof(text));
				memcpy(text + before, rows[i].text, rows[i].size);
				enum utf8_verdict got = utf8_check(fenced_copy(text, size), size);
				if (got != rows[i].want)
					fail_msg("%s, %zu before, %zu behind: got %d", rows[i].what,
						 before, behind, got);
			}
		}
	}
}

/* By the definition: decode, then ask whether the shortest form of the value is that. */
static bool is_one_character(const uint8_t *p, size_t size)
{
	static const uint32_t lowest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t value = p[0] & (0x7f >> size);

	if (size == 1)
		return p[0] < 0x80;
	if (p[0] >> (7 - size) != (1 << (size + 1)) - 2) /* not SIZE ones and a zero */
		return false;
	for (size_t i = 1; i < size; i++) {
		if (p[i] >> 6 != 2)
			return false;
		value = value << 6 | (p[i] & 0x3f);
	}
	return value >= lowest[size] && value <= 0x10ffff && (value < 0xd800 || value > 0xdfff);
}

static void agrees_with_the_definition_for_every_lead_and_second_byte(void **state)
{
	static const uint8_t tails[] = { 0x7f, 0x80, 0xbf, 0xc0 };
	(void)state;
	for (unsigned head = 0x8000; head <= 0xffff; head++) {
		for (unsigned tail = 0; tail < 16; tail++) {
			uint8_t p[4] = { (uint8_t)(head >> 8), (uint8_t)head, tails[tail & 3],
					 tails[tail >> 2] };
			for (size_t size = 2; size <= 4; size++) {
				/* One character, or one and ASCII behind it. */
				bool want = is_one_character(p, size);
				for (size_t n = 2; n < size && !want; n++)
					want = is_one_character(p, n) && p[n] < 0x80 &&
					       (n + 1 == size || p[n + 1] < 0x80);
				bool got = utf8_check(p, size) != UTF8_MALFORMED;
				if (got != want)
					fail_msg("%02x %02x %02x %02x, %zu bytes: got %d", p[0],
						 p[1], p[2], p[3], size, got);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_edge_is_judged),
		cmocka_unit_test(the_place_in_a_word_does_not_matter),
		cmocka_unit_test(agrees_with_the_definition_for_every_lead_and_second_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
