/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls into a guest: every type there and back, wrong calls refused before the guest
 * runs, sizes up to the buffers, state that persists, and results that live long enough.
 */
#include "integration/harness.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void integers_round_trip(struct guest *g)
{
	static const int64_t edges[] = { 0, 1, -1, INT32_MIN, INT32_MAX, INT64_MIN, INT64_MAX };

	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		int64_t v = edges[i];
		assert_int_equal(CALL(g, "EchoI32", MOTE_ARGS(mote_i32((int32_t)v))).as.i32,
				 (int32_t)v);
		assert_int_equal(CALL(g, "EchoU32", MOTE_ARGS(mote_u32((uint32_t)v))).as.u32,
				 (uint32_t)v);
		assert_true(CALL(g, "EchoI64", MOTE_ARGS(mote_i64(v))).as.i64 == v);
		assert_true(CALL(g, "EchoU64", MOTE_ARGS(mote_u64((uint64_t)v))).as.u64 ==
			    (uint64_t)v);
	}
	assert_true(CALL(g, "EchoBool", MOTE_ARGS(mote_bool(true))).as.boolean);
	assert_false(CALL(g, "EchoBool", MOTE_ARGS(mote_bool(false))).as.boolean);
	assert_int_equal(CALL(g, "EchoVoid", MOTE_NO_ARGS).type, MOTE_VOID);
}

static void floats_round_trip(struct guest *g)
{
	static const double edges[] = { 0, 1.5, -2.25, DBL_MIN, DBL_MAX, INFINITY, -INFINITY };

	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		float narrow = (float)edges[i];
		assert_true(CALL(g, "EchoF64", MOTE_ARGS(edges[i])).as.f64 == edges[i]);
		assert_true(CALL(g, "EchoF32", MOTE_ARGS(narrow)).as.f32 == narrow);
	}
	assert_true(isnan(CALL(g, "EchoF64", MOTE_ARGS((double)NAN)).as.f64));
	assert_true(isnan(CALL(g, "EchoF32", MOTE_ARGS((float)NAN)).as.f32));
}

static void strings_round_trip(struct guest *g)
{
	static const char *const texts[] = { "", "a", "hello",
					     "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80",
					     "line\nbreak\ttab" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		mote_value r = CALL(g, "EchoStr", MOTE_ARGS(texts[i]));
		assert_int_equal(r.type, MOTE_STRING);
		assert_int_equal(r.as.str.len, strlen(texts[i]));
		assert_string_equal(r.as.str.ptr, texts[i]); /* there is a NUL behind it */
	}
	/* an argument needs no NUL of its own */
	char unterminated[3] = { 'a', 'b', 'c' };
	mote_value r = CALL(g, "EchoStr", MOTE_ARGS(mote_strn(unterminated, 3)));
	assert_string_equal(r.as.str.ptr, "abc");
}

static void bytes_round_trip(struct guest *g)
{
	uint8_t all[256];
	for (int i = 0; i < 256; i++)
		all[i] = (uint8_t)i;

	mote_value r = CALL(g, "EchoBytes", MOTE_ARGS(mote_bytes(all, sizeof all)));
	assert_int_equal(r.type, MOTE_BYTES);
	assert_int_equal(r.as.bytes.len, sizeof all);
	assert_memory_equal(r.as.bytes.ptr, all, sizeof all);
	assert_int_equal(CALL(g, "EchoBytes", MOTE_ARGS(mote_bytes(NULL, 0))).as.bytes.len, 0);
	r = CALL(g, "Concat", MOTE_ARGS(mote_bytes("ab", 2), mote_bytes("cde", 3)));
	assert_int_equal(r.as.bytes.len, 5);
	assert_memory_equal(r.as.bytes.ptr, "abcde", 5);
}

static void up_to_ten_parameters_arrive_in_order(struct guest *g)
{
	static const char *const want[] = {
		NULL,
		"-1",
		"-1 2",
		"-1 2 -3",
		"-1 2 -3 4",
		"-1 2 -3 4 0.5",
		"-1 2 -3 4 0.5 -0.25",
		"-1 2 -3 4 0.5 -0.25 1",
		"-1 2 -3 4 0.5 -0.25 1 eight",
		"-1 2 -3 4 0.5 -0.25 1 eight 4:nine",
		"-1 2 -3 4 0.5 -0.25 1 eight 4:nine 10",
	};
	const mote_value args[] = {
		mote_i32(-1),          mote_u32(2),     mote_i64(-3),    mote_u64(4),
		mote_f32(0.5f),        mote_f64(-0.25), mote_bool(true), mote_str("eight"),
		mote_bytes("nine", 4), mote_i32(10),
	};

	CALL(g, "Params0", MOTE_NO_ARGS);
	for (size_t n = 1; n <= 10; n++) {
		char name[] = "Params10";
		snprintf(name, sizeof name, "Params%zu", n);
		mote_value r = CALL(g, name, args, n);
		assert_string_equal(r.as.str.ptr, want[n]);
	}
}

