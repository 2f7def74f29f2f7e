/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files prepared for guests: labels, refusals, reading what is there and what no longer is.
 */
#define _GNU_SOURCE
#include "mem/file_mapping.h"

#include "kit/fail.h"
#include "mem/faults.h"
#include "mem/scratch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define PAGE MOTE_PAGE_SIZE
#define AT   UINT64_C(0x200000000000)

/* A folder for files that need a name, removed with all that is in it. */
static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "/tmp/mote-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const char *path_of(const char *name)
{
	static char path[512];

	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void make_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "content", 7), 7);
	close(fd);
}

static struct file_mapping *prepare(const char *path, const char *label)
{
	struct file_mapping *file;
	mote_error err;

	if (file_mapping_new(&file, fail_host(0, FAIL_ONCE, 0), path, NULL, AT, label, &err))
		fail_msg("%s", err.message);
	return file;
}

static void drop(struct file_mapping *file)
{
	file_mapping_unref(file);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s", leak);
}

static void a_file_is_mapped_whole_and_read_only(void **state)
{
	(void)state;
	static const uint64_t sizes[] = { 1, PAGE - 1, PAGE, PAGE + 1, 5 << 20 };

	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		struct scratch_file scratch = scratch_file(sizes[i]);
		struct file_mapping *file = prepare(scratch.path, "x");
		assert_int_equal(file->address, AT);
		assert_int_equal(file->file_size, sizes[i]);
		assert_int_equal(file->size, (sizes[i] + PAGE - 1) / PAGE * PAGE);
		assert_int_equal(file->gpa, 0);
		assert_memory_equal(file->bytes, "a", 1);
		assert_true(faults(file->bytes, ACCESS_WRITE));
		assert_int_equal(fcntl(file->fd, F_GETFL) & O_ACCMODE, O_RDONLY);
		assert_true(fcntl(file->fd, F_GETFD) & FD_CLOEXEC);
		drop(file);
		close(scratch.fd);
	}
	file_mapping_unref(NULL);
}

/* By descriptor it is another one of the same open file: the caller may close his. */
static void what_is_open_is_mapped_by_a_descriptor_of_its_own(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(PAGE + 30);
	struct file_mapping *file;
	uint8_t got[PAGE];
	mote_error err;

	if (file_mapping_new(&file, fail_host(0, FAIL_ONCE, 0), "descriptor 7", &scratch.fd, AT,
			     NULL, &err))
		fail_msg("%s", err.message);
	assert_int_not_equal(file->fd, scratch.fd);
	assert_true(fcntl(file->fd, F_GETFD) & FD_CLOEXEC);
	assert_string_equal(file->name, "mapped file \"descriptor 7\"");
	assert_int_equal(file->file_size, PAGE + 30);
	assert_int_equal(pwrite(scratch.fd, "XYZ", 3, 0), 3);
	assert_memory_equal(file->bytes, "XYZd", 4);
	assert_true(faults(file->bytes, ACCESS_WRITE));
	close(scratch.fd);
	assert_int_equal(file_mapping_read(file, 0, got, sizeof got, &err), MOTE_OK);
	assert_memory_equal(got, "XYZd", 4);
	drop(file);
}

#define SEVEN  "1234567"
#define NINE_7 SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN SEVEN
#define EURO   "\xe2\x82\xac"
#define EURO_20                                                                                    \
	EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO EURO  \
		EURO EURO

