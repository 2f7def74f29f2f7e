/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host gave when it made the sandbox, as the guest finds it: init data, and the list
 * of host functions.
 */
#include "fake_host.h"

#include <mote/guest.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>

#include <cmocka.h>

/* As the host writes it: one name as long as can be. */
#define LONGEST "N23456789012345678901234567890123456789012345678901234567890123"
static struct {
	uint64_t count;
	struct mote_function_record records[4];
} table = {
	.count = 3,
	.records = {
		{ "Add", MOTE_I32, 2, { MOTE_I32, MOTE_U32 }, { 0 } },
		{ LONGEST, MOTE_VOID, 0, { 0 }, { 0 } },
		{ "Zoo", MOTE_BYTES, 1, { MOTE_STRING }, { 0 } },
		{ "not counted", MOTE_VOID, 0, { 0 }, { 0 } },
	},
};

static const char data[] = "given";

static int open_host(void **state)
{
	fake_host_setup(state);
	fake.functions = (const struct mote_function_table *)&table;
	fake.init_data = data;
	fake.init_data_size = sizeof data;
	getauxval(MOTE_AT_START_BLOCK); /* writes the block anew */
	return 0;
}

/* First: the library looks for a start block until it has found one. */
static void outside_of_a_sandbox_there_is_nothing(void **state)
{
	size_t size = 1;

	(void)state;
	fake.is_present = false;
	assert_null(mote_guest_init_data(&size));
	assert_int_equal(size, 0);
	assert_null(mote_guest_host_function(0));
	assert_null(mote_guest_find_host_function("Add"));
}

static void init_data_is_where_the_host_says(void **state)
{
	size_t size = 1;

	(void)state;
	assert_ptr_equal(mote_guest_init_data(&size), data);
	assert_int_equal(size, sizeof data);
}

static void functions_are_listed_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_ptr_equal(mote_guest_host_function(i), &table.records[i]);
	assert_null(mote_guest_host_function(3));
	assert_null(mote_guest_host_function(SIZE_MAX));
}

static void functions_are_found_by_name(void **state)
{
	(void)state;
	const struct mote_host_function_info *found = mote_guest_find_host_function("Add");
	assert_ptr_equal(found, &table.records[0]);
	assert_string_equal(found->name, "Add");
	assert_int_equal(found->result, MOTE_I32);
	assert_int_equal(found->nparams, 2);
	assert_int_equal(found->params[1], MOTE_U32);
	assert_ptr_equal(mote_guest_find_host_function(LONGEST), &table.records[1]);
	assert_ptr_equal(mote_guest_find_host_function("Zoo"), &table.records[2]);
	assert_null(mote_guest_find_host_function("not counted"));
	assert_null(mote_guest_find_host_function("Ad"));
	assert_null(mote_guest_find_host_function("Addd"));
	assert_null(mote_guest_find_host_function(""));
	assert_null(mote_guest_find_host_function(LONGEST "4"));
	assert_null(mote_guest_find_host_function(LONGEST LONGEST));
}

static void a_host_that_gives_nothing_is_fine(void **state)
{
	size_t size = 1;

	(void)state;
	fake.functions = NULL;
	fake.init_data = NULL;
	fake.init_data_size = 0;
	getauxval(MOTE_AT_START_BLOCK); /* writes the block anew */
	assert_null(mote_guest_init_data(&size));
	assert_int_equal(size, 0);
	assert_null(mote_guest_host_function(0));
	assert_null(mote_guest_find_host_function("Add"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(outside_of_a_sandbox_there_is_nothing, open_host),
		cmocka_unit_test_setup(init_data_is_where_the_host_says, open_host),
		cmocka_unit_test_setup(functions_are_listed_in_order, open_host),
		cmocka_unit_test_setup(functions_are_found_by_name, open_host),
		cmocka_unit_test_setup(a_host_that_gives_nothing_is_fine, open_host),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