static void wrong_calls_are_refused_before_the_guest_runs(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_NO_FUNCTION, "\"Nope\"", "Nope", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_NO_FUNCTION, "\"\"", "", MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_SIGNATURE, "0 arguments given, the guest wants 1", "EchoI32",
		   MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_SIGNATURE, "2 arguments given, the guest wants 1", "EchoI32",
		   MOTE_ARGS(1, 2));
	CALL_FAILS(g, MOTE_E_SIGNATURE, "parameter 1 is u32, the guest wants i32", "EchoI32",
		   MOTE_ARGS(1u));
	CALL_FAILS(g, MOTE_E_SIGNATURE, "pass mote_bool(x)", "EchoBool", MOTE_ARGS(1));
	CALL_FAILS(g, MOTE_E_SIGNATURE, "parameter 2 is i32, the guest wants u32", "Params2",
		   MOTE_ARGS(1, 2));
	CALL_FAILS(g, MOTE_E_INVALID, "parameter 1 is not UTF-8", "EchoStr",
		   MOTE_ARGS(mote_strn("\xff", 1)));
	CALL_FAILS(g, MOTE_E_INVALID, "NUL byte", "EchoStr", MOTE_ARGS(mote_strn("a\0b", 3)));
	CALL_FAILS(g, MOTE_E_INVALID, "NULL pointer", "EchoBytes", MOTE_ARGS(mote_bytes(NULL, 1)));
	CALL_FAILS(g, MOTE_E_INVALID, "NULL pointer", "EchoStr", MOTE_ARGS(mote_strn(NULL, 1)));
	/* none of them did any harm */
	assert_false(mote_sandbox_is_poisoned(g->sb));
	assert_int_equal(CALL(g, "EchoI32", MOTE_ARGS(5)).as.i32, 5);
}

static void names_of_63_bytes_work(struct guest *g)
{
	const char *name = "N23456789012345678901234567890123456789012345678901234567890123";

	assert_int_equal(strlen(name), 63);
	assert_int_equal(CALL(g, name, MOTE_NO_ARGS).as.i32, 63);
}

static void guest_errors_leave_the_sandbox_usable(struct guest *g)
{
	for (int i = 0; i < 3; i++) {
		CALL_FAILS(g, MOTE_E_GUEST_ERROR, "the text", "Fail",
			   MOTE_ARGS(mote_u64(UINT64_C(0x123456789abcdef)), "the text"));
		assert_true(g->err.guest_code == UINT64_C(0x123456789abcdef));
		assert_false(mote_sandbox_is_poisoned(g->sb));
		assert_int_equal(CALL(g, "EchoI32", MOTE_ARGS(i)).as.i32, i);
	}
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "\\x1b[2J", "Fail",
		   MOTE_ARGS(mote_u64(1), "\x1b[2J clears the screen"));
}

static void results_that_are_no_values_are_errors(struct guest *g)
{
	mote_value result;
	mote_status status;

	status = mote_call(g->sb, "MalformedStr", MOTE_NO_ARGS, &result, &g->err);
	assert_int_not_equal(status, MOTE_OK);
	assert_int_equal(result.type, MOTE_VOID);
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, NULL, &g->err), MOTE_OK);
	status = mote_call(g->sb, "NullBytes", MOTE_NO_ARGS, &result, &g->err);
	assert_int_not_equal(status, MOTE_OK);
}

static void results_live_until_the_next_call(struct guest *g)
{
	mote_value r = CALL(g, "MakeStr", MOTE_ARGS(1000u));
	char copy[1001];

	memcpy(copy, r.as.str.ptr, 1001);
	/* reading guest memory is not a call */
	char scratch[16];
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, 0x11000, scratch, sizeof scratch, &g->err),
		      MOTE_OK);
	assert_memory_equal(r.as.str.ptr, copy, 1001);
}

static void a_result_of_no_interest_may_be_dropped(struct guest *g)
{
	EXPECT_STATUS(g, mote_call(g->sb, "MakeStr", MOTE_ARGS(100u), NULL, NULL), MOTE_OK);
	assert_int_equal(mote_call(g->sb, "Nope", MOTE_NO_ARGS, NULL, NULL), MOTE_E_NO_FUNCTION);
}

