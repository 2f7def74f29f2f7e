/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls: what other builders wrote is understood, each way to be wrong is refused
 * by its own name, and what cannot be represented is not written.
 */
#include "flaw.h"
#include "golden.h"

#define STR(text)                                                                                  \
	{                                                                                          \
		.type = MOTE_STRING, .as.str = { text, sizeof(text) - 1 }                          \
	}

static const struct {
	const uint8_t *bytes;
	size_t size;
	struct wire_call want;
} understood[] = {
	{ golden_echo,
	  sizeof(golden_echo),
	  { "Echo", 4, WIRE_CALL_GUEST, MOTE_STRING, 1, { STR("hi") } } },
	{ golden_add,
	  sizeof(golden_add),
	  { "Add",
	    3,
	    WIRE_CALL_GUEST,
	    MOTE_I32,
	    2,
	    { { MOTE_I32, 0, { 1 } }, { MOTE_I32, 0, { 2 } } } } },
	{ golden_get_static,
	  sizeof(golden_get_static),
	  { "GetStatic", 9, WIRE_CALL_GUEST, MOTE_I32, 0, { STR("") } } },
	{ golden_host_print,
	  sizeof(golden_host_print),
	  { "HostPrint", 9, WIRE_CALL_HOST, MOTE_I32, 1, { STR("A") } } },
	{ golden_long_five,
	  sizeof(golden_long_five),
	  { "F", 1, WIRE_CALL_GUEST, MOTE_VOID, 1, { { .type = MOTE_I64, .as.i64 = 5 } } } },
	{ golden_defaults,
	  sizeof(golden_defaults),
	  { "F",
	    1,
	    WIRE_CALL_GUEST,
	    MOTE_VOID,
	    2,
	    { { .type = MOTE_I32, .as.i32 = 0 }, { .type = MOTE_BOOL, .as.boolean = false } } } },
};

static void assert_same_value(const mote_value *got, const mote_value *want)
{
	assert_int_equal(got->type, want->type);
	if (want->type == MOTE_STRING) {
		assert_int_equal(got->as.str.len, want->as.str.len);
		assert_string_equal(got->as.str.ptr, want->as.str.ptr);
	} else if (want->type == MOTE_I64) {
		assert_int_equal(got->as.i64, want->as.i64);
	} else if (want->type == MOTE_BOOL) {
		assert_int_equal(got->as.boolean, want->as.boolean);
	} else {
		assert_int_equal(got->as.i32, want->as.i32);
	}
}

static void calls_of_other_builders_are_understood(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(understood) / sizeof(understood[0]); i++) {
		const struct wire_call *want = &understood[i].want;
		struct wire_call got;
		struct wire_check check =
			wire_call_read(fenced_copy(understood[i].bytes, understood[i].size),
				       understood[i].size, &got);
		assert_int_equal(check.status, WIRE_OK);
		assert_string_equal(got.name, want->name);
		assert_int_equal(got.name_len, want->name_len);
		assert_int_equal(got.kind, want->kind);
		assert_int_equal(got.result, want->result);
		assert_int_equal(got.nparams, want->nparams);
		for (size_t k = 0; k < want->nparams; k++)
			assert_same_value(&got.params[k], &want->params[k]);
	}
}

/*
 * golden_echo: root offset at 4, vtable at 8 (fields at 12), table at 20, kind at 26, result type
 * at 27, name offset at 28, list offset at 32, list at 36, parameter vtable at 44, parameter
 * at 52, its tag at 59, its value at 60, box vtable at 66, box at 72, string offset at 76, string
 * at 80, name at 88.
 */
