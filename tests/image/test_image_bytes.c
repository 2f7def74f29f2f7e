/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of guests' files: small ones are memory, large ones a file that nobody can change, by
 * whatever way; and what fails leaves nothing.
 */
#define _GNU_SOURCE
#include "image/image_bytes.h"

#include "kit/fail.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define LARGE IMAGE_BYTES_SHARED_FROM

static const size_t sizes[] = { 1, 4095, 100000, LARGE - 1, LARGE, LARGE + 4097 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

static uint8_t *source; /* as many bytes as any has */

static int setup(void **state)
{
	(void)state;
	source = malloc(LARGE + 4097);
	for (size_t i = 0; source && i < LARGE + 4097; i++)
		source[i] = (uint8_t)(i * 131 + i / 4096);
	return source ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(source);
	return 0;
}

/* In pieces of 60,001 bytes. */
static mote_status fill(struct image_bytes *bytes, const struct host *host, size_t size,
			mote_error *err)
{
	mote_status status = image_bytes_init(bytes, host, size, err);

	for (size_t done = 0, n; !status && done < size; done += n) {
		n = size - done < 60001 ? size - done : 60001;
		status = image_bytes_append(bytes, source + done, n, err);
	}
	return status ? status : image_bytes_seal(bytes, err);
}

static void they_are_what_was_put_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIZES; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct image_bytes bytes;
		assert_int_equal(fill(&bytes, host, sizes[i], NULL), MOTE_OK);
		assert_int_equal(bytes.size, sizes[i]);
		assert_int_equal(bytes.file != NULL, sizes[i] >= LARGE);
		assert_memory_equal(bytes.at, source, sizes[i]);
		image_bytes_fini(&bytes, host);
		assert_null(fail_leak());
		image_bytes_fini(&bytes, host);
	}
}

static void nobody_can_change_large_ones(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct image_bytes bytes;

	assert_int_equal(fill(&bytes, host, LARGE, NULL), MOTE_OK);
	assert_int_equal(pwrite(bytes.file->fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(bytes.file->fd, 1), -1);
	assert_int_equal(ftruncate(bytes.file->fd, LARGE + 1), -1);
	assert_int_equal(
		fallocate(bytes.file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
	assert_int_equal(fcntl(bytes.file->fd, F_ADD_SEALS, 0), -1);
	assert_ptr_equal(mmap(NULL, LARGE, PROT_READ | PROT_WRITE, MAP_SHARED, bytes.file->fd, 0),
			 MAP_FAILED);
	assert_int_equal(mprotect((void *)(uintptr_t)bytes.at, 4096, PROT_READ), 0);
	assert_true(fcntl(bytes.file->fd, F_GETFD) & FD_CLOEXEC);
	assert_memory_equal(bytes.at, source, LARGE);
	image_bytes_fini(&bytes, host);
}

static mote_status fill_and_drop(const struct host *host, void *user, mote_error *err)
{
	struct image_bytes bytes;
	mote_status status = fill(&bytes, host, *(const size_t *)user, err);

	image_bytes_fini(&bytes, host);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	size_t large = LARGE + 4097, small = 5000;

	fail_each_operation(fill_and_drop, &small, NULL);
	fail_each_operation(fill_and_drop, &large, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(they_are_what_was_put_in),
		cmocka_unit_test(nobody_can_change_large_ones),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
