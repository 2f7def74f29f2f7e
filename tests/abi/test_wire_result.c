/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results: values and errors of other builders are understood, each way to be
 * wrong is refused by its own name, and what cannot be represented is not written.
 */
#include "flaw.h"
#include "golden.h"

static struct wire_result read_golden(const uint8_t *bytes, size_t size)
{
	struct wire_result got;
	struct wire_check check = wire_result_read(fenced_copy(bytes, size), size, &got);
	assert_int_equal(check.status, WIRE_OK);
	return got;
}

static void values_of_other_builders_are_understood(void **state)
{
	(void)state;
	struct wire_result got = read_golden(golden_result_99, sizeof(golden_result_99));
	assert_false(got.is_error);
	assert_int_equal(got.value.type, MOTE_I32);
	assert_int_equal(got.value.as.i32, 99);

	got = read_golden(golden_result_0, sizeof(golden_result_0));
	assert_int_equal(got.value.type, MOTE_I32);
	assert_int_equal(got.value.as.i32, 0);

	got = read_golden(golden_result_void, sizeof(golden_result_void));
	assert_int_equal(got.value.type, MOTE_VOID);

	got = read_golden(golden_result_long, sizeof(golden_result_long));
	assert_int_equal(got.value.type, MOTE_I64);
	assert_int_equal(got.value.as.i64, 5);

	got = read_golden(golden_result_bytes, sizeof(golden_result_bytes));
	assert_int_equal(got.value.type, MOTE_BYTES);
	assert_int_equal(got.value.as.bytes.len, 3);
	assert_memory_equal(got.value.as.bytes.ptr, "\1\2\3", 3);
}

static void errors_of_other_builders_are_understood(void **state)
{
	(void)state;
	struct wire_result got = read_golden(golden_result_error, sizeof(golden_result_error));
	assert_true(got.is_error);
	assert_int_equal(got.code, WIRE_CODE_NO_SUCH_FUNCTION);
	assert_int_equal(got.message_len, 1);
	assert_string_equal(got.message, "x");
}

static struct wire_check read_result(const void *from, size_t size)
{
	static const struct wire_result nothing;
	struct wire_result result;
	memset(&result, 0x55, sizeof(result));
	struct wire_check check = wire_result_read(from, size, &result);
	if (check.status != WIRE_OK)
		assert_memory_equal(&result, &nothing, sizeof(result));
	return check;
}

/*
 * golden_result_bytes: root at 8, shares the vtable at 20 (tag at 24, value at 26) with the value
 * table at 28; root tag at 15, root value at 16; value tag at 35, its value at 36; box vtable
 * at 40 (size at 44, bytes at 46), box at 48, bytes offset at 56, bytes at 60.
 */
