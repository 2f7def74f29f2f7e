/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in a guest's memory: what may not be covered, what the page tables and the mapping
 * table say, and that no entry that a processor may know already ever changes.
 */
#define _GNU_SOURCE
#include "mem/guest_memory.h"

#include "kit/fail.h"
#include "mem/file_mapping.h"
#include "mem/scratch_file.h"
#include "mem/small_guest.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE MOTE_PAGE_SIZE
#define HIGH UINT64_C(0x200000000000)
#define GIB  (UINT64_C(1) << 30)

static const struct host *host; /* sees what is left behind */
static struct guest_memory *memory;
static struct scratch_file two_pages;

static int make(void **state)
{
	(void)state;
	static const uint8_t image[0x3000] = "image";
	two_pages = scratch_file(2 * PAGE - 1);
	host = fail_host(0, FAIL_ONCE, 0);
	return (int)guest_memory_new(&memory, host, &small_config, image, SHARED_MEM_PRIVATE, NULL);
}

static int drop(void **state)
{
	(void)state;
	guest_memory_free(memory);
	close(two_pages.fd);
	return fail_leak() ? -1 : 0;
}

static struct file_mapping *prepare(const struct scratch_file *scratch, uint64_t address,
				    const char *label)
{
	struct file_mapping *file;
	mote_error err;

	if (file_mapping_new(&file, host, scratch->path, NULL, address, label, &err))
		fail_msg("%s", err.message);
	return file;
}

static struct file_mapping *add(const struct scratch_file *scratch, uint64_t address,
				const char *label)
{
	struct file_mapping *file = prepare(scratch, address, label);
	mote_error err;

	if (guest_memory_map_begin(memory, file, &err))
		fail_msg("%s", err.message);
	guest_memory_map_end(memory, file, true);
	return file;
}

static void refused(const struct scratch_file *scratch, uint64_t address, const char *label,
		    mote_status want, const char *text)
{
	struct file_mapping *file = prepare(scratch, address, label);
	mote_error err = { .message = "" };
	mote_status status = guest_memory_map_begin(memory, file, &err);

	if (status != want || !strstr(err.message, text))
		fail_msg("%s: %s, \"%s\" without \"%s\"", label, mote_status_name(status),
			 err.message, text);
	file_mapping_unref(file);
}

static const struct mote_mapping_table *table(void)
{
	static struct mote_mapping_table copy;

	assert_int_equal(guest_memory_read(memory, MOTE_MAPPING_TABLE, &copy, sizeof copy,
					   REGION_READ, NULL),
			 MOTE_OK);
	return &copy;
}

static void the_mapping_table_is_in_the_order_of_mapping(void **state)
{
	(void)state;
	assert_int_equal(table()->count, 0);
	add(&two_pages, HIGH, "first");
	add(&two_pages, HIGH - 2 * PAGE, "second");
	add(&two_pages, HIGH + 2 * PAGE, "third");
	assert_int_equal(table()->count, 3);
	const struct mote_mapping_record *records = table()->records;
	assert_string_equal(records[0].label, "first");
	assert_int_equal(records[0].address, HIGH);
	assert_int_equal(records[0].size, 2 * PAGE - 1);
	assert_string_equal(records[1].label, "second");
	assert_int_equal(records[1].address, HIGH - 2 * PAGE);
	assert_string_equal(records[2].label, "third");
	assert_string_equal(records[3].label, "");
}

static void files_are_found_by_address(void **state)
{
	(void)state;
	const struct file_mapping *middle = add(&two_pages, HIGH, "middle");
	const struct file_mapping *low = add(&two_pages, HIGH - 3 * PAGE, "low");
	const struct file_mapping *high = add(&two_pages, HIGH + 2 * PAGE, "high");

	assert_null(guest_memory_find_file(memory, HIGH - 3 * PAGE - 1));
	assert_ptr_equal(guest_memory_find_file(memory, HIGH - 3 * PAGE), low);
	assert_ptr_equal(guest_memory_find_file(memory, HIGH - PAGE - 1), low);
	assert_null(guest_memory_find_file(memory, HIGH - PAGE));
	assert_ptr_equal(guest_memory_find_file(memory, HIGH), middle);
	assert_ptr_equal(guest_memory_find_file(memory, HIGH + 2 * PAGE - 1), middle);
	assert_ptr_equal(guest_memory_find_file(memory, HIGH + 2 * PAGE), high);
	assert_null(guest_memory_find_file(memory, HIGH + 4 * PAGE));
	assert_null(guest_memory_find_file(memory, 0));
	assert_null(guest_memory_find_file(memory, UINT64_MAX));
	assert_string_equal(guest_memory_place(memory, HIGH), "mapped file \"middle\"");
}

