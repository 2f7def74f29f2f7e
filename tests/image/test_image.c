/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images from files and from memory: what they answer, who frees them, and what happens when any
 * operation on the way fails.
 */
#include "image/image.h"

#include "tests/kit/fail.h"
#include "tests/kit/image_flaw.h"
#include "tests/kit/load_image.h"
#include "tests/kit/tiny_elf.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

/* A folder of its own for each test program. */
static char folder[] = "/tmp/mote-test-image-XXXXXX";
static char path[128];

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

/* Sets PATH to the file NAME in the folder. */
static void name_file(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
}

static void write_file(const char *name, const void *bytes, size_t size)
{
	name_file(name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static void assert_tiny_image(const struct mote_image *image)
{
	const char *flaw = image_flaw(image);
	if (flaw)
		fail_msg("%s", flaw);
	mote_image_info info = { .size = sizeof info };
	assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
	assert_int_equal(info.size, sizeof info);
	assert_true(info.is_mote_guest);
	assert_false(info.is_pie);
	assert_int_equal(info.abi_version, MOTE_ABI_VERSION);
	assert_int_equal(info.entry, image->elf.entry);
	assert_int_equal(info.file_bytes, sizeof(struct tiny_elf));
	assert_int_equal(info.nsegments, TINY_NSEGMENTS);
	assert_int_equal(info.nexports, TINY_NEXPORTS);
	assert_int_equal(info.nimports, TINY_NIMPORTS);
	assert_string_equal(mote_image_import(image, 0)->name, "Print");
}

static void memory_is_copied(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	memset(&file, 0xff, sizeof file);
	assert_string_equal(image->name, "memory");
	assert_tiny_image(image);
	mote_image_unref(image);
	assert_null(fail_leak());
}

static void a_file_may_go_once_it_is_loaded(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	write_file("guest.elf", &file, sizeof file);
	assert_int_equal(load_image_file(&image, host, path, NULL), MOTE_OK);
	assert_int_equal(unlink(path), 0);
	assert_string_equal(image->name, "guest.elf");
	assert_tiny_image(image);
	mote_image_unref(image);
	assert_null(fail_leak());
}

static void items_past_the_last_are_null(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	assert_non_null(mote_image_segment(image, TINY_NSEGMENTS - 1));
	assert_null(mote_image_segment(image, TINY_NSEGMENTS));
	assert_non_null(mote_image_export(image, TINY_NEXPORTS - 1));
	assert_null(mote_image_export(image, TINY_NEXPORTS));
	assert_non_null(mote_image_import(image, TINY_NIMPORTS - 1));
	assert_null(mote_image_import(image, TINY_NIMPORTS));
	assert_null(mote_image_segment(image, SIZE_MAX));
	assert_null(mote_image_export(image, SIZE_MAX));
	assert_null(mote_image_import(image, SIZE_MAX));
	assert_ptr_equal(mote_image_find_export(image, "Add"), mote_image_export(image, 1));
	assert_null(mote_image_find_export(image, "Print"));
	mote_image_unref(image);
}

static void a_program_without_the_guest_library_is_an_image_too(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init_pie(&file);
	file.phdrs[TINY_NOTE].p_type = PT_NULL;
	file.header.e_shoff = UINT64_MAX; /* nobody looks */
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	mote_image_info info = { .size = sizeof info };
	assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
	assert_false(info.is_mote_guest);
	assert_true(info.is_pie);
	assert_int_equal(info.abi_version, 0);
	assert_int_equal(info.nexports, 0);
	assert_int_equal(info.nimports, 0);
	assert_null(mote_image_find_export(image, "Add"));
	assert_null(mote_image_export(image, 0));
	mote_image_unref(image);
	assert_null(fail_leak());
}

static void describing_needs_the_callers_size(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	mote_image_info info = { .size = 0 };
	mote_error err;
	tiny_elf_init(&file);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	assert_int_equal(mote_image_describe(image, &info, &err), MOTE_E_INVALID);
	assert_string_equal(err.message,
			    "mote_image_info.size is 0; set it to sizeof(mote_image_info)");
	mote_image_unref(image);
}

static void functions_without_a_section_are_none(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	file.shdrs[TINY_SECTION_EXPORTS].sh_name = 0;
	file.shdrs[TINY_SECTION_IMPORTS].sh_name = 0;
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	assert_null(mote_image_export(image, 0));
	assert_null(mote_image_import(image, 0));
	assert_null(mote_image_find_export(image, "Add"));
	mote_image_unref(image);
	assert_null(fail_leak());
}

static void imports_may_repeat_a_name(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	memcpy(file.exports[1].name, "Print", 6);
	file.imports[0] = file.exports[1];
	/* exports and imports lie side by side: two imports, both "Print" */
	file.shdrs[TINY_SECTION_IMPORTS].sh_offset = offsetof(struct tiny_elf, exports[1]);
	file.shdrs[TINY_SECTION_IMPORTS].sh_size = 3 * sizeof(struct mote_record);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	assert_string_equal(mote_image_import(image, 0)->name, "Print");
	assert_string_equal(mote_image_import(image, 2)->name, "Print");
	mote_image_unref(image);
	assert_null(fail_leak());
}

/* Loads FILE from PATH, which fails with exactly MESSAGE. */
static void assert_refused(const struct tiny_elf *file, mote_status status, const char *message)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mote_image *image = (struct mote_image *)host;
	mote_error err;
	write_file("guest.elf", file, sizeof *file);
	assert_int_equal(load_image_file(&image, host, path, &err), status);
	assert_int_equal(err.code, status);
	assert_string_equal(err.message, message);
	assert_null(image);
	assert_null(fail_leak());
	assert_int_equal(unlink(path), 0);
}

static void failures_name_the_file(void **state)
{
	(void)state;
	struct tiny_elf file;
	tiny_elf_init(&file);
	file.header.e_machine = EM_AARCH64;
	assert_refused(&file, MOTE_E_IMAGE, "guest.elf: is for aarch64; mote guests are x86-64");

	tiny_elf_init(&file);
	file.note_body.abi_version = 7;
	assert_refused(&file, MOTE_E_ABI_MISMATCH,
		       "guest.elf: was built for version 7 of the guest ABI, this library speaks "
		       "version 1; rebuild it with this library's mote-guest");

	tiny_elf_init(&file);
	file.exports[2].name[0] = '\0';
	assert_refused(&file, MOTE_E_IMAGE, "guest.elf: export 2 has no name");

	tiny_elf_init(&file);
	file.imports[0].nparams = 12;
	assert_refused(&file, MOTE_E_IMAGE,
		       "guest.elf: import 0 (\"Print\") has 12 parameters; the limit is 11");

	tiny_elf_init(&file);
	file.header.e_shoff = 0;
	assert_refused(&file, MOTE_E_IMAGE,
		       "guest.elf: is a mote guest without section headers, which list its "
		       "functions; strip it with strip, which keeps them");
}

static void long_and_wild_names_leave_room_for_the_reason(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	char name[200];
	struct mote_image *image;
	mote_error err;
	memset(name, 'n', sizeof name);
	memcpy(name, "\x1b[2J", 4);
	name[sizeof name - 1] = '\0';
	write_file(name, "no ELF", 6);
	assert_int_equal(load_image_file(&image, host, path, &err), MOTE_E_IMAGE);
	assert_memory_equal(err.message, "\\x1b[2Jnnn", 10);
	assert_non_null(strstr(err.message, "is not an ELF file; mote guests are"));
	assert_int_equal(unlink(path), 0);
}

static void make_pipe(void)
{
	assert_int_equal(mkfifo(path, 0600), 0);
}

static void make_directory(void)
{
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_empty(void)
{
	write_file("thing", "", 0);
}

static void make_large(void)
{
	write_file("thing", "", 0);
	assert_int_equal(truncate(path, (off_t)MOTE_MAX_IMAGE_FILE_SIZE + 1), 0);
}

static void make_link_to_device(void)
{
	assert_int_equal(symlink("/dev/null", path), 0);
}

static void make_link_to_itself(void)
{
	assert_int_equal(symlink("thing", path), 0);
}

static void make_nothing(void)
{
}

static void make_socket(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	memcpy(address.sun_path, path, strlen(path) + 1);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(close(fd), 0);
}

static const struct {
	void (*make)(void);
	mote_status status;
	int os_error;
	const char *message; /* behind the path */
} things[] = {
	{ make_directory, MOTE_E_IMAGE, 0, ": is a directory; want a guest executable" },
	{ make_pipe, MOTE_E_IMAGE, 0, ": is a pipe; want a guest executable" },
	{ make_link_to_device, MOTE_E_IMAGE, 0, ": is a device; want a guest executable" },
	{ make_empty, MOTE_E_IMAGE, 0, ": is empty" },
	{ make_large, MOTE_E_IMAGE, 0, ": has 2147483649 bytes; the limit is 2147483648" },
	{ make_nothing, MOTE_E_OS, ENOENT, "thing: No such file or directory" },
	{ make_link_to_itself, MOTE_E_OS, ELOOP, "thing: Too many levels of symbolic links" },
	{ make_socket, MOTE_E_OS, ENXIO, "thing: No such device or address" },
};

static void what_is_no_file_is_called_by_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof things / sizeof things[0]; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct mote_image *image;
		mote_error err;
		name_file("thing");
		things[i].make();
		assert_int_equal(load_image_file(&image, host, path, &err), things[i].status);
		if (!strstr(err.message, things[i].message))
			fail_msg("\"%s\", want \"%s\"", err.message, things[i].message);
		assert_non_null(strstr(err.message, path));
		assert_int_equal(err.os_error, things[i].os_error);
		assert_null(image);
		assert_null(fail_leak());
		remove(path);
	}
}

