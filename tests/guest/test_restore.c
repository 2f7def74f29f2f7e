/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What runs in a guest after its memory was restored: once a generation, in order, before the
 * function that was called, and again when it did not get to its end.
 */
#include "exports.h"
#include "fake_host.h"

#include <mote/guest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define CALLBACKS_MAX 16

static char ran[64];        /* a letter for each callback that ran */
static unsigned calls_then; /* of Void, when the last one ran */
static uint64_t generation_then;

static void note(void *letter)
{
	strncat(ran, letter, 1);
	calls_then = seen.calls;
	generation_then = mote_guest_generation();
}

static bool b_fails, b_adds;

static void note_b(void *letter)
{
	note(letter);
	if (b_adds)
		mote_guest_on_restore(note, "c");
	if (b_fails)
		mote_guest_fail(77, "no new seed");
}

static int setup(void **state)
{
	memset(ran, 0, sizeof ran);
	return fake_host_setup(state);
}

static void call_void(uint64_t generation)
{
	fake.generation = generation;
	fake_host_call_name("Void", MOTE_VOID, 0, NULL);
}

/* First: there are none yet, and the library has found no start block. */
static void outside_of_a_sandbox_nothing_was_restored(void **state)
{
	(void)state;
	fake.is_present = false;
	assert_int_equal(mote_guest_generation(), 0);
}

static void without_callbacks_a_restore_is_no_event(void **state)
{
	(void)state;
	call_void(0);
	assert_false(fake.result.is_error);
	call_void(1);
	assert_false(fake.result.is_error);
	assert_int_equal(mote_guest_generation(), 1);
}

/* From here on there are a and b. The restore before them is not news to them. */
static void they_run_once_a_restore_in_order(void **state)
{
	(void)state;
	mote_guest_on_restore(note, "a");
	mote_guest_on_restore(note_b, "b");
	call_void(1);
	assert_string_equal(ran, "");
	unsigned before = seen.calls;
	call_void(2);
	assert_string_equal(ran, "ab");
	assert_int_equal(calls_then, before); /* first they, then the function */
	assert_int_equal(seen.calls, before + 1);
	assert_int_equal(generation_then, 2);
	call_void(2);
	call_void(2);
	assert_string_equal(ran, "ab");
	call_void(UINT64_MAX);
	assert_string_equal(ran, "abab");
	/* not only a higher number: memory of a snapshot may have seen a higher one */
	call_void(3);
	assert_string_equal(ran, "ababab");
	assert_int_equal(seen.calls, before + 5);
}

static void a_call_that_is_refused_leaves_them_for_the_next(void **state)
{
	struct wire_call none = { .name = "Void", .name_len = 4, .kind = WIRE_CALL_GUEST };

	(void)state;
	fake.generation = 4;
	fake_host_call(UINT64_MAX, &none);
	assert_int_equal(fake.result.code, WIRE_CODE_NO_SUCH_FUNCTION);
	assert_string_equal(ran, "");
	call_void(4);
	assert_string_equal(ran, "ab");
}

static void one_that_fails_ends_the_call_and_runs_again(void **state)
{
	unsigned before = seen.calls;

	(void)state;
	b_fails = true;
	for (int i = 0; i < 3; i++) {
		call_void(5);
		expect_error(77, "no new seed");
		assert_int_equal(fake.input_used, 0);
	}
	assert_string_equal(ran, "ababab");
	assert_int_equal(seen.calls, before);
	b_fails = false;
	call_void(5);
	assert_false(fake.result.is_error);
	assert_string_equal(ran, "abababab");
	assert_int_equal(seen.calls, before + 1);
	call_void(5);
	assert_string_equal(ran, "abababab");
}

static const char *text_of_callback;

/* What functions may do: log, call the host, allocate. */
static void use_everything(void *user)
{
	struct mote_guest_value arg = { .as.str = "now" }, result;
	static const struct mote_guest_record record = {
		.name = "HostStr", .result = MOTE_STRING, .nparams = 1, .params = { MOTE_STRING }
	};
	bool *wanted = user;

	if (!*wanted)
		return;
	mote_guest_log_line(MOTE_LOG_INFO, "restored");
	mote_guest_call_host(&record, &arg, &result);
	text_of_callback = mote_format("host says %s", result.as.str);
}

static void they_may_do_what_functions_may(void **state)
{
	static bool wanted;
	const mote_value param = mote_str("the parameter is untouched");

	(void)state;
	mote_guest_on_restore(use_everything, &wanted);
	wanted = true;
	fake.answer = (struct wire_result){ .value = mote_str("seed") };
	fake.generation = 6;
	fake_host_call_name("Str", MOTE_STRING, 1, &param);
	wanted = false;
	assert_false(fake.result.is_error);
	assert_string_equal(fake.result.value.as.str.ptr, param.as.str.ptr);
	assert_int_equal(fake.logs, 1);
	assert_string_equal(fake.log.caller.ptr, "Str");
	assert_int_equal(fake.calls, 1);
	assert_string_equal(text_of_callback, "host says seed");
}

static void those_added_by_one_run_from_the_next_restore_on(void **state)
{
	(void)state;
	b_adds = true;
	call_void(7);
	b_adds = false;
	assert_string_equal(ran, "ab");
	call_void(8);
	assert_string_equal(ran, "ababc");
}

/* Last: from here on there are as many as can be. */
static void one_too_many_is_an_error(void **state)
{
	(void)state;
	for (int i = 0; i < CALLBACKS_MAX - 4; i++)
		mote_guest_on_restore(note, "d");
	call_void(9);
	assert_string_equal(ran, "abcdddddddddddd");
	b_adds = true;
	call_void(10);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "the guest has 16 functions for mote_guest_on_restore() already, and there "
		     "can be no more");
	b_adds = false;
	call_void(10);
	assert_false(fake.result.is_error);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(outside_of_a_sandbox_nothing_was_restored, setup),
		cmocka_unit_test_setup(without_callbacks_a_restore_is_no_event, setup),
		cmocka_unit_test_setup(they_run_once_a_restore_in_order, setup),
		cmocka_unit_test_setup(a_call_that_is_refused_leaves_them_for_the_next, setup),
		cmocka_unit_test_setup(one_that_fails_ends_the_call_and_runs_again, setup),
		cmocka_unit_test_setup(they_may_do_what_functions_may, setup),
		cmocka_unit_test_setup(those_added_by_one_run_from_the_next_restore_on, setup),
		cmocka_unit_test_setup(one_too_many_is_an_error, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