static void files_are_read_like_ram_and_never_written(void **state)
{
	(void)state;
	uint8_t got[4 * PAGE];
	size_t length;
	mote_error err;

	add(&two_pages, HIGH, "x");
	add(&two_pages, HIGH + 2 * PAGE, "y");
	assert_int_equal(guest_memory_read(memory, HIGH, got, sizeof got, REGION_EXECUTE, NULL),
			 MOTE_OK);
	assert_memory_equal(got, "abc", 3);
	assert_memory_equal(got + 2 * PAGE, "abc", 3);
	assert_int_equal(guest_memory_read(memory, HIGH + 1, got, sizeof got, 0, &err),
			 MOTE_E_INVALID);
	assert_int_equal(err.guest_address, HIGH + 4 * PAGE);
	assert_int_equal(guest_memory_string(memory, HIGH + 20, (char *)got, 10, &length, NULL),
			 MOTE_OK);
	assert_string_equal((char *)got, "uvwxyz");
	assert_false(guest_memory_is_code(memory, HIGH)); /* it may be executed, but is no image */
	assert_true(guest_memory_allows(memory, HIGH, 4 * PAGE, REGION_READ | REGION_EXECUTE));
	assert_false(guest_memory_allows(memory, HIGH, 1, REGION_WRITE));

	static const unsigned rights[] = { 0, REGION_READ, REGION_WRITE };
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(guest_memory_write(memory, HIGH + 5, "x", 1, rights[i], &err),
				 MOTE_E_INVALID);
		assert_string_equal(err.message, "guest address 0x200000000005 is in the mapped "
						 "file \"x\", which nobody may write to");
	}

	assert_int_equal(ftruncate(two_pages.fd, 1), 0);
	assert_int_equal(guest_memory_read(memory, HIGH + PAGE, got, 1, REGION_READ, &err),
			 MOTE_E_OS);
	assert_int_equal(guest_memory_string(memory, HIGH + PAGE, (char *)got, 10, &length, NULL),
			 MOTE_E_OS);
	uint64_t now;
	assert_string_equal(guest_memory_cut_file(memory, &now)->label, "x");
	assert_int_equal(now, 1);
}

static void nothing_of_the_guest_can_be_covered(void **state)
{
	(void)state;
	const struct layout *layout = guest_memory_layout(memory);
	const struct region *region;
	char text[64];

	for (size_t i = 0; (region = layout_mapped(layout, i)); i++) {
		uint64_t guard = layout_guard(region->kind);
		if (region->va < MOTE_WINDOW_END)
			continue; /* no file can be prepared for there */
		snprintf(text, sizeof text, "overlap the %s at 0x%" PRIx64 "..0x%" PRIx64 ";",
			 region_kind_name(region->kind), region->va - guard,
			 region->va + region->size);
		refused(&two_pages, region->va, "start", MOTE_E_INVALID, text);
		refused(&two_pages, region->va + region->size - PAGE, "end", MOTE_E_INVALID, text);
		if (guard)
			refused(&two_pages, region->va - guard, "guard", MOTE_E_INVALID, text);
	}

	/* in the gap between code and constants, which share a page table with the file then */
	add(&two_pages, SMALL_RODATA - 2 * PAGE, "gap");
	/* right behind the last, as the message says */
	const struct region *output = layout_get(layout, REGION_OUTPUT);
	add(&two_pages, output->va + output->size, "behind");
	refused(&two_pages, SMALL_RODATA - 3 * PAGE, "x", MOTE_E_INVALID,
		"the mapped file \"x\" at 0x5fe000..0x600000 would overlap the mapped file \"gap\" "
		"at 0x5ff000..0x601000; addresses from 0x");
	refused(&two_pages, HIGH, "gap", MOTE_E_INVALID,
		"the label \"gap\" is that of the file at 0x5ff000 already");
}

/* All page tables, as they are in RAM. */
static uint64_t *copy_tables(size_t *count)
{
	const struct layout *layout = guest_memory_layout(memory);
	const struct region *used = layout_get(layout, REGION_PAGE_TABLES);
	uint64_t size = used->size + LAYOUT_SPARE_TABLES * PAGE;
	uint64_t *copy = malloc(size);

	assert_non_null(copy);
	*count = size / sizeof *copy;
	assert_int_equal(shared_mem_read(guest_memory_ram(memory), used->gpa - layout->ram.gpa,
					 copy, size, NULL),
			 MOTE_OK);
	return copy;
}

/* As a processor translates VA: the entry of its page, and in *SIZE how large that is. */
static uint64_t translate(uint64_t va, uint64_t *size)
{
	struct shared_mem *ram = guest_memory_ram(memory);
	uint64_t base = guest_memory_layout(memory)->ram.gpa;
	uint64_t entry = guest_memory_root(memory);

	for (unsigned shift = 39; shift >= 12; shift -= 9) {
		uint64_t offset = (entry & 0xffffffffff000) - base + ((va >> shift & 511) * 8);
		assert_int_equal(shared_mem_read_u64(ram, offset, &entry, NULL), MOTE_OK);
		*size = UINT64_C(1) << shift;
		if (!(entry & 1) || entry & 0x80)
			break;
	}
	return entry;
}

