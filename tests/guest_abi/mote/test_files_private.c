/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that a guest changes, over a directory of the host or in memory: what it sees is as if it
 * had written, what the host has stays, and what it takes is bounded.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"

static struct files_box box;

static int setup(void **state)
{
	(void)state;
	files_box_init(&box, true);
	return 0;
}

/* Whatever a test did, the host has what it had, and the trees can give all back. */
static int teardown(void **state)
{
	(void)state;
	assert_string_equal(host_text(&box, "in/a.txt"), "alpha\n");
	assert_string_equal(host_text(&box, "in/sub/b.txt"), "beta\n");
	for (size_t i = 0; i < box.pb.p.files.capacity; i++)
		files_close(&box.pb.p.files, i);
	for (size_t i = 0; i < box.pb.p.files.nmounts; i++) {
		struct file_tree *tree = &box.pb.p.files.mounts[i].tree;
		file_tree_clear(tree);
		assert_int_equal(tree->used, 0);
	}
	files_box_fini(&box);
	return 0;
}

static void writes_are_seen_by_the_guest_alone(void **state)
{
	(void)state;
	const int64_t reader = open_it(&box, "/data/sub/b.txt", O_RDONLY);
	const int64_t fd = open_it(&box, "/data/a.txt", O_RDWR);

	assert_string_equal(read_it(&box, fd), "alpha\n");
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, (uint64_t)fd, BYTES, 2, 1), 2);
	assert_string_equal(content_of(&box, "/data/a.txt"), "aalha\n");
	assert_int_equal(put_it(&box, "/data/sub/new", "1"), 0);
	assert_int_equal(put_it(&box, "/data/sub/new", "22"), 0);
	assert_string_equal(content_of(&box, "/data/sub/new"), "22");
	int64_t end = open_it(&box, "/data/sub/b.txt", O_WRONLY | O_APPEND);
	assert_int_equal(write_it(&box, end, "gamma\n"), 6);
	assert_int_equal(write_it(&box, end, "delta\n"), 6);
	assert_string_equal(content_of(&box, "/data/sub/b.txt"), "beta\ngamma\ndelta\n");
	assert_string_equal(read_it(&box, reader), "beta\n");
	assert_int_equal(CALL(&box.pb, SYS_read, (uint64_t)end, BYTES, 1), -EBADF);
	assert_int_equal(open_it(&box, "/data/sub/new", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(open_it(&box, "/data/a.txt", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(open_it(&box, "/data/sub", O_WRONLY), -EISDIR);
	assert_int_equal(open_it(&box, "/data/sub", O_RDONLY | O_CREAT), -EISDIR);
	assert_int_equal(open_it(&box, "/data/none/new", O_WRONLY | O_CREAT), -ENOENT);
	assert_int_equal(open_it(&box, "/data/a.txt/new", O_WRONLY | O_CREAT), -ENOTDIR);
	assert_string_equal(host_text(&box, "in/sub/new"), "");
}

/* Sizes at and around blocks, with what is below, zeroes, and what was cut. */
static void sizes_are_as_on_linux(void **state)
{
	(void)state;
	char big[9001];

	memset(big, 'x', sizeof big - 1);
	big[9000] = '\0';
	make_at(&box, "in/big", big);
	const uint64_t fd = (uint64_t)open_it(&box, "/data/big", O_RDWR);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 5000), 0);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 9000), 0);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 4, 4998), 4);
	assert_memory_equal(at(&box.pb, BYTES), "xx\0\0", 4); /* what was cut does not come back */
	memcpy(at(&box.pb, BYTES), "yy", 2);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 2, 4095), 2);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 4, 4094), 4);
	assert_memory_equal(at(&box.pb, BYTES), "xyyx", 4);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 4096), 0);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 4098), 0);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 100, 4095), 3);
	assert_memory_equal(at(&box.pb, BYTES), "y\0\0", 3);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, 20000), 1);
	assert_int_equal(stat_it(&box, "/data/big").st_size, 20001);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 100, 19990), 11);
	assert_int_equal(CALL(&box.pb, SYS_lseek, fd, 0, SEEK_END), 20001);
	assert_int_equal(on_path(&box, SYS_truncate, "/data/big", 1), 0);
	assert_string_equal(content_of(&box, "/data/big"), "x");
	assert_string_equal(content_of(&box, "/data/a.txt"), "alpha\n");
	assert_int_equal(put_it(&box, "/data/a.txt", ""), 0);
	assert_int_equal(stat_it(&box, "/data/a.txt").st_size, 0);
}