/* WHY is part of the message; NULL: the label is good. */
static const struct {
	const char *label, *why;
} given[] = {
	{ "a", NULL },
	{ "with space, \"quotes\" and \\", NULL },
	{ EURO_20 "abc", NULL },
	{ NINE_7, NULL },
	{ NINE_7 "8", "has 64 bytes; it may have at most 63" },
	{ "", "the label is empty" },
	{ "a\nb", "byte 1 of the label, 0x0a, is a control character" },
	{ "\x1b[2J", "byte 0 of the label, 0x1b" },
	{ "abc\x7f", "byte 3 of the label, 0x7f" },
	{ EURO "\xc2\x9b", "byte 3 of the label, 0xc2" }, /* C1: another way to say escape */
	{ "\xc2\xa0", NULL },
	{ "\xff", "byte 0 of the label, 0xff" },
	{ "a\xe2\x82", "byte 1 of the label, 0xe2" },
	{ "\xed\xa0\x80", "byte 0" }, /* a surrogate */
};

static void a_given_label_is_taken_as_it_is_or_refused(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(1);

	for (size_t i = 0; i < sizeof given / sizeof given[0]; i++) {
		struct file_mapping *file;
		mote_error err = { .message = "" };
		mote_status status = file_mapping_new(&file, fail_host(0, FAIL_ONCE, 0),
						      scratch.path, NULL, AT, given[i].label, &err);
		if ((status != MOTE_OK) != (given[i].why != NULL) ||
		    (given[i].why && !strstr(err.message, given[i].why)))
			fail_msg("label %zu: %s \"%s\"", i, mote_status_name(status), err.message);
		if (given[i].why) {
			assert_int_equal(status, MOTE_E_INVALID);
			assert_null(file);
			assert_int_equal(fail_operations(), 0); /* nothing was even opened */
			continue;
		}
		assert_string_equal(file->label, given[i].label);
		assert_memory_equal(file->name, "mapped file \"", 13);
		assert_string_equal(file->name + 13 + strlen(file->label), "\"");
		drop(file);
	}
	close(scratch.fd);
}

static const struct {
	const char *name, *label;
} derived[] = {
	{ "model.bin", "model.bin" },
	{ ".hidden", ".hidden" },
	{ NINE_7, NINE_7 },
	{ NINE_7 "8", NINE_7 },
	{ EURO_20 "abcd", EURO_20 "abc" },
	{ EURO_20 "ab" EURO, EURO_20 "ab" }, /* no half characters */
	{ EURO_20 EURO EURO, EURO_20 EURO },
	{ "a\nb\x7f"
	  "c\xc2\x85"
	  "d",
	  "a?b?c??d" },
	{ "\xff\xe2\x82", "???" },
};

static void a_label_is_derived_from_the_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
		const char *path = path_of(derived[i].name);
		make_file(path);
		struct file_mapping *file = prepare(path, NULL);
		assert_int_equal(unlink(path), 0);
		assert_string_equal(file->label, derived[i].label);
		drop(file);
	}
	/* without a slash the path is the name */
	assert_int_equal(chdir(folder), 0);
	make_file("plain");
	struct file_mapping *file = prepare("plain", NULL);
	assert_int_equal(unlink("plain"), 0);
	assert_string_equal(file->label, "plain");
	drop(file);
}

static void expect_refusal(const char *path, uint64_t address, mote_status want, const char *text)
{
	struct file_mapping *file;
	mote_error err = { .message = "" };
	mote_status status = file_mapping_new(&file, fail_host(0, FAIL_ONCE, 0), path, NULL,
					      address, NULL, &err);
	const char *leak = fail_leak();

	if (status != want || file || !strstr(err.message, text) || leak)
		fail_msg("%s: %s, \"%s\" without \"%s\"; left behind: %s", path,
			 mote_status_name(status), err.message, text, leak ? leak : "nothing");
}

