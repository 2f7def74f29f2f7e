/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page bitmaps against an array of booleans, where every answer is found by trying all.
 */
#include "mem/page_bitmap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 4, PAGES = WORDS * 64 };

static uint64_t bits[WORDS];
static bool model[PAGES];

static uint64_t random_state = 1;

/* xorshift: the same sequence on every run. */
static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

static void fill(uint64_t first, uint64_t end, bool value)
{
	page_bitmap_fill(bits, first, end, value);
	for (uint64_t i = first; i < end; i++)
		model[i] = value;
}

static uint64_t model_next(uint64_t first, uint64_t end, bool value)
{
	while (first < end && model[first] != value)
		first++;
	return first;
}

static uint64_t model_previous(uint64_t end, bool value)
{
	while (end > 0)
		if (model[--end] == value)
			return end;
	return PAGE_BITMAP_NONE;
}

static uint64_t model_find_clear(uint64_t end, uint64_t count)
{
	for (uint64_t first = end; first-- > 0;)
		if (first + count <= end && model_next(first, first + count, true) == first + count)
			return first;
	return PAGE_BITMAP_NONE;
}

static void check_all(void)
{
	for (uint64_t i = 0; i < PAGES; i++)
		assert_int_equal(bits[i / 64] >> i % 64 & 1, model[i]);
	for (int n = 0; n < 40; n++) {
		uint64_t end = random_below(PAGES + 1);
		uint64_t first = random_below(end + 1);
		uint64_t count = 1 + random_below(n % 2 ? 8 : PAGES);
		bool value = n & 1;
		assert_int_equal(page_bitmap_next(bits, first, end, value),
				 model_next(first, end, value));
		assert_int_equal(page_bitmap_previous(bits, end, value),
				 model_previous(end, value));
		assert_int_equal(page_bitmap_find_clear(bits, end, count),
				 model_find_clear(end, count));
	}
}

static void random_fills_and_searches_agree_with_the_model(void **state)
{
	(void)state;
	memset(bits, 0, sizeof bits);
	memset(model, 0, sizeof model);
	for (int round = 0; round < 3000; round++) {
		uint64_t first = random_below(PAGES + 1);
		uint64_t room = PAGES - first + 1;
		uint64_t size = random_below(room < 100 && round % 3 ? room : room / 2 + 1);
		fill(first, first + size, random_below(2));
		check_all();
		if (round % 500 == 499)
			fill(0, PAGES, round % 1000 == 999);
	}
}

static void empty_and_full_bitmaps_have_plain_answers(void **state)
{
	(void)state;
	memset(bits, 0, sizeof bits);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, PAGES), 0);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, PAGES + 1), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, UINT64_MAX), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, 1), PAGES - 1);
	assert_int_equal(page_bitmap_find_clear(bits, 0, 1), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_next(bits, 0, PAGES, true), PAGES);
	assert_int_equal(page_bitmap_next(bits, 5, 5, false), 5);
	assert_int_equal(page_bitmap_previous(bits, PAGES, true), PAGE_BITMAP_NONE);
	memset(bits, 0xff, sizeof bits);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, 1), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_previous(bits, 0, true), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_previous(bits, 64, true), 63);
}

static void a_run_may_cross_words(void **state)
{
	(void)state;
	memset(bits, 0xff, sizeof bits);
	page_bitmap_fill(bits, 60, 140, false);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, 80), 60);
	assert_int_equal(page_bitmap_find_clear(bits, PAGES, 81), PAGE_BITMAP_NONE);
	assert_int_equal(page_bitmap_find_clear(bits, 130, 70), 60);
	assert_int_equal(page_bitmap_find_clear(bits, 130, 71), PAGE_BITMAP_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_fills_and_searches_agree_with_the_model),
		cmocka_unit_test(empty_and_full_bitmaps_have_plain_answers),
		cmocka_unit_test(a_run_may_cross_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