/* By size of the data, around the default buffers of 128 KiB. */
static void arguments_fill_the_input_buffer_and_no_more(struct guest *g)
{
	static uint8_t data[256 << 10];
	size_t largest = 0;

	memset(data, 1, sizeof data);
	for (size_t size = 64 << 10; size <= sizeof data; size += 8 << 10) {
		mote_value result;
		mote_status status = mote_call(g->sb, "SumBytes", MOTE_ARGS(mote_bytes(data, size)),
					       &result, &g->err);
		if (status == MOTE_OK) {
			assert_true(result.as.u64 == size);
			largest = size;
			continue;
		}
		EXPECT_STATUS(g, status, MOTE_E_LIMIT);
		EXPECT_MESSAGE(g, "raise input_size");
	}
	assert_int_equal(largest, 120 << 10);
	assert_false(mote_sandbox_is_poisoned(g->sb));
	assert_true(CALL(g, "SumBytes", MOTE_ARGS(mote_bytes(data, 10))).as.u64 == 10);
}

static void results_fill_the_output_buffer_and_no_more(struct guest *g)
{
	mote_value r = CALL(g, "MakeBytes", MOTE_ARGS(120u << 10));

	assert_int_equal(r.as.bytes.len, 120 << 10);
	for (size_t i = 0; i < r.as.bytes.len; i++)
		assert_int_equal(((const uint8_t *)r.as.bytes.ptr)[i], i & 0xff);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "", "MakeBytes", MOTE_ARGS(128u << 10));
	assert_int_equal(CALL(g, "MakeBytes", MOTE_ARGS(3u)).as.bytes.len, 3);
}

#define BIG (64u << 20)
static const mote_sandbox_options big_buffers = {
	.size = sizeof big_buffers,
	.input_size = BIG,
	.output_size = BIG,
	.heap_size = 4 * (uint64_t)BIG,
};

static void buffers_of_64_mib_carry_60(struct guest *g)
{
	const size_t size = 60u << 20;
	uint8_t *data = malloc(size);

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)(i * 7);
	mote_value r = CALL(g, "EchoBytes", MOTE_ARGS(mote_bytes(data, size)));
	assert_int_equal(r.as.bytes.len, size);
	assert_memory_equal(r.as.bytes.ptr, data, size);
	free(data);
}

#define BULK (8u << 20)
static const mote_sandbox_options bulk_buffers = {
	.size = sizeof bulk_buffers,
	.buffer_size = BULK,
};

static void expect_bytes(const mote_value *value, const uint8_t *want, size_t size)
{
	assert_int_equal(value->type, MOTE_BYTES);
	assert_int_equal(value->as.bytes.len, size);
	assert_memory_equal(value->as.bytes.ptr, want, size);
}

/* Through messages of 128 KiB, bytes of 8 MiB. */
static void bulk_data_goes_by_buffer_of_itself(struct guest *g)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 100001, 1 << 20, BULK - 1, BULK };
	uint8_t *data = malloc(BULK + 1);
	mote_buffer *buffer;

	assert_non_null(data);
	for (size_t i = 0; i <= BULK; i++)
		data[i] = (uint8_t)(i * 7 + i / 257);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		const mote_value bytes = mote_bytes(data + (i & 1), sizes[i] - (i == 6));
		mote_value r = CALL(g, "EchoBytes", MOTE_ARGS(bytes));
		expect_bytes(&r, bytes.as.bytes.ptr, bytes.as.bytes.len);
		r = CALL(g, "CopyBytes", MOTE_ARGS(bytes));
		expect_bytes(&r, bytes.as.bytes.ptr, bytes.as.bytes.len);
		r = CALL(g, "MakeBytes", MOTE_ARGS((uint32_t)sizes[i]));
		assert_int_equal(r.as.bytes.len, sizes[i]);
		for (size_t at = 0; at < sizes[i]; at += 511)
			assert_int_equal(((const uint8_t *)r.as.bytes.ptr)[at], at & 0xff);
	}
	mote_status status =
		mote_call(g->sb, "SumBytes", MOTE_ARGS(mote_bytes(data, BULK + 1)), NULL, &g->err);
	EXPECT_STATUS(g, status, MOTE_E_LIMIT);
	EXPECT_MESSAGE(g, "raise input_size or buffer_size");

	/* in place, and the result read in place: it stays as it is until the next call */
	EXPECT_STATUS(g, mote_buffer_new(&buffer, g->sb, 1 << 20, &g->err), MOTE_OK);
	memcpy(mote_buffer_data(buffer), data, 1 << 20);
	mote_value r =
		CALL(g, "CopyBytes", MOTE_ARGS(mote_bytes(mote_buffer_data(buffer), 1 << 20)));
	memset(mote_buffer_data(buffer), 0, 1 << 20);
	expect_bytes(&r, data, 1 << 20);
	/* two at once, the one copied behind the other */
	memcpy(mote_buffer_data(buffer), data, 1 << 20);
	r = CALL(g, "JoinBytes",
		 MOTE_ARGS(mote_bytes(data + (1 << 20), 1 << 20),
			   mote_bytes(mote_buffer_data(buffer), 1 << 20)));
	assert_memory_equal(r.as.bytes.ptr, data + (1 << 20), 1 << 20);
	assert_memory_equal((const char *)r.as.bytes.ptr + (1 << 20), data, 1 << 20);
	mote_buffer_free(buffer);
	free(data);
}