static void memory_of_impossible_size_is_refused(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mote_image *image;
	mote_error err;
	assert_int_equal(load_image_memory(&image, host, "", 0, &err), MOTE_E_IMAGE);
	assert_string_equal(err.message, "memory: is empty");
	assert_int_equal(load_image_memory(&image, host, "", MOTE_MAX_IMAGE_FILE_SIZE + 1, &err),
			 MOTE_E_IMAGE);
	assert_string_equal(err.message, "memory: has 2147483649 bytes; the limit is 2147483648");
	assert_int_equal(fail_operations(), 0);
}

/* Such a file would take long to read; that memory is asked for is enough. */
static void the_largest_size_is_let_through(void **state)
{
	(void)state;
	struct mote_image *image;
	const struct host *host = fail_host(2, FAIL_ONCE, 0);
	assert_int_equal(load_image_memory(&image, host, "", MOTE_MAX_IMAGE_FILE_SIZE, NULL),
			 MOTE_E_OS);

	name_file("thing");
	make_large();
	assert_int_equal(truncate(path, (off_t)MOTE_MAX_IMAGE_FILE_SIZE), 0);
	host = fail_host(4, FAIL_ONCE, 0);
	assert_int_equal(load_image_file(&image, host, path, NULL), MOTE_E_OS);
	assert_string_equal(fail_name(), "memfd_create");
	assert_null(fail_leak());
	assert_int_equal(unlink(path), 0);
}

