/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Size-first structs between callers and libraries of different ages: old fields arrive,
 * new ones are 0, and what the library cannot do is refused and not ignored.
 */
#include "base/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* One struct as three versions of the API know it. */
struct v1 {
	size_t size;
	uint64_t a;
};
struct v2 {
	size_t size;
	uint64_t a, b;
};
struct v3 {
	size_t size;
	uint64_t a, b, c;
};

static void no_options_are_all_defaults(void **state)
{
	(void)state;
	struct v2 to = { 1, 2, 3 };
	assert_int_equal(options_copy(&to, sizeof to, NULL, "v2", NULL), MOTE_OK);
	assert_int_equal(to.size, sizeof to);
	assert_int_equal(to.a, 0);
	assert_int_equal(to.b, 0);
}

static void options_of_the_same_age_arrive(void **state)
{
	(void)state;
	struct v2 to;
	struct v2 from = { sizeof from, 2, 3 };
	assert_int_equal(options_copy(&to, sizeof to, &from, "v2", NULL), MOTE_OK);
	assert_memory_equal(&to, &from, sizeof to);
}

static void an_older_caller_leaves_new_fields_at_their_default(void **state)
{
	(void)state;
	struct v3 to = { 9, 9, 9, 9 };
	struct v1 from = { sizeof from, 7 };
	assert_int_equal(options_copy(&to, sizeof to, &from, "v3", NULL), MOTE_OK);
	assert_int_equal(to.size, sizeof to);
	assert_int_equal(to.a, 7);
	assert_int_equal(to.b, 0);
	assert_int_equal(to.c, 0);
}

static void a_newer_caller_may_leave_unknown_fields_zero(void **state)
{
	(void)state;
	struct v1 to;
	struct v3 from = { sizeof from, 7, 0, 0 };
	assert_int_equal(options_copy(&to, sizeof to, &from, "v1", NULL), MOTE_OK);
	assert_int_equal(to.size, sizeof to);
	assert_int_equal(to.a, 7);
}

static void each_unknown_byte_that_is_set_is_refused_with_its_offset(void **state)
{
	(void)state;
	for (size_t at = sizeof(struct v1); at < sizeof(struct v3); at++) {
		struct v1 to = { 9, 9 };
		struct v3 from = { sizeof from, 7, 0, 0 };
		((uint8_t *)&from)[at] = 1;
		mote_error err;
		char where[32];
		snprintf(where, sizeof where, "at offset %zu ", at);

		assert_int_equal(options_copy(&to, sizeof to, &from, "mote_x_options", &err),
				 MOTE_E_OPTION);
		assert_int_equal(err.code, MOTE_E_OPTION);
		assert_non_null(strstr(err.message, where));
		assert_non_null(strstr(err.message, "mote_x_options"));
		assert_int_equal(to.size, 0);
		assert_int_equal(to.a, 0);
	}
}

static const struct {
	const char *what;
	size_t size;
	mote_status want;
} sizes[] = {
	{ "not set", 0, MOTE_E_INVALID },
	{ "less than the size itself", sizeof(size_t) - 1, MOTE_E_INVALID },
	{ "the size and no field", sizeof(size_t), MOTE_OK },
	{ "the largest that is believed", OPTIONS_SIZE_MAX, MOTE_OK },
	{ "one more", OPTIONS_SIZE_MAX + 1, MOTE_E_INVALID },
	{ "a stray pointer", 0x7ffc12345678, MOTE_E_INVALID },
	{ "all ones", SIZE_MAX, MOTE_E_INVALID },
};

static void sizes_that_no_version_had_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		union {
			size_t size;
			uint8_t bytes[OPTIONS_SIZE_MAX];
		} caller = { .bytes = { 0 } };
		struct v1 own = { sizeof own, 7 };
		mote_error err;
		caller.size = sizes[i].size;

		mote_status status = options_copy(&own, sizeof own, &caller, "v1", &err);
		if (status != sizes[i].want)
			fail_msg("copy, %s: %s", sizes[i].what, mote_status_name(status));
		if (status != MOTE_OK)
			assert_non_null(strstr(err.message, "set it to sizeof(v1)"));

		status = options_fill(&caller, &own, sizeof own, "v1", &err);
		if (status != sizes[i].want)
			fail_msg("fill, %s: %s", sizes[i].what, mote_status_name(status));
		assert_int_equal(caller.size, sizes[i].size);
	}
}

static void filling_stays_within_the_callers_size(void **state)
{
	(void)state;
	const struct v3 from = { sizeof from, 1, 2, 3 };
	struct v3 to = { sizeof(struct v1), 9, 9, 9 };
	assert_int_equal(options_fill(&to, &from, sizeof from, "v", NULL), MOTE_OK);
	assert_int_equal(to.size, sizeof(struct v1));
	assert_int_equal(to.a, 1);
	assert_int_equal(to.b, 9);
	assert_int_equal(to.c, 9);
}

static void filling_a_newer_struct_leaves_its_new_fields_zero(void **state)
{
	(void)state;
	const struct v1 from = { sizeof from, 1 };
	struct v3 to = { sizeof to, 9, 9, 9 };
	assert_int_equal(options_fill(&to, &from, sizeof from, "v", NULL), MOTE_OK);
	assert_int_equal(to.size, sizeof to);
	assert_int_equal(to.a, 1);
	assert_int_equal(to.b, 0);
	assert_int_equal(to.c, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_options_are_all_defaults),
		cmocka_unit_test(options_of_the_same_age_arrive),
		cmocka_unit_test(an_older_caller_leaves_new_fields_at_their_default),
		cmocka_unit_test(a_newer_caller_may_leave_unknown_fields_zero),
		cmocka_unit_test(each_unknown_byte_that_is_set_is_refused_with_its_offset),
		cmocka_unit_test(sizes_that_no_version_had_are_refused),
		cmocka_unit_test(filling_stays_within_the_callers_size),
		cmocka_unit_test(filling_a_newer_struct_leaves_its_new_fields_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
