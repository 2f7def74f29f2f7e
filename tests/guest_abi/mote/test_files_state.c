/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What snapshots keep of a guest's files, and what they refuse; and every way in which the host
 * can fail while files are opened, saved and restored.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"
#include "guest_abi/mote/files_state.h"

#include "kit/fail.h"

static struct files_box box;
static struct files_state state;
static mote_error err;

static int setup(void **unused)
{
	(void)unused;
	files_box_init(&box, true);
	return 0;
}

static int teardown(void **unused)
{
	(void)unused;
	files_state_fini(&state, &box.pb.box.host);
	files_box_fini(&box);
	return 0;
}

static void save(void)
{
	if (files_save(&state, &box.pb.p.files, &err))
		fail_msg("%s", err.message);
	box.pb.p.files.base_changes = files_changes(&box.pb.p.files);
}

static void restore(bool is_base)
{
	if (files_restore(&box.pb.p.files, &state, is_base, &err))
		fail_msg("%s", err.message);
}

/* Both with what is still open, and with everything opened again. */
static void descriptors_and_offsets_come_back(void **unused)
{
	(void)unused;
	const unsigned before = count_descriptors();
	const uint64_t one = (uint64_t)open_it(&box, "/data/a.txt", O_RDONLY | O_CLOEXEC);
	const uint64_t folder = (uint64_t)open_it(&box, "/data/sub", O_RDONLY);
	const uint64_t writer = (uint64_t)open_it(&box, "/data/sub/b.txt", O_RDWR);
	const uint64_t root = (uint64_t)open_it(&box, "/", O_RDONLY);

	assert_int_equal(CALL(&box.pb, SYS_dup2, one, 9), 9);
	assert_int_equal(CALL(&box.pb, SYS_close, 0), 0);
	assert_int_equal(CALL(&box.pb, SYS_read, one, BYTES, 2), 2);
	assert_int_equal(on_path(&box, SYS_chdir, "/data/sub", 0), 0);
	assert_int_equal(CALL(&box.pb, SYS_umask, 077), 022);
	save();
	const unsigned saved = count_descriptors();
	for (unsigned round = 0; round < 4; round++) {
		assert_string_equal(read_it(&box, (int64_t)one), "pha\n");
		if (round > 1) {
			CALL(&box.pb, SYS_close, one);
			CALL(&box.pb, SYS_close, 9);
			assert_int_equal(open_it(&box, "/data/a.txt", O_RDONLY), 0);
			assert_int_equal(write_it(&box, (int64_t)writer, "changed"), 7);
			put_it(&box, "/tmp/x", "x");
			on_path(&box, SYS_unlink, "/data/a.txt", 0);
		}
		CALL(&box.pb, SYS_umask, 0);
		CALL(&box.pb, SYS_fcntl, folder, F_SETFL, O_APPEND);
		CALL(&box.pb, SYS_getdents64, folder, BYTES, 4096);
		on_path(&box, SYS_chdir, round % 2 ? "/" : "/data/sub", 0);
		restore(round != 3);
		assert_int_equal(count_descriptors(), saved);
		assert_int_equal(CALL(&box.pb, SYS_fcntl, one, F_GETFD), FD_CLOEXEC);
		assert_int_equal(CALL(&box.pb, SYS_fcntl, folder, F_GETFL), O_RDONLY);
		assert_int_equal(CALL(&box.pb, SYS_lseek, 9, 0, SEEK_CUR), 2);
		assert_int_equal(CALL(&box.pb, SYS_lseek, folder, 0, SEEK_CUR), 0);
		assert_int_equal(CALL(&box.pb, SYS_fcntl, 0, F_GETFD), -EBADF);
		assert_string_equal(content_of(&box, "b.txt"), "beta\n");
		assert_string_equal(content_of(&box, "/tmp/x"), "error 2");
		assert_int_equal(CALL(&box.pb, SYS_umask, 077), 077);
		assert_int_equal(CALL(&box.pb, SYS_getdents64, root, BYTES, 4096) > 0, 1);
		restore(true);
	}
	for (uint64_t fd = 0; fd < 16; fd++)
		CALL(&box.pb, SYS_close, fd);
	assert_int_equal(count_descriptors(), before);
}

