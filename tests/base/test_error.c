/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors fit their frozen struct whatever their text, and every code has a name.
 */
#include "base/error.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* An error that holds what an earlier failure left. */
static mote_error stale_error(void)
{
	mote_error err;
	memset(&err, 0xab, sizeof err);
	return err;
}

static void setting_an_error_replaces_all_of_it(void **state)
{
	(void)state;
	mote_error err = stale_error();
	assert_int_equal(error_set(&err, MOTE_E_IMAGE, "segment %d at 0x%x", 2, 0x1000),
			 MOTE_E_IMAGE);
	assert_int_equal(err.code, MOTE_E_IMAGE);
	assert_string_equal(err.message, "segment 2 at 0x1000");
	assert_int_equal(err.os_error, 0);
	assert_int_equal(err.guest_pc, 0);
	assert_int_equal(err.guest_address, 0);
	assert_int_equal(err.guest_code, 0);
	assert_int_equal(err.reserved, 0);
}

static void without_a_struct_the_code_is_returned_all_the_same(void **state)
{
	(void)state;
	assert_int_equal(error_set(NULL, MOTE_E_STATE, "x"), MOTE_E_STATE);
	assert_int_equal(error_os(NULL, EACCES, "x"), MOTE_E_OS);
	assert_int_equal(error_os(NULL, ENOMEM, "x"), MOTE_E_NOMEM);
	assert_int_equal(error_nomem(NULL, "x", 1), MOTE_E_NOMEM);
	error_prefix(NULL, "x");
}

static void a_failed_system_call_is_named_with_its_reason(void **state)
{
	(void)state;
	mote_error err = stale_error();
	assert_int_equal(error_os(&err, ENOENT, "cannot open %s", "a.elf"), MOTE_E_OS);
	assert_int_equal(err.code, MOTE_E_OS);
	assert_int_equal(err.os_error, ENOENT);
	assert_string_equal(err.message, "cannot open a.elf: No such file or directory");
}

static void a_system_call_that_lacked_memory_is_out_of_memory(void **state)
{
	(void)state;
	mote_error err = stale_error();
	assert_int_equal(error_os(&err, ENOMEM, "cannot map"), MOTE_E_NOMEM);
	assert_int_equal(err.code, MOTE_E_NOMEM);
	assert_int_equal(err.os_error, 0);
}

static void a_failed_allocation_is_named_with_its_size(void **state)
{
	(void)state;
	mote_error err = stale_error();
	assert_int_equal(error_nomem(&err, "a guest file", 4096), MOTE_E_NOMEM);
	assert_int_equal(err.code, MOTE_E_NOMEM);
	assert_non_null(strstr(err.message, "4096"));
	assert_non_null(strstr(err.message, "a guest file"));
}

static void long_texts_are_cut_and_terminated(void **state)
{
	(void)state;
	char text[2 * MOTE_ERROR_MESSAGE_SIZE];
	memset(text, 'x', sizeof text);
	text[sizeof text - 1] = '\0';

	mote_error err;
	error_set(&err, MOTE_E_IMAGE, "%s", text);
	assert_int_equal(strlen(err.message), MOTE_ERROR_MESSAGE_SIZE - 1);
	error_os(&err, ENOENT, "%s", text);
	assert_int_equal(strlen(err.message), MOTE_ERROR_MESSAGE_SIZE - 1);
	error_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.message), MOTE_ERROR_MESSAGE_SIZE - 1);
}

/* The reason is appended to whatever room the message has left, byte by byte. */
static void the_reason_fits_the_room_that_is_left(void **state)
{
	(void)state;
	for (int length = MOTE_ERROR_MESSAGE_SIZE - 8; length <= MOTE_ERROR_MESSAGE_SIZE;
	     length++) {
		mote_error err;
		error_os(&err, ENOENT, "%*s", length, "x");
		assert_int_equal(strlen(err.message), MOTE_ERROR_MESSAGE_SIZE - 1);
	}
}

