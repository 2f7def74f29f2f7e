/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls from a guest into the host: every type, failures on either side, calls that must
 * be refused, and a host function that tries to use the sandbox that called it.
 */
#include "integration/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the host functions of a test share. */
static struct {
	mote_sandbox *sb; /* for the function that calls back */
	mote_status reentry;
	char reentry_message[MOTE_ERROR_MESSAGE_SIZE];
	unsigned ncalls;
	unsigned ndropped;
	char text[4096];
} seen;

static mote_status echo(void *user, const mote_value *args, size_t nargs, mote_value *result,
			mote_error *err)
{
	(void)user;
	(void)err;
	seen.ncalls++;
	if (nargs)
		*result = args[0];
	return MOTE_OK;
}

static mote_status ten(void *user, const mote_value *a, size_t n, mote_value *result,
		       mote_error *err)
{
	(void)user;
	(void)err;
	assert_int_equal(n, 10);
	snprintf(seen.text, sizeof seen.text, "%d %u %lld %llu %g %g %d %s %zu:%02x%02x%02x %d",
		 a[0].as.i32, a[1].as.u32, (long long)a[2].as.i64, (unsigned long long)a[3].as.u64,
		 (double)a[4].as.f32, a[5].as.f64, a[6].as.boolean, a[7].as.str.ptr,
		 a[8].as.bytes.len, ((const uint8_t *)a[8].as.bytes.ptr)[0],
		 ((const uint8_t *)a[8].as.bytes.ptr)[1], ((const uint8_t *)a[8].as.bytes.ptr)[2],
		 a[9].as.i32);
	*result = mote_str(seen.text);
	return MOTE_OK;
}

static mote_status fail_with(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	(void)user;
	(void)nargs;
	(void)result;
	snprintf(err->message, sizeof err->message, "%s", args[0].as.str.ptr);
	return MOTE_E_LIMIT;
}

static mote_status zero(void *user, const mote_value *args, size_t nargs, mote_value *result,
			mote_error *err)
{
	(void)user;
	(void)args;
	(void)nargs;
	(void)err;
	*result = mote_i32(0);
	return MOTE_OK;
}

static void count_drop(void *user)
{
	(void)user;
	seen.ndropped++;
}

static const mote_type one[][1] = {
	{ MOTE_I32 }, { MOTE_U32 },  { MOTE_I64 },    { MOTE_U64 },   { MOTE_F32 },
	{ MOTE_F64 }, { MOTE_BOOL }, { MOTE_STRING }, { MOTE_BYTES },
};
static const mote_type all_ten[] = { MOTE_I32, MOTE_U32,  MOTE_I64,    MOTE_U64,   MOTE_F32,
				     MOTE_F64, MOTE_BOOL, MOTE_STRING, MOTE_BYTES, MOTE_I32 };

#define ECHO(name_, type_, index)                                                                  \
	{                                                                                          \
		.name = name_, .fn = echo, .result = type_, .nparams = 1, .params = one[index],    \
		.drop_user = count_drop                                                            \
	}

static const mote_host_function functions[] = {
	{ .name = "HostVoid", .fn = echo, .result = MOTE_VOID, .drop_user = count_drop },
	ECHO("HostI32", MOTE_I32, 0),
	ECHO("HostU32", MOTE_U32, 1),
	ECHO("HostI64", MOTE_I64, 2),
	ECHO("HostU64", MOTE_U64, 3),
	ECHO("HostF32", MOTE_F32, 4),
	ECHO("HostF64", MOTE_F64, 5),
	ECHO("HostBool", MOTE_BOOL, 6),
	ECHO("HostStr", MOTE_STRING, 7),
	ECHO("HostBytes", MOTE_BYTES, 8),
	{ .name = "HostTen", .fn = ten, .result = MOTE_STRING, .nparams = 10, .params = all_ten },
	{ .name = "HostFail", .fn = fail_with, .result = MOTE_I32, .nparams = 1, .params = one[7] },
	{ .name = "HostMain", .fn = zero, .result = MOTE_I32 },
};
enum { NFUNCTIONS = sizeof functions / sizeof functions[0], NDROPPED = 10 };

