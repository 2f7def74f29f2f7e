/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that the embedder serves by functions of its own: what reaches them, what comes of what
 * they say, and what they cannot be made to do by a guest.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files_box.h"
#include "guest_abi/mote/files_state.h"

static struct files_box box;
static mote_error err;

/* One file, "note", of 16 bytes at most, in a folder with another name. */
static struct {
	char text[16];
	size_t size;
	unsigned nopen, how;
	int error;        /* what all functions answer, if not 0 */
	size_t too_much;  /* that is added to what was moved */
	const char *name; /* of the second entry */
} note;

static int look(void *user, const char *path, mote_file_info *info)
{
	assert_ptr_equal(user, &note);
	assert_true(path[0] != '/' && !strstr(path, ".."));
	*info = (mote_file_info){ .modified = 1000 };
	info->is_directory = *path == '\0';
	info->size = strcmp(path, "huge") == 0 ? UINT64_MAX : note.size;
	if (note.error)
		return note.error;
	return *path && strcmp(path, "note") != 0 && strcmp(path, "huge") != 0 ? ENOENT : 0;
}

static int open_note(void *user, const char *path, unsigned how, void **file)
{
	assert_ptr_equal(user, &note);
	if (note.error)
		return note.error;
	if (strcmp(path, "note") != 0)
		return EACCES;
	if (how & MOTE_FILE_TRUNCATE)
		note.size = 0;
	note.how = how;
	note.nopen++;
	*file = note.text;
	return 0;
}

static int read_note(void *user, void *file, uint64_t at, void *to, size_t *size)
{
	assert_ptr_equal(user, &note);
	assert_ptr_equal(file, note.text);
	if (at >= note.size)
		*size = 0;
	else if (*size > note.size - at)
		*size = note.size - (size_t)at;
	memcpy(to, note.text + at, *size);
	*size += note.too_much;
	return note.error;
}

static int write_note(void *user, void *file, uint64_t at, const void *from, size_t *size)
{
	assert_ptr_equal(user, &note);
	assert_ptr_equal(file, note.text);
	if (at >= sizeof note.text)
		return ENOSPC;
	if (*size > sizeof note.text - at)
		*size = sizeof note.text - (size_t)at;
	memcpy(note.text + at, from, *size);
	if (at + *size > note.size)
		note.size = (size_t)at + *size;
	*size += note.too_much;
	return note.error;
}

static void close_note(void *user, void *file)
{
	assert_ptr_equal(user, &note);
	assert_ptr_equal(file, note.text);
	note.nopen--;
}

static int list_note(void *user, const char *path, uint64_t index, char name[256])
{
	assert_ptr_equal(user, &note);
	assert_string_equal(path, "");
	if (index > 1)
		return ENOENT;
	snprintf(name, 256, "%s", index ? note.name : "note");
	return note.error;
}

static const mote_file_system whole = {
	sizeof whole, look, open_note, read_note, write_note, close_note, list_note,
};
static const mote_file_system least = {
	sizeof least, look, open_note, read_note, NULL, close_note, NULL,
};

static void give(const mote_file_system *system)
{
	const mote_directory given = { .guest = "/n", .system = system, .user = &note };

	files_box_give(&box, &given, 1, 16, NULL);
}

static int setup(void **state)
{
	(void)state;
	memset(&note, 0, sizeof note);
	memcpy(note.text, "text", 4);
	note.size = 4;
	note.name = "other";
	files_box_make(&box);
	give(&whole);
	return 0;
}

/* Whatever is open is closed in the end. */
static int teardown(void **state)
{
	(void)state;
	note.error = 0;
	files_fini(&box.pb.p.files);
	assert_int_equal(note.nopen, 0);
	assert_int_equal(files_init(&box.pb.p.files, &box.pb.box.host, &box.pb.streams,
				    &(struct files_plan){ .max_open_files = 0 }, NULL),
			 MOTE_OK);
	files_box_fini(&box);
	return 0;
}

