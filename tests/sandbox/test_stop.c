/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What ends a run that does not end by itself: limits in time and other threads, at every moment of
 * a call; and that a call which nothing can stop is run as ever.
 */
#include "sandbox/interrupt.h"
#include "sandbox/sandbox_box.h"

#include <mote/snapshot.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MS UINT64_C(1000000)

static struct sandbox_box box;
static mote_snapshot *clean;
static mote_interrupt *interrupt;

static mote_status do_nothing(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err);
static const mote_host_function functions[] = { { .name = "Host", .fn = do_nothing } };

static int setup(const struct hv_backend *backend)
{
	sandbox_box_init(&box, backend);
	sandbox_box_start(
		&box, MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = 1));
	sandbox_box_expect(&box, mote_snapshot_take(&clean, box.sb, &box.err), MOTE_OK, NULL);
	interrupt = NULL;
	return 0;
}

static int setup_machine(void **state)
{
	(void)state;
	return setup(&fake_machine);
}

static int setup_process(void **state)
{
	(void)state;
	return setup(&fake_process);
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(fake.narmed, 0);
	assert_false(mote_host_should_stop());
	mote_snapshot_unref(clean);
	mote_interrupt_unref(interrupt);
	sandbox_box_fini(&box);
	return 0;
}

static mote_status call_with(uint64_t timeout_ns, uint64_t cpu_ns)
{
	box.err = (mote_error){ .message = "" };
	return mote_call_with(
		box.sb, "Zoo", MOTE_NO_ARGS,
		MOTE_OPTIONS(mote_call_options, .timeout_ns = timeout_ns, .cpu_ns = cpu_ns), NULL,
		&box.err);
}

static void expect(mote_status status, mote_status want, const char *text)
{
	sandbox_box_expect(&box, status, want, text);
}

/* The call that STATUS is of was stopped: the sandbox is poisoned, and as new when it is restored. */
static void expect_stopped(mote_status status, mote_status want, const char *text)
{
	expect(status, want, text);
	assert_int_equal(fake.narmed, 0);
	assert_true(mote_sandbox_is_poisoned(box.sb));
	expect(call_with(0, 0), MOTE_E_STATE, "poisoned");
	expect(mote_sandbox_restore(box.sb, clean, &box.err), MOTE_OK, NULL);
	SET_STEPS(&box, step_done_void);
	expect(call_with(0, 0), MOTE_OK, NULL);
}

static bool step_fault(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_exception(vm, exit, 6, 0, 0);
}

static bool step_host_call(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_call(vm, &(struct wire_call){ .name = "Host",
						 .name_len = 4,
						 .kind = WIRE_CALL_HOST,
						 .result = MOTE_VOID });
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, 0, 0, 0);
}

static void what_nothing_can_stop_is_not_armed(void **state)
{
	(void)state;
	SET_STEPS(&box, step_done_void, step_done_void, step_done_void, step_done_void);
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	expect(call_with(0, 0), MOTE_OK, NULL);
	expect(mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL, NULL), MOTE_OK, NULL);
	interrupt = mote_interrupt_of(box.sb);
	mote_interrupt_unref(interrupt);
	interrupt = NULL;
	expect(call_with(0, 0), MOTE_OK, NULL); /* there is one, but nobody has it */
	assert_int_equal(fake.narms, 0);
	SET_STEPS(&box, step_done_void, step_done_void, step_done_void);
	expect(call_with(1000 * MS, 0), MOTE_OK, NULL);
	expect(call_with(0, 1000 * MS), MOTE_OK, NULL);
	interrupt = mote_interrupt_of(box.sb);
	expect(call_with(0, 0), MOTE_OK, NULL);
	assert_int_equal(fake.narms, 3);
}

static void time_limits_end_a_call(void **state)
{
	(void)state;
	SET_STEPS(&box, fake_spin);
	expect_stopped(call_with(20 * MS, 0), MOTE_E_TIMEOUT,
		       "call \"Zoo\": stopped after 20 ms, its time limit (timeout_ns)");
	SET_STEPS(&box, fake_spin);
	expect_stopped(call_with(1500000, 10000 * MS), MOTE_E_TIMEOUT, "stopped after 1.5 ms, its");
	SET_STEPS(&box, fake_spin);
	expect_stopped(call_with(1, 0), MOTE_E_TIMEOUT, "stopped after 1 ns, its");
	SET_STEPS(&box, fake_spin);
	expect_stopped(call_with(2500, 0), MOTE_E_TIMEOUT, "stopped after 2.5 us, its");
}

