/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The regions of a snapshot, by page tables that a test writes: their names and rights, and that
 * tables of an enemy make a list that ends.
 */
#define _GNU_SOURCE
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "mem/region.h"
#include "tests/hyperlight/hyper_elf.h"
#include "tests/mem/read_only_mem.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PAGE        VMEM_PAGE_SIZE
#define SCRATCH     UINT64_C(0x100000)
#define SCRATCH_GPA (SCRATCH_END_GPA - SCRATCH)
#define SCRATCH_GVA (SCRATCH_END_GVA - SCRATCH)
#define TABLES_SIZE (40 * PAGE)
#define RANGES_MOST 1024
#define TABLE       0x23
#define LEAF        0x63
#define SOMEWHERE   UINT64_C(0x40000000)

static struct box {
	struct host host;
	struct hyperlight_snapshot *first;
	struct hyperlight_snapshot changed; /* FIRST with other tables */
	uint8_t *memory, *tables;           /* its data, which are zero, and its tables */
	uint64_t tables_gpa;
	char log[256];
} box;

struct list {
	size_t count;
	mote_region_info regions[2 * RANGES_MOST];
};

static void take_line(void *user, mote_log_level level, const char *source, const char *message)
{
	(void)user, (void)source;
	assert_int_equal(level, MOTE_LOG_WARN);
	snprintf(box.log, sizeof box.log, "%s", message);
}

static void add(void *user, const mote_region_info *region)
{
	struct list *list = user;

	assert_true(list->count < sizeof list->regions / sizeof list->regions[0]);
	list->regions[list->count++] = *region;
}

static int setup(void **state)
{
	static const uint8_t data[5000] = { 1 };
	const struct hyperlight_start start = {
		.sizes = { .scratch = SCRATCH, .init_data = sizeof data },
		.init_data = data,
		.init_flags = REGION_WRITE,
	};
	struct hyperlight_image image;
	struct hyper_elf elf;

	(void)state;
	box = (struct box){ .log = "" };
	host_init(&box.host);
	box.host.log = take_line;
	box.host.log_level = MOTE_LOG_WARN;
	hyper_elf_init(&elf);
	assert_int_equal(hyperlight_image_parse(&image, &elf, sizeof elf, NULL), MOTE_OK);
	assert_int_equal(hyperlight_snapshot_new(&box.first, &box.host, &image, &start, NULL),
			 MOTE_OK);

	box.changed = *box.first;
	assert_int_equal(hyperlight_layout_set_tables(&box.changed.layout, TABLES_SIZE, NULL),
			 MOTE_OK);
	box.memory = calloc(1, box.first->layout.data_size + TABLES_SIZE);
	assert_non_null(box.memory);
	box.tables = box.memory + box.first->layout.data_size;
	box.tables_gpa = SCRATCH_GPA + hyperlight_tables_offset(&box.changed.layout);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(box.memory);
	guest_snapshot_unref(&box.first->base);
	return 0;
}

static uint64_t *entry_at(unsigned table, unsigned index)
{
	return (uint64_t *)(box.tables + table * PAGE) + index;
}

/* The regions of the snapshot whose tables were written. */
static const struct list *list_changed(void)
{
	static struct list list;
	const uint64_t size = box.changed.layout.data_size;

	list.count = 0;
	box.log[0] = '\0';
	assert_int_equal(read_only_mem_new(&box.changed.blob, &box.host, box.memory,
					   size + TABLES_SIZE, size, SHARED_MEM_PRIVATE, NULL),
			 MOTE_OK);
	hyperlight_snapshot_describe(&box.changed.base, add, &list);
	shared_mem_unref(box.changed.blob);
	return &list;
}

/* Not byte for byte: there is padding. */
static bool is_same(const mote_region_info *a, const mote_region_info *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->slot, b->slot) == 0 &&
	       a->address == b->address && a->physical == b->physical && a->size == b->size &&
	       a->readable == b->readable && a->writable == b->writable &&
	       a->executable == b->executable;
}

static void at_first_it_is_the_layout(void **state)
{
	static struct list want, found;

	(void)state;
	want.count = found.count = 0;
	hyperlight_visit_layout(&box.first->layout, REGION_WRITE, add, &want);
	hyperlight_snapshot_describe(&box.first->base, add, &found);
	assert_int_equal(want.count, 9);
	assert_int_equal(found.count, want.count);
	for (size_t i = 0; i < want.count; i++)
		if (!is_same(&found.regions[i], &want.regions[i]))
			fail_msg("%s at 0x%" PRIx64 " is not %s at 0x%" PRIx64,
				 found.regions[i].name, found.regions[i].address,
				 want.regions[i].name, want.regions[i].address);
	assert_string_equal(box.log, "");
}

enum { PIECES_MOST = 3 };

