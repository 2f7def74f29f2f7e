/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run has used and may use, count by count: the last that is allowed, and one more.
 */
#include "guest_abi/account.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct heard {
	unsigned nlines;
	mote_log_level level;
	char text[1200]; /* of the last one */
} heard;

static void hear(void *user, mote_log_level level, const char *source, const char *message)
{
	(void)user;
	heard.nlines++;
	heard.level = level;
	snprintf(heard.text, sizeof heard.text, "%s: %s", source, message);
}

static struct host host;
static struct account account;

static int setup(void **state)
{
	(void)state;
	host_init(&host);
	host.log = hear;
	host.log_level = MOTE_LOG_INFO;
	heard = (struct heard){ .text = "" };
	account = (struct account){ .limits = account_limits_of(0, 0, 0, 0, 0) };
	return 0;
}

static void log_text(mote_log_level level, const char *text)
{
	account_log(&account, &host, level, text, strlen(text));
}

static void zero_stands_for_the_default(void **state)
{
	(void)state;
	struct account_limits limits = account_limits_of(0, 0, 0, 0, 0);

	assert_true(limits.exits == MOTE_NO_LIMIT);
	assert_int_equal(limits.host_calls, MOTE_DEFAULT_MAX_HOST_CALLS);
	assert_int_equal(limits.output_bytes, MOTE_DEFAULT_MAX_OUTPUT_BYTES);
	assert_int_equal(limits.log_lines, MOTE_DEFAULT_MAX_LOG_LINES);
	assert_int_equal(limits.log_bytes, MOTE_DEFAULT_MAX_LOG_BYTES);
	limits = account_limits_of(1, 2, 3, 4, MOTE_NO_LIMIT);
	assert_int_equal(limits.exits, 1);
	assert_int_equal(limits.host_calls, 2);
	assert_int_equal(limits.output_bytes, 3);
	assert_int_equal(limits.log_lines, 4);
	assert_true(limits.log_bytes == MOTE_NO_LIMIT);
}

static void expect_verdict(const char *text)
{
	mote_error err = { .message = "" };

	assert_int_equal(account_check(&account, &err), text ? MOTE_E_GUEST_LIMIT : MOTE_OK);
	assert_string_equal(err.message, text ? text : "");
	assert_int_equal(account_check(&account, NULL), text ? MOTE_E_GUEST_LIMIT : MOTE_OK);
}

static void exits_end_after_the_last_that_is_allowed(void **state)
{
	(void)state;
	account.limits.exits = 3;
	for (int i = 0; i < 3; i++)
		assert_true(account_exit(&account));
	expect_verdict(NULL);
	assert_false(account_exit(&account));
	assert_int_equal(account.limit, MOTE_LIMIT_EXITS);
	expect_verdict("the guest left its machine more than 3 times; raise max_exits");
}

static void host_calls_end_after_the_last_that_is_allowed(void **state)
{
	(void)state;
	account.limits.host_calls = 2;
	assert_true(account_host_call(&account));
	assert_true(account_host_call(&account));
	expect_verdict(NULL);
	assert_false(account_host_call(&account));
	assert_int_equal(account.limit, MOTE_LIMIT_HOST_CALLS);
	expect_verdict("the guest called the host more than 2 times; raise max_host_calls");
}

static void output_ends_within_what_is_too_much(void **state)
{
	(void)state;
	account.limits.output_bytes = 10;
	assert_int_equal(account_output(&account, 4), 4);
	assert_int_equal(account_output(&account, 6), 6);
	assert_int_equal(account_output(&account, 0), 0);
	expect_verdict(NULL);
	assert_int_equal(account_output(&account, 1), 0);
	expect_verdict("the guest wrote more than 10 bytes; raise max_output_bytes");

	account_begin(&account);
	expect_verdict(NULL);
	assert_int_equal(account_output(&account, SIZE_MAX), 10);
	assert_int_equal(account.output_bytes, 10);
	expect_verdict("the guest wrote more than 10 bytes; raise max_output_bytes");
}