/* Nothing but a write to what is open, and a name that is gone. */
static void changes_vanish_though_no_descriptor_changed(void **unused)
{
	(void)unused;
	const uint64_t fd = (uint64_t)open_it(&box, "/data/a.txt", O_RDWR);

	save();
	assert_int_equal(write_it(&box, (int64_t)fd, "x"), 1);
	restore(true);
	assert_string_equal(read_it(&box, (int64_t)fd), "alpha\n");
	assert_int_equal(on_path(&box, SYS_unlink, "/data/sub/b.txt", 0), 0);
	restore(true);
	assert_string_equal(content_of(&box, "/data/sub/b.txt"), "beta\n");
}

/* What the guest changed before the snapshot, of each kind: "a kept file" and so on. */
static void change_some(void)
{
	const uint64_t fd = (uint64_t)open_it(&box, "/data/large", O_RDWR);

	assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, text_at(&box, 1, "kept"), 4, 5000), 4);
	assert_int_equal(CALL(&box.pb, SYS_close, fd), 0);
	assert_int_equal(put_it(&box, "/tmp/new", "kept"), 0);
	assert_int_equal(on_path(&box, SYS_mkdir, "/tmp/folder", 0750), 0);
	assert_int_equal(put_it(&box, "/tmp/folder/in", "kept, too"), 0);
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/sub/deep", 0700), 0);
	assert_int_equal(on_path(&box, SYS_unlink, "/data/a.txt", 0), 0);
	assert_int_equal(on_paths(&box, SYS_symlink, "../tmp/new", "/data/link"), 0);
	assert_int_equal(on_paths(&box, SYS_rename, "/data/sub/b.txt", "/data/moved"), 0);
	assert_int_equal(on_path(&box, SYS_chmod, "/tmp/new", 0600), 0);
}

static void expect_changes(void)
{
	assert_string_equal(content_of(&box, "/tmp/new"), "kept");
	assert_string_equal(content_of(&box, "/tmp/folder/in"), "kept, too");
	assert_string_equal(content_of(&box, "/data/a.txt"), "error 2");
	assert_string_equal(content_of(&box, "/data/link"), "kept");
	assert_string_equal(content_of(&box, "/data/moved"), "beta\n");
	assert_string_equal(content_of(&box, "/data/sub/b.txt"), "error 2");
	assert_string_equal(list_it(&box, "/tmp", 4096), "new folder");
	assert_string_equal(list_it(&box, "/data/sub", 4096), "deep");
	assert_int_equal(stat_it(&box, "/tmp/new").st_mode, S_IFREG | 0600);
	assert_int_equal(stat_it(&box, "/tmp/folder").st_mode, S_IFDIR | 0750);
	assert_int_equal(stat_it(&box, "/data/large").st_size, 12000);
	const uint64_t fd = (uint64_t)open_it(&box, "/data/large", O_RDONLY);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 6, 4999), 6);
	assert_memory_equal(at(&box.pb, BYTES), "\0kept\0", 6);
	assert_int_equal(CALL(&box.pb, SYS_pread64, fd, BYTES, 5, 0), 5);
	assert_memory_equal(at(&box.pb, BYTES), "large", 5);
	assert_int_equal(CALL(&box.pb, SYS_close, fd), 0);
}

/* All of it is changed once more, in other ways. */
static void change_again(unsigned round)
{
	const uint64_t fd = (uint64_t)open_it(&box, "/data/large", O_RDWR);

	CALL(&box.pb, SYS_pwrite64, fd, text_at(&box, 1, "lost"), 4, 5000);
	CALL(&box.pb, SYS_ftruncate, fd, round % 2 ? 5002 : 3);
	CALL(&box.pb, SYS_ftruncate, fd, 12000);
	on_path(&box, SYS_unlink, round % 3 ? "/tmp/new" : "/data/link", 0);
	put_it(&box, "/tmp/new", "lost");
	on_path(&box, SYS_truncate, "/tmp/folder/in", 2);
	put_it(&box, "/data/a.txt", "lost");
	on_path(&box, SYS_rmdir, "/data/sub/deep", 0);
	on_paths(&box, SYS_rename, "/data/moved", "/data/sub/b.txt");
	on_path(&box, SYS_chmod, "/tmp/folder", 0);
	on_paths(&box, SYS_rename, "/tmp/folder", "/tmp/f");
	CALL(&box.pb, SYS_close, fd);
}

static void make_large(void)
{
	char path[64];

	make_at(&box, "in/large", "large");
	snprintf(path, sizeof path, "%s/large", box.root);
	assert_int_equal(truncate(path, 12000), 0);
}

