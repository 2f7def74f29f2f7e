/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time for guests: whose clocks they are, until when a guest waits, and what nobody can wait for,
 * each with the edge values of its arguments.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#define S UINT64_C(1000000000)

static struct personality_box pb;

/* A host whose clocks stand still, each at another time, and can fail. */
static struct sys sys;
static int clock_error;
static clockid_t clock_asked;

static int clock_stands(clockid_t clock, struct timespec *to)
{
	clock_asked = clock;
	if (clock_error) {
		errno = clock_error;
		return -1;
	}
	*to = (struct timespec){ .tv_sec = 1234567890 + clock, .tv_nsec = 987654321 };
	return 0;
}

#define NOW(clock) ((1234567890 + (uint64_t)(clock)) * S + 987654321)

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	personality_box_init(&pb, &sys);
	sys.clock_gettime = clock_stands;
	clock_error = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static void clocks_are_the_hosts_but_only_harmless_ones(void **state)
{
	(void)state;
	static const struct {
		uint64_t clock;
		int host; /* -1: none */
	} rows[] = {
		{ CLOCK_REALTIME, CLOCK_REALTIME },
		{ CLOCK_MONOTONIC, CLOCK_MONOTONIC },
		{ CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID },
		{ CLOCK_THREAD_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID },
		{ CLOCK_MONOTONIC_RAW, CLOCK_MONOTONIC_RAW },
		{ CLOCK_REALTIME_COARSE, CLOCK_REALTIME_COARSE },
		{ CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_COARSE },
		{ CLOCK_BOOTTIME, CLOCK_BOOTTIME },
		{ CLOCK_REALTIME_ALARM, -1 },
		{ CLOCK_TAI, -1 },
		/* a process's or a descriptor's clock: these would be the host's */
		{ (uint64_t)-6, -1 },
		{ (uint32_t)-6, -1 },
		{ UINT64_C(1) << 32, -1 },
		{ UINT64_MAX, -1 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t want = rows[i].host < 0 ? -EINVAL : 0;
		clock_asked = -77;
		assert_int_equal(CALL(&pb, SYS_clock_gettime, rows[i].clock, BOX_DATA), want);
		assert_int_equal(CALL(&pb, SYS_clock_getres, rows[i].clock, BOX_DATA + 16), want);
		if (want) {
			assert_int_equal(clock_asked, -77);
			continue;
		}
		assert_int_equal(clock_asked, rows[i].host);
		assert_int_equal(peek(&pb, BOX_DATA), 1234567890 + rows[i].host);
		assert_int_equal(peek(&pb, BOX_DATA + 8), 987654321);
		assert_int_equal(peek(&pb, BOX_DATA + 16), 0);
		assert_int_equal(peek(&pb, BOX_DATA + 24), 1);
	}
	assert_int_equal(CALL(&pb, SYS_clock_gettime, 0, BOX_DATA_END - 15), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_clock_gettime, 0, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_clock_getres, 0, 0), 0);
	assert_int_equal(CALL(&pb, SYS_clock_getres, 0, BOX_CODE), -EFAULT);
}

static void older_ways_to_ask_the_time_work(void **state)
{
	(void)state;
	assert_int_equal(CALL(&pb, SYS_gettimeofday, BOX_DATA, 0), 0);
	assert_int_equal(peek(&pb, BOX_DATA), 1234567890);
	assert_int_equal(peek(&pb, BOX_DATA + 8), 987654);
	assert_int_equal(CALL(&pb, SYS_gettimeofday, 0, 0), 0);
	assert_int_equal(CALL(&pb, SYS_gettimeofday, BOX_DATA_END - 15, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_time, 0), 1234567890);
	assert_int_equal(CALL(&pb, SYS_time, BOX_DATA + 32), 1234567890);
	assert_int_equal(peek(&pb, BOX_DATA + 32), 1234567890);
	assert_int_equal(CALL(&pb, SYS_time, BOX_CONSTANT), -EFAULT);
	assert_int_equal(clock_asked, CLOCK_REALTIME);
}

static void a_clock_that_fails_is_an_error_for_the_guest(void **state)
{
	(void)state;
	clock_error = EFAULT;
	assert_int_equal(CALL(&pb, SYS_clock_gettime, 0, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_gettimeofday, BOX_DATA, 0), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_time, 0), -EINVAL);
}

