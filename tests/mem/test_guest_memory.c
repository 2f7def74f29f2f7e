/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest's memory as it is built: the page tables, read entry by entry as a processor
 * does, say exactly what the layout says; the image, the start block and the buffers are
 * where the guest expects them.
 */
#include "mem/guest_memory.h"

#include "kit/fail.h"
#include "mem/small_guest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE MOTE_PAGE_SIZE

static uint8_t file[0x3000];

static int fill_file(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof file; i++)
		file[i] = (uint8_t)(i * 31 + i / 256 + 1);
	return 0;
}

static struct guest_memory *make(const struct layout_config *config,
				 enum shared_mem_backing backing)
{
	struct guest_memory *memory;
	mote_error err;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	if (guest_memory_new(&memory, host, config, file, backing, &err))
		fail_msg("%s", err.message);
	return memory;
}

static void drop(struct guest_memory *memory)
{
	guest_memory_free(memory);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s", leak);
}

static const uint8_t *ram_at(struct guest_memory *memory, uint64_t gpa)
{
	const struct layout *layout = guest_memory_layout(memory);
	assert_true(gpa >= layout->ram.gpa && gpa - layout->ram.gpa < layout->ram.size);
	return (const uint8_t *)shared_mem_base(guest_memory_ram(memory)) + (gpa - layout->ram.gpa);
}

/* Entries of x86-64 page tables, from the processor's manual and not from abi/vmem. */
#define ENTRY_PRESENT    UINT64_C(1)
#define ENTRY_WRITE      UINT64_C(2)
#define ENTRY_USER       UINT64_C(4)
#define ENTRY_ACCESSED   UINT64_C(0x20)
#define ENTRY_DIRTY      UINT64_C(0x40)
#define ENTRY_LARGE      UINT64_C(0x80)
#define ENTRY_NO_EXECUTE (UINT64_C(1) << 63)
#define ENTRY_ADDRESS    UINT64_C(0x000ffffffffff000)

/* What a walk of all the tables has met. */
struct census {
	struct guest_memory *memory;
	uint64_t tables;
	uint64_t bytes;
	size_t cache;
};

/* A leaf must say what the layout says of its address, and be dirty and accessed already. */
static void check_leaf(struct census *census, uint64_t va, uint64_t entry, uint64_t user,
		       uint64_t size)
{
	const struct layout *layout = guest_memory_layout(census->memory);
	const struct region *region = layout_find(layout, va, &census->cache);

	if (!region) {
		fail_msg("0x%" PRIx64 " is mapped and should not be", va);
		return;
	}
	uint64_t gpa = region->gpa + (va - region->va);
	uint64_t address = entry & ENTRY_ADDRESS & ~(size - 1);
	bool writable = entry & ENTRY_WRITE;
	bool executable = !(entry & ENTRY_NO_EXECUTE);

	if (address != gpa || writable != !!(region->flags & REGION_WRITE) ||
	    executable != !!(region->flags & REGION_EXECUTE) || !!user != region->is_user)
		fail_msg("%s, 0x%" PRIx64 ": entry 0x%" PRIx64, region_kind_name(region->kind), va,
			 entry);
	assert_false(writable && executable);
	assert_int_equal(entry & (ENTRY_ACCESSED | ENTRY_DIRTY), ENTRY_ACCESSED | ENTRY_DIRTY);
	assert_int_equal(size, region->kind == REGION_HEAP ? LAYOUT_LARGE_PAGE : PAGE);
	/* whoever maps a table could change it */
	assert_true(region->kind != REGION_PAGE_TABLES);
	census->bytes += size;
}

static void walk(struct census *census, uint64_t table, unsigned level, uint64_t va, uint64_t user)
{
	const struct region *tables =
		layout_get(guest_memory_layout(census->memory), REGION_PAGE_TABLES);
	assert_true(table >= tables->gpa && table - tables->gpa < tables->size);
	const uint64_t *entries = (const uint64_t *)ram_at(census->memory, table);
	unsigned used = 0;

	census->tables++;
	for (uint64_t i = 0; i < 512; i++) {
		uint64_t entry = entries[i];
		uint64_t at = va | i << (12 + 9 * level);
		if (!(entry & ENTRY_PRESENT)) {
			assert_int_equal(entry, 0);
			continue;
		}
		used++;
		assert_true(entry & ENTRY_ACCESSED);
		if (level == 0)
			check_leaf(census, at, entry, user & entry & ENTRY_USER, PAGE);
		else if (entry & ENTRY_LARGE)
			check_leaf(census, at, entry, user & entry & ENTRY_USER,
				   UINT64_C(1) << (12 + 9 * level));
		else
			walk(census, entry & ENTRY_ADDRESS, level - 1, at,
			     user & entry & ENTRY_USER);
	}
	assert_true(used > 0);
}