static void a_prefix_goes_in_front_and_changes_nothing_else(void **state)
{
	(void)state;
	mote_error err;
	error_os(&err, EACCES, "cannot read");
	error_prefix(&err, "guest %d: ", 7);
	assert_string_equal(err.message, "guest 7: cannot read: Permission denied");
	assert_int_equal(err.code, MOTE_E_OS);
	assert_int_equal(err.os_error, EACCES);
}

static const struct {
	mote_status code;
	const char *name;
	int class;
} names[] = {
	{ MOTE_OK, "MOTE_OK", 0 },
	{ MOTE_E_INVALID, "MOTE_E_INVALID", MOTE_CLASS_USAGE },
	{ MOTE_E_STATE, "MOTE_E_STATE", MOTE_CLASS_USAGE },
	{ MOTE_E_NOMEM, "MOTE_E_NOMEM", MOTE_CLASS_HOST },
	{ MOTE_E_LIMIT, "MOTE_E_LIMIT", MOTE_CLASS_HOST },
	{ MOTE_E_IMAGE, "MOTE_E_IMAGE", MOTE_CLASS_FILE },
	{ MOTE_E_SNAPSHOT, "MOTE_E_SNAPSHOT", MOTE_CLASS_FILE },
	{ MOTE_E_NO_FUNCTION, "MOTE_E_NO_FUNCTION", MOTE_CLASS_CALL },
	{ MOTE_E_GUEST_ERROR, "MOTE_E_GUEST_ERROR", MOTE_CLASS_CALL },
	{ MOTE_E_GUEST_ABORT, "MOTE_E_GUEST_ABORT", MOTE_CLASS_POISON },
	{ MOTE_E_TIMEOUT, "MOTE_E_TIMEOUT", MOTE_CLASS_POISON },
	{ MOTE_E_GUEST_LIMIT, "MOTE_E_GUEST_LIMIT", MOTE_CLASS_POISON },
	{ (mote_status)1, "MOTE_E_UNKNOWN", 0 },
	{ (mote_status)9999, "MOTE_E_UNKNOWN", 99 },
};

static void codes_have_names_and_classes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		assert_string_equal(mote_status_name(names[i].code), names[i].name);
		assert_int_equal(mote_status_class(names[i].code), names[i].class);
	}
}

/* Codes are consecutive within a class, so a code without a name is a gap in the middle. */
static void no_code_was_left_without_a_name(void **state)
{
	(void)state;
	for (int class = MOTE_CLASS_USAGE; class <= MOTE_CLASS_POISON; class ++) {
		bool ended = false;
		for (int code = class * 100; code < class * 100 + 20; code++) {
			const char *name = mote_status_name((mote_status)code);
			bool unknown = strcmp(name, "MOTE_E_UNKNOWN") == 0;
			assert_false(ended && !unknown);
			ended = unknown;
		}
		assert_true(ended);
	}
}

static void the_version_is_the_headers(void **state)
{
	(void)state;
	char want[32];
	snprintf(want, sizeof want, "%d.%d.%d", MOTE_VERSION_MAJOR, MOTE_VERSION_MINOR,
		 MOTE_VERSION_PATCH);
	assert_string_equal(mote_version(), want);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_an_error_replaces_all_of_it),
		cmocka_unit_test(without_a_struct_the_code_is_returned_all_the_same),
		cmocka_unit_test(a_failed_system_call_is_named_with_its_reason),
		cmocka_unit_test(a_system_call_that_lacked_memory_is_out_of_memory),
		cmocka_unit_test(a_failed_allocation_is_named_with_its_size),
		cmocka_unit_test(long_texts_are_cut_and_terminated),
		cmocka_unit_test(the_reason_fits_the_room_that_is_left),
		cmocka_unit_test(a_prefix_goes_in_front_and_changes_nothing_else),
		cmocka_unit_test(codes_have_names_and_classes),
		cmocka_unit_test(no_code_was_left_without_a_name),
		cmocka_unit_test(the_version_is_the_headers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
