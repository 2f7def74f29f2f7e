/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for descriptors: what is ready at once, what is a sleep, and what would never end. (What
 * poll() finds is in test_syscall_io.c.)
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <poll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <time.h>

#define S UINT64_C(1000000000)

static struct personality_box pb;
static struct sys sys;

static int clock_stands(clockid_t clock, struct timespec *to)
{
	(void)clock;
	*to = (struct timespec){ .tv_sec = 1000 };
	return 0;
}

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	personality_box_init(&pb, &sys);
	sys.clock_gettime = clock_stands;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static void put(uint64_t address, uint64_t first, uint64_t second)
{
	const uint64_t words[] = { first, second };

	memcpy(at(&pb, address), words, sizeof words);
}

/* Forgets what the guest waits for; how long that was. UINT64_MAX: for ever. */
static uint64_t waited(void)
{
	const uint64_t until = pb.p.wait.until;
	const bool is_stuck = pb.p.state == PROGRAM_STUCK;

	assert_true(!is_stuck || pb.p.stuck_at == 0);
	personality_reset(&pb.p, &(struct signals){ 0 });
	return is_stuck ? UINT64_MAX : until ? until - 1000 * S : 0;
}

static void waiting_for_nothing_is_a_sleep_or_has_no_end(void **state)
{
	(void)state;
	put(BOX_DATA, 2, 5000);
	assert_int_equal(CALL(&pb, SYS_poll, 0, 0, 250), 0);
	assert_int_equal(waited(), S / 4);
	assert_int_equal(CALL(&pb, SYS_poll, 0, 0, 0), 0);
	assert_int_equal(waited(), 0);
	CALL(&pb, SYS_poll, 0, 0, UINT32_MAX); /* -1 */
	assert_int_equal(waited(), UINT64_MAX);
	assert_int_equal(CALL(&pb, SYS_ppoll, 0, 0, BOX_DATA), 0);
	assert_int_equal(waited(), 2 * S + 5000);
	CALL(&pb, SYS_ppoll, 0, 0, 0);
	assert_int_equal(waited(), UINT64_MAX);
	CALL(&pb, SYS_pselect6, 0, 0, 0, 0);
	assert_int_equal(waited(), UINT64_MAX);
	assert_int_equal(call_number(&pb, SYS_select, (const uint64_t[6]){ 0, 0, 0, 0, BOX_DATA }),
			 0);
	assert_int_equal(waited(), 2 * S + 5000000);
	assert_int_equal(
		call_number(&pb, SYS_pselect6, (const uint64_t[6]){ 0, 0, 0, 0, BOX_DATA }), 0);
	assert_int_equal(waited(), 2 * S + 5000);
}

static void times_that_are_none_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t first, second, number;
		int64_t want;
	} rows[] = {
		{ 0, 1000000, SYS_select, -EINVAL },    { UINT64_MAX, 0, SYS_select, -EINVAL },
		{ 0, UINT64_MAX, SYS_select, -EINVAL }, { INT64_MAX, 0, SYS_select, 0 },
		{ 0, S, SYS_pselect6, -EINVAL },        { 0, 999999, SYS_select, 0 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		put(BOX_DATA, rows[i].first, rows[i].second);
		const int64_t result = call_number(&pb, rows[i].number,
						   (const uint64_t[6]){ 0, 0, 0, 0, BOX_DATA });
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		waited();
	}
	assert_int_equal(
		call_number(&pb, SYS_select, (const uint64_t[6]){ 0, 0, 0, 0, BOX_DATA_END - 8 }),
		-EFAULT);
	assert_int_equal(CALL(&pb, SYS_ppoll, 0, 0, BOX_NOWHERE), -EFAULT);
}

static void sets_keep_what_is_ready(void **state)
{
	(void)state;
	uint64_t sets[3];

	put(BOX_DATA, 1 | 2 | 4, 1 | 2 | 4);
	put(BOX_DATA + 16, 1, 0);
	assert_int_equal(CALL(&pb, SYS_select, 3, BOX_DATA, BOX_DATA + 8, BOX_DATA + 16), 3);
	memcpy(sets, at(&pb, BOX_DATA), sizeof sets);
	assert_int_equal(sets[0], 1);
	assert_int_equal(sets[1], 2 | 4);
	assert_int_equal(sets[2], 0);
	assert_int_equal(waited(), 0);
	/* one that is not open, and more than there can be */
	put(BOX_DATA, 8, 0);
	assert_int_equal(CALL(&pb, SYS_select, 4, BOX_DATA), -EBADF);
	assert_int_equal(CALL(&pb, SYS_select, 1025, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_select, UINT64_MAX, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_select, 3, BOX_DATA_END - 7), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_select, 3, BOX_CONSTANT), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_select, 1024, BOX_DATA_END - 127), -EFAULT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(waiting_for_nothing_is_a_sleep_or_has_no_end),
		TEST(times_that_are_none_are_refused),
		TEST(sets_keep_what_is_ready),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
