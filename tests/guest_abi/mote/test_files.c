/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of a directory that a guest is given read-only: what it finds there, how it reads it, and
 * what of its descriptors is as on Linux.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/statfs.h>

static struct files_box box;

static int setup(void **state)
{
	(void)state;
	files_box_init(&box, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	files_box_fini(&box);
	return 0;
}

static void files_are_read_by_every_path_that_leads_to_them(void **state)
{
	(void)state;
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "/data/a.txt", "alpha\n" },
		{ "/data/sub/b.txt", "beta\n" },
		{ "//data/.//sub/../a.txt", "alpha\n" },
		{ "data/a.txt", "alpha\n" }, /* the guest begins at "/" */
		{ "../../data/sub/b.txt", "beta\n" },
		{ "/data/link", "beta\n" },
		{ "/data/folder/b.txt", "beta\n" },
		{ "/data/chain", "beta\n" },
		{ "/data/absolute", "alpha\n" }, /* from the guest's "/" */
		{ "/data/sub/up", "alpha\n" },
		{ "/data/dangling", "error 2" },
		{ "/data/loop", "error 40" },
		{ "/data/a.txt/", "error 20" },
		{ "/data/a.txt/x", "error 20" },
		{ "/data/none", "error 2" },
		{ "/data/none/x", "error 2" },
		{ "/none", "error 2" },
		{ "/datax", "error 2" },
		{ "/data", "error 21" },
		{ "/", "error 21" },
		{ "", "error 2" },
	};
	link_at(&box, "sub/b.txt", "in/link");
	link_at(&box, "sub", "in/folder");
	link_at(&box, "folder/../link", "in/chain");
	link_at(&box, "/data/a.txt", "in/absolute");
	link_at(&box, "../a.txt", "in/sub/up");
	link_at(&box, "none", "in/dangling");
	link_at(&box, "loop", "in/loop");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(content_of(&box, rows[i].path), rows[i].want);
}

static void nothing_can_be_changed(void **state)
{
	(void)state;
	const unsigned before = count_descriptors();

	assert_int_equal(open_it(&box, "/data/a.txt", O_WRONLY), -EROFS);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDWR), -EROFS);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY | O_TRUNC), -EROFS);
	assert_int_equal(open_it(&box, "/data/new", O_WRONLY | O_CREAT), -EROFS);
	assert_int_equal(open_it(&box, "/new", O_WRONLY | O_CREAT), -ENOENT);
	assert_int_equal(open_it(&box, "/data", O_RDWR | O_TMPFILE), -EOPNOTSUPP);
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/new", 0755), -EROFS);
	assert_int_equal(on_path(&box, SYS_mkdir, "/new", 0755), -ENOENT);
	assert_int_equal(on_path(&box, SYS_mkdir, "/data", 0755), -EEXIST);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data/sub", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_rmdir, "/", 0), -EROFS);
	assert_int_equal(on_path(&box, SYS_chmod, "/data/a.txt", 0777), -EROFS);
	assert_int_equal(on_path(&box, SYS_truncate, "/data/a.txt", 0), -EROFS);
	assert_int_equal(on_paths(&box, SYS_rename, "/data/a.txt", "/data/c.txt"), -EROFS);
	assert_int_equal(on_paths(&box, SYS_symlink, "a.txt", "/data/new"), -EROFS);
	assert_int_equal(on_paths(&box, SYS_link, "/data/a.txt", "/data/new"), -EPERM);
	assert_int_equal(on_path(&box, SYS_chown, "/data/a.txt", 0), -EPERM);
	assert_int_equal(on_path(&box, SYS_access, "/data/a.txt", W_OK), -EROFS);
	int64_t fd = open_it(&box, "/data/a.txt", O_RDONLY);
	assert_int_equal(write_it(&box, fd, "x"), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, (uint64_t)fd, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fchmod, (uint64_t)fd, 0777), -EROFS);
	assert_int_equal(CALL(&box.pb, SYS_close, (uint64_t)fd), 0);
	assert_string_equal(host_text(&box, "in/a.txt"), "alpha\n");
	assert_int_equal(count_descriptors(), before);
}