static const struct flaw value_flaws[] = {
	{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
	{ "the size prefix does not matter", 0, 4, 0xffffffff, 0, WIRE_OK, 0, 0 },
	{ "root offset cut", 0, 0, 0, 7, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root at an odd place", 4, 4, 5, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "no fields at all", 20, 2, 4, 0, WIRE_MISSING, WIRE_FIELD_RESULT, 0 },
	{ "tag without value", 20, 2, 6, 0, WIRE_HALF_UNION, WIRE_FIELD_RESULT, 0 },
	{ "value without tag", 24, 2, 0, 0, WIRE_HALF_UNION, WIRE_FIELD_RESULT, 0 },
	{ "neither value nor error", 15, 1, 0, 0, WIRE_UNKNOWN_KIND, WIRE_FIELD_RESULT, 0 },
	{ "kind 3", 15, 1, 3, 0, WIRE_UNKNOWN_KIND, WIRE_FIELD_RESULT, 0 },
	{ "tag behind the end", 24, 2, 60, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_RESULT, 0 },
	{ "value offset at an odd place", 26, 2, 10, 0, WIRE_UNALIGNED, WIRE_FIELD_RESULT, 0 },
	{ "value at an odd place", 16, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "value at the end", 16, 4, 52, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	{ "its vtable behind the end", 28, 4, (uint32_t)-40, 0, WIRE_OUT_OF_BOUNDS,
	  WIRE_FIELD_VALUE, 0 },
	{ "its vtable at an odd place", 28, 4, 7, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "its vtable empty", 40, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "value of type 0", 35, 1, 0, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_VALUE, 0 },
	{ "value of type 11", 35, 1, 11, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_VALUE, 0 },
	{ "box at an odd place", 36, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "box behind the end", 36, 4, 36, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	{ "the declared size does not matter", 52, 4, 77, 0, WIRE_OK, 0, 0 },
	{ "no bytes: empty", 46, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "bytes behind the end", 56, 4, 12, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	{ "bytes at an odd place", 56, 4, 3, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "as many bytes as there are", 60, 4, 4, 0, WIRE_OK, 0, 0 },
	{ "one byte too many", 60, 4, 5, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	{ "4 GiB of bytes", 60, 4, 0xffffffff, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	{ "bytes need no NUL", 0, 0, 0, 67, WIRE_OK, 0, 0 },
	{ "a string, whose offset is odd", 35, 1, 7, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "an i64 four bytes off", 35, 1, 3, 0, WIRE_UNALIGNED, WIRE_FIELD_VALUE, 0 },
	{ "an i32", 35, 1, 1, 0, WIRE_OK, 0, 0 },
};

/*
 * golden_result_error: vtable at 12, root at 20, tag at 27, value at 28; error vtable at 32 (code
 * at 36, message at 38), error at 40, message offset at 44, code at 48, message at 56.
 */
static const struct flaw error_flaws[] = {
	{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
	{ "error at an odd place", 28, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_RESULT, 0 },
	{ "error at the end", 28, 4, 36, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_RESULT, 0 },
	{ "the code four bytes off", 36, 2, 4, 0, WIRE_UNALIGNED, WIRE_FIELD_CODE, 0 },
	{ "the code behind the end", 36, 2, 24, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_CODE, 0 },
	{ "no code: 0", 36, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "no message: empty", 38, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "message at an odd place", 44, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_MESSAGE, 0 },
	{ "message behind the end", 44, 4, 20, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_MESSAGE, 0 },
	{ "message too long", 56, 4, 5, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_MESSAGE, 0 },
	{ "message without NUL", 61, 1, 'y', 0, WIRE_NO_NUL, WIRE_FIELD_MESSAGE, 0 },
	{ "message to the last byte", 56, 4, 4, 0, WIRE_NO_NUL, WIRE_FIELD_MESSAGE, 0 },
	{ "message not UTF-8", 60, 1, 0xc3, 0, WIRE_NOT_UTF8, WIRE_FIELD_MESSAGE, 0 },
	{ "a NUL in a message for people", 60, 1, 0, 0, WIRE_OK, 0, 0 },
	{ "any code", 48, 4, 0xffffffff, 0, WIRE_OK, 0, 0 },
};

static void each_flaw_of_a_result_is_named(void **state)
{
	(void)state;
	check_flaws(value_flaws, sizeof(value_flaws) / sizeof(value_flaws[0]), golden_result_bytes,
		    sizeof(golden_result_bytes), read_result);
	check_flaws(error_flaws, sizeof(error_flaws) / sizeof(error_flaws[0]), golden_result_error,
		    sizeof(golden_result_error), read_result);
}

static void each_flaw_of_a_string_value_is_named(void **state)
{
	/* The string's length is at 64, its text at 68. */
	static const struct flaw rows[] = {
		{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
		{ "NUL inside", 69, 1, 0, 0, WIRE_HAS_NUL, WIRE_FIELD_VALUE, 0 },
		{ "not UTF-8", 69, 1, 0xff, 0, WIRE_NOT_UTF8, WIRE_FIELD_VALUE, 0 },
		{ "no NUL behind", 71, 1, 'd', 0, WIRE_NO_NUL, WIRE_FIELD_VALUE, 0 },
		{ "NUL cut off", 0, 0, 0, 71, WIRE_NO_NUL, WIRE_FIELD_VALUE, 0 },
		{ "cut", 0, 0, 0, 70, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_VALUE, 0 },
	};
	uint8_t message[72];
	const struct wire_result result = { .value = mote_str("abc") };
	(void)state;

	assert_int_equal(wire_result_write(message, sizeof(message), &result), sizeof(message));
	check_flaws(rows, sizeof(rows) / sizeof(rows[0]), message, sizeof(message), read_result);
}

static void nothing_and_two_gib_are_no_results(void **state)
{
	static const uint8_t zeros[8];
	(void)state;
	assert_int_equal(read_result(NULL, 0).status, WIRE_OUT_OF_BOUNDS);
	assert_int_equal(read_result(zeros, sizeof(zeros)).status, WIRE_MISSING);
	assert_int_equal(read_result(fenced_space(0), UINT64_C(0x80000000)).status, WIRE_TOO_BIG);
}

static void what_cannot_be_represented_has_no_size(void **state)
{
	uint8_t to[256];
	const struct wire_result bad[] = {
		{ .value = { .type = (mote_type)(MOTE_BYTES + 1) } },
		{ .value = { .type = (mote_type)-1 } },
		{ .value = mote_bytes("", SIZE_MAX) },
		{ .value = mote_strn("", WIRE_MAX_SIZE - 64 - 4) },
		{ .is_error = true, .message = "", .message_len = SIZE_MAX },
		{ .is_error = true, .message = "", .message_len = WIRE_MAX_SIZE - 52 - 4 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (wire_result_size(&bad[i]) || wire_result_write(to, sizeof(to), &bad[i]))
			fail_msg("row %zu was accepted", i);
	struct wire_result most = bad[3];
	most.value.as.str.len--;
	assert_int_equal(wire_result_size(&most), WIRE_MAX_SIZE);
	most = bad[5];
	most.message_len--;
	assert_int_equal(wire_result_size(&most), WIRE_MAX_SIZE);
}

static void a_result_is_written_only_where_it_fits(void **state)
{
	const struct wire_result results[] = {
		{ .value = mote_i32(1) },
		{ .value = mote_str("hello") },
		{ .is_error = true, .code = 4, .message = "no", .message_len = 2 },
	};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		size_t size = wire_result_size(&results[i]);
		for (size_t n = 0; n < size; n++)
			assert_int_equal(wire_result_write(fenced_space(n), n, &results[i]), 0);
		assert_int_equal(wire_result_write(fenced_space(size), size, &results[i]), size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_of_other_builders_are_understood),
		cmocka_unit_test(errors_of_other_builders_are_understood),
		cmocka_unit_test(each_flaw_of_a_result_is_named),
		cmocka_unit_test(each_flaw_of_a_string_value_is_named),
		cmocka_unit_test(nothing_and_two_gib_are_no_results),
		cmocka_unit_test(what_cannot_be_represented_has_no_size),
		cmocka_unit_test(a_result_is_written_only_where_it_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
