/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Stopping guests that do not stop: by limits, and from other threads, at any moment, as often as
 * you like. What belongs to the program around the library, its signals above all, stays as it is.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

static void nap(uint64_t ns)
{
	struct timespec left = { .tv_sec = (time_t)(ns / (1000 * MS)),
				 .tv_nsec = (long)(ns % (1000 * MS)) };

	while (nanosleep(&left, &left) < 0)
		assert_int_equal(errno, EINTR);
}

/* Of CPU time: the machine may be busy. */
static void burn(uint64_t ns)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	const uint64_t end = (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec + ns;
	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while ((uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec < end);
}

/* What HostTick does, set by a test. */
static struct {
	mote_status (*tick)(uint32_t value, mote_error *err);
	atomic_uint nticks;
	mote_sandbox *other;
	mote_interrupt *interrupt;
	bool was_told; /* mote_host_should_stop() */
	pid_t child;
} wish;

static mote_status tick(void *user, const mote_value *args, size_t nargs, mote_value *result,
			mote_error *err)
{
	(void)user;
	(void)nargs;
	atomic_fetch_add(&wish.nticks, 1);
	*result = args[0];
	return wish.tick ? wish.tick(args[0].as.u32, err) : MOTE_OK;
}

static void swallow(void *user, int stream, const void *data, size_t size)
{
	(void)user;
	(void)stream;
	(void)data;
	(void)size;
}

static const mote_type u32_type[] = { MOTE_U32 };
static const mote_host_function functions[] = {
	{ .name = "HostTick", .fn = tick, .result = MOTE_U32, .nparams = 1, .params = u32_type },
};
static const mote_sandbox_options options = {
	.size = sizeof options,
	.functions = functions,
	.nfunctions = 1,
	.output = swallow,
};

static const char *const storms[] = { "Spin",   "SystemCalls", "Maps",   "HostCalls",
				      "Writes", "Logs",        "Copies", NULL };

static mote_status call_with(struct guest *guest, const char *function, uint64_t timeout_ns,
			     uint64_t cpu_ns)
{
	return mote_call_with(
		guest->sb, function, MOTE_NO_ARGS,
		MOTE_OPTIONS(mote_call_options, .timeout_ns = timeout_ns, .cpu_ns = cpu_ns), NULL,
		&guest->err);
}

/* Takes a snapshot that heals the sandbox after each of its ends. */
static mote_snapshot *snapshot_of(struct guest *guest)
{
	mote_snapshot *snapshot;

	wish.tick = NULL;
	wish.was_told = false;
	EXPECT_STATUS(guest, mote_snapshot_take(&snapshot, guest->sb, &guest->err), MOTE_OK);
	return snapshot;
}

static void heal(struct guest *guest, const mote_snapshot *snapshot)
{
	assert_true(mote_sandbox_is_poisoned(guest->sb));
	CALL_FAILS(guest, MOTE_E_STATE, "poisoned", "Answer", MOTE_NO_ARGS);
	EXPECT_STATUS(guest, mote_sandbox_restore(guest->sb, snapshot, &guest->err), MOTE_OK);
	assert_int_equal(CALL(guest, "Answer", MOTE_NO_ARGS).as.u32, 42);
}

static void time_limits_stop_all_that_goes_on(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	for (size_t i = 0; storms[i]; i++) {
		char text[100];
		uint64_t start = clock_ns();
		EXPECT_STATUS(guest, call_with(guest, storms[i], 30 * MS, 0), MOTE_E_TIMEOUT);
		assert_in_range(clock_ns() - start, 30 * MS, 20000 * MS);
		snprintf(text, sizeof text,
			 "call \"%s\": stopped after 30 ms, its time limit (timeout_ns)",
			 storms[i]);
		EXPECT_MESSAGE(guest, text);
		heal(guest, snapshot);
	}
	mote_snapshot_unref(snapshot);
}

static void limits_of_cpu_time_stop_all_that_goes_on(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	for (size_t i = 0; storms[i]; i++) {
		char text[100];
		uint64_t start = clock_ns();
		EXPECT_STATUS(guest, call_with(guest, storms[i], 0, 30 * MS), MOTE_E_TIMEOUT);
		assert_in_range(clock_ns() - start, 15 * MS, 20000 * MS);
		snprintf(text, sizeof text,
			 "call \"%s\": stopped after 30 ms of CPU time, its limit (cpu_ns)",
			 storms[i]);
		EXPECT_MESSAGE(guest, text);
		heal(guest, snapshot);
	}
	mote_snapshot_unref(snapshot);
}

static mote_status sleep_60_ms(uint32_t value, mote_error *err)
{
	(void)value;
	(void)err;
	nap(60 * MS);
	return MOTE_OK;
}

static mote_status burn_60_ms(uint32_t value, mote_error *err)
{
	(void)value;
	(void)err;
	burn(60 * MS);
	return MOTE_OK;
}

static mote_status tick_with(struct guest *guest, mote_status (*how)(uint32_t, mote_error *),
			     uint64_t timeout_ns, uint64_t cpu_ns)
{
	wish.tick = how;
	return mote_call_with(
		guest->sb, "Tick", MOTE_ARGS(7u),
		MOTE_OPTIONS(mote_call_options, .timeout_ns = timeout_ns, .cpu_ns = cpu_ns), NULL,
		&guest->err);
}

static void host_functions_count_too(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	EXPECT_STATUS(guest, tick_with(guest, sleep_60_ms, 0, 20 * MS), MOTE_OK);
	EXPECT_STATUS(guest, tick_with(guest, burn_60_ms, 0, 20 * MS), MOTE_E_TIMEOUT);
	heal(guest, snapshot);
	EXPECT_STATUS(guest, tick_with(guest, sleep_60_ms, 20 * MS, 0), MOTE_E_TIMEOUT);
	heal(guest, snapshot);
	EXPECT_STATUS(guest, tick_with(guest, sleep_60_ms, 2000 * MS, 0), MOTE_OK);
	mote_snapshot_unref(snapshot);
}

static void limits_end_with_their_call(struct guest *guest)
{
	mote_value result;

	for (int i = 0; i < 2; i++) {
		const uint64_t start = clock_ns();
		EXPECT_STATUS(guest, call_with(guest, "Answer", 200 * MS, 200 * MS), MOTE_OK);
		while (clock_ns() - start < 300 * MS) {
			EXPECT_STATUS(guest,
				      mote_call(guest->sb, "SpinFor", MOTE_ARGS(20000000u), &result,
						&guest->err),
				      MOTE_OK);
			assert_int_equal(result.as.u32, 20000000);
		}
	}
	EXPECT_STATUS(guest, call_with(guest, "Answer", UINT64_MAX, UINT64_MAX), MOTE_OK);
}

static void main_functions_have_limits(struct guest *guest)
{
	mote_sandbox_options own = options;
	mote_sandbox *sb;

	own.init_data = "spin";
	own.init_data_size = 4;
	own.start_timeout_ns = 30 * MS;
	EXPECT_STATUS(guest, mote_sandbox_new(&sb, guest->image, &own, &guest->err),
		      MOTE_E_TIMEOUT);
	EXPECT_MESSAGE(guest, "main(): stopped after 30 ms, its time limit (start_timeout_ns)");
	assert_null(sb);
}

/* Kills the interrupt of WISH again and again until it is done COUNT times, at random moments. */
struct killer {
	pthread_t thread;
	unsigned count;
	unsigned seed;
	unsigned longest_us; /* between two kills */
	atomic_uint nkills;  /* that counted */
	atomic_bool is_done;
};

static void *kill_at_random(void *state)
{
	struct killer *killer = state;

	prctl(PR_SET_TIMERSLACK, 1); /* naps as short as they are meant to be */
	while (!atomic_load(&killer->is_done)) {
		unsigned us = (unsigned)rand_r(&killer->seed) % (killer->longest_us + 1);
		nap(us * UINT64_C(1000));
		if (mote_interrupt_kill(wish.interrupt))
			atomic_fetch_add(&killer->nkills, 1);
	}
	return NULL;
}

static void start(struct guest *guest, struct killer *killer)
{
	(void)guest;
	atomic_store(&killer->is_done, false);
	assert_int_equal(pthread_create(&killer->thread, NULL, kill_at_random, killer), 0);
}

static void finish(struct killer *killer)
{
	atomic_store(&killer->is_done, true);
	assert_int_equal(pthread_join(killer->thread, NULL), 0);
}

static uint64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 * MS + (uint64_t)now.tv_nsec;
}