static void limits_of_cpu_time_end_a_call(void **state)
{
	(void)state;
	/* it goes on when it is looked at too early, so it needs a few steps */
	SET_STEPS(&box, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin,
		  fake_spin, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin,
		  fake_spin, fake_spin);
	expect_stopped(call_with(0, 20 * MS), MOTE_E_TIMEOUT,
		       "call \"Zoo\": stopped after 20 ms of CPU time, its limit (cpu_ns)");
	SET_STEPS(&box, fake_spin);
	expect_stopped(call_with(10 * MS, 10000 * MS), MOTE_E_TIMEOUT, "stopped after 10 ms, its");
}

/* A process that works while this thread waits. */
static bool step_other_works(struct fake_vm *vm, struct hv_exit *exit)
{
	usleep(30000);
	fake.cpu_time += 25 * MS;
	return fake_spin(vm, exit);
}

static void the_guests_own_cpu_time_counts(void **state)
{
	(void)state;
	fake.cpu_time = 7200000 * MS; /* before the call */
	SET_STEPS(&box, step_other_works);
	expect_stopped(call_with(0, 20 * MS), MOTE_E_TIMEOUT, "CPU time");
}

/* Signals of the program's, and alarms that come early. */
static void a_turn_without_a_reason_is_none(void **state)
{
	(void)state;
	SET_STEPS(&box, step_done_void, step_done_void, step_done_void);
	fake.interrupts = 3;
	expect(call_with(0, 0), MOTE_OK, NULL);
	fake.interrupts = 3;
	expect(call_with(60000 * MS, 0), MOTE_OK, NULL);
	interrupt = mote_interrupt_of(box.sb);
	fake.interrupts = 3;
	expect(call_with(0, 60000 * MS), MOTE_OK, NULL);
}

/* Each kills the call that it is part of. */
static bool step_kill_and_spin(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_true(mote_interrupt_kill(interrupt));
	assert_false(mote_interrupt_kill(interrupt));
	return fake_spin(vm, exit);
}

static bool step_kill_and_end(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_true(mote_interrupt_kill(interrupt));
	return step_done_void(vm, exit);
}

static bool step_kill_and_fault(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_true(mote_interrupt_kill(interrupt));
	return step_fault(vm, exit);
}

static void a_kill_ends_the_call_that_it_hits(void **state)
{
	(void)state;
	static const fake_guest steps[] = { step_kill_and_spin, step_kill_and_end,
					    step_kill_and_fault };
	interrupt = mote_interrupt_of(box.sb);
	for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
		SET_STEPS(&box, steps[i]);
		expect_stopped(call_with(0, 0), MOTE_E_CANCELED,
			       "call \"Zoo\": mote_interrupt_kill() stopped it");
		SET_STEPS(&box, steps[i]);
		expect_stopped(call_with(60000 * MS, 60000 * MS), MOTE_E_CANCELED,
			       "mote_interrupt_kill()");
	}
}

static void a_kill_between_calls_does_nothing(void **state)
{
	(void)state;
	interrupt = mote_interrupt_of(box.sb);
	for (int i = 0; i < 3; i++) {
		assert_false(mote_interrupt_kill(interrupt));
		SET_STEPS(&box, step_done_void);
		expect(call_with(0, 0), MOTE_OK, NULL);
	}
	assert_int_equal(fake.nkicks, 0);
}

static void handles_are_of_one_sandbox_and_outlive_it(void **state)
{
	(void)state;
	mote_interrupt *again;

	interrupt = mote_interrupt_of(box.sb);
	again = mote_interrupt_of(box.sb);
	assert_ptr_equal(interrupt, again);
	mote_interrupt_unref(again);
	mote_sandbox_free(box.sb);
	box.sb = NULL;
	assert_false(mote_interrupt_kill(interrupt));
	mote_interrupt_unref(NULL);
}

