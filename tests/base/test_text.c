/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest text must reach people harmless: no terminal escapes, no forged lines,
 * nothing that is not UTF-8.
 */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *what;
	const char *text;
	size_t size;
	const char *want;
} rows[] = {
	{ "plain text stays", "hello", 5, "hello" },
	{ "nothing stays nothing", "", 0, "" },
	{ "a terminal escape", "\x1b[2J", 4, "\\x1b[2J" },
	{ "a line break", "a\nb", 3, "a\\x0ab" },
	{ "a NUL inside", "a\0b", 3, "a\\x00b" },
	{ "DEL", "\x7f", 1, "\\x7f" },
	{ "a backslash cannot fake an escape", "\\x1b", 4, "\\\\x1b" },
	{ "two-byte character", "\xc3\xa9", 2, "\xc3\xa9" },
	{ "C1 control U+009B", "\xc2\x9b", 2, "\\xc2\\x9b" },
	{ "first after the C1 controls, U+00A0", "\xc2\xa0", 2, "\xc2\xa0" },
	{ "three bytes, the euro", "\xe2\x82\xac", 3, "\xe2\x82\xac" },
	{ "four bytes", "\xf0\x9f\x98\x80", 4, "\xf0\x9f\x98\x80" },
	{ "overlong slash", "\xc0\xaf", 2, "\\xc0\\xaf" },
	{ "overlong three bytes", "\xe0\x9f\xbf", 3, "\\xe0\\x9f\\xbf" },
	{ "overlong four bytes", "\xf0\x8f\xbf\xbf", 4, "\\xf0\\x8f\\xbf\\xbf" },
	{ "a surrogate", "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" },
	{ "above U+10FFFF", "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80" },
	{ "highest character", "\xf4\x8f\xbf\xbf", 4, "\xf4\x8f\xbf\xbf" },
	{ "no such lead byte", "\xf5\x80\x80\x80", 4, "\\xf5\\x80\\x80\\x80" },
	{ "cut in the middle of a character", "\xe2\x82", 2, "\\xe2\\x82" },
	{ "stray continuation byte", "\x80", 1, "\\x80" },
};

static void guest_text_is_escaped(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char out[64];
		size_t n = text_escape(out, sizeof out, rows[i].text, rows[i].size);
		if (strcmp(out, rows[i].want) != 0 || n != strlen(rows[i].want))
			fail_msg("%s: got \"%s\", want \"%s\"", rows[i].what, out, rows[i].want);
	}
}

static void output_never_exceeds_the_capacity(void **state)
{
	(void)state;
	static const char text[] = "ab\x1b\xe2\x82\xac\\z";
	char full[64];
	size_t full_size = text_escape(full, sizeof full, text, sizeof text - 1);

	for (size_t capacity = 0; capacity <= full_size + 1; capacity++) {
		char out[64];
		memset(out, 'X', sizeof out);
		size_t n = text_escape(out, capacity, text, sizeof text - 1);
		for (size_t i = capacity; i < sizeof out; i++)
			assert_int_equal(out[i], 'X');
		if (capacity == 0)
			continue;
		assert_true(n < capacity);
		assert_int_equal(out[n], '\0');
		assert_memory_equal(out, full, n);
		/* only whole characters and whole escapes are kept */
		assert_false((full[n] & 0xc0) == 0x80);
	}
	char exact[64];
	assert_int_equal(text_escape(exact, full_size + 1, text, sizeof text - 1), full_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guest_text_is_escaped),
		cmocka_unit_test(output_never_exceeds_the_capacity),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
