/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealed files: what was put in stays, whoever tries to change it, until the last reference goes.
 */
#define _GNU_SOURCE
#include "mem/sealed_file.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static const char text[] = "what nobody can change";

static mote_status make(struct sealed_file **out, const struct host *host, mote_error *err)
{
	mote_status status = sealed_file_new(out, host, err);

	for (int i = 0; !status && i < 3; i++)
		status = sealed_file_append(*out, text, sizeof text, err);
	return status ? status : sealed_file_seal(*out, err);
}

static void it_has_what_was_put_in(void **state)
{
	(void)state;
	struct sealed_file *file;

	assert_int_equal(make(&file, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	assert_int_equal(file->size, 3 * sizeof text);
	for (size_t i = 0; i < 3; i++)
		assert_memory_equal(file->bytes + i * sizeof text, text, sizeof text);
	sealed_file_unref(file);
	assert_null(fail_leak());
}

static void nobody_can_change_it(void **state)
{
	(void)state;
	struct sealed_file *file;

	assert_int_equal(make(&file, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	assert_int_equal(pwrite(file->fd, "x", 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(file->fd, 0), -1);
	assert_int_equal(ftruncate(file->fd, 1 << 20), -1);
	assert_int_equal(fcntl(file->fd, F_ADD_SEALS, 0), -1);
	assert_ptr_equal(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0),
			 MAP_FAILED);
	assert_true(fcntl(file->fd, F_GETFD) & FD_CLOEXEC);
	mote_error err;
	assert_int_equal(sealed_file_append(file, "x", 1, &err), MOTE_E_OS);
	assert_int_equal(err.os_error, EPERM);
	assert_int_equal(file->size, 3 * sizeof text);
	assert_memory_equal(file->bytes, text, sizeof text);
	sealed_file_unref(file);
}

static void it_lives_as_long_as_its_references(void **state)
{
	(void)state;
	struct sealed_file *file;

	assert_int_equal(make(&file, fail_host(0, FAIL_ONCE, 0), NULL), MOTE_OK);
	assert_ptr_equal(sealed_file_ref(file), file);
	sealed_file_unref(file);
	assert_non_null(fail_leak());
	assert_memory_equal(file->bytes, text, sizeof text);
	sealed_file_unref(file);
	assert_null(fail_leak());
	assert_null(sealed_file_ref(NULL));
	sealed_file_unref(NULL);
}

static mote_status make_and_drop(const struct host *host, void *user, mote_error *err)
{
	struct sealed_file *file;
	mote_status status = make(&file, host, err);

	(void)user;
	sealed_file_unref(file);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_drop, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_what_was_put_in),
		cmocka_unit_test(nobody_can_change_it),
		cmocka_unit_test(it_lives_as_long_as_its_references),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