static void lines_over_their_number_are_dropped_and_counted(void **state)
{
	(void)state;
	account.limits.log_lines = 2;
	log_text(MOTE_LOG_INFO, "one");
	log_text(MOTE_LOG_DEBUG, "unheard, so it does not count");
	log_text(MOTE_LOG_INFO, "");
	assert_int_equal(heard.nlines, 2);
	assert_int_equal(account.log_limit, MOTE_LIMIT_NONE);
	account_end(&account, &host);
	assert_int_equal(heard.nlines, 2);

	log_text(MOTE_LOG_INFO, "three");
	log_text(MOTE_LOG_WARN, "four");
	log_text(MOTE_LOG_DEBUG, "unheard");
	log_text(MOTE_LOG_INFO, "five");
	assert_int_equal(heard.nlines, 2);
	assert_int_equal(account.log_limit, MOTE_LIMIT_LOG_LINES);
	assert_int_equal(account.log_lines, 2);
	assert_int_equal(account.dropped_lines, 3);
	account_end(&account, &host);
	assert_int_equal(heard.nlines, 3);
	assert_int_equal(heard.level, MOTE_LOG_WARN);
	assert_string_equal(heard.text,
			    "host: 3 more lines of the guest were dropped: max_log_lines is 2");
	expect_verdict(NULL); /* the run goes on */
}

static void lines_over_their_bytes_are_dropped_too(void **state)
{
	(void)state;
	account.limits.log_bytes = 8;
	log_text(MOTE_LOG_INFO, "1234");
	log_text(MOTE_LOG_INFO, "5678");
	assert_int_equal(account.log_bytes, 8);
	assert_int_equal(account.log_limit, MOTE_LIMIT_NONE);
	log_text(MOTE_LOG_ERROR, "9");
	log_text(MOTE_LOG_INFO, ""); /* would fit, but the log is to have the beginning */
	assert_int_equal(heard.nlines, 2);
	assert_int_equal(account.log_limit, MOTE_LIMIT_LOG_BYTES);
	assert_int_equal(account.dropped_lines, 2);
	account_end(&account, &host);
	assert_int_equal(heard.level, MOTE_LOG_ERROR);
	assert_string_equal(heard.text,
			    "host: 2 more lines of the guest were dropped: max_log_bytes is 8");

	/* a line counts as it arrives: escaped, and cut */
	account_begin(&account);
	log_text(MOTE_LOG_INFO, "\x1b\x1b");
	assert_int_equal(account.log_bytes, 8);
	account_begin(&account);
	log_text(MOTE_LOG_INFO, "\x1b\x1b\x1b");
	assert_int_equal(account.log_bytes, 0);
	assert_int_equal(account.dropped_lines, 1);
}

static void a_run_begins_with_nothing_used(void **state)
{
	(void)state;
	account.limits = account_limits_of(1, 2, 3, 4, 5);
	struct account want = account;

	memset(&account.exits, 0xff, sizeof account - offsetof(struct account, exits));
	account_begin(&account);
	/* but for the padding behind the last member */
	assert_memory_equal(&account, &want,
			    offsetof(struct account, log_limit) + sizeof want.log_limit);
}

static void limits_are_called_as_their_options(void **state)
{
	(void)state;
	static const char *const names[] = {
		"none",           "timeout_ns",       "cpu_ns",        "max_exits",
		"max_host_calls", "max_output_bytes", "max_log_lines", "max_log_bytes",
	};

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_string_equal(mote_limit_name((mote_limit)i), names[i]);
	assert_string_equal(mote_limit_name((mote_limit)(MOTE_LIMIT_LOG_BYTES + 1)), "?");
	assert_string_equal(mote_limit_name((mote_limit)-1), "?");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, setup)
	const struct CMUnitTest tests[] = {
		TEST(zero_stands_for_the_default),
		TEST(exits_end_after_the_last_that_is_allowed),
		TEST(host_calls_end_after_the_last_that_is_allowed),
		TEST(output_ends_within_what_is_too_much),
		TEST(lines_over_their_number_are_dropped_and_counted),
		TEST(lines_over_their_bytes_are_dropped_too),
		TEST(a_run_begins_with_nothing_used),
		TEST(limits_are_called_as_their_options),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