/* read() as a bad day has it: one byte at a time, or the end too soon. */
static struct sys strange_sys;
static size_t readable; /* bytes until the file ends */
static size_t room;     /* bytes until the buffer ends */

static ssize_t read_one_byte(int fd, void *to, size_t size)
{
	assert_int_equal(size, room);
	if (readable == 0) {
		errno = EINTR; /* from some earlier call: it means nothing */
		return 0;
	}
	readable--;
	room--;
	return read(fd, to, 1);
}

static mote_status load_strangely(size_t nbytes, mote_error *err)
{
	struct host host = *fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	strange_sys = *host.sys;
	strange_sys.read = read_one_byte;
	host.sys = &strange_sys;
	readable = nbytes;
	room = sizeof file;
	tiny_elf_init(&file);
	write_file("guest.elf", &file, sizeof file);
	mote_status status = load_image_file(&image, &host, path, err);
	if (status == MOTE_OK)
		assert_tiny_image(image);
	mote_image_unref(image);
	assert_null(fail_leak());
	assert_int_equal(unlink(path), 0);
	return status;
}

static void a_file_that_arrives_in_pieces_is_read_whole(void **state)
{
	(void)state;
	assert_int_equal(load_strangely(SIZE_MAX, NULL), MOTE_OK);
}

static void a_file_that_is_cut_while_it_is_read_is_an_error(void **state)
{
	(void)state;
	mote_error err;
	assert_int_equal(load_strangely(100, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "ended after 100 of "));
	assert_int_equal(load_strangely(sizeof(struct tiny_elf) - 1, &err), MOTE_E_IMAGE);
	assert_int_equal(load_strangely(0, &err), MOTE_E_IMAGE);
}

static void an_interrupted_read_is_tried_again(void **state)
{
	(void)state;
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	write_file("guest.elf", &file, sizeof file);
	const struct host *host = fail_host(4, FAIL_ONCE, EINTR);
	assert_int_equal(load_image_file(&image, host, path, NULL), MOTE_OK);
	assert_string_equal(fail_name(), "read");
	assert_tiny_image(image);
	mote_image_unref(image);
	assert_null(fail_leak());
	assert_int_equal(unlink(path), 0);
}