static void addresses_that_no_file_can_have_are_refused(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(2 * PAGE);
	const char *path = scratch.path;
	struct file_mapping *file;

	expect_refusal(path, AT + 1, MOTE_E_INVALID,
		       ": cannot be mapped at 0x200000000001, which is no multiple of 4096; "
		       "0x200000000000 is");
	expect_refusal(path, UINT64_MAX, MOTE_E_INVALID, "0xfffffffffffff000 is");
	expect_refusal(path, 0, MOTE_E_INVALID,
		       "cannot be mapped at 0x0; guests have 0x200000 to 0x7ffffffff000");
	expect_refusal(path, MOTE_WINDOW_END - PAGE, MOTE_E_INVALID, "guests have");
	expect_refusal(path, MOTE_ADDRESS_END, MOTE_E_INVALID, "guests have");
	expect_refusal(path, UINT64_MAX - PAGE + 1, MOTE_E_INVALID, "guests have");
	expect_refusal(path, MOTE_ADDRESS_END - PAGE, MOTE_E_INVALID,
		       ": has 8192 bytes; 4096 fit between 0x7fffffffe000 and the end of a guest's "
		       "addresses; map it lower, or a part of it");
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	assert_int_equal(
		file_mapping_new(&file, host, path, NULL, MOTE_ADDRESS_END - 2 * PAGE, "x", NULL),
		MOTE_OK);
	drop(file);
	assert_int_equal(file_mapping_new(&file, host, path, NULL, MOTE_WINDOW_END, "x", NULL),
			 MOTE_OK);
	drop(file);
	close(scratch.fd);
}

static void what_is_no_file_with_bytes_is_refused(void **state)
{
	(void)state;
	struct scratch_file empty = scratch_file(0), huge = scratch_file(INT64_MAX);

	expect_refusal("/does/not/exist", AT, MOTE_E_OS,
		       "cannot open /does/not/exist: No such file or directory");
	expect_refusal("", AT, MOTE_E_OS, "cannot open : No such file");
	expect_refusal(folder, AT, MOTE_E_INVALID,
		       "is a directory; only regular files can be mapped");
	expect_refusal("/dev/null", AT, MOTE_E_INVALID, "/dev/null: is a device; only regular");
	expect_refusal(empty.path, AT, MOTE_E_INVALID, "is empty; a mapping needs at least 1 byte");
	expect_refusal(huge.path, AT, MOTE_E_INVALID, "has 9223372036854775807 bytes");
	expect_refusal("/proc/self/maps", AT, MOTE_E_INVALID, "is empty");

	/* opening it must not wait for a writer */
	const char *path = path_of("pipe");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refusal(path, AT, MOTE_E_INVALID, "is a pipe; only regular files can be mapped");
	unlink(path);

	path = path_of("socket");
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(name.sun_path, sizeof name.sun_path, "%.100s", path);
	assert_int_equal(bind(fd, (struct sockaddr *)&name, sizeof name), 0);
	expect_refusal(path, AT, MOTE_E_OS, "cannot open");
	unlink(path);
	close(fd);
	close(empty.fd);
	close(huge.fd);
}

static void expect_refusal_of(int fd, mote_status want, const char *text)
{
	struct file_mapping *file;
	mote_error err = { .message = "" };
	mote_status status =
		file_mapping_new(&file, fail_host(0, FAIL_ONCE, 0), "it", &fd, AT, "x", &err);
	const char *leak = fail_leak();

	if (status != want || file || strcmp(err.message, text) != 0 || leak)
		fail_msg("%s, \"%s\" and not \"%s\"; left behind: %s", mote_status_name(status),
			 err.message, text, leak ? leak : "nothing");
	close(fd);
}

static void descriptors_of_nothing_to_map_are_refused(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(10);
	int both[2];

	expect_refusal_of(-1, MOTE_E_OS, "cannot open it: Bad file descriptor");
	expect_refusal_of(open(scratch.path, O_WRONLY | O_CLOEXEC), MOTE_E_OS,
			  "cannot map the 10 bytes of it for reading: Permission denied");
	expect_refusal_of(open(folder, O_RDONLY | O_CLOEXEC), MOTE_E_INVALID,
			  "it: is a directory; only regular files can be mapped");
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, both), 0);
	for (int i = 0; i < 2; i++)
		expect_refusal_of(both[i], MOTE_E_INVALID,
				  "it: is a socket or the like; only regular files can be mapped");
	expect_refusal_of(eventfd(0, EFD_CLOEXEC), MOTE_E_INVALID,
			  "it: is a socket or the like; only regular files can be mapped");
	assert_int_equal(pipe2(both, O_CLOEXEC), 0);
	for (int i = 0; i < 2; i++)
		expect_refusal_of(both[i], MOTE_E_INVALID,
				  "it: is a pipe; only regular files can be mapped");
	close(scratch.fd);
}

