/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of function definitions: what is written is read back, each way to be wrong
 * is refused by its own name, and what cannot be represented is not written.
 */
#include "flaw.h"

#include <stdlib.h>

#define LIST_SIZE 112

static const struct wire_function two[] = {
	{ "Now", 3, MOTE_I64, 0, { MOTE_VOID } },
	{ "Print", 5, MOTE_BYTES, 3, { MOTE_I32, MOTE_STRING, MOTE_BYTES } },
};

static const uint8_t *list_of_two(void)
{
	static uint8_t message[LIST_SIZE];
	assert_int_equal(wire_functions_write(message, sizeof(message), two, 2), LIST_SIZE);
	return message;
}

static void a_list_is_read_as_written(void **state)
{
	struct wire_function got[2];
	size_t count;
	(void)state;
	struct wire_check check = wire_functions_read(fenced_copy(list_of_two(), LIST_SIZE),
						      LIST_SIZE, got, 2, &count);
	assert_int_equal(check.status, WIRE_OK);
	assert_int_equal(count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(got[i].name, two[i].name);
		assert_int_equal(got[i].name_len, two[i].name_len);
		assert_int_equal(got[i].result, two[i].result);
		assert_int_equal(got[i].nparams, two[i].nparams);
		assert_memory_equal(got[i].params, two[i].params,
				    two[i].nparams * sizeof(mote_type));
	}
}

static void long_lists_are_read_as_written(void **state)
{
	static const char name[] = "abcdefghijklmnopqrstuvwxyz";
	struct wire_function list[27], got[27];
	size_t count;
	(void)state;

	for (size_t i = 0; i < 27; i++) {
		list[i] = (struct wire_function){ .name = name,
						  .name_len = i,
						  .result = (mote_type)(i % (MOTE_BYTES + 1)),
						  .nparams = i % (WIRE_MAX_PARAMS + 1) };
		for (size_t k = 0; k < list[i].nparams; k++)
			list[i].params[k] = (mote_type)(1 + (i + k) % MOTE_BYTES);
	}
	size_t size = wire_functions_size(list, 27);
	uint8_t *bytes = fenced_space(size);
	memset(bytes, 0xff, size);
	assert_int_equal(wire_functions_write(bytes, size, list, 27), size);
	assert_int_equal(wire_functions_read(bytes, size, got, 27, &count).status, WIRE_OK);
	assert_int_equal(count, 27);
	for (size_t i = 0; i < 27; i++) {
		assert_int_equal(got[i].name_len, i);
		assert_memory_equal(got[i].name, name, i);
		assert_int_equal(got[i].name[i], 0);
		assert_int_equal(got[i].result, list[i].result);
		assert_int_equal(got[i].nparams, list[i].nparams);
		assert_memory_equal(got[i].params, list[i].params,
				    list[i].nparams * sizeof(mote_type));
	}
}

static void an_empty_list_is_a_list(void **state)
{
	uint8_t message[64];
	size_t count = 9;
	(void)state;
	size_t size = wire_functions_write(message, sizeof(message), NULL, 0);
	assert_true(size > 0);
	assert_int_equal(wire_functions_read(message, size, NULL, 0, &count).status, WIRE_OK);
	assert_int_equal(count, 0);
}

static void a_reader_without_room_learns_the_count(void **state)
{
	struct wire_function got[1];
	size_t count = 0;
	(void)state;
	struct wire_check check = wire_functions_read(list_of_two(), LIST_SIZE, got, 1, &count);
	assert_int_equal(check.status, WIRE_TOO_MANY);
	assert_int_equal(check.field, WIRE_FIELD_FUNCTIONS);
	assert_int_equal(count, 2);
}

static struct wire_check read_list(const void *from, size_t size)
{
	struct wire_function got[2];
	size_t count = 77;
	struct wire_check check = wire_functions_read(from, size, got, 2, &count);
	if (check.status != WIRE_OK && check.status != WIRE_TOO_MANY)
		assert_int_equal(count, 0);
	return check;
}