/* Two ranges, and what they are called, with sizes in pages. */
static const struct row {
	const char *text;
	struct vmem_range ranges[2];
	struct {
		const char *name;
		uint64_t pages;
	} want[PIECES_MOST];
	bool is_writable, is_executable;
} rows[] = {
	{ "the stack",
	  { { HYPERLIGHT_STACK_TOP_GVA - 2 * PAGE, 0x1000, 2 * PAGE, VMEM_EXEC, VMEM_COW } },
	  { { "stack", 2 } },
	  true,
	  true },
	{ "as deep as it may be",
	  { { HYPERLIGHT_STACK_LIMIT_GVA, 0x1000, PAGE, 0, VMEM_COW } },
	  { { "stack", 1 } },
	  true,
	  false },
	{ "above it",
	  { { HYPERLIGHT_STACK_TOP_GVA - PAGE, 0x1000, 2 * PAGE, 0, VMEM_BASIC } },
	  { { "stack", 1 }, { "mapped by the guest", 1 } },
	  false,
	  false },
	{ "descriptors",
	  { { HYPERLIGHT_DESCRIPTORS_GVA - PAGE, 0x1000, 3 * PAGE, 0, VMEM_COW } },
	  { { "mapped by the guest", 1 }, { "descriptors", 2 } },
	  true,
	  false },
	{ "memory that goes on in memory",
	  { { SOMEWHERE, 0x3000, PAGE, VMEM_WRITE, VMEM_BASIC },
	    { SOMEWHERE + PAGE, 0x4000, PAGE, VMEM_WRITE, VMEM_BASIC } },
	  { { "mapped by the guest", 2 } },
	  true,
	  false },
	{ "memory that does not",
	  { { SOMEWHERE, 0x3000, PAGE, VMEM_EXEC, VMEM_BASIC },
	    { SOMEWHERE + PAGE, 0x1000, PAGE, VMEM_EXEC, VMEM_BASIC } },
	  { { "mapped by the guest", 1 }, { "mapped by the guest", 1 } },
	  false,
	  true },
	{ "the heap, at another place in memory, and what follows it",
	  { { 0x26000, 0x1000, 5 * PAGE, 0, VMEM_COW } },
	  { { "heap", 2 }, { "init data", 2 }, { "mapped by the guest", 1 } },
	  true,
	  false },
	{ "the first page, which is no image",
	  { { 0, 0x1000, 2 * PAGE, 0, VMEM_BASIC } },
	  { { "mapped by the guest", 1 }, { "image", 1 } },
	  false,
	  false },
	{ "the last page there is",
	  { { -PAGE, 0x1000, PAGE, 0, VMEM_BASIC } },
	  { { "mapped by the guest", 1 } },
	  false,
	  false },
	{ "scratch, at another place",
	  { { SOMEWHERE, SCRATCH_GPA + 0x3000, 6 * PAGE, VMEM_WRITE, VMEM_BASIC } },
	  { { "input buffer", 1 }, { "output buffer", 4 }, { "page tables", 1 } },
	  true,
	  false },
	{ "its end, and what is no memory any more",
	  { { SOMEWHERE, SCRATCH_END_GPA - 4 * PAGE, 6 * PAGE, VMEM_WRITE, VMEM_BASIC } },
	  { { "scratch", 1 }, { "exception stack", 3 } },
	  true,
	  false },
	{ "the end of the data, and what is none",
	  { { SOMEWHERE, 0x29000, 9 * PAGE, 0, VMEM_BASIC } },
	  { { "mapped by the guest", 1 } },
	  false,
	  false },
	{ "what is no memory, and its beginning",
	  { { SOMEWHERE, 0, 2 * PAGE, 0, VMEM_BASIC },
	    { SOMEWHERE * 2, 1 << 30, PAGE, 0, VMEM_COW } },
	  { { "mapped by the guest", 1 } },
	  false,
	  false },
};

static void expect_row(const struct row *row, const struct list *found)
{
	uint64_t size = 0;

	for (size_t i = 0; i < PIECES_MOST && row->want[i].name; i++) {
		const mote_region_info *region = &found->regions[i];

		if (i == found->count)
			fail_msg("%s: %s is not there", row->text, row->want[i].name);
		if (strcmp(region->name, row->want[i].name) != 0 ||
		    region->size != row->want[i].pages * PAGE)
			fail_msg("%s: %s of 0x%" PRIx64 ", not %s", row->text, region->name,
				 region->size, row->want[i].name);
		if (region->writable != row->is_writable || !region->readable ||
		    region->executable != row->is_executable)
			fail_msg("%s: other rights", row->text);
		assert_string_equal(region->slot,
				    region->physical < SCRATCH_GPA ? "snapshot" : "scratch");
		size += region->size;
	}
	const mote_region_info *last = &found->regions[found->count - 1];
	if (last->address + last->size - found->regions[0].address != size)
		fail_msg("%s: there is a gap, or more", row->text);
}