/* In host functions. */
static bool kills, was_told[2];

static mote_status do_nothing(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	was_told[0] = mote_host_should_stop();
	if (kills)
		assert_true(mote_interrupt_kill(interrupt));
	else
		usleep(5000);
	was_told[1] = mote_host_should_stop();
	return MOTE_OK;
}

static void host_functions_can_ask(void **state)
{
	(void)state;
	static const struct {
		uint64_t timeout_ns, cpu_ns;
		bool kills;
		mote_status want;
		bool told[2];
	} rows[] = {
		{ 0, 0, false, MOTE_OK, { false, false } },
		{ 60000 * MS, 60000 * MS, false, MOTE_OK, { false, false } },
		{ 5 * MS, 0, false, MOTE_E_TIMEOUT, { false, true } },
		{ 0, 1, false, MOTE_E_TIMEOUT, { true, true } },
		{ 0, 0, true, MOTE_E_CANCELED, { false, true } },
	};
	interrupt = mote_interrupt_of(box.sb);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		/* after a host function that should have stopped, the guest gets no turn */
		kills = rows[i].kills;
		SET_STEPS(&box, step_host_call, step_done_void);
		mote_status status = call_with(rows[i].timeout_ns, rows[i].cpu_ns);
		if (rows[i].cpu_ns == 1) /* looked at only after CPU_ALARM_LEAST */
			assert_true(was_told[1]);
		else if (memcmp(was_told, rows[i].told, sizeof was_told) != 0)
			fail_msg("row %zu: told %d, %d", i, was_told[0], was_told[1]);
		if (rows[i].want == MOTE_OK) {
			expect(status, MOTE_OK, NULL);
			continue;
		}
		assert_int_equal(box.next, 1);
		expect_stopped(status, rows[i].want, NULL);
	}
}

static void what_cannot_be_armed_is_not_run(void **state)
{
	(void)state;
	SET_STEPS(&box, step_done_void, step_done_void);
	fake.arm_fails = MOTE_E_STATE;
	expect(call_with(1000 * MS, 0), MOTE_E_STATE, "call \"Zoo\": the fake cannot be armed");
	assert_int_equal(mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS,
					MOTE_OPTIONS(mote_call_options, .cpu_ns = 1), NULL, NULL),
			 MOTE_E_STATE);
	fake.arm_fails = MOTE_OK;
	fake.alarm_fails = MOTE_E_OS;
	expect(call_with(1000 * MS, 0), MOTE_E_OS, "call \"Zoo\": the fake has no alarm");
	assert_int_equal(fake.narmed, 0);
	assert_int_equal(box.next, 0);
	assert_false(mote_sandbox_is_poisoned(box.sb));
	fake.alarm_fails = MOTE_OK;
	expect(call_with(1000 * MS, 0), MOTE_OK, NULL);
}

static bool step_break_alarm(struct fake_vm *vm, struct hv_exit *exit)
{
	fake.alarm_fails = MOTE_E_OS;
	fake.interrupts = 1;
	return step_host_call(vm, exit);
}

static void an_alarm_that_cannot_be_set_again_ends_the_call(void **state)
{
	(void)state;
	kills = false;
	SET_STEPS(&box, step_break_alarm);
	mote_status status = call_with(60000 * MS, 0);
	fake.alarm_fails = MOTE_OK;
	expect_stopped(status, MOTE_E_OS, "the fake has no alarm");
}

static void main_has_a_limit(void **state)
{
	(void)state;
	mote_sandbox *sb;
	const mote_sandbox_options *options =
		MOTE_OPTIONS(mote_sandbox_options, .start_timeout_ns = 10 * MS);

	SET_STEPS(&box, fake_spin);
	expect(mote_sandbox_new(&sb, box.image, options, &box.err), MOTE_E_TIMEOUT,
	       "main(): stopped after 10 ms, its time limit (start_timeout_ns)");
	assert_null(sb);
	fake.arm_fails = MOTE_E_STATE;
	expect(mote_sandbox_new(&sb, box.image, options, &box.err), MOTE_E_STATE,
	       "main(): the fake cannot be armed");
	assert_null(sb);
}

