/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's services: zeroed memory by way of the owner's allocator, log lines that are filtered
 * before they are made, guest lines that are harmless.
 */
#include "base/host.h"

#include "tests/kit/fail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void memory_arrives_zeroed(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	uint8_t *bytes = host_alloc(host, 1000);
	assert_non_null(bytes);
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(bytes[i], 0);
	host_free(host, bytes, 1000);
	assert_null(fail_leak());
}

static void the_default_host_has_memory_and_no_log(void **state)
{
	(void)state;
	struct host host;
	host_init(&host);
	void *p = host_alloc(&host, 10);
	assert_non_null(p);
	host_free(&host, p, 10);
	assert_ptr_equal(host.sys, &sys_linux);
	assert_false(host_logs(&host, MOTE_LOG_ERROR));
	host_log(&host, MOTE_LOG_ERROR, "nobody hears this");
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	host_free(host, NULL, 10);
	assert_int_equal(fail_operations(), 0);
}

static void arrays_whose_size_wraps_are_not_allocated(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	assert_null(host_alloc_array(host, SIZE_MAX / 2 + 1, 2));
	assert_null(host_alloc_array(host, SIZE_MAX, SIZE_MAX));
	assert_int_equal(fail_operations(), 0);

	void *p = host_alloc_array(host, 3, 8);
	assert_non_null(p);
	host_free(host, p, 24);
	assert_null(fail_leak());
}

static void a_failed_allocation_is_null(void **state)
{
	(void)state;
	const struct host *host = fail_host(1, FAIL_ONWARDS, 0);
	assert_null(host_alloc(host, 1));
	assert_null(host_alloc_array(host, 1, 1));
}

/* What the log callback got. */
struct heard {
	unsigned nlines;
	mote_log_level level;
	char source[16];
	char message[2048];
};

static void hear(void *user, mote_log_level level, const char *source, const char *message)
{
	struct heard *heard = user;
	heard->nlines++;
	heard->level = level;
	snprintf(heard->source, sizeof heard->source, "%s", source);
	snprintf(heard->message, sizeof heard->message, "%s", message);
}

static struct host listening_host(struct heard *heard, mote_log_level level)
{
	struct host host;
	*heard = (struct heard){ .nlines = 0 };
	host_init(&host);
	host.log = hear;
	host.log_user = heard;
	host.log_level = level;
	return host;
}

static bool log_guest(const struct host *host, mote_log_level level, const char *text, size_t size)
{
	uint64_t room = UINT64_MAX;

	return host_log_guest(host, level, text, size, &room);
}

static void lines_above_the_level_are_not_made(void **state)
{
	(void)state;
	for (int limit = MOTE_LOG_ERROR; limit <= MOTE_LOG_TRACE; limit++)
		for (int level = MOTE_LOG_ERROR; level <= MOTE_LOG_TRACE; level++) {
			struct heard heard;
			struct host host = listening_host(&heard, (mote_log_level)limit);
			unsigned want = level <= limit;
			assert_int_equal(host_logs(&host, (mote_log_level)level), want);
			host_log(&host, (mote_log_level)level, "x");
			assert_int_equal(heard.nlines, want);
			assert_true(log_guest(&host, (mote_log_level)level, "x", 1));
			assert_int_equal(heard.nlines, 2 * want);
		}
}

static void a_line_arrives_with_level_source_and_text(void **state)
{
	(void)state;
	struct heard heard;
	struct host host = listening_host(&heard, MOTE_LOG_WARN);
	host_log(&host, MOTE_LOG_WARN, "system call %d", 231);
	assert_int_equal(heard.level, MOTE_LOG_WARN);
	assert_string_equal(heard.source, "host");
	assert_string_equal(heard.message, "system call 231");
}

static void a_guests_line_is_escaped(void **state)
{
	(void)state;
	struct heard heard;
	struct host host = listening_host(&heard, MOTE_LOG_TRACE);
	log_guest(&host, MOTE_LOG_INFO, "a\x1b[2J\n", 6);
	assert_string_equal(heard.source, "guest");
	assert_string_equal(heard.message, "a\\x1b[2J\\x0a");
}