/* SleepFor() of MS milliseconds; TOOK nanoseconds have passed. */
static mote_status sleep_for(struct guest *guest, uint32_t ms, uint64_t timeout_ns, uint64_t *took)
{
	const uint64_t begin = clock_now();
	const mote_status status = mote_call_with(
		guest->sb, "SleepFor", MOTE_ARGS(mote_u32(ms)),
		MOTE_OPTIONS(mote_call_options, .timeout_ns = timeout_ns), NULL, &guest->err);

	*took = clock_now() - begin;
	return status;
}

static void a_guest_that_sleeps_is_stopped_at_once(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);
	struct killer killer = { .longest_us = 50000, .seed = 7 };
	uint64_t took;

	EXPECT_STATUS(guest, sleep_for(guest, 30, 0, &took), MOTE_OK);
	assert_in_range(took, 30 * MS, 5000 * MS);
	EXPECT_STATUS(guest, sleep_for(guest, 30, 10000 * MS, &took), MOTE_OK);
	assert_in_range(took, 30 * MS, 5000 * MS);
	EXPECT_STATUS(guest, sleep_for(guest, 3600000, 30 * MS, &took), MOTE_E_TIMEOUT);
	assert_in_range(took, 30 * MS, 5000 * MS);
	heal(guest, snapshot);
	wish.interrupt = mote_interrupt_of(guest->sb);
	for (int i = 0; i < 3; i++) {
		start(guest, &killer);
		EXPECT_STATUS(guest, sleep_for(guest, 3600000, i ? 3600000 * MS : 0, &took),
			      MOTE_E_CANCELED);
		finish(&killer);
		assert_in_range(took, 0, 5000 * MS);
		heal(guest, snapshot);
	}
	EXPECT_STATUS(guest, sleep_for(guest, 1, 0, &took), MOTE_OK);
	mote_interrupt_unref(wish.interrupt);
	mote_snapshot_unref(snapshot);
}