/*
 * Function vtable at 8 (name at 12, params at 14, result at 16), list vtable at 18, list at 24, its
 * offset at 28, count at 32, offsets at 36 and 40; the first function at 44 with its name
 * at 60 and types at 68; the second at 76, name offset at 80, types offset at 84, result at 88,
 * name at 92, types at 104.
 */
static const struct flaw flaws[] = {
	{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
	{ "the size prefix does not matter", 0, 4, 0, 0, WIRE_OK, 0, 0 },
	{ "root offset cut", 0, 0, 0, 7, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root at an odd place", 4, 4, 21, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "no list: empty", 22, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "list behind the end", 28, 4, 84, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_FUNCTIONS, 0 },
	{ "list at an odd place", 28, 4, 5, 0, WIRE_UNALIGNED, WIRE_FIELD_FUNCTIONS, 0 },
	{ "list too long", 32, 4, 20, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_FUNCTIONS, 0 },
	{ "list of 2^30", 32, 4, 0x40000000, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_FUNCTIONS, 0 },
	{ "three functions", 32, 4, 3, 0, WIRE_TOO_MANY, WIRE_FIELD_FUNCTIONS, 0 },
	{ "second behind the end", 40, 4, 72, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_FUNCTIONS, 1 },
	{ "second at an odd place", 40, 4, 37, 0, WIRE_UNALIGNED, WIRE_FIELD_FUNCTIONS, 1 },
	{ "no name", 12, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_NAME, 0 },
	{ "second name not UTF-8", 96, 1, 0x80, 0, WIRE_NOT_UTF8, WIRE_FIELD_NAME, 1 },
	{ "second name with NUL", 96, 1, 0, 0, WIRE_HAS_NUL, WIRE_FIELD_NAME, 1 },
	{ "second name without NUL", 101, 1, '!', 0, WIRE_NO_NUL, WIRE_FIELD_NAME, 1 },
	{ "second name behind the end", 80, 4, 32, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 1 },
	{ "result type 9", 88, 1, 9, 0, WIRE_OK, 0, 0 },
	{ "result type 10", 88, 1, 10, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE, 1 },
	{ "result type 255", 56, 1, 255, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE, 0 },
	{ "types behind the end", 84, 4, 28, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAMS, 1 },
	{ "twelve types", 68, 4, 12, 0, WIRE_TOO_MANY, WIRE_FIELD_PARAMS, 0 },
	{ "4 GiB of types", 104, 4, 0xffffffff, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAMS, 1 },
	{ "no types: no parameters", 14, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "parameter type 9", 109, 1, 9, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM, 1 },
};

static void each_flaw_of_a_list_is_named(void **state)
{
	(void)state;
	check_flaws(flaws, sizeof(flaws) / sizeof(flaws[0]), list_of_two(), LIST_SIZE, read_list);
}

static void a_list_is_safe_to_read_with_any_byte_changed(void **state)
{
	uint8_t bytes[LIST_SIZE];
	(void)state;
	for (size_t at = 0; at < LIST_SIZE; at++) {
		for (unsigned value = 0; value < 256; value++) {
			memcpy(bytes, list_of_two(), LIST_SIZE);
			bytes[at] = (uint8_t)value;
			read_list(fenced_copy(bytes, LIST_SIZE), LIST_SIZE);
		}
		struct wire_check check = read_list(fenced_copy(list_of_two(), at), at);
		if (check.status == WIRE_OK && at < 111) /* where the types end */
			fail_msg("cut to %zu bytes it was accepted", at);
	}
	assert_int_equal(read_list(NULL, 0).status, WIRE_OUT_OF_BOUNDS);
	assert_int_equal(read_list(fenced_space(0), SIZE_MAX).status, WIRE_TOO_BIG);
}

static void work_is_bounded_when_names_are_shared(void **state)
{
	/* All functions of the list share one name of 128 KiB: 2 GiB after 16 Ki of them. */
	static const size_t count = 20000, size = 256 * 1024;
	struct wire_function *got = calloc(count, sizeof(*got));
	uint8_t *bytes = fenced_space(size);
	const struct wire_function one = { "x", 1, MOTE_VOID, 0, { MOTE_VOID } };
	size_t found;
	(void)state;

	assert_non_null(got);
	memset(bytes, 'x', size);
	assert_int_equal(wire_functions_write(bytes, size, &one, 1), 72);
	/* The function at 40 moves to behind the offsets, with name and types behind it. */
	uint32_t place = 36 + 4 * (uint32_t)count, name_len = 128 * 1024;
	uint32_t vtable = place - 8, zero = 0, n = (uint32_t)count;
	memmove(bytes + place, bytes + 40, 16);
	memcpy(bytes + place, &vtable, 4);
	memcpy(bytes + place + 8, &(uint32_t){ 8 }, 4);
	memcpy(bytes + place + 16, &zero, 4);
	memcpy(bytes + place + 4, &(uint32_t){ 16 }, 4);
	memcpy(bytes + place + 20, &name_len, 4);
	bytes[place + 24 + name_len] = 0;
	memcpy(bytes + 32, &n, 4);
	for (uint32_t i = 0; i < n; i++)
		memcpy(bytes + 36 + 4 * i, &(uint32_t){ place - 36 - 4 * i }, 4);
	struct wire_check check = wire_functions_read(bytes, size, got, count, &found);
	assert_int_equal(check.status, WIRE_TOO_BIG);
	assert_int_equal(check.field, WIRE_FIELD_NAME);
	assert_in_range(check.index, 16000, 16384);
	free(got);
}

static void what_cannot_be_represented_has_no_size(void **state)
{
	uint8_t to[256];
	const struct wire_function bad[] = {
		{ "f", 1, (mote_type)(MOTE_BYTES + 1), 0, { MOTE_VOID } },
		{ "f", 1, MOTE_VOID, WIRE_MAX_PARAMS + 1, { MOTE_I32 } },
		{ "f", 1, MOTE_VOID, 1, { MOTE_VOID } },
		{ "f", 1, MOTE_VOID, 1, { (mote_type)(MOTE_BYTES + 1) } },
		{ "f", SIZE_MAX, MOTE_VOID, 0, { MOTE_VOID } },
		{ "f", WIRE_MAX_SIZE, MOTE_VOID, 0, { MOTE_VOID } },
	};
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (wire_functions_size(&bad[i], 1) ||
		    wire_functions_write(to, sizeof(to), &bad[i], 1))
			fail_msg("row %zu was accepted", i);
	assert_int_equal(wire_functions_size(NULL, WIRE_MAX_FUNCTIONS + 1), 0);
	assert_int_equal(wire_functions_size(NULL, SIZE_MAX), 0);
	assert_int_equal(wire_functions_write(to, sizeof(to), NULL, SIZE_MAX / 4), 0);
}

static void a_list_is_written_only_where_it_fits(void **state)
{
	(void)state;
	for (size_t n = 0; n < LIST_SIZE; n++)
		assert_int_equal(wire_functions_write(fenced_space(n), n, two, 2), 0);
	assert_int_equal(wire_functions_write(fenced_space(LIST_SIZE), LIST_SIZE, two, 2),
			 LIST_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_is_read_as_written),
		cmocka_unit_test(long_lists_are_read_as_written),
		cmocka_unit_test(an_empty_list_is_a_list),
		cmocka_unit_test(a_reader_without_room_learns_the_count),
		cmocka_unit_test(each_flaw_of_a_list_is_named),
		cmocka_unit_test(a_list_is_safe_to_read_with_any_byte_changed),
		cmocka_unit_test(work_is_bounded_when_names_are_shared),
		cmocka_unit_test(what_cannot_be_represented_has_no_size),
		cmocka_unit_test(a_list_is_written_only_where_it_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