static void changes_are_kept_and_later_ones_vanish(void **unused)
{
	(void)unused;
	make_large();
	change_some();
	const uint64_t used[] = { box.pb.p.files.mounts[0].tree.used,
				  box.pb.p.files.mounts[1].tree.used };
	save();
	expect_changes();
	for (unsigned round = 0; round < 6; round++) {
		restore(true);
		expect_changes();
		change_again(round);
		restore(round % 2);
		expect_changes();
		for (size_t i = 0; i < 2; i++)
			assert_int_equal(box.pb.p.files.mounts[i].tree.used, used[i]);
	}
	assert_string_equal(host_text(&box, "in/a.txt"), "alpha\n");
	assert_string_equal(host_text(&box, "in/sub/b.txt"), "beta\n");
	assert_string_equal(state.changed, "/data/large");
}

/* Also what changes nothing but a time, or a mode through a descriptor. */
static void small_changes_vanish(void **unused)
{
	(void)unused;
	put_it(&box, "/tmp/x", "kept");
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/x", O_RDWR);
	const struct stat before = stat_it(&box, "/tmp/x");

	save();
	for (unsigned way = 0; way < 5; way++) {
		poke(&box.pb, heap_of(&box) + 65536, 1);
		poke(&box.pb, heap_of(&box) + 65536 + 8, 0);
		poke(&box.pb, heap_of(&box) + 65536 + 16, 1);
		poke(&box.pb, heap_of(&box) + 65536 + 24, 0);
		const int64_t results[] = {
			way == 0 ? CALL(&box.pb, SYS_fchmod, fd, 0) : 0,
			way == 1 ? on_path(&box, SYS_chmod, "/tmp/x", 0) : 0,
			way == 2 ? CALL(&box.pb, SYS_utimensat, fd, 0, heap_of(&box) + 65536, 0)
				 : 0,
			way == 3 ? CALL(&box.pb, SYS_pwrite64, fd, BYTES, 1, 0) - 1 : 0,
			way == 4 ? CALL(&box.pb, SYS_ftruncate, fd, 2) : 0,
		};
		assert_int_equal(results[way], 0);
		restore(true);
		const struct stat after = stat_it(&box, "/tmp/x");
		if (memcmp(&before, &after, sizeof before) != 0)
			fail_msg("way %u leaves something", way);
		assert_string_equal(content_of(&box, "/tmp/x"), "kept");
	}
}

/* A restore where nothing has changed leaves files open; it needs no memory. */
static void what_is_unchanged_stays(void **unused)
{
	(void)unused;
	put_it(&box, "/tmp/x", "kept");
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/x", O_RDONLY);
	const struct file_node *node = box.pb.p.files.table[fd].file->node;

	save();
	assert_string_equal(read_it(&box, (int64_t)fd), "kept");
	restore(true);
	assert_ptr_equal(box.pb.p.files.table[fd].file->node, node);
	assert_string_equal(read_it(&box, (int64_t)fd), "kept");
}

/* Writes "kept" at an offset of a file, which is then closed. */
static mote_status change_file(struct files *files, const char *path, uint64_t at,
			       mote_error *error)
{
	const int64_t fd = files_open(files, CWD, path, O_RDWR | O_CREAT, 0600);
	struct open_file *file = files_get(files, (uint64_t)fd);
	const int64_t n = file ? file->ops->write(files, file, at, "kept", 4) : fd;

	files_close(files, (uint64_t)fd);
	return n == 4 ? MOTE_OK : error_set(error, MOTE_E_OS, "%s: %d", path, (int)-n);
}

