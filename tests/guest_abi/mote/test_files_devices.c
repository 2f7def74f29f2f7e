/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices that every guest has: what they give and take, where they are found, and that
 * a directory which has something else at their path comes first.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"

#include <dirent.h>
#include <sys/sysmacros.h>

static struct files_box box;

static int setup(void **state)
{
	(void)state;
	files_box_init(&box, true);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_box_fini(&box);
	return 0;
}

/* A guest that is given nothing else than GIVEN. */
static void give_instead(const mote_directory *given, size_t count)
{
	personality_box_fini(&box.pb);
	files_box_give(&box, given, count, 0, NULL);
}

/* How many of SIZE bytes that FD gives are not zero; fewer than SIZE: the end. */
static unsigned count_set(int64_t fd, uint64_t size, int64_t *got)
{
	const uint64_t heap = heap_of(&box) + 65536;
	const unsigned char *bytes = at(&box.pb, heap);
	unsigned n = 0;

	memset(at(&box.pb, heap), 0x55, size);
	*got = CALL(&box.pb, SYS_read, (uint64_t)fd, heap, size);
	for (int64_t i = 0; i < *got; i++)
		n += bytes[i] != 0;
	return n;
}

static void each_gives_and_takes_what_it_is_for(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		int64_t gives;
		bool is_random;
	} rows[] = {
		{ "/dev/null", 0, false },
		{ "/dev/zero", 40000, false },
		{ "/dev/random", 40000, true },
		{ "/dev/urandom", 40000, true },
	};
	const unsigned before = count_descriptors();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t got, fd = open_it(&box, rows[i].path, O_RDWR | O_CREAT | O_TRUNC);
		assert_true(fd > 2);
		assert_int_equal(count_descriptors(), before);
		const unsigned set = count_set(fd, 40000, &got);
		assert_int_equal(got, rows[i].gives);
		assert_in_range(set, rows[i].is_random ? 39000 : 0, rows[i].is_random ? 40000 : 0);
		assert_int_equal(write_it(&box, fd, "gone"), 4);
		assert_int_equal(CALL(&box.pb, SYS_ftruncate, (uint64_t)fd, 0), -EINVAL);
		assert_int_equal(CALL(&box.pb, SYS_ioctl, (uint64_t)fd, 0x5401, BYTES), -ENOTTY);
		assert_int_equal(CALL(&box.pb, SYS_close, (uint64_t)fd), 0);
	}
}

/* Random numbers come in small pieces, and then no more. */
static unsigned pieces;

static ssize_t stingy(void *to, size_t size, unsigned flags)
{
	(void)flags;
	if (pieces == 0) {
		errno = EAGAIN;
		return -1;
	}
	pieces--;
	memset(to, 7, size < 10 ? size : 10);
	return size < 10 ? (ssize_t)size : 10;
}

static void random_numbers_of_the_host_may_be_few(void **state)
{
	(void)state;
	struct sys sys = *box.pb.box.host.sys;
	const struct sys *kept = box.pb.box.host.sys;
	const int64_t fd = open_it(&box, "/dev/urandom", O_RDONLY);
	int64_t got;

	sys.getrandom = stingy;
	box.pb.box.host.sys = &sys;
	pieces = 3;
	assert_int_equal(count_set(fd, 25, &got), 25);
	assert_int_equal(got, 25);
	pieces = 2;
	assert_int_equal(count_set(fd, 25, &got), 20);
	assert_int_equal(got, 20);
	assert_int_equal(count_set(fd, 25, &got), 0);
	assert_int_equal(got, -EAGAIN);
	box.pb.box.host.sys = kept;
}

static void stat_tells_the_numbers_of_linux(void **state)
{
	(void)state;
	const struct stat null = stat_it(&box, "/dev/null"), random = stat_it(&box, "/dev/urandom");

	assert_int_equal(null.st_mode, S_IFCHR | 0666);
	assert_int_equal(null.st_rdev, makedev(1, 3));
	assert_int_equal(random.st_rdev, makedev(1, 9));
	assert_int_equal(null.st_size, 0);
	const uint64_t fd = (uint64_t)open_it(&box, "/dev/zero", O_RDONLY);
	assert_int_equal(CALL(&box.pb, SYS_fstat, fd, BYTES), 0);
	struct stat zero;
	memcpy(&zero, at(&box.pb, BYTES), sizeof zero);
	assert_int_equal(zero.st_mode, S_IFCHR | 0666);
	assert_int_equal(zero.st_rdev, makedev(1, 5));
	assert_int_equal(on_path(&box, SYS_access, "/dev/null", R_OK | W_OK), 0);
	assert_int_equal(on_path(&box, SYS_access, "/dev/null", X_OK), -EACCES);
}