static void offsets_are_as_on_linux(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY);

	assert_int_equal(CALL(&box.pb, SYS_read, fd, BYTES, 2), 2);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_CUR), 2);
	assert_string_equal(read_it(&box, (int64_t)fd), "pha\n");
	assert_string_equal(read_it(&box, (int64_t)fd), "");
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, (uint64_t)-3, SEEK_END), 3);
	assert_string_equal(read_it(&box, (int64_t)fd), "ha\n");
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 2, 1), 2);
	assert_memory_equal(at(&box.pb, BYTES), "lp", 2);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_CUR), 6);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 1000, SEEK_SET), 1000);
	assert_string_equal(read_it(&box, (int64_t)fd), "");
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, (uint64_t)-1, SEEK_SET), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, INT64_MAX, SEEK_SET), INT64_MAX);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 1, SEEK_CUR), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, 3), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 1, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 1, INT64_MAX), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_pread64, 0, BYTES, 1, 0), -ESPIPE);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_END), 6);
	assert_int_equal(CALL(&box.pb, SYS_read, fd, 0, 1), 0);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, 0, 1, 0), -EFAULT);
	/* as far as there is memory, and no byte is lost */
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_SET), 0);
	assert_int_equal(CALL(&box.pb, SYS_read, fd, BOX_DATA_END - 2, 6), 2);
	assert_string_equal(read_it(&box, (int64_t)fd), "pha\n");
}

static void descriptors_share_what_dup_shares(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY | O_CLOEXEC);
	const uint64_t copy = (uint64_t)CALL(&box.pb, SYS_dup, fd);

	assert_int_equal(fd, 3);
	assert_int_equal(copy, 4);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_GETFD), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_SETFD, FD_CLOEXEC), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(&box.pb, SYS_read, fd, BYTES, 2), 2);
	assert_int_equal(CALL(&box.pb, SYS_close, fd), 0);
	assert_string_equal(read_it(&box, (int64_t)copy), "pha\n");
	assert_int_equal(CALL(&box.pb, SYS_dup2, copy, 9), 9);
	assert_int_equal(CALL(&box.pb, SYS_dup2, copy, copy), copy);
	assert_int_equal(CALL(&box.pb, SYS_dup2, copy, 16), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_dup2, 3, 5), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_dup2, 3, 3), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_dup3, copy, copy, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_dup3, copy, 5, O_CLOEXEC), 5);
	assert_int_equal(CALL(&box.pb, SYS_dup3, copy, 5, 1), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_DUPFD, 10), 10);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_DUPFD_CLOEXEC, 10), 11);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 11, F_GETFD), FD_CLOEXEC);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_DUPFD, 16), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_SETFL, O_NONBLOCK), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_SETLK, 0), 0);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, F_GETLK, BYTES), 0);
	assert_int_equal(*(int16_t *)at(&box.pb, BYTES), F_UNLCK);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, copy, 9999), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_fcntl, 15, F_GETFD), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_fsync, copy), 0);
	assert_int_equal(CALL(&box.pb, SYS_fsync, 15), -EBADF);
	/* a stream can be replaced by a file, and back */
	assert_int_equal(CALL(&box.pb, SYS_dup, 0), 3);
	assert_int_equal(CALL(&box.pb, SYS_dup2, copy, 0), 0);
	CALL(&box.pb, SYS_lseek, 0, 0, SEEK_SET);
	assert_string_equal(read_it(&box, 0), "alpha\n");
	assert_int_equal(CALL(&box.pb, SYS_dup2, 3, 0), 0);
	assert_string_equal(read_it(&box, 0), "");
}

static void descriptors_run_out_and_come_back(void **state)
{
	(void)state;
	const unsigned before = count_descriptors();

	for (int fd = 3; fd < 16; fd++)
		assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), fd);
	assert_int_equal(count_descriptors(), before + 13);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), -EMFILE);
	assert_int_equal(open_it(&box, "/data", O_RDONLY), -EMFILE);
	assert_int_equal(CALL(&box.pb, SYS_dup, 3), -EMFILE);
	assert_int_equal(CALL(&box.pb, SYS_close, 7), 0);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), 7);
	for (uint64_t fd = 3; fd < 16; fd++)
		assert_int_equal(CALL(&box.pb, SYS_close, fd), 0);
	assert_int_equal(count_descriptors(), before);
}

