/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many pages differ from a snapshot: what was written counts if it is another thing than
 * before, once a page, and not in the buffers.
 */
#include "mem/guest_memory.h"
#include "mem/memory_snapshot.h"

#include "kit/fail.h"
#include "mem/small_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct guest_memory *memory;
static struct memory_snapshot *snapshot;
static uint64_t heap;

static int setup(void **state)
{
	static uint8_t file[0x3000];

	(void)state;
	memset(file, 7, sizeof file);
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	assert_int_equal(
		guest_memory_new(&memory, host, &small_config, file, SHARED_MEM_PRIVATE, NULL),
		MOTE_OK);
	heap = layout_get(guest_memory_layout(memory), REGION_HEAP)->va;
	assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	memory_snapshot_unref(snapshot);
	guest_memory_free(memory);
	assert_null(fail_leak());
	return 0;
}

static void expect_changed(uint64_t want)
{
	uint64_t count = 1234;

	assert_true(guest_memory_count_changed(memory, &count));
	assert_int_equal(count, want);
}

static void put(uint64_t address, uint8_t byte)
{
	assert_int_equal(guest_memory_write(memory, address, &byte, 1, 0, NULL), MOTE_OK);
}

static void without_a_snapshot_nobody_knows(void **state)
{
	(void)state;
	struct guest_memory *bare;
	struct host host;
	uint64_t count = 1;

	host_init(&host);
	assert_int_equal(
		guest_memory_new(&bare, &host, &small_config, NULL, SHARED_MEM_PRIVATE, NULL),
		MOTE_OK);
	assert_false(guest_memory_count_changed(bare, &count));
	assert_int_equal(count, 0);
	guest_memory_free(bare);
}

static void pages_count_once_each_while_they_differ(void **state)
{
	(void)state;
	expect_changed(0);
	put(SMALL_DATA + 0x200, 8);
	put(SMALL_DATA + 0x201, 9);
	expect_changed(1);
	put(SMALL_DATA + 0x1000, 1); /* zero in the snapshot */
	put(heap, 1);
	put(heap + (1 << 20), 1);
	expect_changed(4);
	put(SMALL_DATA + 0x200, 7); /* as it was */
	expect_changed(4);
	put(SMALL_DATA + 0x201, 7);
	expect_changed(3);
	put(heap, 0);
	expect_changed(2);
	put(heap + 4096, 0); /* zero before and after */
	expect_changed(2);
}

static void the_last_byte_of_a_page_counts(void **state)
{
	(void)state;
	put(heap + 4095, 1);
	expect_changed(1);
	put(heap + 4095, 0);
	expect_changed(0);
}

static void buffers_do_not_count(void **state)
{
	(void)state;
	const struct region *input = layout_get(guest_memory_layout(memory), REGION_INPUT);
	const struct region *output = layout_get(guest_memory_layout(memory), REGION_OUTPUT);

	guest_memory_note_input(memory, 8192);
	for (uint64_t at = 0; at < input->size; at += 4096)
		put(input->va + at, 1);
	put(output->va + 100, 1);
	put(output->va + output->size - 1, 1);
	assert_in_range(guest_memory_noted(memory), 3, 100);
	expect_changed(0);
	put(layout_get(guest_memory_layout(memory), REGION_STACK)->va + 8192, 1);
	expect_changed(1);
}

static void after_a_restore_nothing_differs(void **state)
{
	(void)state;
	struct restored restored;

	put(heap, 1);
	put(SMALL_DATA + 0x300, 1);
	assert_int_equal(guest_memory_restore(memory, snapshot, false, &restored, NULL), MOTE_OK);
	assert_false(restored.all_pages);
	expect_changed(0); /* although both are noted still */
	assert_in_range(guest_memory_noted(memory), 2, 10);
	put(heap, 2);
	expect_changed(1);
}

static void when_anything_may_have_been_written_nobody_knows(void **state)
{
	(void)state;
	uint64_t count = 1;

	put(heap, 1);
	guest_memory_note_all(memory);
	assert_false(guest_memory_count_changed(memory, &count));
	assert_int_equal(count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_snapshot_nobody_knows),
		TEST(pages_count_once_each_while_they_differ),
		TEST(the_last_byte_of_a_page_counts),
		TEST(buffers_do_not_count),
		TEST(after_a_restore_nothing_differs),
		TEST(when_anything_may_have_been_written_nobody_knows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