static void check_pages(const struct file_mapping *file)
{
	uint64_t size;

	for (uint64_t at = 0; at < file->size; at += size) {
		uint64_t entry = translate(file->address + at, &size);
		uint64_t gpa = entry & 0xffffffffff000 & ~(size - 1);
		/* present, user, accessed, dirty; not writable; executable */
		assert_int_equal(entry & 0x8000000000000067, 0x65);
		assert_int_equal(gpa, file->gpa + at);
		assert_true(size == PAGE || size == LAYOUT_LARGE_PAGE);
		assert_true(at + size <= file->size);
	}
	assert_int_equal(translate(file->address + file->size, &size) & 1, 0);
}

static void only_entries_that_were_not_present_change(void **state)
{
	(void)state;
	struct scratch_file large = scratch_file(7 << 20);
	static const char *const labels[] = { "a", "b", "c", "d" };
	static const uint64_t addresses[] = {
		SMALL_RODATA - 4 * PAGE,                   /* in a page table of the image */
		HIGH + PAGE, HIGH + GIB - 3 * PAGE,        /* across a boundary */
		UINT64_C(0x8000000000) - (7 << 20) + PAGE, /* across the largest there is */
	};
	for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
		size_t count;
		uint64_t *before = copy_tables(&count);
		const struct file_mapping *file =
			add(i == 0 ? &two_pages : &large, addresses[i], labels[i]);
		uint64_t *after = copy_tables(&count);
		for (size_t k = 0; k < count; k++)
			assert_true(before[k] == 0 || before[k] == after[k]);
		check_pages(file);
		free(before);
		free(after);
	}
	close(large.fd);
}

static void a_file_that_is_not_mapped_after_all_changes_nothing(void **state)
{
	(void)state;
	struct file_mapping *file = prepare(&two_pages, HIGH, "x");
	size_t count;
	uint64_t *before = copy_tables(&count);

	assert_int_equal(guest_memory_map_begin(memory, file, NULL), MOTE_OK);
	/* in between nobody else gets at the memory */
	assert_int_equal(guest_memory_write(memory, SMALL_DATA, "x", 1, 0, NULL), MOTE_E_STATE);
	guest_memory_map_end(memory, file, false);
	uint64_t *after = copy_tables(&count);
	assert_memory_equal(before, after, count * sizeof *before);
	assert_int_equal(table()->count, 0);
	assert_null(guest_memory_find_file(memory, HIGH));

	/* and may be mapped later */
	assert_int_equal(guest_memory_map_begin(memory, file, NULL), MOTE_OK);
	guest_memory_map_end(memory, file, true);
	check_pages(file);
	free(before);
	free(after);
}

static void the_guest_must_not_run(void **state)
{
	(void)state;
	struct file_mapping *file = prepare(&two_pages, HIGH, "x");

	assert_int_equal(shared_mem_run_begin(guest_memory_ram(memory), NULL), MOTE_OK);
	assert_int_equal(guest_memory_map_begin(memory, file, NULL), MOTE_E_STATE);
	shared_mem_run_end(guest_memory_ram(memory));
	file_mapping_unref(file);
}

/* Files that need as many tables as can be. */
static void as_many_files_fit_as_the_table_has_records(void **state)
{
	(void)state;
	struct scratch_file large = scratch_file(2 * GIB);
	char label[8];

	for (uint64_t i = 0; i < MOTE_MAPPINGS_MAX; i++) {
		snprintf(label, sizeof label, "%" PRIu64, i);
		/* 1 GiB on either side of a border between tables of the second highest level */
		const struct file_mapping *file =
			add(&large, (2 * i + 1) * (UINT64_C(1) << 39) - GIB + PAGE, label);
		uint64_t size;
		assert_int_equal(translate(file->address, &size) & 1, 1);
		assert_int_equal(translate(file->address + file->size - 1, &size) & 1, 1);
	}
	refused(&two_pages, HIGH, "x", MOTE_E_LIMIT,
		"the mapped file \"x\" is one more than the 32 files that a sandbox can have");
	close(large.fd);
}

static void files_that_need_too_many_page_tables_are_refused(void **state)
{
	(void)state;
	struct scratch_file vast = scratch_file(253 * GIB);

	refused(&vast, HIGH + PAGE, "vast", MOTE_E_LIMIT, "needs 257 page tables and 256 are left");
	assert_int_equal(ftruncate(vast.fd, (off_t)(252 * GIB)), 0);
	add(&vast, HIGH + PAGE, "less");
	refused(&two_pages, 2 * HIGH, "x", MOTE_E_LIMIT,
		"the mapped file \"x\", 8191 bytes, needs 3 page tables and 0 are left");
	close(vast.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)
		TEST(the_mapping_table_is_in_the_order_of_mapping),
		TEST(files_are_found_by_address),
		TEST(files_are_read_like_ram_and_never_written),
		TEST(nothing_of_the_guest_can_be_covered),
		TEST(only_entries_that_were_not_present_change),
		TEST(a_file_that_is_not_mapped_after_all_changes_nothing),
		TEST(the_guest_must_not_run),
		TEST(as_many_files_fit_as_the_table_has_records),
		TEST(files_that_need_too_many_page_tables_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