static void lines_are_cut_at_one_kibibyte(void **state)
{
	(void)state;
	struct heard heard;
	struct host host = listening_host(&heard, MOTE_LOG_TRACE);
	char text[4096];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';
	host_log(&host, MOTE_LOG_INFO, "%s", text);
	assert_int_equal(strlen(heard.message), 1023);
	log_guest(&host, MOTE_LOG_INFO, text, sizeof text);
	assert_int_equal(strlen(heard.message), 1023);
}

static void a_guests_line_takes_room_or_is_not_logged(void **state)
{
	(void)state;
	struct heard heard;
	struct host host = listening_host(&heard, MOTE_LOG_WARN);
	uint64_t room = 9;

	/* as it arrives: \x1b */
	assert_true(host_log_guest(&host, MOTE_LOG_WARN, "a\x1b", 2, &room));
	assert_int_equal(room, 4);
	assert_false(host_log_guest(&host, MOTE_LOG_WARN, "12345", 5, &room));
	assert_int_equal(room, 4);
	assert_int_equal(heard.nlines, 1);
	assert_true(host_log_guest(&host, MOTE_LOG_WARN, "1234", 4, &room));
	assert_int_equal(room, 0);
	assert_true(host_log_guest(&host, MOTE_LOG_WARN, "", 0, &room));
	assert_int_equal(heard.nlines, 3);
	/* nobody hears it, so it takes none */
	assert_true(host_log_guest(&host, MOTE_LOG_INFO, "x", 1, &room));
	assert_int_equal(heard.nlines, 3);
}

static mote_status watch_and_go(const struct host *host, void *user, mote_error *err)
{
	struct host own = *host;
	mote_status status = host_watch_forks(&own, err);

	(void)user;
	assert_int_equal(status != MOTE_OK, own.is_original == NULL);
	assert_false(host_is_forked(&own));
	host_unwatch_forks(&own);
	host_unwatch_forks(&own);
	return status;
}

static void watching_for_forks_fails_cleanly(void **state)
{
	(void)state;
	fail_each_operation(watch_and_go, NULL, NULL);
}

/* A host that was made on each side of a fork, and one that nobody asked of. */
static void a_forked_process_knows_that_it_is(void **state)
{
	(void)state;
	struct host before, after, unasked;
	int status = -1;

	host_init(&before);
	host_init(&after);
	host_init(&unasked);
	assert_int_equal(host_watch_forks(&before, NULL), MOTE_OK);
	pid_t child = fork();
	if (child == 0) {
		bool is_well = host_is_forked(&before) && !host_is_forked(&unasked) &&
			       host_watch_forks(&after, NULL) == MOTE_OK && !host_is_forked(&after);
		host_unwatch_forks(&before);
		host_unwatch_forks(&after);
		_exit(is_well && !host_is_forked(&before) ? 0 : 1);
	}
	assert_false(host_is_forked(&before));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_false(host_is_forked(&before));
	host_unwatch_forks(&before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_arrives_zeroed),
		cmocka_unit_test(the_default_host_has_memory_and_no_log),
		cmocka_unit_test(freeing_nothing_is_fine),
		cmocka_unit_test(arrays_whose_size_wraps_are_not_allocated),
		cmocka_unit_test(a_failed_allocation_is_null),
		cmocka_unit_test(lines_above_the_level_are_not_made),
		cmocka_unit_test(a_line_arrives_with_level_source_and_text),
		cmocka_unit_test(a_guests_line_is_escaped),
		cmocka_unit_test(lines_are_cut_at_one_kibibyte),
		cmocka_unit_test(a_guests_line_takes_room_or_is_not_logged),
		cmocka_unit_test(watching_for_forks_fails_cleanly),
		cmocka_unit_test(a_forked_process_knows_that_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