/* A struct timespec at BOX_DATA. */
static void put_time(uint64_t seconds, uint64_t ns)
{
	poke(&pb, BOX_DATA, seconds);
	poke(&pb, BOX_DATA + 8, ns);
}

static void a_sleep_says_until_when(void **state)
{
	(void)state;
	static const struct {
		uint64_t seconds, ns;
		int64_t want;
		uint64_t length;
	} rows[] = {
		{ 0, 0, 0, 0 },
		{ 2, 5, 0, 2 * S + 5 },
		{ 0, 999999999, 0, 999999999 },
		{ 0, 1000000000, -EINVAL, 0 },
		{ 0, UINT64_MAX, -EINVAL, 0 },
		{ UINT64_MAX, 0, -EINVAL, 0 },
		{ INT64_MAX, 0, 0, INT64_MAX },
		{ INT64_MAX / S, 0, 0, INT64_MAX },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int is_clock = 0; is_clock < 2; is_clock++) {
			pb.p.wait.until = 0;
			put_time(rows[i].seconds, rows[i].ns);
			const int64_t result = is_clock ? CALL(&pb, SYS_clock_nanosleep,
							       CLOCK_REALTIME, 0, BOX_DATA)
							: CALL(&pb, SYS_nanosleep, BOX_DATA, 0);
			if (result != rows[i].want)
				fail_msg("row %zu gives %lld", i, (long long)result);
			assert_int_equal(pb.p.wait.until,
					 result ? 0 : NOW(CLOCK_MONOTONIC) + rows[i].length);
		}
	}
	assert_int_equal(CALL(&pb, SYS_nanosleep, BOX_DATA_END - 15, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_nanosleep, 0, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_clock_nanosleep, 0, 0, BOX_NOWHERE), -EFAULT);
}