static mote_status load_file_scenario(const struct host *host, void *user, mote_error *err)
{
	(void)user;
	struct mote_image *image;
	mote_status status = load_image_file(&image, host, path, err);
	assert_int_equal(image == NULL, status != MOTE_OK);
	mote_image_unref(image);
	return status;
}

static mote_status load_memory_scenario(const struct host *host, void *user, mote_error *err)
{
	struct mote_image *image;
	mote_status status = load_image_memory(&image, host, user, sizeof(struct tiny_elf), err);
	assert_int_equal(image == NULL, status != MOTE_OK);
	mote_image_unref(image);
	return status;
}

static void nothing_is_left_when_an_operation_fails(void **state)
{
	(void)state;
	struct tiny_elf file;
	tiny_elf_init(&file);
	write_file("guest.elf", &file, sizeof file);
	fail_each_operation(load_file_scenario, NULL, NULL);
	fail_each_operation(load_memory_scenario, &file, NULL);
	assert_int_equal(unlink(path), 0);
}

static mote_status load_large_scenario(const struct host *host, void *user, mote_error *err)
{
	struct mote_image *image;
	const mote_status status =
		load_image_memory(&image, host, user, IMAGE_BYTES_SHARED_FROM, err);

	assert_int_equal(image == NULL, status != MOTE_OK);
	mote_image_unref(image);
	return status;
}

static void nor_of_a_large_file(void **state)
{
	struct tiny_elf file;
	void *bytes = calloc(1, IMAGE_BYTES_SHARED_FROM);

	(void)state;
	assert_non_null(bytes);
	tiny_elf_init(&file);
	memcpy(bytes, &file, sizeof file);
	fail_each_operation(load_large_scenario, bytes, NULL);
	free(bytes);
}

static void the_last_reference_frees_the_image(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	mote_image_unref(NULL);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	assert_ptr_equal(image_ref(image), image);
	mote_image_unref(image);
	assert_tiny_image(image);
	mote_image_unref(image);
	assert_null(fail_leak());
}

#define NTHREADS 4
#define NROUNDS  20000

static void *take_and_drop(void *user)
{
	struct mote_image *image = user;
	for (unsigned i = 0; i < NROUNDS; i++) {
		image_ref(image);
		mote_image_unref(image);
	}
	mote_image_unref(image);
	return NULL;
}

static void references_may_be_dropped_on_any_thread(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	pthread_t threads[NTHREADS];
	struct tiny_elf file;
	struct mote_image *image;
	tiny_elf_init(&file);
	assert_int_equal(load_image_memory(&image, host, &file, sizeof file, NULL), MOTE_OK);
	for (unsigned i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, image_ref(image)),
				 0);
	mote_image_unref(image);
	for (unsigned i = 0; i < NTHREADS; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	assert_null(fail_leak());
}

static void types_have_names(void **state)
{
	(void)state;
	static const char *const names[] = { "void", "i32", "u32",  "i64", "u64",
					     "f32",  "f64", "bool", "str", "bytes" };
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		assert_string_equal(mote_type_name((mote_type)i), names[i]);
	assert_string_equal(mote_type_name((mote_type)10), "?");
	assert_string_equal(mote_type_name((mote_type)-1), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_copied),
		cmocka_unit_test(a_file_may_go_once_it_is_loaded),
		cmocka_unit_test(items_past_the_last_are_null),
		cmocka_unit_test(a_program_without_the_guest_library_is_an_image_too),
		cmocka_unit_test(describing_needs_the_callers_size),
		cmocka_unit_test(functions_without_a_section_are_none),
		cmocka_unit_test(imports_may_repeat_a_name),
		cmocka_unit_test(failures_name_the_file),
		cmocka_unit_test(long_and_wild_names_leave_room_for_the_reason),
		cmocka_unit_test(what_is_no_file_is_called_by_its_name),
		cmocka_unit_test(memory_of_impossible_size_is_refused),
		cmocka_unit_test(the_largest_size_is_let_through),
		cmocka_unit_test(a_file_that_arrives_in_pieces_is_read_whole),
		cmocka_unit_test(a_file_that_is_cut_while_it_is_read_is_an_error),
		cmocka_unit_test(an_interrupted_read_is_tried_again),
		cmocka_unit_test(nothing_is_left_when_an_operation_fails),
		cmocka_unit_test(nor_of_a_large_file),
		cmocka_unit_test(the_last_reference_frees_the_image),
		cmocka_unit_test(references_may_be_dropped_on_any_thread),
		cmocka_unit_test(types_have_names),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
