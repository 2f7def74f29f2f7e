/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock that guests read: when there is one, what is shown of it, and that it never goes back.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/personality_box.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <x86intrin.h>

#define S  UINT64_C(1000000000)
#define MS UINT64_C(1000000)

static struct personality_box pb;
static struct sys sys;
static uint64_t times[2];  /* CLOCK_REALTIME, CLOCK_MONOTONIC */
static const char *source; /* what the kernel's clock is; NULL: the file is not there */
static int read_error;

static int clock_given(clockid_t clock, struct timespec *to)
{
	*to = (struct timespec){ .tv_sec = (time_t)(times[clock] / S),
				 .tv_nsec = (long)(times[clock] % S) };
	return 0;
}

static int open_source(const char *path, int flags)
{
	(void)flags;
	assert_non_null(strstr(path, "current_clocksource"));
	errno = ENOENT;
	return source ? 77 : -1;
}

static ssize_t read_source(int fd, void *to, size_t size)
{
	assert_int_equal(fd, 77);
	if (read_error) {
		errno = read_error;
		return -1;
	}
	const size_t n = strlen(source) < size ? strlen(source) : size;
	memcpy(to, source, n);
	return (ssize_t)n;
}

static int close_source(int fd)
{
	assert_int_equal(fd, 77);
	return 0;
}

static struct clock_start start_of(uint64_t ticks_ago, uint64_t ns_ago)
{
	return (struct clock_start){
		.is_usable = true,
		.sample = { __rdtsc() - ticks_ago, { times[0] - ns_ago, times[1] - ns_ago } },
	};
}

static int setup(void **state)
{
	(void)state;
	sys = sys_linux;
	personality_box_init(&pb, &sys);
	sys.clock_gettime = clock_given;
	times[0] = 1700000000 * S + 5;
	times[1] = 1000 * S + 7;
	source = "tsc\n";
	read_error = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static bool show(uint64_t ns[2])
{
	return clock_show(&pb.p.clock, &pb.box.host, pb.box.memory, ns);
}

static const struct mote_clock *seen(void)
{
	return at(&pb, MOTE_CLOCK);
}

static void only_the_kernels_own_counter_is_used(void **state)
{
	(void)state;
	static const char *const others[] = { NULL, "hpet\n", "tsc-early\n", "tsc", "", "tscx" };
	struct clock_start start;

	sys.open = open_source;
	sys.read = read_source;
	sys.close = close_source;
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		source = others[i];
		assert_int_equal(clock_learn(&start, &pb.box.host, NULL), MOTE_OK);
		assert_false(start.is_usable);
	}
	source = "tsc\n";
	assert_int_equal(clock_learn(&start, &pb.box.host, NULL), MOTE_OK);
	if (start.is_usable) /* processors differ */
		assert_int_equal(start.sample.ns[1], times[1]);
	read_error = EIO;
	assert_int_equal(clock_learn(&start, &pb.box.host, NULL), MOTE_E_OS);
	assert_false(start.is_usable);
	sys = sys_linux;
}

static void who_is_not_to_have_it_has_none(void **state)
{
	(void)state;
	struct clock_start start = start_of(1000 * MS, S);
	uint64_t ns[2];

	clock_init(&pb.p.clock, &start, false);
	assert_false(show(ns));
	start.is_usable = false;
	clock_init(&pb.p.clock, &start, true);
	assert_false(show(ns));
	assert_int_equal(seen()->valid, 0);
}

static void it_takes_a_while_to_know_the_counter(void **state)
{
	(void)state;
	struct clock_start start = start_of(100 * MS, 49 * MS);
	uint64_t ns[2];

	clock_init(&pb.p.clock, &start, true);
	assert_false(show(ns));
	assert_int_equal(seen()->valid, 0);
	/* a counter that runs backwards, or a clock */
	start = start_of(-(uint64_t)S * 60, S);
	clock_init(&pb.p.clock, &start, true);
	assert_false(show(ns));
	start = start_of(S, -(uint64_t)S);
	clock_init(&pb.p.clock, &start, true);
	assert_false(show(ns));
}

static void what_is_shown_is_the_hosts_time_and_its_speed(void **state)
{
	(void)state;
	const struct clock_start start = start_of(4 * S, S);
	uint64_t ns[2];

	clock_init(&pb.p.clock, &start, true);
	const uint64_t before = __rdtsc();
	assert_true(show(ns));
	assert_int_equal(ns[0], times[0]);
	assert_int_equal(ns[1], times[1]);
	assert_in_range(seen()->tsc, before, __rdtsc());
	assert_int_equal(seen()->times[0].seconds, 1700000000);
	assert_int_equal(seen()->times[0].ns, 5);
	assert_int_equal(seen()->times[1].seconds, 1000);
	/* a quarter of a nanosecond a tick, but for what has passed since */
	assert_in_range(seen()->factor, (UINT64_C(1) << 30) * 95 / 100, UINT64_C(1) << 30);
	assert_in_range(seen()->valid, 200 * MS, 215 * MS); /* 50 ms */
	clock_hide(&pb.p.clock, pb.box.memory);
	assert_int_equal(seen()->valid, 0);
}

/* The host's clock is a little behind what the guest may have read: the guest's stands still. */
static void it_never_goes_back_but_when_it_was_set(void **state)
{
	(void)state;
	const struct clock_start start = start_of(4 * S, S);
	uint64_t ns[2], last;

	clock_init(&pb.p.clock, &start, true);
	assert_true(show(ns));
	last = ns[1];
	for (int i = 0; i < 100; i++) {
		times[1] += i % 3 == 0 ? 2000 : 1;
		times[0] = 1700000000 * S + times[1];
		const uint64_t read = seen()->times[1].seconds * S + seen()->times[1].ns +
				      ((__rdtsc() - seen()->tsc) * seen()->factor >> 32);
		assert_true(show(ns));
		assert_true(ns[1] >= last && ns[1] >= times[1] && ns[1] >= read);
		last = ns[1];
	}
	times[0] -= 3600 * S;
	assert_true(show(ns));
	assert_int_equal(ns[0], times[0]);
}

static void asking_the_host_shows_it(void **state)
{
	(void)state;
	const struct clock_start start = start_of(4 * S, S);
	uint64_t got[2];

	clock_init(&pb.p.clock, &start, true);
	assert_int_equal(CALL(&pb, SYS_clock_gettime, CLOCK_MONOTONIC, BOX_DATA), 0);
	memcpy(got, at(&pb, BOX_DATA), sizeof got);
	assert_int_equal(got[0], 1000);
	assert_true(seen()->valid > 0);
	assert_int_equal(CALL(&pb, SYS_clock_gettime, CLOCK_REALTIME, BOX_CODE), -EFAULT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(only_the_kernels_own_counter_is_used),
		TEST(who_is_not_to_have_it_has_none),
		TEST(it_takes_a_while_to_know_the_counter),
		TEST(what_is_shown_is_the_hosts_time_and_its_speed),
		TEST(it_never_goes_back_but_when_it_was_set),
		TEST(asking_the_host_shows_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