static void they_are_found_as_files_are(void **state)
{
	(void)state;
	assert_string_equal(list_it(&box, "/", 4096), "data tmp dev");
	assert_string_equal(list_it(&box, "/dev", 4096), "null zero random urandom");
	assert_string_equal(list_it(&box, "/dev", 32), "null zero random urandom");
	assert_int_equal(on_path(&box, SYS_chdir, "/dev", 0), 0);
	assert_string_equal(content_of(&box, "null"), "");
	assert_string_equal(content_of(&box, "../dev/./null"), "");
	assert_int_equal(on_paths(&box, SYS_symlink, "/dev/zero", "/tmp/zero"), 0);
	assert_int_equal(stat_it(&box, "/tmp/zero").st_mode, S_IFLNK | 0755);
	assert_int_equal(open_it(&box, "/tmp/zero", O_RDONLY), 3);
	assert_int_equal(open_it(&box, "/dev/null/", O_RDONLY), -ENOTDIR);
	assert_int_equal(open_it(&box, "/dev/null/x", O_RDONLY), -ENOENT);
	assert_int_equal(open_it(&box, "/dev/nul", O_RDONLY), -ENOENT);
	assert_int_equal(open_it(&box, "/dev/null", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(open_it(&box, "/dev/null", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	/* their types are told, too */
	const uint64_t fd = (uint64_t)open_it(&box, "/dev", O_RDONLY);
	assert_true(CALL(&box.pb, SYS_getdents64, fd, BYTES, 4096) > 0);
	assert_int_equal(*((const char *)at(&box.pb, BYTES) + 18), DT_DIR);
	assert_int_equal(*((const char *)at(&box.pb, BYTES) + 48 + 18), DT_CHR);
}

static void nobody_changes_them(void **state)
{
	(void)state;
	assert_int_equal(on_path(&box, SYS_unlink, "/dev/null", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_rmdir, "/dev", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_chmod, "/dev/null", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_truncate, "/dev/null", 0), -EINVAL);
	assert_int_equal(on_paths(&box, SYS_rename, "/dev/null", "/tmp/null"), -EXDEV);
	assert_int_equal(on_paths(&box, SYS_rename, "/tmp", "/dev/null"), -EXDEV);
	assert_int_equal(put_it(&box, "/dev/new", ""), -ENOENT);
	assert_int_equal(on_path(&box, SYS_mkdir, "/dev/new", 0755), -ENOENT);
	assert_int_equal(CALL(&box.pb, SYS_readlink, text_at(&box, 0, "/dev/null"), BYTES, 100),
			 -EINVAL);
	assert_string_equal(content_of(&box, "/dev/null"), "");
}

static void a_guest_without_directories_has_them(void **state)
{
	(void)state;
	give_instead(NULL, 0);
	assert_string_equal(list_it(&box, "/", 4096), "dev");
	assert_string_equal(content_of(&box, "/dev/null"), "");
	assert_string_equal(content_of(&box, "/data/a.txt"), "error 2");
	assert_int_equal(put_it(&box, "/dev/null", "x"), 0);
}

/* What a host has there is seen if it is a file; a device of its own is not opened. */
static void a_directory_that_has_them_comes_first(void **state)
{
	(void)state;
	const mote_directory root = { .guest = "/", .host = box.root, .flags = MOTE_DIR_PRIVATE };
	const mote_directory dev = { .guest = "/dev", .flags = MOTE_DIR_PRIVATE };

	give_instead(&root, 1);
	assert_string_equal(content_of(&box, "/dev/null"), "");
	assert_int_equal(put_it(&box, "/dev/zero", "x"), 0);
	make_at(&box, "in/dev", NULL);
	assert_string_equal(content_of(&box, "/dev/null"), "");
	assert_int_equal(put_it(&box, "/dev/null", "x"), 0);
	assert_string_equal(host_text(&box, "in/dev/null"), "");
	make_at(&box, "in/dev/null", "a file");
	assert_string_equal(content_of(&box, "/dev/null"), "a file");
	give_instead(&dev, 1);
	assert_string_equal(list_it(&box, "/dev", 4096), "");
	assert_string_equal(content_of(&box, "/dev/null"), "");
	assert_int_equal(put_it(&box, "/dev/other", "y"), 0);
	assert_string_equal(list_it(&box, "/dev", 4096), "other");
}

/* Whoever gives a guest the host's own folder of devices gives it none of them. */
static void the_hosts_devices_are_not_opened(void **state)
{
	(void)state;
	const mote_directory hosts = { .guest = "/dev", .host = "/dev" };

	give_instead(&hosts, 1);
	const unsigned before = count_descriptors();
	const int64_t fd = open_it(&box, "/dev/null", O_RDWR);
	assert_int_equal(count_descriptors(), before);
	assert_int_equal(CALL(&box.pb, SYS_fstat, (uint64_t)fd, BYTES), 0);
	assert_int_equal(stat_it(&box, "/dev/null").st_rdev, makedev(1, 3));
	assert_string_equal(content_of(&box, "/dev/full"), "error 13");
	assert_string_equal(content_of(&box, "/dev/tty"), "error 13");
	assert_int_equal(count_descriptors(), before);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(each_gives_and_takes_what_it_is_for),
		TEST(random_numbers_of_the_host_may_be_few),
		TEST(stat_tells_the_numbers_of_linux),
		TEST(they_are_found_as_files_are),
		TEST(nobody_changes_them),
		TEST(a_guest_without_directories_has_them),
		TEST(a_directory_that_has_them_comes_first),
		TEST(the_hosts_devices_are_not_opened),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