static void names_come_and_go(void **state)
{
	(void)state;
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), 0);
	assert_string_equal(content_of(&box, "/data/a.txt"), "error 2");
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), -ENOENT);
	assert_string_equal(list_it(&box, "/data", 4096), "sub");
	assert_int_equal(put_it(&box, "/data/a.txt", "again"), 0);
	assert_string_equal(content_of(&box, "/data/a.txt"), "again");
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), 0);
	assert_string_equal(content_of(&box, "/data/a.txt"), "error 2");
	assert_int_equal(on_path(&box, SYS_unlink, "/data/sub", 0), -EISDIR);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data/sub", 0), -ENOTEMPTY);
	assert_int_equal(on_path(&box, SYS_unlink, "/data/sub/b.txt", 0), 0);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data/sub", 0), 0);
	assert_string_equal(list_it(&box, "/data", 4096), "");
	/* a folder that is made anew does not show what was below */
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/sub", 0700), 0);
	assert_int_equal(stat_it(&box, "/data/sub").st_mode, S_IFDIR | 0700);
	assert_string_equal(list_it(&box, "/data/sub", 4096), "");
	assert_string_equal(content_of(&box, "/data/sub/b.txt"), "error 2");
	assert_int_equal(put_it(&box, "/data/sub/b.txt", "mine"), 0);
	assert_string_equal(list_it(&box, "/data/sub", 4096), "b.txt");
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/sub", 0700), -EEXIST);
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/none/x", 0700), -ENOENT);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data/sub/b.txt", 0), -ENOTDIR);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data", 0), -EBUSY);
}

static void files_move(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		int64_t want;
	} rows[] = {
		{ "/data/none", "/data/x", -ENOENT },
		{ "/data/a.txt", "/data/none/x", -ENOENT },
		{ "/data/a.txt", "/tmp/x", -EXDEV },
		{ "/data/sub", "/data/sub2", -EXDEV }, /* the host has it */
		{ "/data/a.txt", "/data/sub", -EISDIR },
		{ "/data/a.txt", "/data/a.txt", 0 },
		{ "/data/a.txt", "/data/sub/c.txt", 0 },
		{ "/data/a.txt", "/data/x", -ENOENT },
		{ "/data/sub/c.txt", "/data/sub/b.txt", 0 }, /* over another */
		{ "/tmp/one", "/tmp/two", 0 },               /* with what is in it */
		{ "/tmp/two", "/tmp/two/inner", -EINVAL },
		{ "/tmp/two", "/tmp/full", -ENOTEMPTY },
		{ "/tmp/two", "/tmp/empty", 0 },
		{ "/tmp/empty", "/tmp/full/x", -ENOTDIR },
	};
	on_path(&box, SYS_mkdir, "/tmp/one", 0755);
	on_path(&box, SYS_mkdir, "/tmp/empty", 0755);
	on_path(&box, SYS_mkdir, "/tmp/full", 0755);
	put_it(&box, "/tmp/one/inner", "kept");
	put_it(&box, "/tmp/full/x", "");
	const int64_t fd = open_it(&box, "/tmp/one/inner", O_RDONLY);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t result = on_paths(&box, SYS_rename, rows[i].from, rows[i].to);
		if (result != rows[i].want)
			fail_msg("%s to %s: %lld", rows[i].from, rows[i].to, (long long)result);
	}
	assert_string_equal(content_of(&box, "/data/sub/b.txt"), "alpha\n");
	assert_string_equal(list_it(&box, "/data", 4096), "sub");
	assert_string_equal(list_it(&box, "/data/sub", 4096), "b.txt");
	assert_string_equal(content_of(&box, "/tmp/empty/inner"), "kept");
	assert_string_equal(read_it(&box, fd), "kept");
	assert_string_equal(list_it(&box, "/tmp", 4096), "full empty");
	assert_int_equal(CALL(&box.pb, SYS_renameat2, CWD, text_at(&box, 0, "/tmp/empty"), CWD,
			      text_at(&box, 1, "/tmp/full"), RENAME_NOREPLACE),
			 -EEXIST);
	assert_int_equal(CALL(&box.pb, SYS_renameat2, CWD, text_at(&box, 0, "/tmp/empty"), CWD,
			      text_at(&box, 1, "/tmp/full"), RENAME_EXCHANGE),
			 -EINVAL);
}