/* By the page tables: arguments cannot be changed, nothing in the buffers can be run, and behind
 * them there is nothing. */
static void buffers_have_rights_and_ends(struct guest *g)
{
	static const struct {
		const char *what, *text;
	} rows[] = {
		{ "write argument", "page fault: write at 0x" },
		{ "run argument", "(argument buffer)" },
		{ "run result", "(result buffer)" },
		{ "read behind", "page fault: read at 0x" },
		{ "read before", "guard gap below the argument buffer" },
		{ "write before", "guard gap below the result buffer" },
		{ "write behind", "page fault: write at 0x" },
	};
	static const uint8_t data[5000];
	mote_snapshot *clean;

	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, rows[i].text, "Overstep",
			   MOTE_ARGS(rows[i].what, mote_bytes(data, sizeof data), (uint64_t)BULK));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	}
	mote_snapshot_unref(clean);
}

static void many_calls_leave_nothing_behind(struct guest *g)
{
	for (unsigned i = 0; i < rounds(2000); i++) {
		mote_value r = CALL(g, "MakeStr", MOTE_ARGS(60000u));
		assert_int_equal(r.as.str.len, 60000);
	}
}

static void guest_lines_reach_the_log_escaped(struct guest *g)
{
	CALL(g, "Log", MOTE_ARGS(0u, "fine \x1b[31m red"));
	assert_non_null(strstr(g->capture->log, "guest: fine \\x1b[31m red\n"));
}

static void recursion_within_the_guest_works(struct guest *g)
{
	assert_true(CALL(g, "Fibonacci", MOTE_ARGS(20u)).as.u64 == 6765);
}

static const struct row rows[] = {
	{ "integers and bool round trip", "echo", integers_round_trip, NULL, false },
	{ "floats round trip", "echo", floats_round_trip, NULL, false },
	{ "strings round trip", "echo", strings_round_trip, NULL, false },
	{ "bytes round trip", "echo", bytes_round_trip, NULL, false },
	{ "up to ten parameters arrive in order", "echo", up_to_ten_parameters_arrive_in_order,
	  NULL, false },
	{ "wrong calls are refused", "echo", wrong_calls_are_refused_before_the_guest_runs, NULL,
	  false },
	{ "names of 63 bytes", "echo", names_of_63_bytes_work, NULL, false },
	{ "guest errors leave the sandbox usable", "echo", guest_errors_leave_the_sandbox_usable,
	  NULL, false },
	{ "results that are no values", "echo", results_that_are_no_values_are_errors, NULL,
	  false },
	{ "results live until the next call", "echo", results_live_until_the_next_call, NULL,
	  false },
	{ "a result may be dropped", "echo", a_result_of_no_interest_may_be_dropped, NULL, false },
	{ "arguments fill the input buffer", "echo", arguments_fill_the_input_buffer_and_no_more,
	  NULL, false },
	{ "results fill the output buffer", "echo", results_fill_the_output_buffer_and_no_more,
	  NULL, false },
	{ "64 MiB buffers", "echo", buffers_of_64_mib_carry_60, &big_buffers, false },
	{ "bulk data by buffer", "echo", bulk_data_goes_by_buffer_of_itself, &bulk_buffers, false },
	{ "buffers have rights and ends", "echo", buffers_have_rights_and_ends, &bulk_buffers,
	  false },
	{ "many calls leave nothing behind", "echo", many_calls_leave_nothing_behind, NULL, false },
	{ "guest lines reach the log escaped", "echo", guest_lines_reach_the_log_escaped, NULL,
	  false },
	{ "recursion", "echo", recursion_within_the_guest_works, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
