/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where bitmaps live: a large one costs memory where its bits are set, and nowhere else; and a copy
 * writes no more than it must.
 */
#define _GNU_SOURCE
#include "mem/page_bitmap.h"

#include "kit/fail.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define SMALL UINT64_C(1000)
#define LARGE ((UINT64_C(16) << 30) / 4096)

enum { MAP_BYTES = LARGE / 8, MAP_PAGES = MAP_BYTES / 4096 };

static unsigned resident(uint64_t *bits)
{
	unsigned char pages[MAP_PAGES];
	unsigned count = 0;

	assert_int_equal(mincore(bits, MAP_BYTES, pages), 0);
	for (size_t i = 0; i < MAP_PAGES; i++)
		count += pages[i] & 1;
	return count;
}

static void new_ones_are_clear_and_leave_nothing(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { 1, 64, SMALL, 524287, 524288, LARGE };
	const struct host *host = fail_host(0, FAIL_ONCE, 0);

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		uint64_t *bits = page_bitmap_new(host, sizes[i]);
		assert_non_null(bits);
		assert_int_equal(page_bitmap_next(bits, 0, sizes[i], true), sizes[i]);
		page_bitmap_fill(bits, 0, sizes[i], true);
		page_bitmap_free(host, bits, sizes[i]);
		page_bitmap_free(host, NULL, sizes[i]);
	}
	assert_null(fail_leak());
}

static void there_may_be_no_memory(void **state)
{
	(void)state;
	assert_null(page_bitmap_new(fail_host(1, FAIL_ONCE, ENOMEM), SMALL));
	assert_string_equal(fail_name(), "realloc");
	assert_null(page_bitmap_new(fail_host(1, FAIL_ONCE, ENOMEM), LARGE));
	assert_string_equal(fail_name(), "mmap");
}

static void a_large_one_is_memory_where_bits_are_set(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	uint64_t *bits = page_bitmap_new(host, LARGE), *copy = page_bitmap_new(host, LARGE);

	assert_non_null(bits);
	assert_non_null(copy);
	assert_int_equal(resident(bits), 0);
	page_bitmap_fill(bits, LARGE - 100, LARGE, true);
	page_bitmap_fill(bits, 7, 9, true);
	assert_int_equal(resident(bits), 2);
	page_bitmap_assign(copy, bits, LARGE);
	assert_memory_equal(copy, bits, MAP_BYTES);
	page_bitmap_fill(bits, 7, 9, false);
	page_bitmap_assign(copy, bits, LARGE);
	assert_memory_equal(copy, bits, MAP_BYTES);
	page_bitmap_free(host, copy, LARGE);
	page_bitmap_free(host, bits, LARGE);
}

/* Of memory that can only be read. */
static void what_is_equal_is_not_written(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	uint64_t *bits = page_bitmap_new(host, LARGE), *copy = page_bitmap_new(host, LARGE);

	assert_non_null(bits);
	assert_non_null(copy);
	page_bitmap_fill(bits, 100, 200, true);
	page_bitmap_fill(copy, 100, 200, true);
	assert_int_equal(mprotect(copy, MAP_BYTES, PROT_READ), 0);
	page_bitmap_assign(copy, bits, LARGE);
	page_bitmap_free(host, copy, LARGE);
	page_bitmap_free(host, bits, LARGE);
}

static void the_last_words_are_copied_too(void **state)
{
	(void)state;
	uint64_t from[10] = { 0 }, to[10] = { 0 };

	from[8] = 5;
	from[9] = 6;
	page_bitmap_assign(to, from, 8 * 64 + 1);
	assert_int_equal(to[8], 5);
	assert_int_equal(to[9], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_ones_are_clear_and_leave_nothing),
		cmocka_unit_test(there_may_be_no_memory),
		cmocka_unit_test(a_large_one_is_memory_where_bits_are_set),
		cmocka_unit_test(what_is_equal_is_not_written),
		cmocka_unit_test(the_last_words_are_copied_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