static void what_stat_tells_is_the_guests(void **state)
{
	(void)state;
	struct stat host, st = stat_it(&box, "/data/a.txt");
	char path[64];

	snprintf(path, sizeof path, "%s/a.txt", box.root);
	assert_int_equal(stat(path, &host), 0);
	assert_int_equal(st.st_size, 6);
	assert_int_equal(st.st_mode, S_IFREG | 0444);
	assert_int_equal(st.st_uid, 65534);
	assert_int_equal(st.st_gid, 65534);
	assert_int_equal(st.st_mtim.tv_sec, host.st_mtim.tv_sec);
	assert_true(st.st_dev != host.st_dev);
	assert_int_equal(stat_it(&box, "/data/sub").st_mode, S_IFDIR | 0555);
	assert_int_equal(stat_it(&box, "/").st_mode, S_IFDIR | 0555);
	link_at(&box, "sub", "in/link");
	assert_int_equal(stat_it(&box, "/data/link").st_mode, S_IFLNK | 0777);
	assert_int_equal(CALL(&box.pb, SYS_stat, text_at(&box, 0, "/data/link"), BYTES), 0);
	memcpy(&st, at(&box.pb, BYTES), sizeof st);
	assert_int_equal(st.st_mode, S_IFDIR | 0555);
	assert_int_equal(CALL(&box.pb, SYS_stat, text_at(&box, 0, "/data/a.txt"), 0), -EFAULT);
	assert_int_equal(CALL(&box.pb, SYS_statx, CWD, text_at(&box, 0, "/data/a.txt"), 0,
			      STATX_BASIC_STATS, BYTES),
			 0);
	struct statx x;
	memcpy(&x, at(&box.pb, BYTES), sizeof x);
	assert_int_equal(x.stx_size, 6);
	assert_int_equal(x.stx_mode, S_IFREG | 0444);
	assert_int_equal(x.stx_mtime.tv_sec, host.st_mtim.tv_sec);
	assert_int_equal(on_path(&box, SYS_access, "/data/a.txt", R_OK), 0);
	assert_int_equal(on_path(&box, SYS_access, "/data/a.txt", X_OK), -EACCES);
	assert_int_equal(on_path(&box, SYS_access, "/data/sub", X_OK), 0);
	assert_int_equal(on_path(&box, SYS_access, "/data/none", 0), -ENOENT);
	assert_int_equal(on_path(&box, SYS_access, "/data/a.txt", 8), -EINVAL);
	assert_int_equal(on_path(&box, SYS_statfs, "/data", BYTES), 0);
	assert_int_equal(on_path(&box, SYS_statfs, "/none", BYTES), -ENOENT);
}

static void links_are_read_not_followed(void **state)
{
	(void)state;
	link_at(&box, "sub/b.txt", "in/link");
	const uint64_t path = text_at(&box, 0, "/data/link");

	assert_int_equal(CALL(&box.pb, SYS_readlink, path, BYTES, 100), 9);
	assert_memory_equal(at(&box.pb, BYTES), "sub/b.txt", 9);
	assert_int_equal(CALL(&box.pb, SYS_readlink, path, BYTES, 3), 3);
	assert_int_equal(CALL(&box.pb, SYS_readlink, path, BYTES, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_readlink, path, 0, 100), -EFAULT);
	assert_int_equal(CALL(&box.pb, SYS_readlink, text_at(&box, 0, "/data/a.txt"), BYTES, 100),
			 -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_readlink, text_at(&box, 0, "/"), BYTES, 100), -EINVAL);
	assert_int_equal(open_it(&box, "/data/link", O_RDONLY | O_NOFOLLOW), -ELOOP);
	/* a program that looks for itself is no request for files */
	CALL(&box.pb, SYS_readlink, text_at(&box, 0, "/proc/self/exe"), BYTES, 100);
	assert_null(box.pb.p.files.refused[0].path);
}

static void folders_are_listed_whole_whatever_the_buffer(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { 32, 48, 100, 4096, 1 << 20 };
	char name[32], once[4096];

	assert_string_equal(list_it(&box, "/", 4096), "data dev");
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof name, "in/sub/%d", i);
		make_at(&box, name, "");
	}
	snprintf(once, sizeof once, "%s", list_it(&box, "/data/sub", 4096));
	assert_int_equal(strlen(once), 10 * 2 + 90 * 3 + strlen("b.txt"));
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		assert_string_equal(list_it(&box, "/data/sub", sizes[i]), once);
	const uint64_t fd = (uint64_t)open_it(&box, "/data/sub", O_RDONLY);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, fd, BYTES, 1), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, fd, BYTES, 0), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, fd, 0, 100), -EFAULT);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, fd, BYTES, 24), 24);
	/* offsets of entries lead back to them */
	int64_t third;
	assert_int_equal(CALL(&box.pb, SYS_getdents64, fd, BYTES, 64) > 0, 1);
	memcpy(&third, (char *)at(&box.pb, BYTES) + 8, sizeof third);
	CALL(&box.pb, SYS_getdents64, fd, BYTES, 4096);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, (uint64_t)third, SEEK_SET), third);
	assert_true(CALL(&box.pb, SYS_getdents64, fd, BYTES, 32) > 0);
	char again[8];
	snprintf(again, sizeof again, "%.4s", (char *)at(&box.pb, BYTES) + 19);
	assert_int_equal(strncmp(once, again, strlen(again)), 0);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_SET), 0);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, 0, BYTES, 100), -ENOTDIR);
	assert_int_equal(CALL(&box.pb, SYS_getdents64, 15, BYTES, 100), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_read, fd, BYTES, 1), -EISDIR);
}