static void check_page_tables(struct guest_memory *memory)
{
	const struct layout *layout = guest_memory_layout(memory);
	struct census census = { .memory = memory };
	uint64_t bytes = 0;

	for (size_t i = 0; i < layout->nmapped; i++)
		bytes += layout_mapped(layout, i)->size;
	walk(&census, guest_memory_root(memory), 3, 0, ENTRY_USER);
	/* as each mapped page is a page of a region, equal sums mean that all are mapped */
	assert_int_equal(census.bytes, bytes);
	assert_int_equal(census.tables * PAGE, layout_get(layout, REGION_PAGE_TABLES)->size);
}

static void page_tables_say_what_the_layout_says(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_PRIVATE);
	check_page_tables(memory);
	drop(memory);
}

static void page_tables_are_right_for_odd_images_too(void **state)
{
	(void)state;
	static const struct {
		uint64_t code, data, data_size, heap, stack;
	} rows[] = {
		{ 0x200000, 0x201000, 1, 1, 1 },
		{ 0x3ff000, 0x400000, 0x200000, 0, 0x201000 },
		{ 0x400000, 0x40000000 - 0x1000, 0x2000, 0, 0 },
		{ 0x7000000000, 0x7fffff000000, 0x3000, 0x200000, 0 },
		{ 0x7f8000000000 - 0x1000, 0x7f8000000000, 0x1000, UINT64_C(3) << 30, 5 << 20 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_segment_info segments[] = {
			{ .address = rows[i].code, .memory_size = 1, .executable = true },
			{ .address = rows[i].data,
			  .memory_size = rows[i].data_size,
			  .writable = true },
		};
		struct layout_config config = small_config;
		config.segments = segments;
		config.nsegments = 2;
		config.heap_size = rows[i].heap;
		config.stack_size = rows[i].stack;
		struct guest_memory *memory = make(&config, SHARED_MEM_PRIVATE);
		check_page_tables(memory);
		drop(memory);
	}
}

static void segments_arrive_with_zeroes_behind_them(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_FILE);
	for (size_t i = 0; i < SMALL_NSEGMENTS; i++) {
		const mote_segment_info *segment = &small_segments[i];
		uint8_t *copy = malloc(segment->memory_size);
		assert_non_null(copy);
		assert_int_equal(guest_memory_read(memory, segment->address, copy,
						   segment->memory_size, REGION_READ, NULL),
				 MOTE_OK);
		assert_memory_equal(copy, file + segment->file_offset, segment->file_size);
		for (size_t k = segment->file_size; k < segment->memory_size; k++)
			assert_int_equal(copy[k], 0);
		free(copy);
	}
	/* nothing of the neighbours in the file in front of data that begins inside a page */
	uint8_t front[0x123];
	assert_int_equal(
		guest_memory_read(memory, SMALL_DATA, front, sizeof front, REGION_READ, NULL),
		MOTE_OK);
	for (size_t i = 0; i < sizeof front; i++)
		assert_int_equal(front[i], 0);
	drop(memory);
}

static void segments_without_memory_are_left_out(void **state)
{
	(void)state;
	mote_segment_info segments[] = {
		{ .address = 0x400000, .memory_size = 0, .executable = true },
		{ .address = 0x400000, .memory_size = 4, .file_size = 4, .executable = true },
		{ .address = 0x500000, .memory_size = 0, .file_offset = UINT64_MAX },
		{ .address = 0x600000, .memory_size = 4, .file_size = 4, .file_offset = 8 },
	};
	struct layout_config config = small_config;
	uint8_t found[4];
	config.segments = segments;
	config.nsegments = 4;
	struct guest_memory *memory = make(&config, SHARED_MEM_PRIVATE);
	assert_int_equal(guest_memory_read(memory, 0x400000, found, 4, REGION_EXECUTE, NULL),
			 MOTE_OK);
	assert_memory_equal(found, file, 4);
	assert_int_equal(guest_memory_read(memory, 0x600000, found, 4, REGION_READ, NULL), MOTE_OK);
	assert_memory_equal(found, file + 8, 4);
	drop(memory);
}

