/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls of the host: what goes out, what comes back, and what a bad answer leads to.
 */
#include "exports.h"
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	const char *host_name;
	mote_value param, answer;
} rows[] = {
	{ "CallI32",
	  "HostI32",
	  { MOTE_I32, 0, { .i32 = -1 } },
	  { MOTE_I32, 0, { .i32 = INT32_MIN } } },
	{ "CallStr",
	  "HostStr",
	  { MOTE_STRING, 0, { .str = { "out", 3 } } },
	  { MOTE_STRING, 0, { .str = { "and back", 8 } } } },
	{ "CallStr",
	  "HostStr",
	  { MOTE_STRING, 0, { .str = { "", 0 } } },
	  { MOTE_STRING, 0, { .str = { "", 0 } } } },
	{ "CallBytes",
	  "HostBytes",
	  { MOTE_BYTES, 0, { .bytes = { "\0\1", 2 } } },
	  { MOTE_BYTES, 0, { .bytes = { "\2\0\3", 3 } } } },
	{ "CallBytes",
	  "HostBytes",
	  { MOTE_BYTES, 0, { .bytes = { "", 0 } } },
	  { MOTE_BYTES, 0, { .bytes = { "", 0 } } } },
};

static void expect_same(const mote_value *got, const mote_value *want)
{
	assert_int_equal(got->type, want->type);
	if (want->type == MOTE_I32) {
		assert_int_equal(got->as.i32, want->as.i32);
		return;
	}
	assert_int_equal(got->as.bytes.len, want->as.bytes.len);
	assert_memory_equal(got->as.bytes.ptr, want->as.bytes.ptr, want->as.bytes.len);
}

static void arguments_go_out_and_results_come_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		fake.answer = (struct wire_result){ .value = rows[i].answer };
		fake_host_call_name(rows[i].name, rows[i].answer.type, 1, &rows[i].param);
		assert_string_equal(fake.call.name, rows[i].host_name);
		assert_int_equal(fake.call.kind, WIRE_CALL_HOST);
		assert_int_equal(fake.call.result, rows[i].answer.type);
		assert_int_equal(fake.call.nparams, 1);
		expect_same(&fake.call.params[0], &rows[i].param);
		assert_false(fake.result.is_error);
		expect_same(&fake.result.value, &rows[i].answer);
		assert_int_equal(fake.input_used, 0);
		assert_int_equal(fake.output_used, 0);
	}
	assert_int_equal(fake.calls, sizeof rows / sizeof *rows);
}

static void a_call_without_parameters_or_result_goes_out(void **state)
{
	(void)state;
	fake.answer = (struct wire_result){ .value = { .type = MOTE_VOID } };
	fake_host_call_name("CallVoid", MOTE_VOID, 0, NULL);
	assert_string_equal(fake.call.name, "HostVoid");
	assert_int_equal(fake.call.nparams, 0);
	assert_int_equal(fake.call.result, MOTE_VOID);
	assert_false(fake.result.is_error);
}

static void ten_parameters_go_out_in_order(void **state)
{
	const mote_value *params = fake.call.params;

	(void)state;
	fake.answer = (struct wire_result){ .value = mote_f64(0.5) };
	fake_host_call_name("CallTen", MOTE_F64, 0, NULL);
	assert_int_equal(fake.call.nparams, 10);
	assert_int_equal(params[0].as.i32, 1);
	assert_int_equal(params[1].as.u32, 2);
	assert_int_equal(params[2].as.i64, 3);
	assert_int_equal(params[3].as.u64, 4);
	assert_true(params[4].type == MOTE_F32 && params[4].as.f32 == 5);
	assert_true(params[5].type == MOTE_F64 && params[5].as.f64 == 6);
	assert_true(params[6].type == MOTE_BOOL && params[6].as.boolean);
	assert_string_equal(params[7].as.str.ptr, "8");
	assert_memory_equal(params[8].as.bytes.ptr, "9", 1);
	assert_int_equal(params[9].as.i32, 10);
	assert_true(fake.result.value.as.f64 == 0.5);
}

static void expect_outside_of_input(const void *pointer)
{
	assert_not_in_range((uintptr_t)pointer, (uintptr_t)fake.input.base,
			    (uintptr_t)(fake.input.base + fake.input.size - 1));
}

/* The input buffer is only the way: the next result would lie over the first. */
static void results_outlive_the_next_host_call(void **state)
{
	const mote_value param = mote_str("parameter");
	const mote_value bytes = mote_bytes("b", 1);

	(void)state;
	fake.answer = (struct wire_result){ .value = mote_str("answer") };
	fake_host_call_name("CallTwice", MOTE_STRING, 1, &param);
	assert_string_equal(fake.result.value.as.str.ptr, "parameter answer answer");
	/* Sixteen bytes and a NUL: one more than fits the alignment of memory. */
	fake.answer = (struct wire_result){ .value = mote_str("sixteen bytes...") };
	fake_host_call_name("CallTwice", MOTE_STRING, 1, &param);
	assert_string_equal(fake.result.value.as.str.ptr,
			    "parameter sixteen bytes... sixteen bytes...");

	fake_host_call_name("CallStr", MOTE_STRING, 1, &param);
	expect_outside_of_input(seen.pointer);
	fake.answer = (struct wire_result){ .value = mote_bytes("x", 1) };
	fake_host_call_name("CallBytes", MOTE_BYTES, 1, &bytes);
	expect_outside_of_input(seen.pointer);
}

