/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kit itself: it has to see each kind of leak, or the tests that use it prove nothing.
 */
#include "tests/kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

static void assert_leak(const char *part)
{
	const char *leak = fail_leak();
	if (!leak || !strstr(leak, part))
		fail_msg("leak is \"%s\", want one with \"%s\"", leak ? leak : "none", part);
}

static void memory_that_is_not_freed_is_seen(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	void *first = host_alloc(host, 11);
	void *second = host_alloc(host, 22);
	assert_leak("allocation 1 (11 bytes)");
	host_free(host, first, 11);
	assert_leak("allocation 2 (22 bytes)");
	host_free(host, second, 22);
	assert_null(fail_leak());
}

static void memory_grows_and_keeps_its_bytes(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	char *p = host_alloc(host, 4);
	memcpy(p, "abcd", 4);
	p = host->realloc(host->realloc_user, p, 4, 1000);
	assert_memory_equal(p, "abcd", 4);
	host_free(host, p, 1000);
	assert_null(fail_leak());
}

static void descriptors_that_are_not_closed_are_seen(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	int fd = host->sys->open("/dev/null", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_leak("from open");
	assert_int_equal(host->sys->close(fd), 0);
	assert_null(fail_leak());
	assert_int_equal(host->sys->open("/does/not/exist", O_RDONLY), -1);
	assert_int_equal(errno, ENOENT);
	assert_null(fail_leak());
}

#define PAGE ((size_t)4096)

static void mappings_are_followed_page_by_page(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	const struct sys *sys = host->sys;
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	char *at = sys->mmap(NULL, 5 * PAGE, PROT_READ, flags, -1, 0);
	assert_true(at != MAP_FAILED);
	assert_leak("0x5000 bytes");

	/* over itself: still one mapping of each page */
	assert_ptr_equal(sys->mmap(at + PAGE, PAGE, PROT_READ, flags | MAP_FIXED, -1, 0),
			 at + PAGE);
	assert_int_equal(sys->munmap(at + 2 * PAGE, 1), 0); /* a hole, rounded up to its page */
	assert_non_null(fail_leak());
	assert_int_equal(sys->munmap(at + 3 * PAGE, 2 * PAGE), 0);
	assert_non_null(fail_leak());
	assert_int_equal(sys->munmap(at, 2 * PAGE), 0);
	assert_null(fail_leak());
}

static void the_chosen_operation_fails_and_no_other(void **state)
{
	(void)state;
	const struct host *host = fail_host(2, FAIL_ONCE, EMFILE);
	int first = host->sys->open("/dev/null", O_RDONLY);
	assert_null(fail_name());
	assert_int_equal(host->sys->open("/dev/null", O_RDONLY), -1);
	assert_int_equal(errno, EMFILE);
	assert_string_equal(fail_name(), "open");
	int third = host->sys->open("/dev/null", O_RDONLY);
	assert_true(third >= 0);
	assert_int_equal(fail_operations(), 3);
	host->sys->close(first);
	host->sys->close(third);
}

static void onwards_all_fail_but_what_gives_back(void **state)
{
	(void)state;
	const struct host *host = fail_host(2, FAIL_ONWARDS, EIO);
	int fd = host->sys->open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	assert_null(host_alloc(host, 1));
	assert_ptr_equal(host->sys->mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
			 MAP_FAILED);
	assert_string_equal(fail_name(), "realloc");
	assert_int_equal(host->sys->close(fd), 0);
	assert_null(fail_leak());
}

static void counting_anew_forgets_nothing_that_is_held(void **state)
{
	(void)state;
	const struct host *host = fail_host(1, FAIL_ONWARDS, EIO);
	assert_null(host_alloc(host, 7));
	fail_from_here(2, FAIL_ONCE, EIO);
	assert_null(fail_name());
	void *first = host_alloc(host, 7);
	assert_non_null(first);
	assert_null(host_alloc(host, 8));
	assert_int_equal(fail_operations(), 2);
	fail_from_here(0, FAIL_ONCE, 0);
	assert_int_equal(fail_operations(), 0);
	assert_leak("(7 bytes)");
	host_free(host, first, 7);
	assert_null(fail_leak());
}

/* Opens, allocates, and gives both back. USER counts the runs. */
static mote_status tidy_scenario(const struct host *host, void *user, mote_error *err)
{
	++*(unsigned *)user;
	int fd = host->sys->open("/dev/null", O_RDONLY);
	void *p = fd < 0 ? NULL : host_alloc(host, 1);
	if (fd >= 0)
		host->sys->close(fd);
	if (!p) {
		*err = (mote_error){ .code = MOTE_E_OS, .message = "did not work" };
		return MOTE_E_OS;
	}
	host_free(host, p, 1);
	return MOTE_OK;
}

static void every_operation_gets_its_turn(void **state)
{
	(void)state;
	unsigned nruns = 0;
	fail_each_operation(tidy_scenario, &nruns, NULL);
	assert_int_equal(nruns, 2 * 3); /* in each mode: open fails, realloc fails, none */
}

/* madvise() is a hint: its failure changes nothing. */
static mote_status hinting_scenario(const struct host *host, void *user, mote_error *err)
{
	(void)user;
	(void)err;
	(void)host->sys->madvise(NULL, 0, MADV_NORMAL);
	return MOTE_OK;
}

static void benign_failures_may_go_unnoticed(void **state)
{
	(void)state;
	static const char *const benign[] = { "madvise", NULL };
	fail_each_operation(hinting_scenario, NULL, benign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_that_is_not_freed_is_seen),
		cmocka_unit_test(memory_grows_and_keeps_its_bytes),
		cmocka_unit_test(descriptors_that_are_not_closed_are_seen),
		cmocka_unit_test(mappings_are_followed_page_by_page),
		cmocka_unit_test(the_chosen_operation_fails_and_no_other),
		cmocka_unit_test(onwards_all_fail_but_what_gives_back),
		cmocka_unit_test(counting_anew_forgets_nothing_that_is_held),
		cmocka_unit_test(every_operation_gets_its_turn),
		cmocka_unit_test(benign_failures_may_go_unnoticed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