/* The first bytes of the first file of a tree. Lives until the next call. */
static const char *text_of(struct file_tree *tree)
{
	static char text[16];
	int64_t n = file_node_read(tree, tree->root.first, 0, text, sizeof text - 1);

	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Pieces of files are shared until somebody writes; then it has one of its own, and the others do
 * not see it, whoever is freed first. */
static void contents_are_shared(void **unused)
{
	(void)unused;
	const mote_directory given[] = {
		{ .guest = "/data", .host = box.root, .flags = MOTE_DIR_PRIVATE },
		{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE },
	};
	const struct files_plan plan = { given, 2, 0 };
	struct files other;
	struct file_tree *mine = &box.pb.p.files.mounts[1].tree, *others, *saved;

	put_it(&box, "/tmp/x", "common");
	const struct file_block *block = mine->root.first->blocks[0];
	save();
	saved = &state.mounts[1].tree;
	assert_ptr_equal(mine->root.first->blocks[0], block);
	assert_ptr_equal(saved->root.first->blocks[0], block);
	assert_int_equal(files_init(&other, &box.pb.box.host, &box.pb.streams, &plan, &err),
			 MOTE_OK);
	assert_int_equal(files_check(&other, &state, &err), MOTE_OK);
	assert_int_equal(files_restore(&other, &state, false, &err), MOTE_OK);
	others = &other.mounts[1].tree;
	assert_ptr_equal(others->root.first->blocks[0], block);
	assert_int_equal(atomic_load(&block->nrefs), 3);
	assert_int_equal(change_file(&other, "/tmp/x", 0, &err), MOTE_OK);
	assert_string_equal(text_of(others), "kepton");
	assert_string_equal(text_of(mine), "common");
	assert_string_equal(text_of(saved), "common");
	assert_int_equal(on_path(&box, SYS_truncate, "/tmp/x", 3), 0);
	assert_string_equal(text_of(mine), "com");
	assert_int_equal(on_path(&box, SYS_truncate, "/tmp/x", 6), 0);
	assert_memory_equal(text_of(mine), "com\0\0\0", 6);
	assert_string_equal(text_of(saved), "common");
	assert_int_equal(atomic_load(&block->nrefs), 1);
	files_state_fini(&state, &box.pb.box.host);
	assert_string_equal(text_of(others), "kepton");
	assert_memory_equal(text_of(mine), "com\0\0\0", 6);
	files_fini(&other);
}

/* How full a directory is, is kept, too: what was possible then is, and what was not is not. */
static void room_is_as_it_was(void **unused)
{
	(void)unused;
	const uint64_t fd = (uint64_t)open_it(&box, "/tmp/x", O_RDWR | O_CREAT);
	const uint64_t heap = heap_of(&box) + 65536;
	const int64_t n = CALL(&box.pb, SYS_write, fd, heap, 65536);

	assert_in_range(n, 40000, 61440);
	save();
	for (unsigned round = 0; round < 3; round++) {
		assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, heap, (uint64_t)n, 0), n);
		assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, heap, 1, (uint64_t)n), -ENOSPC);
		assert_int_equal(CALL(&box.pb, SYS_ftruncate, fd, 100), 0);
		assert_int_equal(CALL(&box.pb, SYS_pwrite64, fd, heap, (uint64_t)n, 0), n);
		assert_true(box.pb.p.files.mounts[1].tree.used <= 65536);
		restore(round == 0);
	}
}

static void a_deep_tree_is_copied(void **unused)
{
	(void)unused;
	char path[300] = "/tmp";

	for (unsigned i = 0; i < 100; i++) {
		memcpy(path + 4 + 2 * i, "/d", 3);
		assert_int_equal(on_path(&box, SYS_mkdir, path, 0755), 0);
	}
	put_it(&box, "/tmp/last", "kept");
	save();
	on_paths(&box, SYS_rename, "/tmp/d", "/tmp/e");
	restore(true);
	memcpy(path + 204, "/x", 3);
	assert_int_equal(put_it(&box, path, "fine"), 0);
	assert_string_equal(content_of(&box, path), "fine");
	assert_string_equal(list_it(&box, "/tmp", 4096), "d last");
}

/* More than a table begins with, and with numbers that are not those of a tree that was made so. */
static void a_wide_tree_is_copied(void **unused)
{
	(void)unused;
	const struct file_tree *tree = &box.pb.p.files.mounts[0].tree;
	char path[32];

	for (unsigned i = 0; i < 600; i++) {
		snprintf(path, sizeof path, "/data/%u", i);
		assert_int_equal(on_path(&box, SYS_mkdir, path, 0755), 0);
	}
	for (unsigned i = 0; i < 597; i++) {
		snprintf(path, sizeof path, "/data/%u", i);
		assert_int_equal(on_path(&box, SYS_rmdir, path, 0), 0);
	}
	const uint64_t used = tree->used;
	save();
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/new", 0755), 0);
	const uint64_t inode = stat_it(&box, "/data/new").st_ino;
	restore(false);
	assert_int_equal(tree->used, used);
	assert_int_equal(on_path(&box, SYS_mkdir, "/data/new", 0755), 0);
	assert_int_equal(stat_it(&box, "/data/new").st_ino, inode);
	/* and then what the host has, as it comes */
	assert_memory_equal(list_it(&box, "/data", 32), "597 598 599 new ", 16);
}

