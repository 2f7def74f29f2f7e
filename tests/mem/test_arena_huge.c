/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Huge pages of heaps: only where much is in use, never where the host counts on small ones; and
 * pages that are given up are zero, and go back, whether or not they are part of one.
 */
#include "mem/arena.h"
#include "mem/page_bitmap.h"

#include "mem/small_guest.h"

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define PAGE  MOTE_PAGE_SIZE
#define BLOCK LAYOUT_LARGE_PAGE

enum { BLOCKS = 16, PAGES_PER_BLOCK = BLOCK / PAGE, PAGES = BLOCKS * PAGES_PER_BLOCK };

static struct host host;
static struct guest_memory *memory;
static struct arena arena;
static uint64_t heap, heap_end;

static void make(uint64_t heap_size, enum shared_mem_backing backing)
{
	struct layout_config config = small_config;

	host_init(&host);
	config.nsegments = 0;
	config.heap_size = heap_size;
	assert_int_equal(guest_memory_new(&memory, &host, &config, NULL, backing, NULL), MOTE_OK);
	assert_int_equal(arena_init(&arena, &host, memory, NULL), MOTE_OK);
	heap = layout_get(guest_memory_layout(memory), REGION_HEAP)->va;
	heap_end = heap + heap_size;
}

static int setup(void **state)
{
	(void)state;
	make(BLOCKS * BLOCK, SHARED_MEM_PRIVATE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	arena_fini(&arena);
	guest_memory_free(memory);
	return 0;
}

/* The system may have none; then it says so about any. */
static void need_huge_pages(void)
{
	if (shared_mem_prefer_huge(guest_memory_ram(memory), arena.ram_offset, BLOCK))
		return;
	printf("SKIP huge pages: %s\n", strerror(errno));
	skip();
}

static bool is_huge(uint64_t address)
{
	const uint64_t block = (address - heap) / BLOCK;

	return arena.huge[block / 64] >> block % 64 & 1;
}

static unsigned count_huge(void)
{
	unsigned count = 0;

	for (uint64_t at = heap; at < heap_end; at += BLOCK)
		count += is_huge(at);
	return count;
}

static void put(uint64_t address, uint8_t value, uint64_t size)
{
	uint8_t bytes[PAGE];

	memset(bytes, value, sizeof bytes);
	for (uint64_t done = 0; done < size; done += PAGE)
		assert_int_equal(
			guest_memory_write(memory, address + done, bytes, PAGE, REGION_WRITE, NULL),
			MOTE_OK);
}

static bool holds(uint64_t address, uint8_t value, uint64_t size)
{
	uint8_t bytes[PAGE];

	for (uint64_t done = 0; done < size; done += PAGE) {
		assert_int_equal(
			guest_memory_read(memory, address + done, bytes, PAGE, REGION_READ, NULL),
			MOTE_OK);
		for (size_t i = 0; i < PAGE; i++)
			if (bytes[i] != value)
				return false;
	}
	return true;
}

/* Pages of the heap that the host has memory for. */
static uint64_t resident(void)
{
	struct shared_mem *ram = guest_memory_ram(memory);
	const size_t nwords = shared_mem_size(ram) / PAGE / 64 + 1;
	const uint64_t first = arena.ram_offset / PAGE, end = first + PAGES;
	uint64_t *bits = host_alloc_array(&host, nwords, sizeof bits[0]);
	uint64_t count = 0;

	assert_non_null(bits);
	assert_int_equal(shared_mem_touched(ram, bits, NULL), MOTE_OK);
	for (uint64_t page = first; page < end; page++)
		count += bits[page / 64] >> page % 64 & 1;
	host_free(&host, bits, nwords * sizeof bits[0]);
	return count;
}

static void small_guests_get_none(void **state)
{
	(void)state;
	assert_int_equal(arena_brk(&arena, heap + 1), heap + 1);
	assert_int_equal(count_huge(), 0);
	assert_int_equal(arena_brk(&arena, heap + ARENA_HUGE_FROM - PAGE),
			 heap + ARENA_HUGE_FROM - PAGE);
	assert_int_equal(count_huge(), 0);
}

static void large_ones_get_them_for_what_they_take_from_then_on(void **state)
{
	(void)state;
	need_huge_pages();
	assert_int_equal(arena_brk(&arena, heap + ARENA_HUGE_FROM - PAGE),
			 heap + ARENA_HUGE_FROM - PAGE);
	assert_int_equal(arena_brk(&arena, heap + ARENA_HUGE_FROM + PAGE),
			 heap + ARENA_HUGE_FROM + PAGE);
	assert_false(is_huge(heap));
	assert_true(is_huge(heap + ARENA_HUGE_FROM));
	assert_int_equal(arena_map(&arena, 0, PAGE, 0), heap_end - PAGE);
	assert_true(is_huge(heap_end - PAGE));
	assert_false(is_huge(heap_end - 2 * BLOCK));
	assert_int_equal(arena_map(&arena, 0, BLOCK, 0), heap_end - PAGE - BLOCK);
	assert_true(is_huge(heap_end - 2 * BLOCK));
}

static void what_will_be_sparse_gets_none_unless_the_guest_asks(void **state)
{
	(void)state;
	need_huge_pages();
	const uint64_t at = heap + 4 * BLOCK;
	assert_int_equal(arena_map(&arena, at, 6 * BLOCK, ARENA_FIXED | ARENA_SPARSE), at);
	assert_int_equal(count_huge(), 0);
	assert_int_equal(arena_advise_huge(&arena, at + PAGE, PAGE), 0);
	assert_true(is_huge(at) && count_huge() == 1);
	assert_int_equal(arena_advise_huge(&arena, at + 1, PAGE), -EINVAL);
	assert_int_equal(arena_advise_huge(&arena, at - PAGE, PAGE), -ENOMEM);
	assert_int_equal(arena_advise_huge(&arena, at, UINT64_MAX), -ENOMEM);
	assert_int_equal(arena_advise_huge(&arena, at, 0), 0);
	assert_int_equal(count_huge(), 1);
}

static void so_does_what_is_more_than_anybody_fills(void **state)
{
	teardown(state);
	make(2 * ARENA_DENSE_MAX, SHARED_MEM_PRIVATE);
	assert_true(arena_map(&arena, 0, ARENA_DENSE_MAX + PAGE, 0) > 0);
	assert_int_equal(count_huge(), 0);
}

static void ignore_write(void *user, uint64_t offset, uint64_t size, bool is_zero)
{
	(void)user, (void)offset, (void)size, (void)is_zero;
}

static void memory_that_is_watched_or_a_file_gets_none(void **state)
{
	static const enum shared_mem_backing backings[] = { SHARED_MEM_PRIVATE, SHARED_MEM_FILE };

	for (size_t i = 0; i < 2; i++) {
		teardown(state);
		make(BLOCKS * BLOCK, backings[i]);
		if (backings[i] == SHARED_MEM_PRIVATE)
			shared_mem_watch(guest_memory_ram(memory), ignore_write, NULL);
		assert_int_equal(arena_brk(&arena, heap_end), heap_end);
		assert_int_equal(count_huge(), 0);
		if (backings[i] == SHARED_MEM_PRIVATE)
			shared_mem_watch(guest_memory_ram(memory), NULL, NULL);
	}
}

static void a_block_goes_back_when_nothing_of_it_is_in_use(void **state)
{
	(void)state;
	need_huge_pages();
	const uint64_t at = heap + 4 * BLOCK;
	assert_int_equal(arena_map(&arena, at, 4 * BLOCK, ARENA_FIXED), at);
	put(at, 0x11, 4 * BLOCK);
	const uint64_t before = resident();
	if (before == PAGES)
		print_message("SKIP what is resident: no /proc/self/pagemap\n");
	/* a part of one: cleared in place */
	assert_int_equal(arena_unmap(&arena, at, BLOCK / 2), 0);
	assert_int_equal(resident(), before);
	assert_true(holds(at, 0, BLOCK / 2) && holds(at + BLOCK / 2, 0x11, BLOCK));
	/* the rest of it, and a part of the next */
	assert_int_equal(arena_unmap(&arena, at + BLOCK / 2, BLOCK), 0);
	if (before != PAGES)
		assert_int_equal(resident(), before - PAGES_PER_BLOCK);
	assert_true(holds(at + 3 * BLOCK / 2, 0x11, BLOCK));
	assert_int_equal(arena_unmap(&arena, at, 4 * BLOCK), 0);
	if (before != PAGES)
		assert_int_equal(resident(), before - 4 * PAGES_PER_BLOCK);
	assert_true(holds(at, 0, 4 * BLOCK));
}

/* What each page holds; 0 where it is free, too. */
static uint8_t model[PAGES];
static uint64_t random_state = 88172645463325252u;

/* xorshift: the same sequence on every run. */
static uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % limit;
}