static void the_start_block_tells_where_things_are(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_PRIVATE);
	const struct layout *layout = guest_memory_layout(memory);
	struct mote_start_block block;
	assert_int_equal(guest_memory_read(memory, MOTE_START_BLOCK, &block, sizeof block,
					   REGION_READ, NULL),
			 MOTE_OK);
	assert_int_equal(block.magic, MOTE_START_MAGIC);
	assert_int_equal(block.abi_version, MOTE_ABI_VERSION);
	assert_int_equal(block.reserved, 0);
	assert_int_equal(block.input_address, layout_get(layout, REGION_INPUT)->va);
	assert_int_equal(block.input_size, layout_get(layout, REGION_INPUT)->size);
	assert_int_equal(block.output_address, layout_get(layout, REGION_OUTPUT)->va);
	assert_int_equal(block.output_size, layout_get(layout, REGION_OUTPUT)->size);
	assert_int_equal(block.heap_address, layout_get(layout, REGION_HEAP)->va);
	assert_int_equal(block.heap_size, layout_get(layout, REGION_HEAP)->size);
	assert_int_equal(block.stack_address, layout_get(layout, REGION_STACK)->va);
	assert_int_equal(block.stack_size, layout_get(layout, REGION_STACK)->size);
	assert_int_equal(block.mapping_table, layout_get(layout, REGION_MAPPING_TABLE)->va);
	assert_int_equal(block.function_table, 0);
	assert_int_equal(block.init_data_address, 0);
	assert_int_equal(block.init_data_size, 0);
	drop(memory);
}

static void the_start_block_tells_of_gifts(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	struct mote_start_block block;
	uint8_t bytes[2 * PAGE];

	config.init_data_size = PAGE + 5;
	config.init_data_rights = REGION_EXECUTE;
	config.nfunctions = 3;
	struct guest_memory *memory = make(&config, SHARED_MEM_PRIVATE);
	const struct layout *layout = guest_memory_layout(memory);
	uint64_t data = layout_get(layout, REGION_INIT_DATA)->va;
	assert_int_equal(guest_memory_read(memory, MOTE_START_BLOCK, &block, sizeof block,
					   REGION_READ, NULL),
			 MOTE_OK);
	assert_int_equal(block.function_table, MOTE_FUNCTION_TABLE);
	assert_int_equal(block.init_data_address, data);
	assert_int_equal(block.init_data_size, PAGE + 5);
	check_page_tables(memory);

	/* zero until somebody writes to them, which the guest may not */
	assert_int_equal(guest_memory_read(memory, data, bytes, 2 * PAGE, REGION_EXECUTE, NULL),
			 MOTE_OK);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(guest_memory_write(memory, data, "x", 1, 0, NULL), MOTE_OK);
	assert_false(guest_memory_allows(memory, data, 1, REGION_WRITE));
	assert_false(guest_memory_allows(memory, MOTE_FUNCTION_TABLE, 1, REGION_WRITE));
	assert_true(guest_memory_allows(memory, MOTE_FUNCTION_TABLE, 8 + 3 * 80, REGION_READ));
	assert_false(guest_memory_is_code(memory, data));
	assert_string_equal(guest_memory_place(memory, data - 1), "guard gap below the init data");
	assert_string_equal(guest_memory_place(memory, data), "init data");
	drop(memory);
}

static void buffers_are_empty_and_where_the_guest_sees_them(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_PRIVATE);
	const struct layout *layout = guest_memory_layout(memory);
	struct io_stack stacks[] = { guest_memory_input(memory), guest_memory_output(memory) };
	static const enum region_kind kinds[] = { REGION_INPUT, REGION_OUTPUT };

	for (size_t i = 0; i < 2; i++) {
		const struct region *region = layout_get(layout, kinds[i]);
		struct io_fault fault;
		uint8_t popped[16];
		assert_int_equal(stacks[i].size, region->size);
		assert_int_equal(io_stack_pop_raw(&stacks[i], popped, sizeof popped, &fault), 0);
		assert_int_equal(fault.status, IO_EMPTY);
		assert_true(io_stack_push(&stacks[i], "abcdefgh", 8, &fault));
		assert_int_equal(
			guest_memory_read(memory, region->va + 8, popped, 8, REGION_READ, NULL),
			MOTE_OK);
		assert_memory_equal(popped, "abcdefgh", 8);
	}
	drop(memory);
}

