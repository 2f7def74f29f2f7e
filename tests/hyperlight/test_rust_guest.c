/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests in C and in Rust have in common: the same calls, with the same answers. With `make
 * test-hyperlight` the guest is one of Hyperlight's own library (rust/guest), else one of ours.
 */
#include "tests/hyperlight/hyper_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct hyper_box box;
static struct guest_snapshot *snapshot;

static int open_box(void **state)
{
	const struct guest_start start = { .heap_size = 0x100000, .scratch_size = 0x200000 };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	snapshot = hyper_box_take(&box);
	return 0;
}

static int close_box(void **state)
{
	(void)state;
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	return 0;
}

static mote_value call(const char *name, size_t nparams, const mote_value *params)
{
	return hyper_box_value(&box, name, nparams, params);
}

static void values_are_understood(void **state)
{
	static uint8_t ones[1000], zeroes[1000];
	const mote_value text = mote_str("h\xc3\xa4llo");
	const mote_value data = mote_bytes(ones, sizeof ones);

	(void)state;
	memset(ones, 1, sizeof ones);
	assert_string_equal(call("Echo", 1, &text).as.str.ptr, "h\xc3\xa4llo");
	const mote_value value = call("SetByteArrayToZero", 1, &data);
	assert_int_equal(value.as.bytes.len, sizeof zeroes);
	assert_memory_equal(value.as.bytes.ptr, zeroes, sizeof zeroes);
}

static void host_functions_are_understood(void **state)
{
	const mote_value numbers[] = { mote_i32(5), mote_i32(10) };
	const mote_value text = mote_str("Hello world");

	(void)state;
	assert_int_equal(call("Add", 2, numbers).as.i32, 15);
	call("GuestMethod1", 1, &text);
	assert_string_equal(box.printed, "Hello from GuestFunction1, Hello world");
	for (int i = 0; i < 100; i++) {
		assert_int_equal(hyper_box_error(&box, "CallErrorMethod", 1, &text), 17);
		assert_string_equal(box.text, "Host function error!");
	}
}

static void errors_are_understood(void **state)
{
	const mote_value numbers[] = { mote_i32(1), mote_i32(2) };

	(void)state;
	assert_int_equal(hyper_box_error(&box, "FunctionDoesntExist", 0, NULL), 4);
	assert_int_equal(hyper_box_error(&box, "Echo", 2, numbers), 5);
	assert_int_equal(hyper_box_error(&box, "Echo", 1, numbers), 14);
	assert_int_equal(hyper_box_error(&box, "AddToStaticAndFail", 0, NULL), 15);
	assert_string_equal(box.text, "Crash on purpose");
	assert_int_equal(call("GetStatic", 0, NULL).as.i32, 10);
}

static void snapshots_are_understood(void **state)
{
	const mote_value five = mote_i32(5);

	(void)state;
	assert_int_equal(call("AddToStatic", 1, &five).as.i32, 5);
	struct guest_snapshot *later = hyper_box_take(&box);

	for (int i = 0; i < 3; i++) {
		hyper_box_restore(&box, snapshot);
		assert_int_equal(call("AddToStatic", 1, &five).as.i32, 5);
		hyper_box_restore(&box, later);
		assert_int_equal(call("AddToStatic", 1, &five).as.i32, 10);
	}
	guest_snapshot_unref(later);
}

static void ends_are_understood(void **state)
{
	const mote_value text = mote_str("Error... error...");

	(void)state;
	hyper_box_end(&box, "guest_panic", 1, &text, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, 8);
	assert_non_null(strstr(box.text, "Error... error..."));
	hyper_box_restore(&box, snapshot);
	hyper_box_end(&box, "TriggerException", 0, NULL, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.code, 15);
	assert_non_null(strstr(box.text, "Exception vector: 6"));
	hyper_box_restore(&box, snapshot);
	hyper_box_end(&box, "InfiniteRecursion", 0, NULL, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, 13);
	hyper_box_restore(&box, snapshot);
	assert_int_equal(call("GetStatic", 0, NULL).as.i32, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_box, close_box)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(values_are_understood), TEST(host_functions_are_understood),
		TEST(errors_are_understood), TEST(snapshots_are_understood),
		TEST(ends_are_understood),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