static void the_working_folder_is_the_guests_own(void **state)
{
	(void)state;
	assert_int_equal(CALL(&box.pb, SYS_getcwd, BYTES, 100), 2);
	assert_string_equal(at(&box.pb, BYTES), "/");
	assert_int_equal(on_path(&box, SYS_chdir, "/data/sub", 0), 0);
	assert_int_equal(CALL(&box.pb, SYS_getcwd, BYTES, 100), 10);
	assert_string_equal(at(&box.pb, BYTES), "/data/sub");
	assert_int_equal(CALL(&box.pb, SYS_getcwd, BYTES, 9), -ERANGE);
	assert_int_equal(CALL(&box.pb, SYS_getcwd, 0, 100), -EFAULT);
	assert_string_equal(content_of(&box, "b.txt"), "beta\n");
	assert_string_equal(content_of(&box, "../a.txt"), "alpha\n");
	assert_int_equal(on_path(&box, SYS_chdir, "b.txt", 0), -ENOTDIR);
	assert_int_equal(on_path(&box, SYS_chdir, "none", 0), -ENOENT);
	const uint64_t top = (uint64_t)open_it(&box, "/data", O_RDONLY | O_DIRECTORY);
	const uint64_t path = text_at(&box, 0, "a.txt");
	int64_t fd = CALL(&box.pb, SYS_openat, top, path, O_RDONLY);
	assert_string_equal(read_it(&box, fd), "alpha\n");
	assert_int_equal(CALL(&box.pb, SYS_openat, (uint64_t)fd, path, O_RDONLY), -ENOTDIR);
	assert_int_equal(CALL(&box.pb, SYS_openat, 15, path, O_RDONLY), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_openat, 0, path, O_RDONLY), -ENOTDIR);
	assert_int_equal(CALL(&box.pb, SYS_fchdir, top), 0);
	assert_string_equal(content_of(&box, "a.txt"), "alpha\n");
	assert_int_equal(CALL(&box.pb, SYS_fchdir, (uint64_t)fd), -ENOTDIR);
	assert_int_equal(CALL(&box.pb, SYS_fchdir, 15), -EBADF);
}

