/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Text that the library makes or passes on: log lines, and its own small formatter.
 */
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Of the library's own header, which is not for files with mote/value.h. */
size_t text_copy(char *to, size_t size, const char *from, size_t len);
size_t text_format(char *to, size_t size, const char *format, va_list arguments);

static void log_line(uint32_t level, const char *line)
{
	const mote_value params[] = { mote_u32(level), mote_bytes(line, strlen(line) + 1) };

	fake_host_call_name("Log", MOTE_VOID, 2, params);
	assert_false(fake.result.is_error);
}

static void each_level_has_its_number_on_the_wire(void **state)
{
	static const enum wire_level levels[] = { WIRE_LEVEL_ERROR, WIRE_LEVEL_WARN,
						  WIRE_LEVEL_INFO,  WIRE_LEVEL_DEBUG,
						  WIRE_LEVEL_TRACE, WIRE_LEVEL_TRACE };

	(void)state;
	for (uint32_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		log_line(i, "text");
		assert_int_equal(fake.log.level, levels[i]);
	}
	log_line(UINT32_MAX, "text");
	assert_int_equal(fake.log.level, WIRE_LEVEL_TRACE);
	assert_int_equal(fake.logs, 7);
}

static void a_line_says_which_function_wrote_it(void **state)
{
	(void)state;
	log_line(0, "text");
	assert_string_equal(fake.log.message.ptr, "text");
	assert_string_equal(fake.log.source.ptr, "guest");
	assert_string_equal(fake.log.caller.ptr, "Log");
	assert_int_equal(fake.log.source_file.len, 0);
}

static void long_lines_are_cut_between_characters(void **state)
{
	char line[2000];

	(void)state;
	memset(line, 'x', sizeof line);
	line[sizeof line - 1] = '\0';
	log_line(0, line);
	assert_int_equal(fake.log.message.len, 511);

	/* Two bytes a character: 511 would cut one in half. */
	for (size_t i = 0; i + 1 < sizeof line; i += 2)
		memcpy(line + i, "\xc3\xa4", 2);
	line[sizeof line - 2] = '\0';
	log_line(0, line);
	assert_int_equal(fake.log.message.len, 510);
	assert_memory_equal(fake.log.message.ptr, line, 510);
}

static void lines_that_are_not_utf8_still_arrive(void **state)
{
	(void)state;
	log_line(0, "a\xff\xc3");
	assert_string_equal(fake.log.message.ptr, "a??");
}

static const struct {
	size_t size;
	const char *given, *copied;
} copy_rows[] = {
	{ 8, "", "" },
	{ 8, "seven77", "seven77" },
	{ 8, "eight888", "eight88" },
	{ 1, "x", "" },
	{ 4, "\xe2\x82\xac", "\xe2\x82\xac" },
	{ 3, "\xe2\x82\xac", "" },
	{ 4, "a\xe2\x82\xac", "a" },
	{ 5,
	  "\xf0\x9f\x98\x80"
	  "a",
	  "\xf0\x9f\x98\x80" },
	{ 8,
	  "a\xff"
	  "b",
	  "a?b" },
	{ 8, "\x85\xff", "??" },
	{ 4, "\xff\xff\xff\xff", "???" },
	{ 4, "\x80\x80\x80\x80", "" },
};

static void copies_are_text_and_bounded(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof copy_rows / sizeof *copy_rows; i++) {
		char to[16];
		memset(to, 0x55, sizeof to);
		size_t len = text_copy(to, copy_rows[i].size, copy_rows[i].given,
				       strlen(copy_rows[i].given));
		assert_string_equal(to, copy_rows[i].copied);
		assert_int_equal(len, strlen(to));
		assert_int_equal(to[copy_rows[i].size], 0x55);
	}
}

__attribute__((format(printf, 2, 3))) static void format(size_t size, const char *template, ...)
{
	char ours[64], theirs[64];
	va_list arguments;

	va_start(arguments, template);
	size_t len = text_format(ours, size, template, arguments);
	va_end(arguments);
	va_start(arguments, template);
	vsnprintf(theirs, size, template, arguments);
	va_end(arguments);
	assert_string_equal(ours, theirs);
	assert_int_equal(len, strlen(theirs));
}

static void formatted_text_is_what_printf_makes_of_it(void **state)
{
	(void)state;
	format(64, "plain");
	format(64, "%s", "");
	format(64, "%s and %s", "one", "two");
	format(64, "%lu", 0ul);
	format(64, "%lu %lu", 1234567890ul, UINT64_MAX);
	format(64, "%s: %lu bytes", "name", 10ul);
	format(5, "plain text");
	format(5, "%s", "long text");
	format(5, "%lu", 1234567ul);
	format(5, "abcd%s", "e");
	format(1, "%s", "long text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_level_has_its_number_on_the_wire, fake_host_setup),
		cmocka_unit_test_setup(a_line_says_which_function_wrote_it, fake_host_setup),
		cmocka_unit_test_setup(long_lines_are_cut_between_characters, fake_host_setup),
		cmocka_unit_test_setup(lines_that_are_not_utf8_still_arrive, fake_host_setup),
		cmocka_unit_test(copies_are_text_and_bounded),
		cmocka_unit_test(formatted_text_is_what_printf_makes_of_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
