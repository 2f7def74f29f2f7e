/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests with a timer: SIGALRM comes between any two instructions and changes nothing else, ends
 * what has no handler, and never outlives the call; limits and other threads stop such a guest as
 * any other.
 */
#include "integration/harness.h"

#include <time.h>
#include <unistd.h>

#include <mote/interrupt.h>
#include <pthread.h>

#define MS UINT64_C(1000000)

static void signals_come_anywhere_and_change_nothing(struct guest *g)
{
	/* none is left of main()'s */
	assert_int_equal(CALL(g, "Left", MOTE_NO_ARGS).as.u32, 0);
	for (int calls = 0; calls < 2; calls++)
		assert_int_equal(
			CALL(g, "Ticked",
			     MOTE_ARGS(mote_u32(1000), mote_u32(rounds(300)), mote_bool(calls)))
				.as.u32,
			0);
	/* as often as they can */
	assert_int_equal(
		CALL(g, "Ticked", MOTE_ARGS(mote_u32(200), mote_u32(rounds(500)), mote_bool(true)))
			.as.u32,
		0);
}

static void a_timer_ends_with_its_call(struct guest *g)
{
	mote_snapshot *snapshot;

	for (int handled = 0; handled < 2; handled++) {
		CALL(g, "Leave", MOTE_ARGS(mote_u32(100000), mote_bool(handled)));
		usleep(120000);
		assert_int_equal(CALL(g, "Left", MOTE_NO_ARGS).as.u32, 0);
		usleep(120000);
		assert_int_equal(CALL(g, "Ticks", MOTE_NO_ARGS).as.u32, 0);
	}
	/* so no snapshot has one */
	CALL(g, "Leave", MOTE_ARGS(mote_u32(1000000), mote_bool(true)));
	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	assert_int_equal(
		CALL(g, "Ticked", MOTE_ARGS(mote_u32(1000), mote_u32(5), mote_bool(false))).as.u32,
		0);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	assert_int_equal(CALL(g, "Left", MOTE_NO_ARGS).as.u32, 0);
	/* nor one that was poisoned while its timer ran */
	CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 14", "Endless",
		   MOTE_ARGS(mote_u32(0), mote_bool(true)));
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	assert_int_equal(CALL(g, "Left", MOTE_NO_ARGS).as.u32, 0);
	mote_snapshot_unref(snapshot);
}

static void without_a_handler_the_signal_ends_the_guest(struct guest *g)
{
	mote_snapshot *snapshot;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	for (int sleeps = 0; sleeps < 2; sleeps++) {
		CALL_FAILS(g, MOTE_E_GUEST_ABORT, "signal 14", "Endless",
			   MOTE_ARGS(mote_u32(0), mote_bool(sleeps)));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	}
	mote_snapshot_unref(snapshot);
}

static void *kill_soon(void *user)
{
	usleep(30000);
	while (!mote_interrupt_kill(user))
		usleep(1000);
	return NULL;
}

static void a_guest_with_a_timer_is_stopped_as_any_other(struct guest *g)
{
	const mote_call_options soon = { .size = sizeof soon, .timeout_ns = 50 * MS };
	const mote_call_options cpu = { .size = sizeof cpu, .cpu_ns = 30 * MS };
	mote_interrupt *interrupt = NULL;
	mote_snapshot *snapshot;
	pthread_t killer;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	for (int sleeps = 0; sleeps < 2; sleeps++) {
		const mote_value args[] = { mote_u32(700), mote_bool(sleeps) };
		EXPECT_STATUS(g, mote_call_with(g->sb, "Endless", args, 2, &soon, NULL, &g->err),
			      MOTE_E_TIMEOUT);
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
		EXPECT_STATUS(g, mote_call_with(g->sb, "Endless", args, 2, &cpu, NULL, &g->err),
			      MOTE_E_TIMEOUT);
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
		interrupt = mote_interrupt_of(g->sb);
		assert_int_equal(pthread_create(&killer, NULL, kill_soon, interrupt), 0);
		EXPECT_STATUS(g, mote_call(g->sb, "Endless", args, 2, NULL, &g->err),
			      MOTE_E_CANCELED);
		pthread_join(killer, NULL);
		mote_interrupt_unref(interrupt);
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	}
	mote_snapshot_unref(snapshot);
}

/* Whoever sets a timer of a microsecond leaves the machine for each time that it goes off. */
static void timers_are_among_the_exits_that_are_counted(struct guest *g)
{
	const mote_sandbox_options few = { .size = sizeof few, .max_exits = 200 };

	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &few, &g->err), MOTE_OK);
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT, "max_exits", "Endless",
		   MOTE_ARGS(mote_u32(1), mote_bool(false)));
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &few, &g->err), MOTE_OK);
	CALL(g, "Ignored", MOTE_ARGS(mote_u32(1), mote_u32(30)));
	CALL_FAILS(g, MOTE_E_GUEST_LIMIT, "max_exits", "Ignored",
		   MOTE_ARGS(mote_u32(1), mote_u32(0)));
}

static const struct row rows[] = {
	{ "signals come anywhere and change nothing", "timers",
	  signals_come_anywhere_and_change_nothing, NULL, false },
	{ "a timer ends with its call", "timers", a_timer_ends_with_its_call, NULL, false },
	{ "without a handler the signal ends the guest", "timers",
	  without_a_handler_the_signal_ends_the_guest, NULL, false },
	{ "a guest with a timer is stopped as any other", "timers",
	  a_guest_with_a_timer_is_stopped_as_any_other, NULL, false },
	{ "timers are among the exits that are counted", "timers",
	  timers_are_among_the_exits_that_are_counted, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
