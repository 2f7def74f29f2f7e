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
	box.pb.p.files.base_changes = box.pb.p.files.changes;
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

static void what_is_not_kept_is_refused_by_name(void **unused)
{
	(void)unused;
	static const struct {
		const char *path, *message;
		uint64_t number, argument;
	} rows[] = {
		{ "/data/a.txt", "has removed /data/a.txt,", SYS_unlink, 0 },
		{ "/data/a.txt", "has changed /data/a.txt,", SYS_truncate, 1 },
		{ "/data/a.txt", "has changed /data/a.txt,", SYS_chmod, 0700 },
		{ "/tmp/new\x1b", "has changed /tmp/new\\x1b,", SYS_mkdir, 0700 },
		{ "/data/sub/new", "has changed /data/sub/new,", SYS_mkdir, 0700 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_int_equal(on_path(&box, rows[i].number, rows[i].path, rows[i].argument), 0);
		assert_int_equal(files_save(&state, &box.pb.p.files, &err), MOTE_E_STATE);
		if (!strstr(err.message, rows[i].message))
			fail_msg("%s", err.message);
		files_state_fini(&state, &box.pb.box.host);
		files_state_init(&state);
		restore(false);
	}
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
	};
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
		struct file_entry entry;
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
		status = files_save(&saved, &files, error);
	if (!status) {
		int64_t fd = files_open(&files, CWD, "/data/sub/b.txt", O_WRONLY | O_APPEND, 0);
		struct open_file *file = files_get(&files, (uint64_t)fd);
		int64_t n = file ? file->ops->write(&files, file, 5, "x", 1) : fd;
		if (n != 1)
			status = error_set(error, MOTE_E_OS, "write: %d", (int)-n);
	}
	if (!status)
		status = files_restore(&files, &saved, true, error);
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
		TEST(what_is_not_kept_is_refused_by_name),
		TEST(other_directories_are_refused),
		TEST(a_file_that_became_a_folder_is_refused),
		TEST(what_nobody_touched_is_fresh),
		TEST(whatever_fails_nothing_is_left),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
