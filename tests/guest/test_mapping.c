/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that the host has mapped, as the guest finds them.
 */
#include "fake_host.h"

#include <mote/guest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

/* As the host writes it: one label as long as can be. */
#define LONGEST "123456789012345678901234567890123456789012345678901234567890123"
static struct mote_mapping_table table = {
	.count = 3,
	.records = {
		{ 0x200000000000, 5000, "first" },
		{ 0x400000, 1, LONGEST },
		{ 0x100000000000, UINT64_C(1) << 40, "first and more" },
		{ 0x1000, 1, "not counted" },
	},
};

static int open_host(void **state)
{
	fake_host_setup(state);
	fake.mappings = &table;
	getauxval(MOTE_AT_START_BLOCK); /* writes the block anew */
	return 0;
}

/* First: the library looks for a start block until it has found one. */
static void outside_of_a_sandbox_there_are_none(void **state)
{
	(void)state;
	fake.is_present = false;
	assert_null(mote_mapping_get(0));
	assert_null(mote_mapping_find("first"));
}

static void mappings_are_found_by_label(void **state)
{
	(void)state;
	const struct mote_mapping *found = mote_mapping_find("first");
	assert_ptr_equal(found, &table.records[0]);
	assert_ptr_equal(found->address, (void *)0x200000000000);
	assert_int_equal(found->size, 5000);
	assert_string_equal(found->label, "first");
	assert_ptr_equal(mote_mapping_find(LONGEST), &table.records[1]);
	assert_ptr_equal(mote_mapping_find("first and more"), &table.records[2]);
	assert_null(mote_mapping_find("not counted"));
	assert_null(mote_mapping_find("firs"));
	assert_null(mote_mapping_find(""));
	assert_null(mote_mapping_find(LONGEST "4"));
	assert_null(mote_mapping_find(LONGEST LONGEST));
}

static void mappings_are_listed_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(mote_mapping_get(i), &table.records[i]);
	assert_null(mote_mapping_get(3));
	assert_null(mote_mapping_get(SIZE_MAX));
	table.count = 4; /* between two calls */
	assert_string_equal(mote_mapping_find("not counted")->label, "not counted");
	table.count = 3;
}

static void mappings_are_found_by_address(void **state)
{
	static const struct {
		uint64_t address, size;
		bool is_there;
	} rows[] = {
		{ 0x200000000000, 5000, true },
		{ 0x200000000000 + 4999, 1, true },
		{ 0x200000000000 + 5000, 0, true },
		{ 0x200000000000 + 5000, 1, false },
		{ 0x200000000000 + 1, 5000, false },
		{ 0x200000000000 - 1, 1, false },
		{ 0x200000000000, UINT64_MAX, false },
		{ 0x400000, 1, true },
		{ 0x1000, 1, false }, /* not counted */
		{ 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_ptr_equal(mote_mapping_at(rows[i].address, rows[i].size),
				 rows[i].is_there ? rows[i].address : 0);
	fake.mappings = NULL;
	getauxval(MOTE_AT_START_BLOCK); /* writes the block anew */
	assert_null(mote_mapping_at(0x400000, 1));
}

static void a_host_without_a_table_has_no_mappings(void **state)
{
	(void)state;
	fake.mappings = NULL;
	getauxval(MOTE_AT_START_BLOCK); /* writes the block anew */
	assert_null(mote_mapping_get(0));
	assert_null(mote_mapping_find("first"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(outside_of_a_sandbox_there_are_none, open_host),
		cmocka_unit_test_setup(mappings_are_found_by_label, open_host),
		cmocka_unit_test_setup(mappings_are_listed_in_order, open_host),
		cmocka_unit_test_setup(mappings_are_found_by_address, open_host),
		cmocka_unit_test_setup(a_host_without_a_table_has_no_mappings, open_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