static void a_file_is_mapped_as_a_copy(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY);
	char text[8];

	int64_t va = CALL(&box.pb, SYS_mmap, 0, 8192, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_true(va > 0);
	assert_int_equal(guest_memory_read(box.pb.box.memory, (uint64_t)va, text, 8, 0, NULL), 0);
	assert_memory_equal(text, "alpha\n\0", 8);
	assert_int_equal(CALL(&box.pb, SYS_munmap, (uint64_t)va, 8192), 0);
	static const struct {
		uint64_t size, rights, flags, offset;
		int64_t want;
	} rows[] = {
		{ 4096, PROT_READ | PROT_WRITE, MAP_SHARED, 0, -ENODEV },
		{ 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, 0, -EACCES },
		{ 4096, PROT_READ, MAP_PRIVATE, 1, -EINVAL },
		{ 4096, PROT_READ, MAP_PRIVATE, UINT64_MAX - 4095, -EINVAL },
		{ 0, PROT_READ, MAP_PRIVATE, 0, -EINVAL },
		{ (64 << 20) + 1, PROT_READ, MAP_PRIVATE, 0, -ENOMEM },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_int_equal(CALL(&box.pb, SYS_mmap, 0, rows[i].size, rows[i].rights,
				      rows[i].flags, fd, rows[i].offset),
				 rows[i].want);
	assert_int_equal(CALL(&box.pb, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 15, 0), -EBADF);
	assert_int_equal(CALL(&box.pb, SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, 0, 0), -ENODEV);
}

static void paths_that_nobody_gave_are_remembered(void **state)
{
	(void)state;
	const struct files *files = &box.pb.p.files;
	char path[32];

	open_it(&box, "/etc/hosts", O_RDONLY);
	open_it(&box, "/etc/hosts", O_RDONLY);
	on_path(&box, SYS_access, "/etc/../etc/./hosts", 0);
	open_it(&box, "/data/none", O_RDONLY); /* it has that folder */
	open_it(&box, "/new\n\x1b[31m", O_RDONLY);
	assert_string_equal(files->refused[0].path, "/etc/hosts");
	assert_int_equal(files->refused[0].times, 3);
	assert_string_equal(files->refused[1].path, "/new\n\x1b[31m");
	assert_null(files->refused[2].path);
	for (int i = 0; i < 100; i++) {
		snprintf(path, sizeof path, "/%d", i);
		open_it(&box, path, O_RDONLY);
	}
	assert_string_equal(files->refused[FILES_REFUSED_MAX - 1].path, "/13");
}

static void directories_are_checked(void **state)
{
	(void)state;
	static const struct {
		mote_directory given[2];
		size_t count;
		uint64_t max_open_files;
		const char *message;
	} rows[] = {
		{ { { .guest = "data", .host = "/" } }, 1, 0, "directories[0].guest is data;" },
		{ { { .guest = NULL, .host = "/" } }, 1, 0, "directories[0].guest is NULL;" },
		{ { { .guest = "/a", .host = "/none" } }, 1, 0, "open the directory /none: No " },
		{ { { .guest = "/a", .host = "/etc/passwd" } }, 1, 0, "Not a directory" },
		{ { { .guest = "/a" } }, 1, 0, "directories[0].host is NULL" },
		{ { { .guest = "/a", .host = "/", .flags = 2 } }, 1, 0, "flags is 0x2" },
		{ { { .guest = "/a", .host = "/" }, { .guest = "/b/../a/", .host = "/" } },
		  2,
		  0,
		  "directories has /b/../a/ twice" },
		{ { { .guest = "/a", .flags = 1, .max_bytes = UINT64_MAX } },
		  1,
		  0,
		  "max_bytes is 18446744073709551615; it may be at most 1099511627776" },
		{ { { .guest = "/a", .host = "/" } }, 65, 0, "ndirectories is 65; it may be at " },
		{ { { .guest = "/" } }, 0, 2, "max_open_files is 2; it may be at least 3" },
		{ { { .guest = "/" } }, 0, 1025, "max_open_files is 1025" },
	};
	const unsigned before = count_descriptors();

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct files_plan plan = { rows[i].given, rows[i].count,
						 rows[i].max_open_files };
		struct files files;
		mote_error err;
		if (!files_init(&files, &box.pb.box.host, &box.pb.streams, &plan, &err))
			fail_msg("row %zu is taken", i);
		if (!strstr(err.message, rows[i].message))
			fail_msg("row %zu: %s", i, err.message);
		files_fini(&files);
	}
	const struct files_plan none = { NULL, 1, 0 };
	struct files files;
	assert_int_equal(files_init(&files, &box.pb.box.host, &box.pb.streams, &none, NULL),
			 MOTE_E_INVALID);
	files_fini(&files);
	assert_int_equal(count_descriptors(), before);
}

static void mounts_are_found_by_their_longest_path(void **state)
{
	(void)state;
	const mote_directory given[] = {
		{ .guest = "/", .host = box.root },
		{ .guest = "/sub/deep/", .flags = MOTE_DIR_PRIVATE },
		{ .guest = "/a.txt/x", .flags = MOTE_DIR_PRIVATE },
		{ .guest = "/far/away", .host = box.root },
	};

	personality_box_fini(&box.pb);
	files_box_give(&box, given, 4, 0, NULL);
	assert_string_equal(content_of(&box, "/a.txt"), "alpha\n");
	assert_string_equal(content_of(&box, "/sub/b.txt"), "beta\n");
	assert_string_equal(content_of(&box, "/far/away/a.txt"), "alpha\n");
	assert_int_equal(put_it(&box, "/sub/deep/x", "1"), 0);
	assert_int_equal(put_it(&box, "/sub/deeper", "1"), -EROFS);
	assert_string_equal(list_it(&box, "/sub/deep", 4096), "x");
	assert_int_equal(on_paths(&box, SYS_rename, "/sub/deep/x", "/a.txt/x/y"), -EXDEV);
	assert_int_equal(on_path(&box, SYS_unlink, "/sub/deep", 0), -EBUSY);
	assert_int_equal(on_path(&box, SYS_rmdir, "/sub/deep", 0), -EBUSY);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(files_are_read_by_every_path_that_leads_to_them),
		TEST(nothing_can_be_changed),
		TEST(offsets_are_as_on_linux),
		TEST(descriptors_share_what_dup_shares),
		TEST(descriptors_run_out_and_come_back),
		TEST(what_stat_tells_is_the_guests),
		TEST(links_are_read_not_followed),
		TEST(folders_are_listed_whole_whatever_the_buffer),
		TEST(the_working_folder_is_the_guests_own),
		TEST(a_file_is_mapped_as_a_copy),
		TEST(paths_that_nobody_gave_are_remembered),
		TEST(directories_are_checked),
		TEST(mounts_are_found_by_their_longest_path),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