static const mote_sandbox_options with_functions = {
	.size = sizeof with_functions,
	.functions = functions,
	.nfunctions = NFUNCTIONS,
};

static void every_type_goes_out_and_back(struct guest *g)
{
	assert_int_equal(CALL(g, "CallVoid", MOTE_NO_ARGS).type, MOTE_VOID);
	assert_int_equal(CALL(g, "CallI32", MOTE_ARGS(INT32_MIN)).as.i32, INT32_MIN);
	assert_true(CALL(g, "CallU32", MOTE_ARGS(UINT32_MAX)).as.u32 == UINT32_MAX);
	assert_true(CALL(g, "CallI64", MOTE_ARGS(mote_i64(INT64_MIN))).as.i64 == INT64_MIN);
	assert_true(CALL(g, "CallU64", MOTE_ARGS(mote_u64(UINT64_MAX))).as.u64 == UINT64_MAX);
	assert_true(CALL(g, "CallF32", MOTE_ARGS(1.5f)).as.f32 == 1.5f);
	assert_true(CALL(g, "CallF64", MOTE_ARGS(-0.1)).as.f64 == -0.1);
	assert_true(CALL(g, "CallBool", MOTE_ARGS(mote_bool(true))).as.boolean);
	assert_string_equal(CALL(g, "CallStr", MOTE_ARGS("text")).as.str.ptr, "text");
	assert_string_equal(CALL(g, "CallStr", MOTE_ARGS("")).as.str.ptr, "");
	mote_value r = CALL(g, "CallBytes", MOTE_ARGS(mote_bytes("\0\xff", 2)));
	assert_int_equal(r.as.bytes.len, 2);
	assert_memory_equal(r.as.bytes.ptr, "\0\xff", 2);
}

static void ten_parameters_arrive_in_order(struct guest *g)
{
	assert_string_equal(
		CALL(g, "CallTen", MOTE_NO_ARGS).as.str.ptr,
		"-1 2 -9223372036854775808 18446744073709551615 0.5 -0.25 1 eight 3:000102 10");
}

static void failures_reach_the_guest_and_then_the_caller(struct guest *g)
{
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "out of paper", "CallFail", MOTE_ARGS("out of paper"));
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "\"HostFail\" failed: MOTE_E_LIMIT", "CallFail",
		   MOTE_ARGS(""));
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "no function \"HostMissing\"", "CallMissing",
		   MOTE_NO_ARGS);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "after the host call", "CallThenFail", MOTE_NO_ARGS);
	assert_true(g->err.guest_code == 7);
	assert_false(mote_sandbox_is_poisoned(g->sb));
	assert_int_equal(CALL(g, "CallI32", MOTE_ARGS(9)).as.i32, 9);
}

static void many_host_calls_in_one_call(struct guest *g)
{
	seen.ncalls = 0;
	assert_true(CALL(g, "CallMany", MOTE_ARGS(3000u)).as.u64 == 3000u * 2999u / 2);
	assert_int_equal(seen.ncalls, 3000);
}

static void results_stay_while_more_calls_are_made(struct guest *g)
{
	assert_string_equal(CALL(g, "CallKeep", MOTE_ARGS("one", "two")).as.str.ptr,
			    "one two third one two");
}

static void large_results_many_times_are_released(struct guest *g)
{
	for (int i = 0; i < 20; i++)
		assert_true(CALL(g, "CallBig", MOTE_ARGS(50000u, 20u)).as.u64 == 50000u * 20u);
}

static void strings_that_are_none_do_not_reach_the_host(struct guest *g)
{
	static const char *const names[] = { "CallMalformedStr", "CallNullBytes" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		mote_value result;
		mote_status status;
		seen.ncalls = 0;
		status = mote_call(g->sb, names[i], MOTE_NO_ARGS, &result, &g->err);
		assert_int_not_equal(status, MOTE_OK);
		assert_int_equal(seen.ncalls, 0);
		mote_sandbox_free(g->sb);
		EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &with_functions, &g->err),
			      MOTE_OK);
	}
}

/* --- rows that register functions of their own --- */