static void links_of_the_guests_are_followed_inside(void **state)
{
	(void)state;
	assert_int_equal(on_paths(&box, SYS_symlink, "/data/a.txt", "/tmp/a"), 0);
	assert_int_equal(on_paths(&box, SYS_symlink, "../../../../data/sub", "/tmp/s"), 0);
	assert_int_equal(on_paths(&box, SYS_symlink, "/tmp/loop", "/tmp/loop"), 0);
	assert_int_equal(on_paths(&box, SYS_symlink, "/etc/passwd", "/tmp/out"), 0);
	assert_int_equal(on_paths(&box, SYS_symlink, "x", "/tmp/a"), -EEXIST);
	assert_int_equal(on_paths(&box, SYS_symlink, "", "/tmp/e"), -ENOENT);
	assert_string_equal(content_of(&box, "/tmp/a"), "alpha\n");
	assert_string_equal(content_of(&box, "/tmp/s/b.txt"), "beta\n");
	assert_string_equal(content_of(&box, "/tmp/loop"), "error 40");
	assert_string_equal(content_of(&box, "/tmp/out"), "error 2");
	assert_int_equal(put_it(&box, "/tmp/s/new", "through"), 0);
	assert_string_equal(content_of(&box, "/data/sub/new"), "through");
	assert_int_equal(stat_it(&box, "/tmp/a").st_size, 11);
	assert_int_equal(on_path(&box, SYS_unlink, "/tmp/a", 0), 0);
	assert_string_equal(content_of(&box, "/data/a.txt"), "alpha\n");
}

static void open_files_outlive_their_names(void **state)
{
	(void)state;
	const unsigned before = count_descriptors();
	put_it(&box, "/tmp/x", "still here");
	const int64_t one = open_it(&box, "/tmp/x", O_RDWR);
	const int64_t two = open_it(&box, "/data/a.txt", O_RDWR);

	assert_int_equal(on_path(&box, SYS_unlink, "/tmp/x", 0), 0);
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), 0);
	assert_int_equal(put_it(&box, "/tmp/x", "another"), 0);
	assert_string_equal(read_it(&box, one), "still here");
	assert_string_equal(read_it(&box, two), "alpha\n");
	assert_int_equal(write_it(&box, two, "!"), 1);
	assert_int_equal(CALL(&box.pb, SYS_close, (uint64_t)one), 0);
	assert_int_equal(CALL(&box.pb, SYS_close, (uint64_t)two), 0);
	assert_int_equal(count_descriptors(), before);
}

static void memory_is_bounded(void **state)
{
	(void)state;
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/x", O_RDWR | O_CREAT);
	const uint64_t heap = heap_of(&box) + 65536;
	const struct file_tree *tree = &box.pb.p.files.mounts[1].tree;
	char path[64];

	/* 64 KiB hold names, tables and 14 or so blocks */
	int64_t n = CALL(&box.pb, SYS_write, fd, heap, 65536);
	assert_in_range(n, 40000, 61440);
	assert_int_equal(CALL(&box.pb, SYS_write, fd, heap, 1), -ENOSPC);
	assert_true(tree->used <= tree->limit);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, 65536), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, INT64_MAX), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 65537), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, INT64_MAX), -EFBIG);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, UINT64_MAX), -EINVAL);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 0), 0);
	/* what was given back can be had again */
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, heap, (uint64_t)n, 0), n);
	assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 0), 0);
	/* names count, too */
	int64_t made = 0;
	for (unsigned i = 0; made >= 0 && i < 10000; i++) {
		snprintf(path, sizeof path, "/tmp/folder%u", i);
		made = on_path(&box, SYS_mkdir, path, 0755);
	}
	assert_int_equal(made, -ENOSPC);
	assert_int_equal(put_it(&box, "/tmp/one-more", ""), -ENOSPC);
	assert_int_equal(on_paths(&box, SYS_symlink, "x", "/tmp/one-more"), -ENOSPC);
	/* the other directory has memory of its own */
	assert_int_equal(put_it(&box, "/data/x", "fine"), 0);
	/* removing needs none where nothing is below */
	assert_int_equal(on_path(&box, SYS_rmdir, "/tmp/folder0", 0), 0);
	assert_int_equal(on_path(&box, SYS_mkdir, "/tmp/folder0", 0), 0);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* How long a listing from OFFSET on takes that has room for SIZE bytes: the best of several. */
static uint64_t time_of_listing(uint64_t fd, uint64_t offset, uint64_t size)
{
	const uint64_t heap = heap_of(&box) + 65536;
	uint64_t best = UINT64_MAX;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(CALL(&box.pb, SYS_lseek, fd, offset, SEEK_SET), offset);
		const uint64_t start = now_ns();
		assert_in_range(CALL(&box.pb, SYS_getdents64, fd, heap, size), size - 31, size);
		const uint64_t took = now_ns() - start;
		best = took < best ? took : best;
	}
	return best;
}

