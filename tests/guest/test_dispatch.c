/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls by the host: from a message to a function and back, and what can be wrong on the way.
 */
#include "exports.h"
#include "fake_host.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

int __real_main(int argc, char **argv, char **envp);
int __wrap_main(int argc, char **argv, char **envp);
void dispatch_entry(void);

static int main_result;
static int main_rounding = FE_TONEAREST;

int __real_main(int argc, char **argv, char **envp)
{
	(void)envp;
	fesetround(main_rounding);
	return argc == 1 && argv ? main_result : 1;
}

static void run_main(void *argv)
{
	__wrap_main(1, argv, NULL);
}

static void main_that_returned_hands_over_where_calls_begin(void **state)
{
	char *argv[] = { "guest", NULL };

	(void)state;
	main_result = -3;
	assert_int_equal(fake_host_run(run_main, argv), FAKE_READY);
	assert_int_equal(fake.dispatch, (uint64_t)(uintptr_t)dispatch_entry);
	assert_int_equal(fake.main_result, UINT64_MAX - 2);
	assert_int_equal(fake.stack % 16, 0);
	/* Below this frame, and not far. */
	uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0);
	assert_in_range(fake.stack, here - 4096, here);
}

static const struct echo_row {
	const char *name;
	mote_value value;
} echo_rows[] = {
	{ "I32", { MOTE_I32, 0, { .i32 = INT32_MIN } } },
	{ "U32", { MOTE_U32, 0, { .u32 = UINT32_MAX } } },
	{ "I64", { MOTE_I64, 0, { .i64 = INT64_MIN } } },
	{ "U64", { MOTE_U64, 0, { .u64 = UINT64_MAX } } },
	{ "F32", { MOTE_F32, 0, { .f32 = -1.5f } } },
	{ "F64", { MOTE_F64, 0, { .f64 = 1e300 } } },
	{ "Bool", { MOTE_BOOL, 0, { .boolean = true } } },
	{ "Str", { MOTE_STRING, 0, { .str = { "h\xc3\xa4llo", 6 } } } },
	{ "Str", { MOTE_STRING, 0, { .str = { "", 0 } } } },
	{ "Bytes", { MOTE_BYTES, 0, { .bytes = { "\0\xff", 2 } } } },
	{ "Bytes", { MOTE_BYTES, 0, { .bytes = { "", 0 } } } },
};

static void expect_result(const mote_value *want)
{
	const mote_value *got = &fake.result.value;

	assert_false(fake.result.is_error);
	assert_int_equal(got->type, want->type);
	if (want->type == MOTE_STRING || want->type == MOTE_BYTES) {
		assert_int_equal(got->as.bytes.len, want->as.bytes.len);
		assert_memory_equal(got->as.bytes.ptr, want->as.bytes.ptr, want->as.bytes.len);
	} else if (want->type == MOTE_BOOL) {
		assert_int_equal(got->as.boolean, want->as.boolean);
	} else {
		assert_int_equal(got->as.u64, want->as.u64);
	}
}

static void every_type_arrives_and_comes_back(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof echo_rows / sizeof *echo_rows; i++) {
		const struct echo_row *row = &echo_rows[i];
		fake_host_call_name(row->name, row->value.type, 1, &row->value);
		expect_result(&row->value);
		/* Both buffers are empty again. */
		assert_int_equal(fake.input_used, 0);
		assert_int_equal(fake.output_used, 0);
	}
}

static void a_function_without_parameters_or_result_is_called(void **state)
{
	unsigned before = seen.calls;

	(void)state;
	fake_host_call_name("Void", MOTE_VOID, 0, NULL);
	assert_false(fake.result.is_error);
	assert_int_equal(fake.result.value.type, MOTE_VOID);
	assert_int_equal(seen.calls, before + 1);
}

