/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where things are in a hyperlight guest: the numbers of a worked example, and the edges of what
 * may be chosen.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/region.h"

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

/* Regions as they come. */
struct seen {
	mote_region_info regions[12];
	size_t count;
};

static void take(void *user, const mote_region_info *region)
{
	struct seen *seen = user;

	assert_true(seen->count < sizeof seen->regions / sizeof seen->regions[0]);
	seen->regions[seen->count++] = *region;
}

static void expect_region(const mote_region_info *region, const mote_region_info *want)
{
	if (strcmp(region->name, want->name) != 0 || strcmp(region->slot, want->slot) != 0)
		fail_msg("%s in %s, not %s", region->name, region->slot, want->name);
	if (region->address != want->address || region->physical != want->physical ||
	    region->size != want->size || !region->readable || region->writable != want->writable ||
	    region->executable != want->executable)
		fail_msg("%s is at 0x%lx, 0x%lx, with 0x%lx bytes, %d%d", region->name,
			 region->address, region->physical, region->size, region->writable,
			 region->executable);
}

static void all_of_memory_has_names(void **state)
{
	static const mote_region_info want[] = {
		{ "image", 0x1000, 0x1000, 0x13000, true, true, true, "snapshot" },
		{ "process environment block", 0x14000, 0x14000, 0x1000, true, false, false,
		  "snapshot" },
		{ "heap", 0x15000, 0x15000, 0x20000, true, true, false, "snapshot" },
		{ "input buffer", UINT64_C(0xfffffffffffb7000), UINT64_C(0xffffb8000), 0x4000, true,
		  true, false, "scratch" },
		{ "output buffer", UINT64_C(0xfffffffffffbb000), UINT64_C(0xffffbc000), 0x4000,
		  true, true, false, "scratch" },
		{ "page tables", UINT64_C(0xfffffffffffbf000), UINT64_C(0xffffc0000), 0x7000, true,
		  true, false, "scratch" },
		{ "scratch", UINT64_C(0xfffffffffffc6000), UINT64_C(0xffffc7000), 0x36000, true,
		  true, false, "scratch" },
		{ "exception stack", UINT64_C(0xffffffffffffc000), UINT64_C(0xfffffd000), 0x3000,
		  true, true, false, "scratch" },
	};
	const struct hyperlight_sizes sizes = { .init_data = 0 };
	struct hyperlight_layout layout;
	struct seen seen = { .count = 0 };

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, EXAMPLE_IMAGE, NULL), MOTE_OK);
	assert_int_equal(hyperlight_layout_set_tables(&layout, 0x7000, NULL), MOTE_OK);
	hyperlight_visit_layout(&layout, REGION_WRITE, take, &seen);
	assert_int_equal(seen.count, sizeof want / sizeof want[0]);
	for (size_t i = 0; i < seen.count; i++)
		expect_region(&seen.regions[i], &want[i]);
}

static void init_data_has_the_rights_that_it_was_given(void **state)
{
	const struct hyperlight_sizes sizes = { .init_data = 5000, .input = 0x2001 };
	struct hyperlight_layout layout;

	(void)state;
	assert_int_equal(hyperlight_layout_compute(&layout, &sizes, EXAMPLE_IMAGE, NULL), MOTE_OK);
	for (unsigned flags = 0; flags <= (REGION_WRITE | REGION_EXECUTE); flags += REGION_WRITE) {
		const mote_region_info want = { "init data",
						0x35000,
						0x35000,
						0x2000,
						true,
						flags & REGION_WRITE,
						flags & REGION_EXECUTE,
						"snapshot" };
		struct seen seen = { .count = 0 };

		hyperlight_visit_layout(&layout, flags, take, &seen);
		expect_region(&seen.regions[3], &want);
		/* buffers of any size, and nothing is between them and what follows */
		assert_int_equal(seen.regions[4].size, 0x2001);
		for (size_t i = 4; i + 1 < seen.count; i++)
			assert_int_equal(seen.regions[i].physical + seen.regions[i].size,
					 seen.regions[i + 1].physical);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_default_layout_is_that_of_released_hosts),
		cmocka_unit_test(sizes_need_not_be_whole_pages),
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(buffers_have_a_least_size),
		cmocka_unit_test(tables_take_their_part_of_scratch),
		cmocka_unit_test(all_of_memory_has_names),
		cmocka_unit_test(init_data_has_the_rights_that_it_was_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
