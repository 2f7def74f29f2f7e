/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies that guests may race with: right for every alignment and size, never a byte
 * beyond, and what was copied once stays.
 */
#include "mem/volatile_copy.h"

#include "kit/guest_side.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* Guest sides end at an inaccessible page; private sides lie between bytes that must stay. */
enum { OFFSETS = 33, SIZES = 100, PAGE = 4096 };

static uint8_t *guest_page;

static int map_guest(void **state)
{
	(void)state;
	guest_page = mmap(NULL, 3 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(guest_page != MAP_FAILED);
	guest_page += PAGE;
	return mprotect(guest_page, PAGE, PROT_READ | PROT_WRITE);
}

static uint8_t pattern(size_t i)
{
	return (uint8_t)(i * 7 + 13);
}

static void copies_out_are_exact_for_every_alignment(void **state)
{
	(void)state;
	for (size_t i = 0; i < PAGE; i++)
		guest_page[i] = pattern(i);

	for (size_t offset = 0; offset < OFFSETS; offset++) {
		for (size_t size = 0; size < SIZES; size++) {
			/* once at the low fence, once at the high one */
			size_t starts[] = { offset, PAGE - size - offset };
			for (size_t k = 0; k < 2; k++) {
				uint8_t to[SIZES + OFFSETS + 1];
				memset(to, 0xee, sizeof to);
				volatile_copy_out(to + offset, guest_page + starts[k], size);
				for (size_t i = 0; i < sizeof to; i++) {
					bool inside = i >= offset && i < offset + size;
					uint8_t want =
						inside ? pattern(starts[k] + i - offset) : 0xee;
					assert_int_equal(to[i], want);
				}
			}
		}
	}
}

static void copies_in_and_fills_are_exact_for_every_alignment(void **state)
{
	(void)state;
	uint8_t from[SIZES];
	for (size_t i = 0; i < SIZES; i++)
		from[i] = pattern(i);

	for (size_t offset = 0; offset < OFFSETS; offset++) {
		for (size_t size = 0; size < SIZES - offset; size++) {
			size_t starts[] = { offset, PAGE - size - offset };
			for (size_t k = 0; k < 4; k++) {
				size_t start = starts[k % 2];
				bool fill = k >= 2;
				memset(guest_page, 0xee, PAGE);
				if (fill)
					volatile_fill(guest_page + start, 0xa5, size);
				else
					volatile_copy_in(guest_page + start, from + offset, size);
				for (size_t i = 0; i < size; i++)
					assert_int_equal(guest_page[start + i],
							 fill ? 0xa5 : pattern(offset + i));
				assert_true(start == 0 || guest_page[start - 1] == 0xee);
				assert_true(start + size == PAGE ||
					    guest_page[start + size] == 0xee);
			}
		}
	}
}

static void large_copies_are_exact(void **state)
{
	(void)state;
	static uint8_t copy[PAGE];
	for (size_t i = 0; i < PAGE; i++)
		guest_page[i] = pattern(i);
	volatile_copy_out(copy, guest_page, PAGE);
	assert_memory_equal(copy, guest_page, PAGE);
	volatile_fill(guest_page, 0, PAGE);
	assert_int_equal(guest_page[PAGE - 1], 0);
	volatile_copy_in(guest_page, copy, PAGE);
	assert_memory_equal(copy, guest_page, PAGE);
}

static atomic_bool scribbles;

/* What a hostile guest on another processor does: two values, as fast as it can. */
GUEST_SIDE static void *scribble(void *unused)
{
	volatile uint8_t *at = guest_page;
	(void)unused;
	for (unsigned n = 0; atomic_load_explicit(&scribbles, memory_order_relaxed); n++)
		for (size_t i = 0; i < 256; i++)
			at[i] = n & 1 ? 0x11 : 0x77;
	return NULL;
}

static void a_copy_is_not_touched_by_a_guest_that_keeps_writing(void **state)
{
	(void)state;
	pthread_t thread;
	memset(guest_page, 0x11, PAGE);
	atomic_store(&scribbles, true);
	assert_int_equal(pthread_create(&thread, NULL, scribble, NULL), 0);

	for (size_t round = 0; round < 20000; round++) {
		uint8_t copy[200], again[200];
		size_t offset = round % 40;
		volatile_copy_out(copy, guest_page + offset, sizeof copy);
		memcpy(again, copy, sizeof copy);
		for (size_t i = 0; i < sizeof copy; i++)
			if (copy[i] != 0x11 && copy[i] != 0x77)
				fail_msg("byte %zu is 0x%x, which nobody wrote", i, copy[i]);
		assert_memory_equal(copy, again, sizeof copy);
	}
	atomic_store(&scribbles, false);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_out_are_exact_for_every_alignment),
		cmocka_unit_test(copies_in_and_fills_are_exact_for_every_alignment),
		cmocka_unit_test(large_copies_are_exact),
		cmocka_unit_test(a_copy_is_not_touched_by_a_guest_that_keeps_writing),
	};
	return cmocka_run_group_tests(tests, map_guest, NULL);
}