static void a_sleep_may_end_at_a_time(void **state)
{
	(void)state;
	static const struct {
		uint64_t clock;
		int64_t from_now; /* seconds, on that clock */
		int64_t want;
	} rows[] = {
		{ CLOCK_REALTIME, 3, 0 },  { CLOCK_MONOTONIC, 3, 0 },
		{ CLOCK_BOOTTIME, 3, 0 },  { CLOCK_REALTIME, -3, 0 },
		{ CLOCK_MONOTONIC, 0, 0 }, { CLOCK_THREAD_CPUTIME_ID, 3, -EINVAL },
		{ 99, 3, -EINVAL },        { UINT64_MAX, 3, -EINVAL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const int64_t ahead = rows[i].from_now;
		pb.p.wait.until = 0;
		put_time((uint64_t)(1234567890 + (int64_t)rows[i].clock + ahead), 987654321);
		const int64_t result =
			CALL(&pb, SYS_clock_nanosleep, rows[i].clock, TIMER_ABSTIME, BOX_DATA);
		if (result != rows[i].want)
			fail_msg("row %zu gives %lld", i, (long long)result);
		if (result == 0)
			assert_int_equal(pb.p.wait.until,
					 NOW(CLOCK_MONOTONIC) +
						 (ahead > 0 ? (uint64_t)ahead * S : 0));
	}
	personality_reset(&pb.p, &(struct signals){ 0 });
	assert_int_equal(pb.p.wait.until, 0);
}

/* 1: the guest is stuck. 2: it waits, and -ETIMEDOUT is what it gets. */
enum { STUCK = 1, WAITS = 2 };

static void waits_for_other_threads_end_or_are_deadlocks(void **state)
{
	(void)state;
	static const struct {
		uint64_t address, operation, value, timeout;
		int64_t want;
	} rows[] = {
		{ BOX_DATA, FUTEX_WAKE, 1, 0, 0 },
		{ 0, FUTEX_WAKE_PRIVATE, 1, 0, 0 },
		{ BOX_DATA, FUTEX_WAKE_BITSET, 1, 0, 0 },
		{ BOX_DATA, FUTEX_WAIT, 5, 0, STUCK },
		{ BOX_DATA, FUTEX_WAIT_PRIVATE, 5, 0, STUCK },
		{ BOX_DATA, FUTEX_WAIT, 5, BOX_DATA, WAITS },
		{ BOX_DATA, FUTEX_WAIT, 5, BOX_DATA_END - 8, -EFAULT },
		{ BOX_DATA, FUTEX_WAIT, 5, BOX_DATA + 8, -EINVAL },
		{ BOX_DATA, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, 0, STUCK },
		{ BOX_DATA, FUTEX_WAIT, 4, 0, -EAGAIN },
		{ BOX_DATA, FUTEX_WAIT, (UINT64_C(9) << 32) + 5, 0, STUCK }, /* 32 bits count */
		{ BOX_DATA_END - 2, FUTEX_WAIT, 0, 0, -EFAULT },
		{ 0, FUTEX_WAIT, 0, 0, -EFAULT },
		{ UINT64_MAX, FUTEX_WAIT, 0, 0, -EFAULT },
		{ BOX_DATA, FUTEX_LOCK_PI, 0, 0, -ENOSYS },
		{ BOX_DATA, FUTEX_REQUEUE, 0, 0, -ENOSYS },
		{ BOX_DATA, 77, 0, 0, -ENOSYS },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		personality_reset(&pb.p, &(struct signals){ 0 });
		put_time(5, 0);
		poke(&pb, BOX_DATA + 16, UINT64_MAX);
		const int64_t want = rows[i].want;
		const int64_t result = CALL(&pb, SYS_futex, rows[i].address, rows[i].operation,
					    rows[i].value, rows[i].timeout);
		assert_int_equal(pb.p.state, want == STUCK ? PROGRAM_STUCK : PROGRAM_RUNNING);
		if (want == STUCK)
			assert_int_equal(pb.p.stuck_at, rows[i].address);
		else if (result != (want == WAITS ? -ETIMEDOUT : want))
			fail_msg("row %zu gives %lld", i, (long long)result);
		assert_int_equal(pb.p.wait.until, want == WAITS ? NOW(CLOCK_MONOTONIC) + 5 * S : 0);
	}
	/* an absolute time, on either clock */
	for (int real = 0; real < 2; real++) {
		personality_reset(&pb.p, &(struct signals){ 0 });
		put_time(1234567890 + (real ? CLOCK_REALTIME : CLOCK_MONOTONIC) + 7, 987654321);
		assert_int_equal(CALL(&pb, SYS_futex, BOX_DATA,
				      FUTEX_WAIT_BITSET | (real ? FUTEX_CLOCK_REALTIME : 0),
				      (uint32_t)peek(&pb, BOX_DATA), BOX_DATA),
				 -ETIMEDOUT);
		assert_int_equal(pb.p.wait.until, NOW(CLOCK_MONOTONIC) + 7 * S);
	}
}

static void what_was_used_is_cpu_time(void **state)
{
	(void)state;
	const uint64_t cpu = NOW(CLOCK_THREAD_CPUTIME_ID);
	struct rusage usage;

	assert_int_equal(CALL(&pb, SYS_getrusage, RUSAGE_SELF, BOX_DATA), 0);
	memcpy(&usage, at(&pb, BOX_DATA), sizeof usage);
	assert_int_equal(usage.ru_utime.tv_sec, cpu / S);
	assert_int_equal(usage.ru_utime.tv_usec, cpu % S / 1000);
	assert_int_equal(usage.ru_maxrss, 0);
	assert_int_equal(CALL(&pb, SYS_getrusage, UINT64_MAX, BOX_DATA), 0); /* children */
	assert_int_equal(peek(&pb, BOX_DATA), 0);
	assert_int_equal(CALL(&pb, SYS_getrusage, 2, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_getrusage, UINT64_MAX - 1, BOX_DATA), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_getrusage, 0, BOX_DATA_END - 100), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_times, BOX_DATA), NOW(CLOCK_MONOTONIC) / 10000000);
	assert_int_equal(peek(&pb, BOX_DATA), cpu / 10000000);
	assert_int_equal(CALL(&pb, SYS_times, 0), NOW(CLOCK_MONOTONIC) / 10000000);
	assert_int_equal(CALL(&pb, SYS_times, BOX_DATA_END - 8), -EFAULT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(clocks_are_the_hosts_but_only_harmless_ones),
		TEST(older_ways_to_ask_the_time_work),
		TEST(a_clock_that_fails_is_an_error_for_the_guest),
		TEST(a_sleep_says_until_when),
		TEST(a_sleep_may_end_at_a_time),
		TEST(waits_for_other_threads_end_or_are_deadlocks),
		TEST(what_was_used_is_cpu_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