static void ten_parameters_arrive_in_order(void **state)
{
	const mote_value params[] = { mote_i32(1),     mote_u32(2),   mote_i64(3),
				      mote_u64(4),     mote_f32(5),   mote_f64(6),
				      mote_bool(true), mote_str("8"), mote_bytes("9", 1),
				      mote_i32(10) };

	(void)state;
	fake_host_call_name("Ten", MOTE_BOOL, 10, params);
	assert_true(fake.result.value.as.boolean);
}

static void strings_are_used_where_they_arrived(void **state)
{
	const mote_value param = mote_str("in place");
	const uint8_t *first = fake.input.base;

	(void)state;
	fake_host_call_name("Str", MOTE_STRING, 1, &param);
	assert_in_range((uintptr_t)seen.pointer, (uintptr_t)first,
			(uintptr_t)(first + fake.input.size));
}

static void wrong_calls_are_refused(void **state)
{
	struct wire_call call = { .name = "I32",
				  .name_len = 3,
				  .kind = WIRE_CALL_GUEST,
				  .result = MOTE_I32,
				  .nparams = 1,
				  .params = { mote_i32(1) } };
	uint64_t index = fake_host_index("I32");

	(void)state;
	fake_host_call(index + 1000, &call);
	assert_int_equal(fake.result.code, WIRE_CODE_NO_SUCH_FUNCTION);
	fake_host_call(fake_host_count(), &call);
	assert_int_equal(fake.result.code, WIRE_CODE_NO_SUCH_FUNCTION);
	fake_host_call(UINT64_MAX, &call);
	assert_int_equal(fake.result.code, WIRE_CODE_NO_SUCH_FUNCTION);
	fake_host_call(fake_host_index("U32"), &call);
	assert_int_equal(fake.result.code, WIRE_CODE_NO_SUCH_FUNCTION);

	call.nparams = 2;
	call.params[1] = mote_i32(2);
	fake_host_call(index, &call);
	expect_error(WIRE_CODE_PARAM_COUNT, "I32 takes 1 parameters, the call has 2");
	call.nparams = 0;
	fake_host_call(index, &call);
	expect_error(WIRE_CODE_PARAM_COUNT, "I32 takes 1 parameters, the call has 0");

	call.nparams = 1;
	call.params[0] = mote_u32(1);
	fake_host_call(index, &call);
	expect_error(WIRE_CODE_PARAM_TYPE, "I32: parameter 1 has type number 1, the call's is 2");
}

static void a_missing_or_malformed_call_is_an_error(void **state)
{
	struct io_fault fault;

	(void)state;
	fake_host_enter(0);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "there is no call on the input buffer: its stack pointer is 8");

	assert_true(io_stack_push(&fake.input, "\x10\0\0\0\xff\xff\xff\xff", 8, &fault));
	fake_host_enter(0);
	assert_true(fake.result.is_error);
	assert_int_equal(fake.result.code, WIRE_CODE_GUEST_ERROR);
	assert_int_equal(fake.input_used, 0);
}

static const struct {
	uint32_t which;
	const char *message;
} str_rows[] = {
	{ 0, "the result of StrOf is NULL" },
	{ 1, "the result of StrOf is not UTF-8" },
};

static void strings_that_the_host_would_refuse_stay_here(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof str_rows / sizeof *str_rows; i++) {
		mote_value which = mote_u32(str_rows[i].which);
		fake_host_call_name("StrOf", MOTE_STRING, 1, &which);
		expect_error(WIRE_CODE_GUEST_ERROR, str_rows[i].message);
	}
}

static void bytes_at_null_are_an_error_unless_there_are_none(void **state)
{
	mote_value size = mote_u64(1);

	(void)state;
	seen.calls = 0;
	fake_host_call_name("BytesOf", MOTE_BYTES, 1, &size);
	expect_error(WIRE_CODE_GUEST_ERROR, "the result of BytesOf is NULL");
	size = mote_u64(0);
	fake_host_call_name("BytesOf", MOTE_BYTES, 1, &size);
	assert_false(fake.result.is_error);
	assert_int_equal(fake.result.value.as.bytes.len, 0);
}

