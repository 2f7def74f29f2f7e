/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calls that move bytes in other ways than read() and write(): from file to file, from several
 * places at an offset; sizes set in advance, and ranges of descriptors that are closed.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"

#include <linux/close_range.h>

static struct files_box box;

/* What the guest wrote to its output. */
static char heard[64];

static void hear(void *user, int stream, const void *data, size_t size)
{
	(void)user, (void)stream;
	snprintf(heard, sizeof heard, "%.*s", (int)size, (const char *)data);
}

static int setup(void **state)
{
	(void)state;
	files_box_init(&box, true);
	box.pb.p.streams->output = hear;
	heard[0] = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_box_fini(&box);
	return 0;
}

#define OFFSET (heap_of(&box) + 32768) /* where the guest has an offset, and behind it another */

static uint64_t set_offset(unsigned index, uint64_t value)
{
	poke(&box.pb, OFFSET + 8 * index, value);
	return OFFSET + 8 * index;
}

static uint64_t offset_of(uint64_t fd)
{
	return (uint64_t)CALL(&box.pb, SYS_lseek, fd, 0, SEEK_CUR);
}

static void files_are_copied_to_files_and_outputs(void **state)
{
	(void)state;
	const uint64_t from = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY);
	const uint64_t to = (uint64_t)open_it(&box, "/tmp/a", O_RDWR | O_CREAT);

	assert_int_equal(CALL(&box.pb, SYS_sendfile, to, from, 0, 4), 4);
	assert_int_equal(offset_of(from), 4);
	assert_int_equal(CALL(&box.pb, SYS_copy_file_range, from, 0, to, 0, UINT64_MAX, 0), 2);
	assert_int_equal(CALL(&box.pb, SYS_copy_file_range, from, 0, to, 0, 100, 0), 0);
	assert_string_equal(content_of(&box, "/tmp/a"), "alpha\n");
	assert_int_equal(CALL(&box.pb, SYS_sendfile, 1, from, set_offset(0, 2), 3), 3);
	assert_string_equal(heard, "pha");
	assert_int_equal(peek(&box.pb, OFFSET), 5);
	assert_int_equal(offset_of(from), 6);
	assert_int_equal(CALL(&box.pb, SYS_copy_file_range, from, set_offset(0, 1), to,
			      set_offset(1, 4), 5, 0),
			 5);
	assert_int_equal(peek(&box.pb, OFFSET), 6);
	assert_int_equal(peek(&box.pb, OFFSET + 8), 9);
	assert_int_equal(offset_of(to), 6);
	assert_string_equal(content_of(&box, "/tmp/a"), "alphlpha\n");
	assert_string_equal(host_text(&box, "in/a.txt"), "alpha\n");
}

static void what_cannot_be_copied_is_refused(void **state)
{
	(void)state;
	enum { READER = 3, WRITER, BOTH, APPENDER, FOLDER };
	const uint64_t bad = UINT64_C(1) << 40;
	const struct {
		uint64_t number, args[6];
		int64_t want;
	} rows[] = {
		{ SYS_sendfile, { 1, 99, 0, 1 }, -EBADF },
		{ SYS_sendfile, { 99, READER, 0, 1 }, -EBADF },
		{ SYS_sendfile, { READER, BOTH, 0, 1 }, -EBADF },
		{ SYS_sendfile, { BOTH, WRITER, 0, 1 }, -EBADF },
		{ SYS_sendfile, { BOTH, 0, 0, 1 }, -EINVAL }, /* a stream: what is read is gone */
		{ SYS_sendfile, { BOTH, FOLDER, 0, 1 }, -EINVAL },
		{ SYS_sendfile, { APPENDER, READER, 0, 1 }, -EINVAL },
		{ SYS_sendfile, { BOTH, READER, bad, 1 }, -EFAULT },
		{ SYS_sendfile, { BOTH, READER, OFFSET, 1 }, -EINVAL }, /* it is negative */
		{ SYS_sendfile, { BOTH, READER, OFFSET + 8, 1 }, -EINVAL },
		{ SYS_sendfile, { BOTH, READER, OFFSET + 16, 1 }, 0 }, /* beyond the end */
		{ SYS_copy_file_range, { READER, 0, BOTH, OFFSET, 1, 0 }, -EINVAL },
		{ SYS_copy_file_range, { READER, 0, BOTH, OFFSET + 16, 1, 0 }, -EFBIG },
		{ SYS_copy_file_range, { READER, 0, BOTH, bad, 1, 0 }, -EFAULT },
		{ SYS_copy_file_range, { READER, 0, BOTH, 0, 1, 1 }, -EINVAL },
		{ SYS_copy_file_range, { READER, 0, 1, 0, 1, 0 }, -EINVAL },
		{ SYS_copy_file_range, { READER, 0, 99, 0, 1, 0 }, -EBADF },
		{ SYS_copy_file_range, { BOTH, 0, BOTH, 0, 1, 0 }, -EINVAL }, /* into itself */
		{ SYS_copy_file_range, { BOTH, 0, BOTH, OFFSET + 24, 5, 0 }, -EINVAL },
		{ SYS_copy_file_range, { BOTH, 0, BOTH, OFFSET + 24, 4, 0 }, 4 },
	};

	assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), READER);
	assert_int_equal(open_it(&box, "/tmp/w", O_WRONLY | O_CREAT), WRITER);
	assert_int_equal(open_it(&box, "/tmp/both", O_RDWR | O_CREAT), BOTH);
	assert_int_equal(open_it(&box, "/tmp/w", O_RDWR | O_APPEND), APPENDER);
	assert_int_equal(open_it(&box, "/data", O_RDONLY), FOLDER);
	assert_int_equal(write_it(&box, BOTH, "12345"), 5);
	assert_int_equal(CALL(&box.pb, SYS_lseek, BOTH, 0, SEEK_SET), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		set_offset(0, UINT64_MAX);
		set_offset(1, INT64_MAX);
		set_offset(2, UINT64_C(1) << 50);
		set_offset(3, 4);
		const int64_t result = call_number(&box.pb, rows[i].number, rows[i].args);
		if (result != rows[i].want)
			fail_msg("row %zu: %lld", i, (long long)result);
	}
	assert_string_equal(content_of(&box, "/tmp/both"), "12341234");
}