static void kills_stop_all_that_goes_on(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	wish.interrupt = mote_interrupt_of(guest->sb);
	for (size_t i = 0; storms[i]; i++) {
		struct killer killer = { .longest_us = 5000, .seed = (unsigned)i };
		char text[100];
		start(guest, &killer);
		EXPECT_STATUS(guest, call_with(guest, storms[i], 0, 0), MOTE_E_CANCELED);
		finish(&killer);
		snprintf(text, sizeof text, "call \"%s\": mote_interrupt_kill() stopped it",
			 storms[i]);
		EXPECT_MESSAGE(guest, text);
		assert_int_equal(killer.nkills, 1);
		heal(guest, snapshot);
	}
	mote_interrupt_unref(wish.interrupt);
	mote_snapshot_unref(snapshot);
}

/* A million takes minutes: MOTE_TEST_KILLS=1000000. */
static unsigned wanted_kills(void)
{
	const char *given = getenv("MOTE_TEST_KILLS");

	return given ? (unsigned)strtoul(given, NULL, 10) : rounds(500);
}

static void every_kill_counts_for_one_call(struct guest *guest)
{
	/* one whose restores are not audited */
	EXPECT_STATUS(guest, mote_sandbox_new(&guest->sb, guest->image, &options, &guest->err),
		      MOTE_OK);

	struct killer killer = { .longest_us = 100, .seed = 1 };
	mote_snapshot *snapshot = snapshot_of(guest);
	const unsigned wanted = wanted_kills();
	unsigned canceled = 0, calls = 0;

	wish.interrupt = mote_interrupt_of(guest->sb);
	start(guest, &killer);
	while (canceled < wanted) {
		const bool is_long = calls++ % 4 != 0;
		mote_value result;
		mote_status status =
			mote_call(guest->sb, "SpinFor", MOTE_ARGS(is_long ? 1000000000u : 3000u),
				  &result, &guest->err);
		if (status == MOTE_OK)
			continue;
		EXPECT_STATUS(guest, status, MOTE_E_CANCELED);
		canceled++;
		EXPECT_STATUS(guest, mote_sandbox_restore(guest->sb, snapshot, &guest->err),
			      MOTE_OK);
	}
	finish(&killer);
	assert_int_equal(killer.nkills, canceled);
	assert_int_equal(CALL(guest, "Answer", MOTE_NO_ARGS).as.u32, 42);
	print_message("%s: %u calls, %u of them killed\n", guest->where, calls, canceled);
	mote_interrupt_unref(wish.interrupt);
	mote_snapshot_unref(snapshot);
}