static mote_status reenter(void *user, const mote_value *args, size_t nargs, mote_value *result,
			   mote_error *err)
{
	mote_error inner;
	char byte;
	(void)user;
	(void)nargs;
	(void)err;
	if (seen.sb) {
		seen.reentry = mote_call(seen.sb, "CallVoid", MOTE_NO_ARGS, NULL, &inner);
		snprintf(seen.reentry_message, sizeof seen.reentry_message, "%s", inner.message);
		assert_int_equal(mote_sandbox_read(seen.sb, 0x11000, &byte, 1, NULL), MOTE_E_STATE);
		assert_int_equal(mote_sandbox_write(seen.sb, 0x11000, &byte, 1, NULL),
				 MOTE_E_STATE);
	}
	*result = args[0];
	return MOTE_OK;
}

static mote_status wrong_type(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	(void)args;
	(void)nargs;
	(void)err;
	*result = *(const mote_value *)user;
	return MOTE_OK;
}

/* The functions above with the one of that name replaced. */
static void make_with(struct guest *g, const char *name, mote_host_fn fn, void *user,
		      uint64_t buffer_size)
{
	mote_host_function list[NFUNCTIONS];

	memcpy(list, functions, sizeof list);
	for (size_t i = 0; i < NFUNCTIONS; i++)
		if (strcmp(list[i].name, name) == 0) {
			list[i].fn = fn;
			list[i].user = user;
		}
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(
		g,
		mote_sandbox_new(&g->sb, g->image,
				 MOTE_OPTIONS(mote_sandbox_options, .functions = list,
					      .nfunctions = NFUNCTIONS, .buffer_size = buffer_size),
				 &g->err),
		MOTE_OK);
}

static void make(struct guest *g, const char *name, mote_host_fn fn, void *user)
{
	make_with(g, name, fn, user, 0);
}

static void calling_back_into_the_sandbox_is_an_error(struct guest *g)
{
	make(g, "HostI32", reenter, NULL);
	seen.sb = g->sb;
	assert_int_equal(CALL(g, "CallI32", MOTE_ARGS(4)).as.i32, 4);
	seen.sb = NULL;
	assert_int_equal(seen.reentry, MOTE_E_STATE);
	assert_non_null(strstr(seen.reentry_message, "is running \"CallI32\""));
	assert_int_equal(CALL(g, "CallI32", MOTE_ARGS(5)).as.i32, 5);
}

static void results_of_another_type_are_refused(struct guest *g)
{
	mote_value bad = mote_u32(1);

	make(g, "HostI32", wrong_type, &bad);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "its result, declared i32, has another type", "CallI32",
		   MOTE_ARGS(1));
	bad = mote_strn("\xff", 1);
	make(g, "HostStr", wrong_type, &bad);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "is not UTF-8", "CallStr", MOTE_ARGS("x"));
}

static void results_larger_than_the_buffer_are_refused(struct guest *g)
{
	static char big[200 << 10];
	mote_value result = mote_bytes(big, sizeof big);

	make(g, "HostBytes", wrong_type, &result);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "raise input_size", "CallBytes",
		   MOTE_ARGS(mote_bytes("x", 1)));
	assert_int_equal(CALL(g, "CallI32", MOTE_ARGS(5)).as.i32, 5);
}

static mote_value want_bulk;

static mote_status give_back(void *user, const mote_value *args, size_t nargs, mote_value *result,
			     mote_error *err)
{
	(void)nargs;
	(void)err;
	assert_int_equal(args[0].as.bytes.len, want_bulk.as.bytes.len);
	assert_memory_equal(args[0].as.bytes.ptr, want_bulk.as.bytes.ptr, want_bulk.as.bytes.len);
	*result = user ? *(const mote_value *)user : args[0];
	return MOTE_OK;
}