/* No single call of a guest's may keep its host for long. */
static void work_does_not_grow_with_what_is_there(void **state)
{
	(void)state;
	enum { COUNT = 20000 };
	const mote_directory given = { .guest = "/tmp",
				       .flags = MOTE_DIR_PRIVATE,
				       .max_bytes = 16 << 20 };
	const struct file_tree *tree;
	char path[32];
	size_t longest = 0;

	files_box_fini(&box);
	files_box_make(&box);
	files_box_give(&box, &given, 1, 16, NULL);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof path, "/tmp/%u", i);
		assert_int_equal(on_path(&box, SYS_mkdir, path, 0755), 0);
	}
	tree = &box.pb.p.files.mounts[0].tree;
	assert_int_equal(tree->nnodes, COUNT);
	for (size_t i = 0; i < tree->nbuckets; i++) {
		size_t length = 0;
		for (const struct file_node *node = tree->buckets[i]; node;
		     node = node->same_bucket)
			length++;
		longest = length > longest ? length : longest;
	}
	assert_in_range(longest, 1, 20);
	/* where a listing begins is searched for once, not for each of its 2000 entries */
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp", O_RDONLY | O_DIRECTORY);
	const uint64_t one = time_of_listing(fd, COUNT - 3000, 32);
	assert_in_range(time_of_listing(fd, COUNT - 3000, 65536), 1, 1000000 + 100 * one);
	for (unsigned i = 0; i < COUNT; i++) {
		snprintf(path, sizeof path, "/tmp/%u", i);
		assert_int_equal(on_path(&box, SYS_rmdir, path, 0), 0);
	}
	assert_int_equal(tree->nnodes, 0);
}

/* Only blocks that are written take memory, however large the file below. */
static void a_large_file_is_not_copied(void **state)
{
	(void)state;
	char path[64];
	const uint64_t size = UINT64_C(8) << 20;

	make_at(&box, "in/large", "start");
	snprintf(path, sizeof path, "%s/large", box.root);
	assert_int_equal(truncate(path, (off_t)size), 0);
	const uint64_t fd = (uint64_t)open_it(&box, "/data/large", O_RDWR);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, size - 1), 1);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, size), -EFBIG);
	assert_true(box.pb.p.files.mounts[0].tree.used < 32768);
	assert_string_equal(host_text(&box, "in/large"), "start");
}

static void listings_have_both_layers(void **state)
{
	(void)state;
	make_at(&box, "in/sub/c", "");
	make_at(&box, "in/sub/d", "");
	assert_int_equal(put_it(&box, "/data/sub/new", ""), 0);
	assert_int_equal(on_path(&box, SYS_unlink, "/data/sub/c", 0), 0);
	assert_int_equal(put_it(&box, "/data/sub/d", "changed"), 0);
	for (uint64_t size = 32; size < 100; size += 8)
		assert_string_equal(list_it(&box, "/data/sub", size), "new d b.txt");
	/* while it is listed, entries can be removed: none is missed */
	const uint64_t fd = (uint64_t)open_it(&box, "/data/sub", O_RDONLY);
	unsigned removed = 0;
	char path[300];
	while (CALL(&box.pb, SYS_getdents64, fd, BYTES, 32) > 0) {
		const char *name = (const char *)at(&box.pb, BYTES) + 19;
		snprintf(path, sizeof path, "/data/sub/%s", name);
		removed += name[0] != '.' && on_path(&box, SYS_unlink, path, 0) == 0;
	}
	assert_int_equal(removed, 3);
	assert_int_equal(on_path(&box, SYS_rmdir, "/data/sub", 0), 0);
}

static void permissions_and_times_are_kept(void **state)
{
	(void)state;
	const struct timespec times[2] = { { 1, 2 }, { 1000, 5 } };
	const uint64_t at_times = heap_of(&box) + 65536;

	assert_int_equal(on_path(&box, SYS_chmod, "/data/a.txt", 0700), 0);
	assert_int_equal(stat_it(&box, "/data/a.txt").st_mode, S_IFREG | 0700);
	assert_int_equal(
		guest_memory_write(box.pb.box.memory, at_times, times, sizeof times, 0, NULL), 0);
	assert_int_equal(
		CALL(&box.pb, SYS_utimensat, CWD, text_at(&box, 0, "/data/a.txt"), at_times, 0), 0);
	assert_int_equal(stat_it(&box, "/data/a.txt").st_mtim.tv_sec, 1000);
	assert_int_equal(stat_it(&box, "/data/a.txt").st_mtim.tv_nsec, 5);
	assert_int_equal(CALL(&box.pb, SYS_umask, 077), 022);
	assert_int_equal(put_it(&box, "/tmp/x", ""), 0);
	assert_int_equal(stat_it(&box, "/tmp/x").st_mode, S_IFREG | 0600);
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/x", O_RDONLY);
	assert_int_equal(CALL(&box.pb, SYS_fchmod, fd, 0444), 0);
	assert_int_equal(stat_it(&box, "/tmp/x").st_mode, S_IFREG | 0444);
	assert_int_equal(CALL(&box.pb, SYS_utimensat, fd, 0, 0, 0), 0);
	assert_true(stat_it(&box, "/tmp/x").st_mtim.tv_sec > 1000000);
	assert_int_equal(on_path(&box, SYS_access, "/data/sub", W_OK), 0);
}