/* A copy ends where there is no room, and one call does not go on for ever. */
static void copies_are_bounded(void **state)
{
	(void)state;
	const uint64_t zero = (uint64_t)open_it(&box, "/dev/zero", O_RDWR);
	const uint64_t null = (uint64_t)open_it(&box, "/dev/null", O_WRONLY);
	const uint64_t to = (uint64_t)open_it(&box, "/tmp/full", O_RDWR | O_CREAT);

	assert_int_equal(CALL(&box.pb, SYS_sendfile, null, zero, 0, UINT64_MAX), 1 << 20);
	const int64_t n = CALL(&box.pb, SYS_sendfile, to, zero, 0, 65536);
	assert_in_range(n, 40000, 61440);
	assert_int_equal(offset_of(to), n);
	assert_int_equal(CALL(&box.pb, SYS_sendfile, to, zero, 0, 1), -ENOSPC);
}

static void vectors_have_an_offset_of_their_own(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/v", O_RDWR | O_CREAT);
	const uint64_t vectors = OFFSET, text = text_at(&box, 0, "abcdefgh");

	for (unsigned i = 0; i < 2; i++) {
		poke(&box.pb, vectors + 16 * i, text + 4 * i);
		poke(&box.pb, vectors + 16 * i + 8, 3);
	}
	assert_int_equal(CALL(&box.pb, SYS_pwritev, fd, vectors, 2, 2), 6);
	assert_int_equal(offset_of(fd), 0);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 8, 0), 8);
	assert_memory_equal(at(&box.pb, BYTES), "\0\0abcefg", 8);
	assert_int_equal(CALL(&box.pb, SYS_preadv, fd, vectors, 2, 3), 5);
	assert_memory_equal(at(&box.pb, text), "bcedfggh", 8);
	assert_int_equal(offset_of(fd), 0);
	assert_int_equal(CALL(&box.pb, SYS_preadv, fd, vectors, 2, 8), 0);
	assert_int_equal(CALL(&box.pb, SYS_preadv, fd, vectors, 2, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_pwritev, fd, vectors, 2, INT64_MAX), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_preadv, fd, vectors, 1025, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_preadv, fd, UINT64_C(1) << 40, 1, 0), -EFAULT);
	assert_int_equal(CALL(&box.pb, SYS_pwritev, 1, vectors, 2, 0), -ESPIPE);
	assert_int_equal(CALL(&box.pb, SYS_preadv, 99, vectors, 2, 0), -EBADF);
}

static void sizes_are_set_in_advance(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/f", O_RDWR | O_CREAT);
	const uint64_t fixed = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY);

	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, 100, 900), 0);
	assert_int_equal(stat_it(&box, "/tmp/f").st_size, 1000);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, 0, 10), 0);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 1, 0, 5000), 0);
	assert_int_equal(stat_it(&box, "/tmp/f").st_size, 1000);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 2, 0, 5000), -EOPNOTSUPP);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, 0, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, UINT64_MAX, 1), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, 1, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, INT64_MAX, 1), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, INT64_MAX, INT64_MAX), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fd, 0, 65536, 1), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, fixed, 0, 0, 10), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, 1, 0, 0, 10), -ENODEV);
	assert_int_equal(CALL(&box.pb, SYS_fallocate, 99, 0, 0, 10), -EBADF);
}

static void ranges_are_closed(void **state)
{
	(void)state;
	for (uint64_t fd = 3; fd < 10; fd++)
		assert_int_equal(CALL(&box.pb, SYS_dup, 1), fd);
	assert_int_equal(CALL(&box.pb, SYS_close_range, 5, 4, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_close_range, 5, 6, 1), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_close_range, 4, 5, CLOSE_RANGE_CLOEXEC), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 4, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 6, F_GETFD), 0);
	assert_int_equal(CALL(&box.pb, SYS_close_range, 7, 8, CLOSE_RANGE_UNSHARE), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 6, F_GETFD), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 7, F_GETFD), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 8, F_GETFD), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 9, F_GETFD), 0);
	assert_int_equal(CALL(&box.pb, SYS_close_range, 3, UINT32_MAX, 0), 0);
	for (uint64_t fd = 3; fd < 16; fd++)
		assert_int_equal(CALL(&box.pb, SYS_fcntl, fd, F_GETFD), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_close_range, UINT64_MAX, UINT64_MAX, 0), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 2, F_GETFD), 0);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(files_are_copied_to_files_and_outputs),
		TEST(what_cannot_be_copied_is_refused),
		TEST(copies_are_bounded),
		TEST(vectors_have_an_offset_of_their_own),
		TEST(sizes_are_set_in_advance),
		TEST(ranges_are_closed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