static const struct flaw echo_flaws[] = {
	{ "unchanged", 0, 0, 0, 0, WIRE_OK, 0, 0 },
	{ "the size prefix does not matter", 0, 4, 0xffffffff, 0, WIRE_OK, 0, 0 },
	{ "one byte", 0, 0, 0, 1, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "only the prefix", 0, 0, 0, 4, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "three bytes of the root offset", 0, 0, 0, 7, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root offset, but no root", 0, 0, 0, 8, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root not at a multiple of four", 4, 4, 0x12, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "root at the end", 4, 4, 0x60, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "root offset wraps", 4, 4, 0xfffffffc, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable before the message", 20, 4, 0x18, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable at the end", 20, 4, (uint32_t)-80, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable 2 GiB ahead", 20, 4, 0x80000000, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable 2 GiB behind", 20, 4, 0x7ffffffe, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable at an odd place", 20, 4, 11, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "vtable of odd size", 8, 2, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_ROOT, 0 },
	{ "vtable longer than the message", 8, 2, 94, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_ROOT, 0 },
	{ "vtable of size 0: no fields", 8, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_NAME, 0 },
	{ "vtable without room for the name", 8, 2, 4, 0, WIRE_MISSING, WIRE_FIELD_NAME, 0 },
	{ "the table's own size does not matter", 10, 2, 1, 0, WIRE_OK, 0, 0 },
	{ "no name", 12, 2, 0, 0, WIRE_MISSING, WIRE_FIELD_NAME, 0 },
	{ "name offset at an odd place", 12, 2, 9, 0, WIRE_UNALIGNED, WIRE_FIELD_NAME, 0 },
	{ "name offset behind the end", 12, 2, 80, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "name at an odd place", 28, 4, 61, 0, WIRE_UNALIGNED, WIRE_FIELD_NAME, 0 },
	{ "name at the end", 28, 4, 72, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "name behind the end", 28, 4, 0xffffffe4, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "name to the last byte", 88, 4, 8, 0, WIRE_NO_NUL, WIRE_FIELD_NAME, 0 },
	{ "name one byte too long", 88, 4, 9, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "name of 4 GiB", 88, 4, 0xffffffff, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "a letter for the name's NUL", 96, 1, 'x', 0, WIRE_NO_NUL, WIRE_FIELD_NAME, 0 },
	{ "the name's NUL cut off", 0, 0, 0, 96, WIRE_NO_NUL, WIRE_FIELD_NAME, 0 },
	{ "the name cut", 0, 0, 0, 95, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_NAME, 0 },
	{ "only padding cut", 0, 0, 0, 97, WIRE_OK, 0, 0 },
	{ "0xff in the name", 93, 1, 0xff, 0, WIRE_NOT_UTF8, WIRE_FIELD_NAME, 0 },
	{ "NUL in the name", 93, 1, 0, 0, WIRE_HAS_NUL, WIRE_FIELD_NAME, 0 },
	{ "call kind none", 26, 1, 0, 0, WIRE_UNKNOWN_KIND, WIRE_FIELD_KIND, 0 },
	{ "call kind 3", 26, 1, 3, 0, WIRE_UNKNOWN_KIND, WIRE_FIELD_KIND, 0 },
	{ "call kind left out: none", 16, 2, 0, 0, WIRE_UNKNOWN_KIND, WIRE_FIELD_KIND, 0 },
	{ "call kind behind the end", 16, 2, 80, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_KIND, 0 },
	{ "host call", 26, 1, 2, 0, WIRE_OK, 0, 0 },
	{ "the last result type", 27, 1, 9, 0, WIRE_OK, 0, 0 },
	{ "result type 10", 27, 1, 10, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE, 0 },
	{ "result type 255", 27, 1, 255, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_RESULT_TYPE, 0 },
	{ "result type left out: i32", 18, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "no list", 14, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "list behind the end", 32, 4, 0x44, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAMS, 0 },
	{ "empty list", 36, 4, 0, 0, WIRE_OK, 0, 0 },
	{ "list of twelve", 36, 4, 12, 0, WIRE_TOO_MANY, WIRE_FIELD_PARAMS, 0 },
	{ "list longer than the message", 36, 4, 16, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAMS, 0 },
	{ "list of 2^30", 36, 4, 0x40000000, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAMS, 0 },
	{ "second parameter is not there", 36, 4, 2, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 1 },
	{ "parameter at an odd place", 40, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_PARAM, 0 },
	{ "parameter at the end", 40, 4, 60, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 0 },
	{ "parameter with no fields", 44, 2, 4, 0, WIRE_MISSING, WIRE_FIELD_PARAM, 0 },
	{ "parameter without value", 44, 2, 6, 0, WIRE_HALF_UNION, WIRE_FIELD_PARAM, 0 },
	{ "parameter without tag", 48, 2, 0, 0, WIRE_HALF_UNION, WIRE_FIELD_PARAM, 0 },
	{ "parameter of tag 0", 59, 1, 0, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM, 0 },
	{ "parameter of tag 10, a result's", 59, 1, 10, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM, 0 },
	{ "parameter of tag 42", 59, 1, 42, 0, WIRE_UNKNOWN_TYPE, WIRE_FIELD_PARAM, 0 },
	{ "value at an odd place", 60, 4, 13, 0, WIRE_UNALIGNED, WIRE_FIELD_PARAM, 0 },
	{ "value at the end", 60, 4, 40, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 0 },
	{ "box without field: empty string", 70, 2, 0, 0, WIRE_OK, 0, 0 },
	{ "i64 at 4 from a multiple of eight", 59, 1, 3, 0, WIRE_UNALIGNED, WIRE_FIELD_PARAM, 0 },
	{ "string behind the end", 76, 4, 24, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 0 },
	{ "string too long", 80, 4, 17, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 0 },
	{ "string without NUL", 86, 1, 'x', 0, WIRE_NO_NUL, WIRE_FIELD_PARAM, 0 },
	{ "NUL in the string", 84, 1, 0, 0, WIRE_HAS_NUL, WIRE_FIELD_PARAM, 0 },
	{ "0x80 in the string", 84, 1, 0x80, 0, WIRE_NOT_UTF8, WIRE_FIELD_PARAM, 0 },
	{ "the same string as bytes may be anything", 59, 1, 9, 0, WIRE_OK, 0, 0 },
};

static struct wire_check read_call(const void *from, size_t size)
{
	static const struct wire_call nothing;
	struct wire_call call;
	memset(&call, 0x55, sizeof(call));
	struct wire_check check = wire_call_read(from, size, &call);
	if (check.status != WIRE_OK)
		assert_memory_equal(&call, &nothing, sizeof(call));
	return check;
}

static void each_flaw_of_a_call_is_named(void **state)
{
	(void)state;
	check_flaws(echo_flaws, sizeof(echo_flaws) / sizeof(echo_flaws[0]), golden_echo,
		    sizeof(golden_echo), read_call);
}

static void a_long_integer_four_bytes_off_is_refused(void **state)
{
	/* The box of golden_long_five is at 76, its vtable at 70. */
	static const struct flaw rows[] = {
		{ "at a multiple of eight", 74, 2, 4, 0, WIRE_OK, 0, 0 },
		{ "four bytes on", 74, 2, 8, 0, WIRE_UNALIGNED, WIRE_FIELD_PARAM, 0 },
		{ "behind the end", 74, 2, 20, 0, WIRE_OUT_OF_BOUNDS, WIRE_FIELD_PARAM, 0 },
	};
	(void)state;
	check_flaws(rows, sizeof(rows) / sizeof(rows[0]), golden_long_five,
		    sizeof(golden_long_five), read_call);
}

static void nothing_is_not_a_call(void **state)
{
	(void)state;
	assert_int_equal(read_call(NULL, 0).status, WIRE_OUT_OF_BOUNDS);
	static const uint8_t zeros[8];
	struct wire_check check = read_call(zeros, sizeof(zeros));
	assert_int_equal(check.status, WIRE_MISSING);
	assert_int_equal(check.field, WIRE_FIELD_NAME);
}

static void a_message_of_two_gib_is_refused_unread(void **state)
{
	(void)state;
	assert_int_equal(read_call(fenced_space(0), UINT64_C(0x80000000)).status, WIRE_TOO_BIG);
	assert_int_equal(read_call(fenced_space(0), SIZE_MAX).status, WIRE_TOO_BIG);
}

static void parameters_that_share_a_huge_value_are_refused(void **state)
{
	/* Eleven parameters, each the same 200 MiB: 2.1 GiB to go through. */
	static const size_t size = (size_t)200 << 20;
	struct wire_call call = { "f", 1, WIRE_CALL_GUEST, MOTE_VOID, WIRE_MAX_PARAMS, { { 0 } } };
	uint8_t *map = mmap(NULL, size + 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	(void)state;
	assert_true(map != MAP_FAILED);
	for (size_t i = 0; i < WIRE_MAX_PARAMS; i++)
		call.params[i] = mote_bytes("", 0);
	size_t written = wire_call_write(map, 4096, &call);
	assert_true(written > 0);
	/* Every blob gets the length; the first is the longest. */
	uint32_t length = (uint32_t)size;
	for (size_t i = 0; i < WIRE_MAX_PARAMS; i++)
		memcpy(map + written - 8 * (i + 1), &length, 4);
	struct wire_check check = wire_call_read(map, size + 4096, &call);
	assert_int_equal(check.status, WIRE_TOO_BIG);
	assert_int_equal(check.index, 10);
	munmap(map, size + 4096);
}

static void what_cannot_be_represented_has_no_size(void **state)
{
	uint8_t to[512];
	const struct wire_call good = { "f",      1, WIRE_CALL_GUEST,
					MOTE_I32, 1, { { MOTE_I32, 0, { 1 } } } };
	struct wire_call bad[10];
	(void)state;

	assert_true(wire_call_size(&good) > 0);
	for (size_t i = 0; i < 10; i++)
		bad[i] = good;
	bad[0].nparams = WIRE_MAX_PARAMS + 1;
	bad[1].params[0].type = MOTE_VOID;
	bad[2].params[0].type = (mote_type)(MOTE_BYTES + 1);
	bad[3].result = (mote_type)(MOTE_BYTES + 1);
	bad[4].kind = (enum wire_call_kind)0;
	bad[5].kind = (enum wire_call_kind)3;
	bad[6].name_len = WIRE_MAX_SIZE;
	bad[7].name_len = SIZE_MAX;
	bad[8].params[0] = mote_bytes("", SIZE_MAX);
	bad[9].params[0] = mote_strn("", WIRE_MAX_SIZE - 96 - 4);
	for (size_t i = 0; i < 10; i++) {
		if (wire_call_size(&bad[i]) || wire_call_write(to, sizeof(to), &bad[i]))
			fail_msg("row %zu was accepted", i);
	}
	bad[9].params[0].as.str.len--;
	assert_int_equal(wire_call_size(&bad[9]), WIRE_MAX_SIZE);
}

static void a_parameter_past_the_array_is_not_looked_at(void **state)
{
	struct {
		struct wire_call call;
		mote_value twelfth;
	} longer = { { "f", 1, WIRE_CALL_GUEST, MOTE_VOID, WIRE_MAX_PARAMS, { { 0 } } },
		     mote_i32(12) };
	(void)state;
	for (size_t i = 0; i < WIRE_MAX_PARAMS; i++)
		longer.call.params[i] = mote_i32((int32_t)i);
	assert_true(wire_call_size(&longer.call) > 0);
	longer.call.nparams++;
	assert_int_equal(wire_call_size(&longer.call), 0);
}

static void only_the_bits_of_the_type_are_written(void **state)
{
	static const mote_type narrow[] = { MOTE_I32, MOTE_U32, MOTE_F32, MOTE_BOOL };
	struct wire_call call = { "f", 1, WIRE_CALL_GUEST, MOTE_VOID, 1, { { 0 } } };
	uint8_t clean[96], dirty[96];
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		call.params[0] = mote_u64(1);
		call.params[0].type = narrow[i];
		assert_int_equal(wire_call_write(clean, sizeof(clean), &call), sizeof(clean));
		call.params[0].as.u64 |= UINT64_C(0xdeadbeef) << 32;
		wire_call_write(dirty, sizeof(dirty), &call);
		assert_memory_equal(clean, dirty, sizeof(clean));
	}
}

static void a_call_is_written_only_where_it_fits(void **state)
{
	const struct wire_call call = {
		"Echo", 4, WIRE_CALL_GUEST, MOTE_STRING, 1, { STR("hello") }
	};
	size_t size = wire_call_size(&call);
	(void)state;

	for (size_t capacity = 0; capacity < size; capacity++)
		assert_int_equal(wire_call_write(fenced_space(capacity), capacity, &call), 0);
	assert_int_equal(wire_call_write(fenced_space(size), size, &call), size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_of_other_builders_are_understood),
		cmocka_unit_test(each_flaw_of_a_call_is_named),
		cmocka_unit_test(a_long_integer_four_bytes_off_is_refused),
		cmocka_unit_test(nothing_is_not_a_call),
		cmocka_unit_test(a_message_of_two_gib_is_refused_unread),
		cmocka_unit_test(parameters_that_share_a_huge_value_are_refused),
		cmocka_unit_test(what_cannot_be_represented_has_no_size),
		cmocka_unit_test(a_parameter_past_the_array_is_not_looked_at),
		cmocka_unit_test(only_the_bits_of_the_type_are_written),
		cmocka_unit_test(a_call_is_written_only_where_it_fits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