static void the_rest_is_where_the_layout_says(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_FILE);
	const struct layout *layout = guest_memory_layout(memory);
	struct shared_mem *ram = guest_memory_ram(memory);

	assert_int_equal(shared_mem_size(ram), layout->ram.size);
	assert_true(shared_mem_fd(ram) >= 0);
	assert_null(shared_mem_bytes(ram)); /* shared: a guest may run */
	assert_int_equal(guest_memory_doorbell_gpa(memory), LAYOUT_DOORBELL_GPA);
	assert_int_equal((uintptr_t)shared_mem_base(ram) % LAYOUT_LARGE_PAGE, 0);
	assert_ptr_equal(guest_memory_exception_stack(memory),
			 ram_at(memory, layout_get(layout, REGION_EXCEPTION_STACK)->gpa));
	drop(memory);
	guest_memory_free(NULL);
}

static bool is_guard_intact(struct guest_memory *memory)
{
	bool is_intact;

	assert_int_equal(guest_memory_check_stack_guard(memory, &is_intact, NULL), MOTE_OK);
	return is_intact;
}

static void the_stack_guard_notices_an_overwritten_byte(void **state)
{
	(void)state;
	struct guest_memory *memory = make(&small_config, SHARED_MEM_PRIVATE);
	uint64_t stack = layout_get(guest_memory_layout(memory), REGION_STACK)->va;

	assert_int_equal(guest_memory_set_stack_guard(memory, NULL), MOTE_OK);
	assert_true(is_guard_intact(memory));
	for (uint64_t i = 0; i < 16; i++) {
		uint8_t before, after;
		guest_memory_read(memory, stack + i, &before, 1, REGION_READ, NULL);
		after = before ^ 0x80;
		guest_memory_write(memory, stack + i, &after, 1, REGION_WRITE, NULL);
		assert_false(is_guard_intact(memory));
		guest_memory_write(memory, stack + i, &before, 1, REGION_WRITE, NULL);
		assert_true(is_guard_intact(memory));
	}
	assert_int_equal(guest_memory_write(memory, stack + 16, "x", 1, REGION_WRITE, NULL),
			 MOTE_OK);
	assert_true(is_guard_intact(memory));
	drop(memory);
}

static void a_layout_that_fails_makes_no_memory(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	struct guest_memory *memory = (void *)state;
	mote_error err;
	config.heap_size = UINT64_MAX;
	assert_int_equal(guest_memory_new(&memory, fail_host(0, FAIL_ONCE, 0), &config, file,
					  SHARED_MEM_PRIVATE, &err),
			 MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "heap_size"));
	assert_null(memory);
	assert_null(fail_leak());
}

static mote_status make_with_guard(const struct host *host, void *backing, mote_error *err)
{
	struct guest_memory *memory;
	mote_status status = guest_memory_new(&memory, host, &small_config, file,
					      *(enum shared_mem_backing *)backing, err);
	if (status)
		assert_null(memory);
	else
		status = guest_memory_set_stack_guard(memory, err);
	guest_memory_free(memory);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	/* pages that are not made resident in advance come by themselves */
	static const char *const benign[] = { "madvise", NULL };
	enum shared_mem_backing backing = SHARED_MEM_PRIVATE;
	fail_each_operation(make_with_guard, &backing, benign);
	backing = SHARED_MEM_FILE;
	fail_each_operation(make_with_guard, &backing, benign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_tables_say_what_the_layout_says),
		cmocka_unit_test(page_tables_are_right_for_odd_images_too),
		cmocka_unit_test(segments_arrive_with_zeroes_behind_them),
		cmocka_unit_test(segments_without_memory_are_left_out),
		cmocka_unit_test(the_start_block_tells_where_things_are),
		cmocka_unit_test(the_start_block_tells_of_gifts),
		cmocka_unit_test(buffers_are_empty_and_where_the_guest_sees_them),
		cmocka_unit_test(the_rest_is_where_the_layout_says),
		cmocka_unit_test(the_stack_guard_notices_an_overwritten_byte),
		cmocka_unit_test(a_layout_that_fails_makes_no_memory),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, fill_file, NULL);
}
