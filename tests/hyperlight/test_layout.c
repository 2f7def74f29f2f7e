/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are in a hyperlight guest: the numbers of a worked example, and the edges of what
 * may be chosen.
 */
#include "guest_abi/hyperlight/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define EXAMPLE_IMAGE UINT64_C(0x12345)

static void the_default_layout_is_that_of_released_hosts(void **state)
{
	const struct hyperlight_sizes sizes = { .init_data = 0 };
	struct hyperlight_layout layout;

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, EXAMPLE_IMAGE, NULL), MOTE_OK);
	assert_int_equal(layout.peb, 0x14000);
	assert_int_equal(layout.heap, 0x15000);
	assert_int_equal(layout.init_data, 0x35000);
	assert_int_equal(layout.data_size, 0x34000);
	assert_int_equal(hyperlight_scratch_gpa(&layout), UINT64_C(0xffffb8000));
	assert_int_equal(hyperlight_scratch_gva(&layout), UINT64_C(0xfffffffffffb7000));
	assert_int_equal(hyperlight_tables_offset(&layout), 0x8000);
	assert_int_equal(hyperlight_layout_set_tables(&layout, 0x7000, NULL), MOTE_OK);
	assert_int_equal(layout.tables_size, 0x7000);

	const struct hyperlight_peb peb = hyperlight_peb(&layout);
	const uint64_t want[] = { 0x4000,  UINT64_C(0xfffffffffffb7000),
				  0x4000,  UINT64_C(0xfffffffffffbb000),
				  0,       0x35000,
				  0x20000, 0x15000 };
	assert_int_equal(sizeof want, sizeof peb);
	assert_memory_equal(want, &peb, sizeof peb);
}

static void sizes_need_not_be_whole_pages(void **state)
{
	const struct hyperlight_sizes sizes = {
		.input = 0x2001, .output = 0x2fff, .heap = 0x1001, .init_data = 1
	};
	struct hyperlight_layout layout;

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, 1, NULL), MOTE_OK);
	assert_int_equal(layout.peb, 0x2000);
	assert_int_equal(layout.heap, 0x3000);
	assert_int_equal(layout.init_data, 0x5000);
	assert_int_equal(layout.data_size, 0x5000);
	assert_int_equal(hyperlight_tables_offset(&layout), 0x5000);

	const struct hyperlight_peb peb = hyperlight_peb(&layout);
	assert_int_equal(peb.output.address - peb.input.address, 0x2001);
	assert_int_equal(peb.heap.size, 0x1001);
	assert_int_equal(peb.init_data.size, 1);
}

static void sizes_are_checked(void **state)
{
	static const struct {
		const char *text;
		struct hyperlight_sizes sizes;
		uint64_t image_size;
		mote_status status;
		const char *says;
	} rows[] = {
		{ "small buffers are made larger",
		  { .input = 1, .output = 0x1000 },
		  1,
		  MOTE_OK,
		  NULL },
		{ "half a page of scratch", { .scratch = 0x48800 }, 1, MOTE_E_INVALID, "4096" },
		{ "the least scratch", { .scratch = 0x8000 + 12 * 0x1000 }, 1, MOTE_OK, NULL },
		{ "a page less",
		  { .scratch = 0x8000 + 11 * 0x1000 },
		  1,
		  MOTE_E_LIMIT,
		  "scratch_size is 0x13000" },
		{ "buffers as large as scratch",
		  { .input = 0x24000, .output = 0x24000 },
		  1,
		  MOTE_E_LIMIT,
		  "scratch_size is 0x48000" },
		{ "the largest scratch", { .scratch = HYPERLIGHT_MAX_SIZE }, 1, MOTE_OK, NULL },
		{ "a page more",
		  { .scratch = HYPERLIGHT_MAX_SIZE + 0x1000 },
		  1,
		  MOTE_E_LIMIT,
		  "scratch_size" },
		{ "an input buffer that wraps",
		  { .input = UINT64_MAX },
		  1,
		  MOTE_E_LIMIT,
		  "input_size" },
		{ "an output buffer that wraps",
		  { .output = UINT64_MAX - 0x4000 },
		  1,
		  MOTE_E_LIMIT,
		  "output_size" },
		{ "a heap that wraps", { .heap = UINT64_MAX }, 1, MOTE_E_LIMIT, "heap_size" },
		{ "init data that wraps",
		  { .init_data = UINT64_MAX },
		  1,
		  MOTE_E_LIMIT,
		  "init_data_size" },
		{ "the largest heap, and more",
		  { .heap = HYPERLIGHT_MAX_SIZE },
		  1,
		  MOTE_E_LIMIT,
		  "image, heap and init data" },
		{ "the largest heap that fits",
		  { .heap = HYPERLIGHT_MAX_SIZE - 0x2000 },
		  1,
		  MOTE_OK,
		  NULL },
		{ "heap and image together",
		  { .heap = HYPERLIGHT_MAX_SIZE - 0x2000 },
		  0x1001,
		  MOTE_E_LIMIT,
		  "image, heap and init data" },
		{ "init data beside them",
		  { .heap = HYPERLIGHT_MAX_SIZE - 0x2000, .init_data = 1 },
		  1,
		  MOTE_E_LIMIT,
		  "image, heap and init data" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hyperlight_layout layout;
		mote_error err = { .message = "" };
		const mote_status status = hyperlight_layout_compute(&layout, &rows[i].sizes,
								     rows[i].image_size, &err);

		if (status != rows[i].status || (status && !strstr(err.message, rows[i].says)))
			fail_msg("%s: status %d, %s", rows[i].text, status, err.message);
	}
}

static void buffers_have_a_least_size(void **state)
{
	const struct hyperlight_sizes sizes = { .input = 1, .output = 0x1fff };
	struct hyperlight_layout layout;

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, 1, NULL), MOTE_OK);
	assert_int_equal(layout.sizes.input, 0x2000);
	assert_int_equal(layout.sizes.output, 0x2000);
}

static void tables_take_their_part_of_scratch(void **state)
{
	const struct hyperlight_sizes sizes = { .scratch = 0x8000 + (12 + 7) * 0x1000 };
	struct hyperlight_layout layout;
	mote_error err;

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, 1, NULL), MOTE_OK);
	assert_int_equal(hyperlight_layout_set_tables(&layout, 0x8000, &err), MOTE_E_LIMIT);
	assert_non_null(strstr(err.message, "0x8000 bytes of page tables"));
	assert_int_equal(layout.tables_size, 0);
	assert_int_equal(hyperlight_layout_set_tables(&layout, 0x7000, NULL), MOTE_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_layout_is_that_of_released_hosts),
		cmocka_unit_test(sizes_need_not_be_whole_pages),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(buffers_have_a_least_size),
		cmocka_unit_test(tables_take_their_part_of_scratch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