/* Where blocks begin and end is where mistakes would be. */
static uint64_t random_page(void)
{
	const uint64_t near = random_below(BLOCKS) * PAGES_PER_BLOCK + random_below(5);
	const uint64_t any = random_below(PAGES);

	return random_below(2) || near < 2 ? any : near - 2;
}

static void random_step(uint64_t first, uint64_t end)
{
	const uint64_t at = heap + first * PAGE, size = (end - first) * PAGE;

	switch (random_below(4)) {
	case 0:
		assert_int_equal(arena_unmap(&arena, at, size), 0);
		memset(model + first, 0, end - first);
		break;
	case 1:
		if (arena_zero(&arena, at, size) == 0)
			memset(model + first, 0, end - first);
		break;
	case 2:
		assert_int_equal(arena_map(&arena, at, size, ARENA_FIXED), at);
		memset(model + first, 0, end - first);
		break;
	default:
		for (uint64_t page = first; page < end; page++)
			if (arena_is_used(&arena, heap + page * PAGE, PAGE) &&
			    random_below(8) == 0) {
				model[page] = (uint8_t)(1 + random_below(255));
				put(heap + page * PAGE, model[page], PAGE);
			}
	}
}

static void pages_are_what_a_model_says(void **state)
{
	(void)state;
	need_huge_pages();
	memset(model, 0, sizeof model);
	for (unsigned step = 0; step < 400; step++) {
		const uint64_t a = random_page(), b = random_page();
		random_step(a < b ? a : b, (a < b ? b : a) + 1);
		if (step % 20)
			continue;
		for (uint64_t page = 0; page < PAGES; page++)
			if (!holds(heap + page * PAGE, model[page], PAGE))
				fail_msg("step %u: page %" PRIu64 " is not as the model says", step,
					 page);
	}
	assert_true(count_huge() > BLOCKS / 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(small_guests_get_none, setup, teardown),
		cmocka_unit_test_setup_teardown(large_ones_get_them_for_what_they_take_from_then_on,
						setup, teardown),
		cmocka_unit_test_setup_teardown(what_will_be_sparse_gets_none_unless_the_guest_asks,
						setup, teardown),
		cmocka_unit_test_setup_teardown(so_does_what_is_more_than_anybody_fills, setup,
						teardown),
		cmocka_unit_test_setup_teardown(memory_that_is_watched_or_a_file_gets_none, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_block_goes_back_when_nothing_of_it_is_in_use,
						setup, teardown),
		cmocka_unit_test_setup_teardown(pages_are_what_a_model_says, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
