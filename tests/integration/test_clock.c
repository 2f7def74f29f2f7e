/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What time guests read: the host's, to the microsecond, in order, and mostly without leaving their
 * machine.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static int64_t now(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Whether the kernel keeps time by a counter that guests can read. */
static bool has_counter(void)
{
	FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "r");
	char name[32] = "";

	if (!file)
		return false;
	const bool is_tsc = fgets(name, sizeof name, file) && strcmp(name, "tsc\n") == 0;
	fclose(file);
	return is_tsc;
}

static void clocks_agree_to_microseconds(struct guest *g)
{
	enum { SLACK_NS = 2000 };
	static const clockid_t clocks[] = { CLOCK_REALTIME, CLOCK_MONOTONIC };
	mote_snapshot *snapshot;
	int64_t last = 0;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	for (unsigned i = 0; i < rounds(600); i++) {
		const clockid_t clock = clocks[i % 2];
		const int64_t before = now(clock);
		const int64_t there = CALL(g, "Clock", MOTE_ARGS((int)clock)).as.i64;
		const int64_t after = now(clock);
		if (there < before - SLACK_NS || there > after + SLACK_NS)
			fail_msg("%s: call %u: clock %d is %lld ns before, %lld ns behind",
				 g->where, i, (int)clock, (long long)(before - there),
				 (long long)(there - after));
		if (clock == CLOCK_MONOTONIC) {
			assert_true(there >= last);
			last = there;
		}
		if (i % 7 == 0)
			EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
		if (i % 20 == 0)
			usleep(5000);
	}
	mote_snapshot_unref(snapshot);
}

/* System calls of a call that reads the clock COUNT times, and finds it in order. */
static uint64_t asked(struct guest *g, mote_sandbox *sb, uint32_t count)
{
	mote_receipt receipt = { .size = sizeof receipt };
	mote_value back;

	EXPECT_STATUS(g,
		      mote_call_with(sb, "Clocks", MOTE_ARGS((int)CLOCK_MONOTONIC, mote_u32(count)),
				     MOTE_OPTIONS(mote_call_options, .receipt = &receipt), &back,
				     &g->err),
		      MOTE_OK);
	assert_int_equal(back.as.u32, 0);
	return receipt.system_calls;
}

static void the_time_is_read_without_leaving(struct guest *g)
{
	usleep(60000); /* so long it takes to learn how fast the counter is */
	const uint64_t calls = asked(g, g->sb, 20000);
	if (!has_counter())
		skip_row(g, "the kernel does not keep time by the time-stamp counter");
	if (calls == 20000)
		skip_row(g, "guests do not read the host's counter here");
	/* for each 50 ms one, and slow machines need some */
	assert_in_range(calls, 1, 200);
}

static void a_runtime_can_do_without(struct guest *g)
{
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;

	EXPECT_STATUS(g,
		      mote_runtime_new(&rt,
				       MOTE_OPTIONS(mote_runtime_options, .backend = g->backend,
						    .no_fast_clock = true),
				       &g->err),
		      MOTE_OK);
	EXPECT_STATUS(g, mote_image_load_file(&image, rt, g->path, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_new(&sb, image, NULL, &g->err), MOTE_OK);
	usleep(60000);
	assert_int_equal(asked(g, sb, 200), 200);
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
}

static const struct row rows[] = {
	{ "clocks agree to microseconds", "libc", clocks_agree_to_microseconds, NULL, false },
	{ "the time is read without leaving", "libc", the_time_is_read_without_leaving, NULL,
	  false },
	{ "a runtime can do without", "libc", a_runtime_can_do_without, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