/* A host function that does as it is told, sooner or later. */
static mote_status wait_to_be_told(uint32_t value, mote_error *err)
{
	(void)value;
	(void)err;
	assert_false(mote_host_should_stop());
	if (wish.interrupt)
		assert_true(mote_interrupt_kill(wish.interrupt));
	for (int i = 0; i < 10000 && !wish.was_told; i++) {
		nap(MS);
		wish.was_told = mote_host_should_stop();
	}
	return MOTE_OK;
}

static void host_functions_can_ask(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	wish.interrupt = NULL;
	EXPECT_STATUS(guest, tick_with(guest, wait_to_be_told, 300 * MS, 0), MOTE_E_TIMEOUT);
	assert_true(wish.was_told);
	heal(guest, snapshot);
	wish.was_told = false;
	wish.interrupt = mote_interrupt_of(guest->sb);
	EXPECT_STATUS(guest, tick_with(guest, wait_to_be_told, 0, 0), MOTE_E_CANCELED);
	assert_true(wish.was_told);
	assert_false(mote_host_should_stop());
	heal(guest, snapshot);
	mote_interrupt_unref(wish.interrupt);
	mote_snapshot_unref(snapshot);
}

/* HostTick calls into another sandbox, which is told of the limits of the outer call as well. */
static mote_status tick_elsewhere(uint32_t value, mote_error *err)
{
	if (value == 1) { /* it is the inner call that asks now */
		for (int i = 0; i < 10000 && !wish.was_told; i++) {
			nap(MS);
			wish.was_told = mote_host_should_stop();
		}
		return MOTE_OK;
	}
	const mote_call_options *limits = MOTE_OPTIONS(mote_call_options, .timeout_ns = 60000 * MS);
	assert_int_equal(mote_call_with(wish.other, "Tick", MOTE_ARGS(1u), limits, NULL, err),
			 MOTE_OK);
	/* nor does the inner call's end take the outer one's limit away */
	assert_int_equal(mote_call_with(wish.other, "Answer", MOTE_NO_ARGS, limits, NULL, err),
			 MOTE_OK);
	return MOTE_OK;
}

static void calls_nest(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	EXPECT_STATUS(guest, mote_sandbox_new(&wish.other, guest->image, &options, &guest->err),
		      MOTE_OK);
	EXPECT_STATUS(guest, tick_with(guest, tick_elsewhere, 50 * MS, 0), MOTE_E_TIMEOUT);
	EXPECT_MESSAGE(guest, "call \"Tick\": stopped after 50 ms");
	assert_true(wish.was_told);
	assert_false(mote_sandbox_is_poisoned(wish.other));
	heal(guest, snapshot);
	mote_sandbox_free(wish.other);
	mote_snapshot_unref(snapshot);
}

/* The inner call never ends by itself; what ends it is its own limit. */
static mote_status spin_elsewhere(uint32_t value, mote_error *err)
{
	(void)value;
	assert_int_equal(mote_call_with(wish.other, "Spin", MOTE_NO_ARGS,
					MOTE_OPTIONS(mote_call_options, .timeout_ns = 50 * MS),
					NULL, err),
			 MOTE_E_TIMEOUT);
	return MOTE_OK;
}

