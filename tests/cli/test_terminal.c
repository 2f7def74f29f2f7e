/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Foreign text: which characters reach a terminal as they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/terminal.h"

#include <stdlib.h>
#include <string.h>

#define ALL(text) text, sizeof(text) - 1

static void what_is_harmless_stays_and_the_rest_is_shown(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *shown;
	} rows[] = {
		{ ALL(""), "" },
		{ ALL("plain text\n\ttabs"), "plain text\n\ttabs" },
		{ ALL("\x1b[31mred"), "\\x1b[31mred" },
		{ ALL("\r\b\a\0"), "\\x0d\\x08\\x07\\x00" },
		{ ALL("\x7f"), "\\x7f" },
		{ ALL("\xc2\x9b"), "\\xc2\\x9b" },
		{ ALL("\xc2\x80"), "\\xc2\\x80" },
		{ ALL("\xc2\xa0"), "\xc2\xa0" },
		{ ALL("\xc3\xbc\xe4\xb8\x96\xf0\x9f\x8c\x8d"),
		  "\xc3\xbc\xe4\xb8\x96\xf0\x9f\x8c\x8d" },
		{ ALL("\xc3"), "\\xc3" },
		{ ALL("\xe4\xb8"), "\\xe4\\xb8" },
		{ ALL("\xf0\x9f\x8c"), "\\xf0\\x9f\\x8c" },
		{ ALL("\xc3x"), "\\xc3x" },
		{ ALL("\xe4\xb8x"), "\\xe4\\xb8x" },
		{ ALL("\x80\xbf"), "\\x80\\xbf" },
		{ ALL("\xc0\x80"), "\\xc0\\x80" },
		{ ALL("\xc1\xbf"), "\\xc1\\xbf" },
		{ ALL("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf" },
		{ ALL("\xe0\xa0\x80"), "\xe0\xa0\x80" },
		{ ALL("\xed\x9f\xbf"), "\xed\x9f\xbf" },
		{ ALL("\xed\xa0\x80"), "\\xed\\xa0\\x80" },
		{ ALL("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf" },
		{ ALL("\xf0\x90\x80\x80"), "\xf0\x90\x80\x80" },
		{ ALL("\xf4\x8f\xbf\xbf"), "\xf4\x8f\xbf\xbf" },
		{ ALL("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80" },
		{ ALL("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80" },
		{ ALL("\xff\xfe"), "\\xff\\xfe" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		char *shown = NULL;
		size_t size = 0;
		FILE *to = open_memstream(&shown, &size);
		/* a copy of its exact size: a byte read too far is seen */
		char *text = malloc(rows[i].size + !rows[i].size);
		assert_non_null(to);
		assert_non_null(text);
		memcpy(text, rows[i].text, rows[i].size);
		terminal_escape(to, text, rows[i].size);
		fclose(to);
		assert_string_equal(shown, rows[i].shown);
		free(text);
		free(shown);
	}
}

static void a_character_ends_where_the_text_does(void **state)
{
	(void)state;
	assert_int_equal(terminal_harmless("\xc3\xbc", 2), 2);
	assert_int_equal(terminal_harmless("\xc3\xbc", 1), 0);
	assert_int_equal(terminal_harmless("\xf0\x9f\x8c\x8d", 3), 0);
}

static void a_file_gets_the_text_as_it_is(void **state)
{
	char bytes[8] = { 0 };
	FILE *to = tmpfile();

	(void)state;
	assert_non_null(to);
	terminal_write(to, ALL("\x1b\xff\0"));
	rewind(to);
	assert_int_equal(fread(bytes, 1, sizeof bytes, to), 3);
	assert_memory_equal(bytes, "\x1b\xff\0", 3);
	fclose(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_harmless_stays_and_the_rest_is_shown),
		cmocka_unit_test(a_character_ends_where_the_text_does),
		cmocka_unit_test(a_file_gets_the_text_as_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