static void names_and_rights_are_those_of_places(void **state)
{
	(void)state;
	assert_int_equal(box.first->layout.heap, 0x8000); /* to 0x28000 */
	assert_int_equal(box.first->layout.data_size, 0x29000);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct vmem_flat tables = { .memory = box.tables,
					    .base = box.tables_gpa,
					    .size = TABLES_SIZE };
		uint64_t root = vmem_flat_alloc(&tables);

		memset(box.tables, 0, TABLES_SIZE);
		for (size_t j = 0; j < 2 && rows[i].ranges[j].size > 0; j++)
			assert_int_equal(hyperlight_map(&tables, &root, &rows[i].ranges[j]),
					 VMEM_OK);
		const struct list *found = list_changed();
		if (found->count == 0)
			fail_msg("%s: nothing", rows[i].text);
		expect_row(&rows[i], found);
		assert_string_equal(box.log, "");
	}
}

/* Where the Nth of the tables is. */
static uint64_t table(unsigned n)
{
	return (box.tables_gpa + n * PAGE) | TABLE;
}

/* Two tables of pages, none of which goes on where the one before ends. */
static void as_many_ranges_as_there_may_be_are_listed(void **state)
{
	(void)state;
	memset(box.tables, 0, TABLES_SIZE);
	for (unsigned i = 0; i < 3; i++)
		*entry_at(i, 0) = table(i + 1);
	*entry_at(2, 2) = table(3);
	for (unsigned i = 0; i < 512; i++)
		*entry_at(3, i) = (HYPERLIGHT_BASE + (i % 2 ? 0 : 7) * PAGE) | LEAF;
	const struct list *found = list_changed();
	assert_int_equal(found->count, RANGES_MOST);
	assert_string_equal(box.log, "");
	*entry_at(2, 4) = table(4);
	*entry_at(4, 0) = HYPERLIGHT_BASE | LEAF;
	found = list_changed();
	assert_int_equal(found->count, RANGES_MOST);
	assert_int_equal(found->regions[RANGES_MOST - 1].address, 0x5ff000);
	assert_non_null(strstr(box.log, "not all regions of a snapshot are listed"));
	assert_non_null(strstr(box.log, " more than 1024 pieces of memory"));
}

/* One entry, in all tables. */
static void tables_of_an_enemy_make_a_list_that_ends(void **state)
{
	const struct {
		const char *text;
		uint64_t entry;
		size_t most;
		bool is_cut;
	} enemies[] = {
		{ "themselves", table(0), RANGES_MOST, true },
		{ "data as tables, which are empty", HYPERLIGHT_BASE | TABLE, 0, true },
		{ "pages of 512 GiB", LEAF | VMEM_AMD64_LARGE, 0, false },
		{ "tables that are nowhere", UINT64_C(0xffffffffff000) | TABLE, 0, false },
		{ "all bits", UINT64_MAX, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof enemies / sizeof enemies[0]; i++) {
		for (unsigned j = 0; j < TABLES_SIZE / sizeof(uint64_t); j++)
			*entry_at(0, j) = enemies[i].entry;
		const struct list *found = list_changed();
		if (found->count > enemies[i].most)
			fail_msg("%s: %zu regions", enemies[i].text, found->count);
		if ((box.log[0] != '\0') != enemies[i].is_cut)
			fail_msg("%s: the log says \"%s\"", enemies[i].text, box.log);
	}
}

/* What follows too many pages that are mapped again and again is left out. */
static void memory_that_is_mapped_many_times_is_cut(void **state)
{
	(void)state;
	memset(box.tables, 0, TABLES_SIZE);
	for (unsigned i = 0; i < 3; i++)
		for (unsigned j = 0; j < 256; j++)
			*entry_at(i, j) = table(i + 1);
	for (unsigned i = 0; i < 512; i++)
		*entry_at(3, i) = (HYPERLIGHT_BASE + i * PAGE) | LEAF;
	const struct list *found = list_changed();
	/* each table of 512 pages is a range, with few of them in memory */
	assert_in_range(found->count, 100, RANGES_MOST);
	assert_true(box.log[0]);
	for (size_t i = 0; i < found->count; i++)
		assert_true(found->regions[i].size <= box.first->layout.data_size);
	/* more than the guest has in one piece: a page of 1 GiB, from 0 on */
	*entry_at(1, 0) = LEAF | VMEM_AMD64_LARGE;
	found = list_changed();
	assert_int_equal(found->count, 0);
	assert_true(box.log[0]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(at_first_it_is_the_layout),
		TEST(names_and_rights_are_those_of_places),
		TEST(as_many_ranges_as_there_may_be_are_listed),
		TEST(tables_of_an_enemy_make_a_list_that_ends),
		TEST(memory_that_is_mapped_many_times_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