static void an_error_of_the_host_ends_the_call(void **state)
{
	const mote_value param = mote_i32(1);

	(void)state;
	fake.answer = (struct wire_result){
		.is_error = true, .code = 1234, .message = "host says no", .message_len = 12
	};
	fake_host_call_name("CallI32", MOTE_I32, 1, &param);
	expect_error(1234, "host says no");
	assert_int_equal(fake.input_used, 0);

	/* And the next call is as if nothing had been. */
	fake.answer = (struct wire_result){ .value = mote_i32(5) };
	fake_host_call_name("CallI32", MOTE_I32, 1, &param);
	assert_int_equal(fake.result.value.as.i32, 5);
}

static void an_answer_of_the_wrong_type_is_an_error(void **state)
{
	const mote_value param = mote_i32(1);

	(void)state;
	fake.answer = (struct wire_result){ .value = mote_u32(5) };
	fake_host_call_name("CallI32", MOTE_I32, 1, &param);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "HostI32 returned a value with type number 2, the guest wants 1");
}

/* Without an answer the guest finds its own call on the input buffer: no result. */
static void no_answer_is_an_error(void **state)
{
	const mote_value param = mote_i32(1);

	(void)state;
	fake.answer_bytes = "";
	fake_host_call_name("CallI32", MOTE_I32, 1, &param);
	assert_true(fake.result.is_error);
	assert_int_equal(fake.result.code, WIRE_CODE_GUEST_ERROR);
}

static void a_malformed_answer_is_an_error(void **state)
{
	const mote_value param = mote_i32(1);

	(void)state;
	fake.answer_bytes = "\4\0\0\0\xf0\xff\xff\x7f";
	fake.answer_size = 8;
	fake_host_call_name("CallI32", MOTE_I32, 1, &param);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "the host's result of HostI32: root table: an offset or "
		     "length leads out of the message");
}

static void arguments_that_the_host_would_refuse_stay_here(void **state)
{
	const mote_value malformed = mote_bytes("\xff", 2);

	(void)state;
	fake_host_call_name("CallNullStr", MOTE_STRING, 0, NULL);
	expect_error(WIRE_CODE_GUEST_ERROR, "parameter 1 for HostStr is NULL");
	fake_host_call_name("CallMalformed", MOTE_STRING, 1, &malformed);
	expect_error(WIRE_CODE_GUEST_ERROR, "parameter 1 for HostStr is not UTF-8");
	assert_int_equal(fake.calls, 0);
}

static void arguments_that_do_not_fit_are_an_error(void **state)
{
	mote_value size = mote_u32(4000);

	(void)state;
	fake_host_call_name("CallLarge", MOTE_U64, 1, &size);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "the call of HostBytes takes 4112 bytes; the output "
		     "buffer has room for 4080, see output_size or buffer_size");
	assert_int_equal(fake.calls, 0);
}

/* Thousands of results in one call: each leaves the input buffer at once. */
static void many_host_calls_fit_in_one_call(void **state)
{
	mote_value count = mote_u32(5000);

	(void)state;
	fake.answer = (struct wire_result){ .value = mote_i32(2) };
	fake_host_call_name("CallMany", MOTE_U64, 1, &count);
	assert_int_equal(fake.result.value.as.u64, 10000);
	assert_int_equal(fake.calls, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(arguments_go_out_and_results_come_back, fake_host_setup),
		cmocka_unit_test_setup(a_call_without_parameters_or_result_goes_out,
				       fake_host_setup),
		cmocka_unit_test_setup(ten_parameters_go_out_in_order, fake_host_setup),
		cmocka_unit_test_setup(results_outlive_the_next_host_call, fake_host_setup),
		cmocka_unit_test_setup(an_error_of_the_host_ends_the_call, fake_host_setup),
		cmocka_unit_test_setup(an_answer_of_the_wrong_type_is_an_error, fake_host_setup),
		cmocka_unit_test_setup(no_answer_is_an_error, fake_host_setup),
		cmocka_unit_test_setup(a_malformed_answer_is_an_error, fake_host_setup),
		cmocka_unit_test_setup(arguments_that_the_host_would_refuse_stay_here,
				       fake_host_setup),
		cmocka_unit_test_setup(arguments_that_do_not_fit_are_an_error, fake_host_setup),
		cmocka_unit_test_setup(many_host_calls_fit_in_one_call, fake_host_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