static void what_is_not_kept_is_refused_by_name(void **unused)
{
	(void)unused;
	put_it(&box, "/tmp/x", "x");
	open_it(&box, "/tmp/x", O_RDWR);
	on_path(&box, SYS_unlink, "/tmp/x", 0);
	assert_int_equal(files_save(&state, &box.pb.p.files, &err), MOTE_E_STATE);
	assert_non_null(strstr(err.message, "has open, and removed, /tmp/x,"));
	files_state_fini(&state, &box.pb.box.host);
	/* what came and went again is nothing */
	CALL(&box.pb, SYS_close, 3);
	on_path(&box, SYS_mkdir, "/data/sub/x", 0755);
	on_path(&box, SYS_rmdir, "/data/sub/x", 0);
	assert_int_equal(open_it(&box, "/data/a.txt", O_RDWR), 3);
	save();
	assert_null(state.changed);
}

/* What saving to disk asks: the first path that is other than the host has it. */
static void the_first_change_is_named(void **unused)
{
	(void)unused;
	static const struct {
		const char *path;
		uint64_t number, argument;
	} rows[] = {
		{ "/data/a.txt", SYS_unlink, 0 },     { "/data/a.txt", SYS_truncate, 1 },
		{ "/data/a.txt", SYS_chmod, 0700 },   { "/tmp/new\x1b", SYS_mkdir, 0700 },
		{ "/data/sub/new", SYS_mkdir, 0700 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(on_path(&box, rows[i].number, rows[i].path, rows[i].argument), 0);
		save();
		assert_string_equal(state.changed, rows[i].path);
		files_state_fini(&state, &box.pb.box.host);
		files_state_init(&state);
		restore(false);
		assert_null(state.changed);
	}
}

static void other_directories_are_refused(void **unused)
{
	(void)unused;
	static const struct {
		mote_directory given[2];
		size_t count;
		uint64_t max_open_files;
		const char *message;
	} rows[] = {
		{ { { .guest = "/tmp", .flags = 1 } }, 1, 0, "a directory at /data, which" },
		{ { { .guest = "/data", .host = "/" }, { .guest = "/tmp", .flags = 1 } },
		  2,
		  0,
		  "a private directory of the host at /data; this" },
		{ { { .guest = "/data", .flags = 1 }, { .guest = "/tmp", .flags = 1 } },
		  2,
		  0,
		  "a private directory of the host at /data; this" },
		{ { { .guest = "/data", .host = "/", .flags = 1 },
		    { .guest = "/tmp", .flags = 1 } },
		  2,
		  8,
		  "uses descriptor 9, and max_open_files is 8" },
		{ { { .guest = "/data", .host = "/", .flags = 1 },
		    { .guest = "/tmp", .flags = 1 } },
		  2,
		  16,
		  "cannot open /data/a.txt, which the snapshot has open, again: No such" },
		{ { { .guest = "/data", .host = "/", .flags = 1 },
		    { .guest = "/tmp", .flags = 1, .max_bytes = 4096 } },
		  2,
		  16,
		  "bytes of changes at /tmp, and max_bytes of this sandbox's directory is 4096" },
	};
	put_it(&box, "/tmp/kept", "more than a block has room for");
	open_it(&box, "/data/a.txt", O_RDONLY);
	CALL(&box.pb, SYS_dup2, 3, 9);
	save();
	assert_string_equal(files_state_difference(&state), "/data/a.txt");
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct files_plan plan = { rows[i].given, rows[i].count,
						 rows[i].max_open_files };
		struct files files;
		assert_int_equal(files_init(&files, &box.pb.box.host, &box.pb.streams, &plan, &err),
				 MOTE_OK);
		mote_status status = files_check(&files, &state, &err);
		if (!status)
			status = files_restore(&files, &state, false, &err);
		assert_int_equal(status, MOTE_E_SNAPSHOT);
		if (!strstr(err.message, rows[i].message))
			fail_msg("row %zu: %s", i, err.message);
		files_fini(&files);
	}
}

static void a_file_that_became_a_folder_is_refused(void **unused)
{
	(void)unused;
	char path[64];

	open_it(&box, "/data/a.txt", O_RDONLY);
	save();
	snprintf(path, sizeof path, "%s/a.txt", box.root);
	assert_int_equal(unlink(path), 0);
	make_at(&box, "in/a.txt", NULL);
	assert_int_equal(files_restore(&box.pb.p.files, &state, false, &err), MOTE_E_SNAPSHOT);
	assert_non_null(strstr(err.message, "cannot open /data/a.txt"));
}