/* There and back, in place and copied, more than any message has room for. */
static void bulk_data_goes_by_buffer(struct guest *g)
{
	static uint8_t data[1 << 20];
	const mote_value bytes = mote_bytes(data, sizeof data);
	mote_buffer *buffer;

	want_bulk = bytes;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (uint8_t)(i * 11 + i / 253);
	mote_value given = { .type = MOTE_VOID };
	for (int in_place = 0; in_place < 2; in_place++) {
		make_with(g, "HostBytes", give_back, in_place ? &given : NULL, 4 << 20);
		EXPECT_STATUS(g, mote_buffer_new(&buffer, g->sb, sizeof data, &g->err), MOTE_OK);
		memcpy(mote_buffer_data(buffer), data, sizeof data);
		given = mote_bytes(mote_buffer_data(buffer), sizeof data);
		for (int i = 0; i < 3; i++) {
			mote_value r = CALL(g, "CallBytes", MOTE_ARGS(bytes));
			assert_int_equal(r.as.bytes.len, sizeof data);
			assert_memory_equal(r.as.bytes.ptr, data, sizeof data);
			if (in_place)
				assert_ptr_equal(r.as.bytes.ptr, given.as.bytes.ptr);
		}
	}
}

static void signatures_must_match(struct guest *g)
{
	static const mote_type wrong[] = { MOTE_U32 };
	mote_host_function list[NFUNCTIONS];

	memcpy(list, functions, sizeof list);
	for (size_t i = 0; i < NFUNCTIONS; i++) {
		if (strcmp(list[i].name, "HostI32") == 0)
			list[i].params = wrong;
		if (strcmp(list[i].name, "HostU64") == 0)
			list[i].result = MOTE_I64;
		if (strcmp(list[i].name, "HostBool") == 0)
			list[i].nparams = 0;
	}
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = list,
						    .nfunctions = NFUNCTIONS),
				       &g->err),
		      MOTE_OK);
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "parameter 1 is u32, not i32", "CallI32", MOTE_ARGS(1));
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "gives i64, the guest wants u64", "CallU64",
		   MOTE_ARGS(mote_u64(1)));
	CALL_FAILS(g, MOTE_E_GUEST_ERROR, "takes 0 parameters, not 1", "CallBool",
		   MOTE_ARGS(mote_bool(true)));
}

static void users_are_dropped_once(struct guest *g)
{
	seen.ndropped = 0;
	mote_sandbox_free(g->sb);
	g->sb = NULL;
	assert_int_equal(seen.ndropped, NDROPPED);

	/* also when no sandbox comes of it */
	const mote_sandbox_options absurd = {
		.size = sizeof absurd,
		.functions = functions,
		.nfunctions = NFUNCTIONS,
		.heap_size = UINT64_MAX,
	};
	seen.ndropped = 0;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, &absurd, &g->err), MOTE_E_INVALID);
	assert_int_equal(seen.ndropped, NDROPPED);
}

static const struct row rows[] = {
	{ "every type goes out and back", "hostcalls", every_type_goes_out_and_back,
	  &with_functions, false },
	{ "ten parameters in order", "hostcalls", ten_parameters_arrive_in_order, &with_functions,
	  false },
	{ "failures reach the guest, then the caller", "hostcalls",
	  failures_reach_the_guest_and_then_the_caller, &with_functions, false },
	{ "many host calls in one call", "hostcalls", many_host_calls_in_one_call, &with_functions,
	  false },
	{ "results stay", "hostcalls", results_stay_while_more_calls_are_made, &with_functions,
	  false },
	{ "large results are released", "hostcalls", large_results_many_times_are_released,
	  &with_functions, false },
	{ "malformed strings stop at the boundary", "hostcalls",
	  strings_that_are_none_do_not_reach_the_host, &with_functions, false },
	{ "no way back into the sandbox", "hostcalls", calling_back_into_the_sandbox_is_an_error,
	  &with_functions, false },
	{ "results of another type", "hostcalls", results_of_another_type_are_refused,
	  &with_functions, false },
	{ "results larger than the buffer", "hostcalls", results_larger_than_the_buffer_are_refused,
	  &with_functions, false },
	{ "bulk data by buffer", "hostcalls", bulk_data_goes_by_buffer, &with_functions, false },
	{ "signatures must match", "hostcalls", signatures_must_match, &with_functions, false },
	{ "users are dropped once", "hostcalls", users_are_dropped_once, &with_functions, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
