/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log records: those of other builders are understood, each way to be wrong is
 * refused by its own name, and what cannot be represented is not written.
 */
#include "flaw.h"
#include "golden.h"

static void a_record_of_another_builder_is_understood(void **state)
{
	struct wire_log got;
	(void)state;
	struct wire_check check =
		wire_log_read(fenced_copy(golden_log_line, sizeof(golden_log_line)),
			      sizeof(golden_log_line), &got);
	assert_int_equal(check.status, WIRE_OK);
	assert_string_equal(got.message.ptr, "m");
	assert_string_equal(got.source.ptr, "s");
	assert_string_equal(got.caller.ptr, "c");
	assert_string_equal(got.source_file.ptr, "f");
	assert_int_equal(got.message.len, 1);
	assert_int_equal(got.level, WIRE_LEVEL_INFO);
	assert_int_equal(got.line, 1);
}

/*
 * golden_log_line: vtable at 8 (message at 12, source, level, caller, source file, line at 22),
 * record at 24, level at 31, offsets of message at 32, source at 36, caller at 40, source file at
 * 44, line at 48; source file at 52, caller at 60, source at 68, message at 76.
 */
static const struct flaw flaws[] = {
	{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
	{ "the size prefix does not matter", 0, 4, 0, 0, WIRE_OK, 0, 0 },
	{ "root behind the end", 4, 4, 80, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root at an odd place", 4, 4, 21, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "no message", 12, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_MESSAGE, 0 },
	{ "no source", 14, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_SOURCE, 0 },
	{ "no level: trace", 16, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "no caller", 18, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_CALLER, 0 },
	{ "no source file", 20, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_SOURCE_FILE, 0 },
	{ "no line: 0", 22, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "vtable that ends before the caller", 8, 2, 10, 0, WIRE_MISSING, WIRE_FIELD_CALLER, 0 },
	{ "the last level", 31, 1, 6, 0, WIRE_OK, 0, 0 },
	{ "level 7", 31, 1, 7, 0, WIRE_UNKNOWN_LEVEL, WIRE_FIELD_LEVEL, 0 },
	{ "level behind the end", 16, 2, 60, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_LEVEL, 0 },
	{ "line at an odd place", 22, 2, 7, 0, WIRE_UNALIGNED, WIRE_FIELD_LINE, 0 },
	{ "line behind the end", 22, 2, 60, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_LINE, 0 },
	{ "message behind the end", 32, 4, 52, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_MESSAGE, 0 },
	{ "source at an odd place", 36, 4, 33, 0, WIRE_UNALIGNED, WIRE_FIELD_SOURCE, 0 },
	{ "caller too long", 60, 4, 21, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_CALLER, 0 },
	{ "source file without NUL", 57, 1, 'g', 0, WIRE_NO_NUL, WIRE_FIELD_SOURCE_FILE, 0 },
	{ "message not UTF-8", 80, 1, 0xff, 0, WIRE_NOT_UTF8, WIRE_FIELD_MESSAGE, 0 },
	{ "a NUL in a text for people", 80, 1, 0, 0, WIRE_OK, 0, 0 },
	{ "message cut", 0, 0, 0, 80, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_MESSAGE, 0 },
	{ "its NUL cut off", 0, 0, 0, 81, WIRE_NO_NUL, WIRE_FIELD_MESSAGE, 0 },
};

static struct wire_check read_log(const void *from, size_t size)
{
	static const struct wire_log nothing;
	struct wire_log log;
	memset(&log, 0x55, sizeof(log));
	struct wire_check check = wire_log_read(from, size, &log);
	if (check.status != WIRE_OK)
		assert_memory_equal(&log, &nothing, sizeof(log));
	return check;
}

static void each_flaw_of_a_record_is_named(void **state)
{
	(void)state;
	check_flaws(flaws, sizeof(flaws) / sizeof(flaws[0]), golden_log_line,
		    sizeof(golden_log_line), read_log);
}

static void nothing_and_two_gib_are_no_records(void **state)
{
	static const uint8_t zeros[8];
	(void)state;
	assert_int_equal(read_log(NULL, 0).status, WIRE_OUT_OF_BOUNDS);
	assert_int_equal(read_log(zeros, sizeof(zeros)).status, WIRE_MISSING);
	assert_int_equal(read_log(fenced_space(0), UINT64_C(0x80000000)).status, WIRE_TOO_BIG);
}

static void what_cannot_be_represented_has_no_size(void **state)
{
	uint8_t to[256];
	const struct wire_log bad[] = {
		{ .level = (enum wire_level)7 },
		{ .message = { "", SIZE_MAX } },
		{ .source = { "", WIRE_MAX_SIZE } },
		{ .caller = { "", WIRE_MAX_SIZE } },
		{ .source_file = { "", WIRE_MAX_SIZE - 52 - 3 * 8 - 4 } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (wire_log_size(&bad[i]) || wire_log_write(to, sizeof(to), &bad[i]))
			fail_msg("row %zu was accepted", i);
	struct wire_log most = bad[4];
	most.source_file.len--;
	assert_int_equal(wire_log_size(&most), WIRE_MAX_SIZE);
}

static void a_record_is_written_only_where_it_fits(void **state)
{
	const struct wire_log log = { { "message", 7 }, { "source", 6 },  { "caller", 6 },
				      { "file.c", 6 },  WIRE_LEVEL_ERROR, 7 };
	size_t size = wire_log_size(&log);
	(void)state;
	for (size_t n = 0; n < size; n++)
		assert_int_equal(wire_log_write(fenced_space(n), n, &log), 0);
	assert_int_equal(wire_log_write(fenced_space(size), size, &log), size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_of_another_builder_is_understood),
		cmocka_unit_test(each_flaw_of_a_record_is_named),
		cmocka_unit_test(nothing_and_two_gib_are_no_records),
		cmocka_unit_test(what_cannot_be_represented_has_no_size),
		cmocka_unit_test(a_record_is_written_only_where_it_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