static void a_result_that_does_not_fit_is_an_error(void **state)
{
	mote_value size = mote_u64(5000);

	(void)state;
	seen.calls = 1;
	fake_host_call_name("BytesOf", MOTE_BYTES, 1, &size);
	expect_error(WIRE_CODE_GUEST_ERROR,
		     "the result of BytesOf takes 5072 bytes; the output buffer has room for 4080, "
		     "see output_size or buffer_size");
}

/* 508 bytes, then a character of three. */
#define X508                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxx"                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxx"                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxx"                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxx"                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
	"xxxxxxx"                                                                                  \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
_Static_assert(sizeof(X508) == 509, "the rows below are about the last bytes of 511");

static const struct {
	const char *given, *arrives;
} fail_rows[] = {
	{ "plain", "plain" },
	{ "", "" },
	{ "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "not \xff text\xe2", "not ? text?" },
	{ X508 "\xe2\x82\xac", X508 "\xe2\x82\xac" },
	{ X508 "x\xe2\x82\xac", X508 "x" },
	{ X508 "xxx\xe2\x82\xac", X508 "xxx" },
	{ X508 "xxxxx", X508 "xxx" },
};

static void the_guests_own_errors_arrive_as_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fail_rows / sizeof *fail_rows; i++) {
		const char *text = fail_rows[i].given;
		const mote_value params[] = { mote_u64(UINT64_MAX - i),
					      mote_bytes(text, strlen(text) + 1) };
		fake_host_call_name("Fail", MOTE_VOID, 2, params);
		expect_error(UINT64_MAX - i, fail_rows[i].arrives);
		assert_int_equal(fake.input_used, 0);
	}
}

static void a_call_starts_with_the_floats_that_main_left(void **state)
{
	char *argv[] = { "guest", NULL };

	(void)state;
	fake_host_call_name("SpoilFloats", MOTE_VOID, 0, NULL);
	expect_error(1, "half-way");
	fake_host_call_name("FloatsAreFine", MOTE_BOOL, 0, NULL);
	assert_true(fake.result.value.as.boolean);

	main_rounding = FE_DOWNWARD;
	assert_int_equal(fake_host_run(run_main, argv), FAKE_READY);
	fesetround(FE_TONEAREST);
	fake_host_call_name("Rounding", MOTE_I32, 0, NULL);
	fesetround(FE_TONEAREST);
	assert_int_equal(fake.result.value.as.i32, FE_DOWNWARD);
	main_rounding = FE_TONEAREST;
}

static void a_call_starts_on_an_aligned_stack(void **state)
{
	(void)state;
	fake_host_call_name("StackIsAligned", MOTE_BOOL, 0, NULL);
	assert_true(fake.result.value.as.boolean);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, while no function was called yet */
		cmocka_unit_test_setup(a_missing_or_malformed_call_is_an_error, fake_host_setup),
		cmocka_unit_test_setup(main_that_returned_hands_over_where_calls_begin,
				       fake_host_setup),
		cmocka_unit_test_setup(every_type_arrives_and_comes_back, fake_host_setup),
		cmocka_unit_test_setup(a_function_without_parameters_or_result_is_called,
				       fake_host_setup),
		cmocka_unit_test_setup(ten_parameters_arrive_in_order, fake_host_setup),
		cmocka_unit_test_setup(strings_are_used_where_they_arrived, fake_host_setup),
		cmocka_unit_test_setup(wrong_calls_are_refused, fake_host_setup),
		cmocka_unit_test_setup(strings_that_the_host_would_refuse_stay_here,
				       fake_host_setup),
		cmocka_unit_test_setup(bytes_at_null_are_an_error_unless_there_are_none,
				       fake_host_setup),
		cmocka_unit_test_setup(a_result_that_does_not_fit_is_an_error, fake_host_setup),
		cmocka_unit_test_setup(the_guests_own_errors_arrive_as_text, fake_host_setup),
		cmocka_unit_test_setup(a_call_starts_with_the_floats_that_main_left,
				       fake_host_setup),
		cmocka_unit_test_setup(a_call_starts_on_an_aligned_stack, fake_host_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