static void what_nobody_touched_is_fresh(void **unused)
{
	(void)unused;
	save();
	assert_null(files_state_difference(&state));
	files_state_fini(&state, &box.pb.box.host);
	on_path(&box, SYS_chdir, "/data", 0);
	save();
	assert_string_equal(files_state_difference(&state), "/data");
	files_state_fini(&state, &box.pb.box.host);
	on_path(&box, SYS_chdir, "/", 0);
	CALL(&box.pb, SYS_close, 2);
	save();
	assert_string_equal(files_state_difference(&state),
			    "something else than the standard streams");
	files_state_fini(&state, &box.pb.box.host);
	files_state_init(&state);
	restore(false);
	assert_non_null(files_get(&box.pb.p.files, 2));
}

/* A guest's life with files, on a host that fails: an error is an error of the guest's, and a guest
 * that was told of one is as well as before. */
static mote_status live(const struct host *host, void *user, mote_error *error)
{
	const struct files_box *from = user;
	const mote_directory given[] = {
		{ .guest = "/data", .host = from->root, .flags = MOTE_DIR_PRIVATE },
		{ .guest = "/tmp", .flags = MOTE_DIR_PRIVATE },
	};
	const struct files_plan plan = { given, 2, 0 };
	struct streams streams = { .host = host };
	struct files files;
	struct files_state saved = { .is_fresh = true };

	mote_status status = files_init(&files, host, &streams, &plan, error);
	static const char *const paths[] = { "/data/a.txt", "/data/sub", "/data/link", "/tmp" };
	for (size_t i = 0; !status && i < 4; i++) {
		int64_t fd = files_open(&files, CWD, paths[i], O_RDONLY, 0);
		struct file_entry entry = { .node = NULL };
		if (fd < 0)
			status = error_set(error, MOTE_E_OS, "%s: %d", paths[i], (int)-fd);
		else if (files_get(&files, (uint64_t)fd)->ops->entry) {
			struct open_file *file = files_get(&files, (uint64_t)fd);
			int64_t found;
			while ((found = file->ops->entry(&files, file, &entry)) > 0)
				file->offset = entry.next;
			if (found < 0)
				status = error_set(error, MOTE_E_OS, "listing: %d", (int)-found);
		}
	}
	if (!status)
		status = change_file(&files, "/tmp/kept", 0, error);
	if (!status)
		status = files_save(&saved, &files, error);
	if (!status)
		status = change_file(&files, "/tmp/kept", 2, error);
	if (!status) {
		int64_t fd = files_open(&files, CWD, "/data/sub/b.txt", O_WRONLY | O_APPEND, 0);
		struct open_file *file = files_get(&files, (uint64_t)fd);
		int64_t n = file ? file->ops->write(&files, file, 5, "x", 1) : fd;
		if (n != 1)
			status = error_set(error, MOTE_E_OS, "write: %d", (int)-n);
	}
	if (!status)
		status = files_restore(&files, &saved, true, error);
	if (!status)
		assert_int_equal(files.mounts[1].tree.root.first->size, 4);
	files_state_fini(&saved, host);
	files_fini(&files);
	return status;
}

static void whatever_fails_nothing_is_left(void **unused)
{
	(void)unused;
	/* tried again: a path that somebody renames above */
	static const char *const benign[] = { "openat2", "pread", NULL };

	link_at(&box, "sub/b.txt", "in/link");
	fail_each_operation(live, &box, benign);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(descriptors_and_offsets_come_back),
		TEST(changes_vanish_though_no_descriptor_changed),
		TEST(changes_are_kept_and_later_ones_vanish),
		TEST(small_changes_vanish),
		TEST(what_is_unchanged_stays),
		TEST(contents_are_shared),
		TEST(room_is_as_it_was),
		TEST(a_deep_tree_is_copied),
		TEST(a_wide_tree_is_copied),
		TEST(what_is_not_kept_is_refused_by_name),
		TEST(the_first_change_is_named),
		TEST(other_directories_are_refused),
		TEST(a_file_that_became_a_folder_is_refused),
		TEST(what_nobody_touched_is_fresh),
		TEST(whatever_fails_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