static void programs_have_limits(void **state)
{
	(void)state;
	int status;

	SET_STEPS(&box, fake_spin);
	expect(mote_image_run(box.image, MOTE_OPTIONS(mote_program_options, .timeout_ns = 10 * MS),
			      &status, &box.err),
	       MOTE_E_TIMEOUT, ": stopped after 10 ms, its time limit (timeout_ns)");
	SET_STEPS(&box, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin, fake_spin);
	expect(mote_image_run(box.image, MOTE_OPTIONS(mote_program_options, .cpu_ns = 100000),
			      &status, &box.err),
	       MOTE_E_TIMEOUT, ": stopped after 100 us of CPU time, its limit (cpu_ns)");
}

static void options_of_later_versions_are_refused(void **state)
{
	(void)state;
	struct {
		mote_call_options options;
		uint64_t more[16];
	} later = { .options = { .size = sizeof later } };

	SET_STEPS(&box, step_done_void);
	expect(mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS, &later.options, NULL, &box.err), MOTE_OK,
	       NULL);
	later.more[15] = 1;
	expect(mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS, &later.options, NULL, &box.err),
	       MOTE_E_OPTION, "mote_call_options");
}

/* Threads. */

static atomic_uint nwinners;

static void *kill_until_hit(void *state)
{
	(void)state;
	/* until somebody has won: a kill after that may hit the next call */
	while (atomic_load(&nwinners) == 0)
		if (mote_interrupt_kill(interrupt))
			atomic_fetch_add(&nwinners, 1);
	return NULL;
}

static void of_many_killers_one_wins(void **state)
{
	(void)state;
	enum { THREADS = 4, ROUNDS = 50 };

	interrupt = mote_interrupt_of(box.sb);
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t threads[THREADS];
		atomic_store(&nwinners, 0);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_create(&threads[i], NULL, kill_until_hit, NULL),
					 0);
		SET_STEPS(&box, fake_spin);
		mote_status status = call_with(0, 0);
		for (int i = 0; i < THREADS; i++)
			assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(atomic_load(&nwinners), 1);
		expect_stopped(status, MOTE_E_CANCELED, NULL);
	}
}

/* The end of a call waits for those who kick: what they kick must not go, nor be armed anew. The
 * fake looks whether it is. */
static void a_call_outlasts_its_killers(void **state)
{
	(void)state;
	interrupt = mote_interrupt_of(box.sb);
	fake.kick_us = 20000;
	for (int round = 0; round < 5; round++) {
		pthread_t thread;
		atomic_store(&nwinners, 0);
		assert_int_equal(pthread_create(&thread, NULL, kill_until_hit, NULL), 0);
		SET_STEPS(&box, fake_spin);
		mote_status status = call_with(0, 0);
		/* already: it can be seen that the kick is over */
		assert_int_equal(atomic_load(&interrupt->state), INTERRUPT_IDLE);
		assert_int_equal(pthread_join(thread, NULL), 0);
		expect_stopped(status, MOTE_E_CANCELED, NULL);
	}
}

#define BOTH(test)                                                                                 \
	{ #test " [machine]", test, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#test " [process]", test, setup_process, teardown, NULL                            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(what_nothing_can_stop_is_not_armed),
		BOTH(time_limits_end_a_call),
		BOTH(limits_of_cpu_time_end_a_call),
		cmocka_unit_test_setup_teardown(the_guests_own_cpu_time_counts, setup_process,
						teardown),
		BOTH(a_turn_without_a_reason_is_none),
		BOTH(a_kill_ends_the_call_that_it_hits),
		BOTH(a_kill_between_calls_does_nothing),
		BOTH(handles_are_of_one_sandbox_and_outlive_it),
		BOTH(host_functions_can_ask),
		BOTH(what_cannot_be_armed_is_not_run),
		BOTH(an_alarm_that_cannot_be_set_again_ends_the_call),
		BOTH(main_has_a_limit),
		BOTH(programs_have_limits),
		BOTH(options_of_later_versions_are_refused),
		BOTH(of_many_killers_one_wins),
		BOTH(a_call_outlasts_its_killers),
	};
	return cmocka_run_group_tests_name("sandbox/stop", tests, NULL, NULL);
}