static void a_file_that_may_not_be_read_is_refused(void **state)
{
	(void)state;
	const char *path = path_of("secret");
	uid_t user = geteuid();

	make_file(path);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(chmod(folder, 0711), 0);
	if (user == 0 && seteuid(65534) != 0) {
		unlink(path);
		print_message("SKIP: root may read everything, and cannot become another user\n");
		skip();
	}
	expect_refusal(path, AT, MOTE_E_OS, "secret: Permission denied");
	assert_int_equal(seteuid(user), 0);
	unlink(path);
}

static void the_host_reads_what_the_guest_sees(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(PAGE + 30);
	struct file_mapping *file = prepare(scratch.path, "x");
	uint8_t got[2 * PAGE + 1];
	mote_error err;

	got[2 * PAGE] = 0xab;
	assert_int_equal(file_mapping_read(file, 0, got, 2 * PAGE, &err), MOTE_OK);
	assert_memory_equal(got, file->bytes, 2 * PAGE);
	assert_int_equal(got[2 * PAGE], 0xab);
	assert_memory_equal(got, "abc", 3);
	assert_int_equal(file_mapping_read(file, 25, got, 2, &err), MOTE_OK);
	assert_memory_equal(got, "z", 2);
	memset(got, 0xff, sizeof got);
	assert_int_equal(file_mapping_read(file, PAGE + 30, got, PAGE - 30, &err), MOTE_OK);
	for (size_t i = 0; i < PAGE - 30; i++)
		assert_int_equal(got[i], 0);
	assert_int_equal(got[PAGE - 30], 0xff);
	assert_int_equal(file_mapping_read(file, 2 * PAGE - 1, got, 1, &err), MOTE_OK);
	drop(file);
	close(scratch.fd);
}

static void what_was_cut_off_is_an_error_and_the_rest_is_not(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(3 * PAGE);
	struct file_mapping *file = prepare(scratch.path, "x");
	uint8_t got[3 * PAGE];
	uint64_t now;
	mote_error err;

	assert_false(file_mapping_is_cut(file, &now));
	assert_int_equal(ftruncate(scratch.fd, 2 * PAGE + 1), 0);
	assert_false(file_mapping_is_cut(file, &now)); /* no page is missing */
	assert_int_equal(file_mapping_read(file, 0, got, 3 * PAGE, &err), MOTE_OK);

	assert_int_equal(ftruncate(scratch.fd, PAGE + 1), 0);
	assert_true(file_mapping_is_cut(file, &now));
	assert_int_equal(now, PAGE + 1);
	assert_int_equal(file_mapping_read(file, PAGE, got, PAGE, &err), MOTE_OK);
	memset(got, 0xff, sizeof got);
	assert_int_equal(file_mapping_read(file, PAGE, got, PAGE + 1, &err), MOTE_E_OS);
	assert_string_equal(err.message, "the mapped file \"x\" was cut from 12288 to 4097 bytes "
					 "after it was mapped; map files that nobody changes");
	assert_int_equal(err.os_error, 0);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[PAGE], 0);
	assert_int_equal(file_mapping_read(file, 2 * PAGE, got, 1, NULL), MOTE_E_OS);

	/* what was cut off may grow again */
	assert_int_equal(ftruncate(scratch.fd, 3 * PAGE), 0);
	assert_false(file_mapping_is_cut(file, &now));
	assert_int_equal(file_mapping_read(file, 0, got, 3 * PAGE, &err), MOTE_OK);
	drop(file);
	close(scratch.fd);
}

