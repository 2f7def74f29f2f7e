/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The memory of a call: mote_alloc() and mote_format().
 */
#include "fake_host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

static uint64_t alloc(uint64_t size)
{
	const mote_value param = mote_u64(size);

	fake_host_call_name("Alloc", MOTE_U64, 1, &param);
	assert_false(fake.result.is_error);
	return fake.result.value.as.u64;
}

static void memory_is_used_again_by_the_next_call(void **state)
{
	static const uint64_t sizes[] = { 0, 1, 100, 8000, 8192, 8193, 60000, 1 << 20 };

	uint64_t start = alloc(1);

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		uint64_t first = alloc(sizes[i]);
		assert_int_not_equal(first, 0);
		assert_int_equal(first % 16, 0);
		assert_int_equal(alloc(sizes[i]), first);
	}
	/* What fits the first chunk never leaves it, whatever was mapped since. */
	assert_int_equal(alloc(1), start);
	assert_int_equal(alloc(8192), start);
}

static const struct {
	uint32_t count;
	uint64_t size;
} many_rows[] = { { 4, 60000 }, { 17, 4096 },  { 40, 4096 },  { 2, 1 },    { 3, 16 },
		  { 100, 17 },  { 1000, 100 }, { 20, 10000 }, { 3, 70000 } };

static void pieces_are_aligned_and_apart(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof many_rows / sizeof *many_rows; i++) {
		const mote_value params[] = { mote_u32(many_rows[i].count),
					      mote_u64(many_rows[i].size) };
		fake_host_call_name("AllocMany", MOTE_BOOL, 2, params);
		assert_true(fake.result.value.as.boolean);
	}
}

/* In growing order: chunks that earlier calls mapped are passed by. */
static void chunks_that_are_too_small_are_passed_by(void **state)
{
	(void)state;
	for (uint64_t large = 8000; large < 2000000; large *= 2) {
		const mote_value param = mote_u64(large);
		fake_host_call_name("AllocMixed", MOTE_BOOL, 1, &param);
		assert_true(fake.result.value.as.boolean);
	}
}

static const struct {
	uint64_t size;
	const char *message;
} out_of_memory_rows[] = {
	{ UINT64_C(1) << 46, "the guest is out of memory: mote_alloc() wants 70368744177664 bytes, "
			     "see heap_size" },
	{ UINT64_C(1) << 47, "the guest is out of memory: mote_alloc() wants 140737488355328 "
			     "bytes, see heap_size" },
	{ UINT64_MAX - 15, "the guest is out of memory: mote_alloc() wants 18446744073709551600 "
			   "bytes, see heap_size" },
	{ UINT64_MAX, "the guest is out of memory: mote_alloc() wants 18446744073709551615 bytes, "
		      "see heap_size" },
};

static void memory_that_is_out_ends_the_call(void **state)
{
	struct rlimit limit, tight;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_AS, &limit), 0);
	for (size_t i = 0; i < sizeof out_of_memory_rows / sizeof *out_of_memory_rows; i++) {
		const mote_value param = mote_u64(out_of_memory_rows[i].size);
		tight = (struct rlimit){ UINT64_C(1) << 45, limit.rlim_max };
		setrlimit(RLIMIT_AS, &tight);
		fake_host_call_name("Alloc", MOTE_U64, 1, &param);
		setrlimit(RLIMIT_AS, &limit);
		expect_error(WIRE_CODE_OUT_OF_MEMORY, out_of_memory_rows[i].message);
		assert_int_not_equal(alloc(1), 0);
	}
}

static void text_of_any_length_is_formatted(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 254, 255, 256, 257, 8192, 100000 };

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		const mote_value param = mote_u32(sizes[i]);
		fake_host_call_name("Format", MOTE_U32, 1, &param);
		assert_int_equal(fake.result.value.as.u32, sizes[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		/* first, while no large chunk is there that has room for anything */
		cmocka_unit_test_setup(pieces_are_aligned_and_apart, fake_host_setup),
		cmocka_unit_test_setup(memory_is_used_again_by_the_next_call, fake_host_setup),
		cmocka_unit_test_setup(chunks_that_are_too_small_are_passed_by, fake_host_setup),
		cmocka_unit_test_setup(memory_that_is_out_ends_the_call, fake_host_setup),
		cmocka_unit_test_setup(text_of_any_length_is_formatted, fake_host_setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