static void nested_calls_have_limits_of_their_own(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	EXPECT_STATUS(guest, mote_sandbox_new(&wish.other, guest->image, &options, &guest->err),
		      MOTE_OK);
	/* the outer limit goes by while the inner call runs, which does not notice */
	EXPECT_STATUS(guest, tick_with(guest, spin_elsewhere, 20 * MS, 0), MOTE_E_TIMEOUT);
	EXPECT_MESSAGE(guest, "call \"Tick\": stopped after 20 ms");
	heal(guest, snapshot);
	EXPECT_STATUS(guest, mote_sandbox_restore(wish.other, snapshot, &guest->err), MOTE_OK);
	EXPECT_STATUS(guest, tick_with(guest, spin_elsewhere, 60000 * MS, 0), MOTE_OK);
	mote_sandbox_free(wish.other);
	mote_snapshot_unref(snapshot);
}

/* The program's own signals. */

static atomic_uint nalarms;

static void on_alarm(int signal)
{
	(void)signal;
	atomic_fetch_add(&nalarms, 1);
}

static void set_itimer(suseconds_t us)
{
	const struct itimerval timer = { { 0, us }, { 0, us } };

	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void the_programs_timers_go_on(struct guest *guest)
{
	const struct sigaction action = { .sa_handler = on_alarm };
	mote_snapshot *snapshot = snapshot_of(guest);
	struct sigaction now, before;

	atomic_store(&nalarms, 0);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	set_itimer(2000);
	for (int i = 0; i < 3; i++) {
		const uint64_t start = clock_ns();
		EXPECT_STATUS(guest, call_with(guest, "Spin", 50 * MS, 10000 * MS), MOTE_E_TIMEOUT);
		assert_in_range(clock_ns() - start, 50 * MS, 10000 * MS);
		heal(guest, snapshot);
	}
	set_itimer(0);
	assert_true(atomic_load(&nalarms) >= 10);
	assert_int_equal(sigaction(SIGALRM, &before, &now), 0);
	assert_ptr_equal(now.sa_handler, on_alarm);
	mote_snapshot_unref(snapshot);
}

static void masks_are_as_before_and_nothing_is_pending(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	for (int all = 0; all < 2; all++) {
		sigset_t before, set, now, after;
		sigfillset(&set);
		if (!all)
			sigdelset(&set, SIGRTMAX - 2);
		pthread_sigmask(SIG_SETMASK, &set, &before);
		pthread_sigmask(SIG_SETMASK, NULL, &set); /* some cannot be blocked */
		EXPECT_STATUS(guest, call_with(guest, "Spin", 20 * MS, 0), MOTE_E_TIMEOUT);
		heal(guest, snapshot);
		wish.interrupt = mote_interrupt_of(guest->sb);
		struct killer killer = { .longest_us = 1000 };
		start(guest, &killer);
		EXPECT_STATUS(guest, call_with(guest, "Spin", 0, 0), MOTE_E_CANCELED);
		finish(&killer);
		mote_interrupt_unref(wish.interrupt);
		heal(guest, snapshot);
		sigpending(&now);
		pthread_sigmask(SIG_SETMASK, &before, &after);
		for (int signal = 1; signal <= SIGRTMAX; signal++) {
			assert_int_equal(sigismember(&set, signal), sigismember(&after, signal));
			assert_int_not_equal(sigismember(&now, signal), 1);
		}
	}
	mote_snapshot_unref(snapshot);
}

static void kill_in_handler(int signal)
{
	(void)signal;
	mote_interrupt_kill(wish.interrupt);
}

static void a_signal_handler_can_kill(struct guest *guest)
{
	const struct sigaction action = { .sa_handler = kill_in_handler };
	mote_snapshot *snapshot = snapshot_of(guest);
	struct sigaction before;

	wish.interrupt = mote_interrupt_of(guest->sb);
	assert_int_equal(sigaction(SIGALRM, &action, &before), 0);
	for (size_t i = 0; storms[i]; i++) {
		set_itimer(3000);
		mote_status status = call_with(guest, storms[i], 0, 0);
		set_itimer(0);
		EXPECT_STATUS(guest, status, MOTE_E_CANCELED);
		heal(guest, snapshot);
	}
	assert_int_equal(sigaction(SIGALRM, &before, NULL), 0);
	mote_interrupt_unref(wish.interrupt);
	mote_snapshot_unref(snapshot);
}

static void a_signal_that_is_taken_is_refused(struct guest *guest)
{
	mote_runtime *rt;
	struct sigaction before;
	const struct sigaction own = { .sa_handler = on_alarm };
	const mote_runtime_options *runtime = MOTE_OPTIONS(
		mote_runtime_options, .backend = guest->backend, .interrupt_signal = SIGUSR2);
	const bool needs_one = strcmp(guest->backend, "kvm") == 0;

	assert_int_equal(sigaction(SIGUSR2, &own, &before), 0);
	EXPECT_STATUS(guest, mote_runtime_new(&rt, runtime, &guest->err),
		      needs_one ? MOTE_E_STATE : MOTE_OK);
	if (needs_one)
		EXPECT_MESSAGE(guest, "choose another one with interrupt_signal");
	else
		mote_runtime_free(rt);
	assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
	EXPECT_STATUS(guest, mote_runtime_new(&rt, runtime, &guest->err), MOTE_OK);
	mote_runtime_free(rt);
	assert_int_equal(sigaction(SIGUSR2, &before, NULL), 0);
}

/* A child of fork() in the midst of a call that could be stopped. */
static mote_status fork_and_tick(uint32_t value, mote_error *err)
{
	(void)value;
	(void)err;
	wish.child = fork();
	return MOTE_OK;
}

static void forked_copies_disturb_no_call(struct guest *guest)
{
	int ended;

	wish.interrupt = mote_interrupt_of(guest->sb);
	for (int i = 0; i < 10; i++) {
		mote_status status = tick_with(guest, fork_and_tick, 60000 * MS, 60000 * MS);
		if (wish.child == 0)
			_exit(status == MOTE_E_STATE ? 0 : 1);
		assert_true(wish.child > 0);
		EXPECT_STATUS(guest, status, MOTE_OK);
		assert_int_equal(waitpid(wish.child, &ended, 0), wish.child);
		assert_int_equal(ended, 0);
	}
	assert_int_equal(CALL(guest, "Answer", MOTE_NO_ARGS).as.u32, 42);
	mote_interrupt_unref(wish.interrupt);
}

static void *call_from_here(void *state)
{
	struct guest *guest = state;

	EXPECT_STATUS(guest, call_with(guest, "Spin", 20 * MS, 0), MOTE_E_TIMEOUT);
	return NULL;
}

static void sandboxes_move_between_threads(struct guest *guest)
{
	mote_snapshot *snapshot = snapshot_of(guest);

	for (int i = 0; i < 5; i++) {
		pthread_t thread;
		assert_int_equal(pthread_create(&thread, NULL, call_from_here, guest), 0);
		assert_int_equal(pthread_join(thread, NULL), 0);
		heal(guest, snapshot);
		call_from_here(guest);
		heal(guest, snapshot);
	}
	mote_snapshot_unref(snapshot);
}

#define ROW(function)                                                                              \
	{                                                                                          \
		.name = #function, .guest = "endless", .test = function, .options = &options       \
	}
static const struct row rows[] = {
	ROW(time_limits_stop_all_that_goes_on),
	ROW(limits_of_cpu_time_stop_all_that_goes_on),
	ROW(host_functions_count_too),
	ROW(limits_end_with_their_call),
	ROW(main_functions_have_limits),
	ROW(a_guest_that_sleeps_is_stopped_at_once),
	ROW(kills_stop_all_that_goes_on),
	ROW(host_functions_can_ask),
	ROW(calls_nest),
	ROW(nested_calls_have_limits_of_their_own),
	ROW(the_programs_timers_go_on),
	ROW(masks_are_as_before_and_nothing_is_pending),
	ROW(a_signal_handler_can_kill),
	ROW(a_signal_that_is_taken_is_refused),
	ROW(forked_copies_disturb_no_call),
	ROW(sandboxes_move_between_threads),
	{ "every_kill_counts_for_one_call", "endless", every_kill_counts_for_one_call, NULL, true },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