/* pread() that gives one byte at a time, or is interrupted. */
static int calls;

static ssize_t slow_pread(int fd, void *to, size_t size, off_t offset)
{
	if (calls++ % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	return pread(fd, to, size > 1 ? 1 : size, offset);
}

static ssize_t broken_pread(int fd, void *to, size_t size, off_t offset)
{
	if (offset > 2) {
		errno = EIO;
		return -1;
	}
	return pread(fd, to, size > 2 ? 2 : size, offset);
}

static int blind_fstat(int fd, struct stat *to)
{
	(void)fd, (void)to;
	errno = EIO;
	return -1;
}

static void reads_go_on_until_all_is_there_or_fail_whole(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(30);
	struct file_mapping *file = prepare(scratch.path, "x");
	struct host host = *file->host;
	struct sys sys = *host.sys;
	const struct host *real = file->host;
	uint8_t got[40];
	mote_error err;

	host.sys = &sys;
	file->host = &host;
	sys.pread = slow_pread;
	assert_int_equal(file_mapping_read(file, 1, got, 35, &err), MOTE_OK);
	assert_memory_equal(got, "bcdefghijklmnopqrstuvwxyz\0\0\0\0\0\0\0\0\0\0", 35);

	sys.pread = broken_pread;
	memset(got, 0xff, sizeof got);
	assert_int_equal(file_mapping_read(file, 0, got, 8, &err), MOTE_E_OS);
	assert_string_equal(err.message, "cannot read the mapped file \"x\": Input/output error");
	assert_int_equal(err.os_error, EIO);
	assert_int_equal(got[0], 0);
	assert_int_equal(got[8], 0xff);

	/* who cannot know the size does not claim that zeroes are there */
	sys.pread = pread;
	sys.fstat = blind_fstat;
	assert_int_equal(file_mapping_read(file, 0, got, 30, &err), MOTE_OK);
	assert_int_equal(file_mapping_read(file, 0, got, 31, &err), MOTE_E_OS);
	file->host = real;
	drop(file);
	close(scratch.fd);
}

/* By descriptor, if the file has no path. */
static mote_status prepare_and_read(const struct host *host, void *user, mote_error *err)
{
	const struct scratch_file *scratch = user;
	const bool is_open = !scratch->path[0];
	struct file_mapping *file;
	uint8_t got[PAGE];
	mote_status status = file_mapping_new(&file, host, is_open ? "it" : scratch->path,
					      is_open ? &scratch->fd : NULL, AT, NULL, err);

	if (status)
		assert_null(file);
	else
		status = file_mapping_read(file, 0, got, sizeof got, err);
	file_mapping_unref(file);
	return status;
}

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	struct scratch_file scratch = scratch_file(100);

	fail_each_operation(prepare_and_read, &scratch, NULL);
	scratch.path[0] = '\0';
	fail_each_operation(prepare_and_read, &scratch, NULL);
	close(scratch.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_is_mapped_whole_and_read_only),
		cmocka_unit_test(what_is_open_is_mapped_by_a_descriptor_of_its_own),
		cmocka_unit_test(a_given_label_is_taken_as_it_is_or_refused),
		cmocka_unit_test(a_label_is_derived_from_the_name),
		cmocka_unit_test(addresses_that_no_file_can_have_are_refused),
		cmocka_unit_test(what_is_no_file_with_bytes_is_refused),
		cmocka_unit_test(descriptors_of_nothing_to_map_are_refused),
		cmocka_unit_test(a_file_that_may_not_be_read_is_refused),
		cmocka_unit_test(the_host_reads_what_the_guest_sees),
		cmocka_unit_test(what_was_cut_off_is_an_error_and_the_rest_is_not),
		cmocka_unit_test(reads_go_on_until_all_is_there_or_fail_whole),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