static void files_are_read_and_written(void **state)
{
	(void)state;
	assert_string_equal(content_of(&box, "/n/note"), "text");
	assert_string_equal(content_of(&box, "/n/none"), "error 2");
	assert_string_equal(content_of(&box, "/n"), "error 21");
	int64_t fd = open_it(&box, "/n/../n/./note", O_RDWR | O_APPEND);
	assert_int_equal(note.how, MOTE_FILE_WRITE);
	assert_int_equal(write_it(&box, fd, "s of more"), 9);
	assert_int_equal(write_it(&box, fd, " than fit"), 3);
	assert_int_equal(write_it(&box, fd, "x"), -ENOSPC);
	assert_int_equal(note.size, 16);
	assert_memory_equal(note.text, "texts of more th", 16);
	assert_int_equal(CALL(&box.pb, SYS_lseek, (uint64_t)fd, 0, SEEK_END), 16);
	assert_int_equal(CALL(&box.pb, SYS_pread64, (uint64_t)fd, BYTES, 100, 9), 7);
	assert_memory_equal(at(&box.pb, BYTES), "more th", 7);
	assert_int_equal(put_it(&box, "/n/note", "new"), 0);
	assert_int_equal(note.how, MOTE_FILE_WRITE | MOTE_FILE_TRUNCATE);
	assert_string_equal(content_of(&box, "/n/note"), "new");
	assert_int_equal(put_it(&box, "/n/another", ""), -EACCES); /* as it says */
	assert_int_equal(open_it(&box, "/n/note", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(open_it(&box, "/n/note", O_RDONLY | O_DIRECTORY), -ENOTDIR);
	assert_int_equal(open_it(&box, "/n", O_WRONLY), -EISDIR);
	struct stat st = stat_it(&box, "/n/note");
	assert_int_equal(st.st_mode, S_IFREG | 0644);
	assert_int_equal(st.st_size, 3);
	assert_int_equal(st.st_mtim.tv_sec, 1000);
	assert_string_equal(list_it(&box, "/n", 32), "note other");
}

static void what_it_lacks_is_refused(void **state)
{
	(void)state;
	assert_int_equal(on_path(&box, SYS_unlink, "/n/note", 0), -EPERM);
	assert_int_equal(on_path(&box, SYS_unlink, "/n/none", 0), -ENOENT);
	assert_int_equal(on_path(&box, SYS_mkdir, "/n/new", 0), -EPERM);
	assert_int_equal(on_path(&box, SYS_mkdir, "/n/note", 0), -EEXIST);
	assert_int_equal(on_path(&box, SYS_chmod, "/n/note", 0), -EPERM);
	assert_int_equal(on_path(&box, SYS_truncate, "/n/note", 0), -EINVAL);
	assert_int_equal(on_paths(&box, SYS_rename, "/n/note", "/n/x"), -EPERM);
	assert_int_equal(CALL(&box.pb, SYS_readlink, text_at(&box, 0, "/n/note"), BYTES, 9),
			 -EINVAL);
	personality_box_fini(&box.pb);
	give(&least);
	assert_string_equal(content_of(&box, "/n/note"), "text");
	assert_int_equal(open_it(&box, "/n/note", O_RDWR), -EROFS);
	assert_int_equal(open_it(&box, "/n/new", O_WRONLY | O_CREAT), -EROFS);
	assert_int_equal(open_it(&box, "/n", O_RDONLY), -EACCES);
	assert_int_equal(stat_it(&box, "/n/note").st_mode, S_IFREG | 0444);
}

static void what_they_say_is_checked(void **state)
{
	(void)state;
	static const int errors[][2] = { { EACCES, -EACCES },
					 { 4095, -4095 },
					 { 4096, -EIO },
					 { -1, -EIO },
					 { INT32_MIN, -EIO } };
	int64_t fd = open_it(&box, "/n/note", O_RDWR);

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		note.error = errors[i][0];
		assert_int_equal(open_it(&box, "/n/note", O_RDONLY), errors[i][1]);
		assert_int_equal(CALL(&box.pb, SYS_read, (uint64_t)fd, BYTES, 1), errors[i][1]);
		assert_int_equal(CALL(&box.pb, SYS_write, (uint64_t)fd, BYTES, 1), errors[i][1]);
		assert_int_equal(CALL(&box.pb, SYS_fstat, (uint64_t)fd, BYTES), errors[i][1]);
	}
	note.error = 0;
	note.too_much = 1 << 20;
	assert_int_equal(CALL(&box.pb, SYS_pread64, (uint64_t)fd, BYTES, 4, 0), -EIO);
	assert_int_equal(CALL(&box.pb, SYS_pwrite64, (uint64_t)fd, BYTES, 4, 0), -EIO);
	note.too_much = 0;
	assert_string_equal(content_of(&box, "/n/huge"), "error 5");
	static const char *const names[] = { "", "a/b", "../x" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		note.name = names[i];
		assert_string_equal(list_it(&box, "/n", 4096), "note");
	}
}

static void snapshots_do_not_keep_handles(void **state)
{
	(void)state;
	struct files_state saved;
	int64_t fd = open_it(&box, "/n/note", O_RDONLY);

	assert_int_equal(files_save(&saved, &box.pb.p.files, &err), MOTE_E_STATE);
	assert_non_null(strstr(err.message, "the guest has open /n/note, which is not kept"));
	files_state_fini(&saved, &box.pb.box.host);
	CALL(&box.pb, SYS_close, (uint64_t)fd);
	open_it(&box, "/n", O_RDONLY);
	assert_int_equal(files_save(&saved, &box.pb.p.files, &err), MOTE_OK);
	open_it(&box, "/n/note", O_RDONLY);
	assert_int_equal(files_restore(&box.pb.p.files, &saved, true, &err), MOTE_OK);
	assert_int_equal(note.nopen, 0);
	/* another kind at that path is another directory */
	const mote_directory given = { .guest = "/n", .flags = MOTE_DIR_PRIVATE };
	const struct files_plan plan = { &given, 1, 0 };
	struct files files;
	assert_int_equal(files_init(&files, &box.pb.box.host, &box.pb.streams, &plan, &err),
			 MOTE_OK);
	assert_int_equal(files_check(&files, &saved, &err), MOTE_E_SNAPSHOT);
	assert_non_null(strstr(err.message, "a private directory of the program's at /n;"));
	files_fini(&files);
	files_state_fini(&saved, &box.pb.box.host);
}

static void they_are_checked_when_given(void **state)
{
	(void)state;
	mote_file_system lacking = whole, newer = whole;
	const mote_directory rows[] = {
		{ .guest = "/n", .system = &lacking },
		{ .guest = "/n", .system = &newer },
		{ .guest = "/n", .system = &whole, .host = "/" },
		{ .guest = "/n", .system = &whole, .flags = MOTE_DIR_PRIVATE },
		{ .guest = "/n", .system = &whole, .max_bytes = 1 },
	};
	static const char *const messages[] = {
		"directories[0].system lacks look, open, read or close",
		"mote_file_system",
		"directories[0] has a system, which leaves no use for host",
		"directories[0] has a system, which leaves no use for host",
		"directories[0] has a system, which leaves no use for host",
	};

	lacking.read = NULL;
	newer.size = 3;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct files_plan plan = { &rows[i], 1, 0 };
		struct files files;
		assert_int_equal(files_init(&files, &box.pb.box.host, &box.pb.streams, &plan, &err),
				 MOTE_E_INVALID);
		if (!strstr(err.message, messages[i]))
			fail_msg("row %zu: %s", i, err.message);
		files_fini(&files);
	}
	/* pools keep copies of all */
	mote_directory *copy;
	size_t size;
	mote_file_system own = whole;
	const mote_directory given = { .guest = "/n", .system = &own, .user = &note };
	assert_int_equal(directories_copy(&copy, &size, &box.pb.box.host, &given, 1, &err),
			 MOTE_OK);
	memset(&own, 0xff, sizeof own);
	assert_ptr_equal(copy->system->look, look);
	assert_ptr_equal(copy->user, &note);
	host_free(&box.pb.box.host, copy, size);
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
	static const struct CMUnitTest tests[] = {
		TEST(files_are_read_and_written),  TEST(what_it_lacks_is_refused),
		TEST(what_they_say_is_checked),    TEST(snapshots_do_not_keep_handles),
		TEST(they_are_checked_when_given),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