/* The host replaces a file that has unwritten blocks below: the guest is told, not shown another. */
/* What mv and cp -a do behind a copy. */
static void files_are_given_to_the_guest_alone(void **state)
{
	(void)state;
	static const struct {
		const char *path;
		uint64_t owner, group;
		int64_t want;
	} rows[] = {
		{ "/data/a.txt", 65534, 65534, 0 },
		{ "/data/a.txt", UINT32_MAX, 65534, 0 },
		{ "/data/a.txt", UINT64_MAX, UINT64_MAX, 0 },
		{ "/data/a.txt", 0, 65534, -EPERM },
		{ "/data/a.txt", 65534, 0, -EPERM },
		{ "/data/none", 65534, 65534, -ENOENT },
		{ "/none", 65534, 65534, -ENOENT },
		{ "/dev/null", 65534, 65534, -EROFS },
		{ "/", 65534, 65534, -EROFS },
	};

	on_paths(&box, SYS_symlink, "nothing", "/tmp/link");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t path = text_at(&box, 0, rows[i].path);
		const uint64_t owner = rows[i].owner, group = rows[i].group;
		assert_int_equal(CALL(&box.pb, SYS_chown, path, owner, group), rows[i].want);
		assert_int_equal(CALL(&box.pb, SYS_lchown, path, owner, group), rows[i].want);
		assert_int_equal(CALL(&box.pb, SYS_fchownat, CWD, path, owner, group, 0),
				 rows[i].want);
	}
	const uint64_t link = text_at(&box, 0, "/tmp/link");
	assert_int_equal(CALL(&box.pb, SYS_chown, link, 65534, 65534), -ENOENT);
	assert_int_equal(CALL(&box.pb, SYS_lchown, link, 65534, 65534), 0);
	assert_int_equal(CALL(&box.pb, SYS_fchownat, CWD, link, 65534, 65534, AT_SYMLINK_NOFOLLOW),
			 0);
	assert_int_equal(CALL(&box.pb, SYS_chown, UINT64_C(1) << 40, 65534, 65534), -EFAULT);
	const uint64_t fd = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY);
	assert_int_equal(CALL(&box.pb, SYS_fchown, fd, 65534, 65534), 0);
	assert_int_equal(CALL(&box.pb, SYS_fchown, fd, 0, 0), -EPERM);
	assert_int_equal(CALL(&box.pb, SYS_fchown, 99, 65534, 65534), -EBADF);
}

static void a_file_that_was_replaced_below_is_stale(void **state)
{
	(void)state;
	char from[64], to[64];
	int64_t fd = open_it(&box, "/data/a.txt", O_WRONLY | O_APPEND);

	assert_int_equal(write_it(&box, fd, "x"), 1);
	CALL(&box.pb, SYS_close, (uint64_t)fd);
	assert_string_equal(content_of(&box, "/data/a.txt"), "alpha\nx");
	make_at(&box, "in/other", "other\n");
	snprintf(from, sizeof from, "%s/other", box.root);
	snprintf(to, sizeof to, "%s/a.txt", box.root);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), -ESTALE);
	make_at(&box, "in/a.txt", "alpha\n");
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(writes_are_seen_by_the_guest_alone),
		TEST(sizes_are_as_on_linux),
		TEST(names_come_and_go),
		TEST(files_move),
		TEST(links_of_the_guests_are_followed_inside),
		TEST(open_files_outlive_their_names),
		TEST(memory_is_bounded),
		TEST(work_does_not_grow_with_what_is_there),
		TEST(a_large_file_is_not_copied),
		TEST(listings_have_both_layers),
		TEST(permissions_and_times_are_kept),
		TEST(files_are_given_to_the_guest_alone),
		TEST(a_file_that_was_replaced_below_is_stale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
