/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files from real compilers and linkers: what guests are built with loads and says what it
 * exports; what people load by mistake is called by its name.
 *
 * MOTE_TEST_GUESTS is the folder of the guests, MOTE_TEST_FILES that of the other files; a
 * variant that could not be built on this machine is skipped.
 */
#include "image/image.h"

#include "tests/kit/fail.h"
#include "tests/kit/image_flaw.h"
#include "tests/kit/load_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The path of NAME in the folder that the environment's VARIABLE names. */
static const char *file_in(const char *variable, const char *name)
{
	static char path[4096];
	const char *folder = getenv(variable);
	if (!folder)
		fail_msg("%s is not set; run this with meson test", variable);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static struct mote_image *load_good(const char *path)
{
	struct mote_image *image;
	mote_error err;
	if (load_image_file(&image, fail_host(0, FAIL_ONCE, 0), path, &err) != MOTE_OK)
		fail_msg("%s: %s", path, err.message);
	const char *flaw = image_flaw(image);
	if (flaw)
		fail_msg("%s: %s", path, flaw);
	return image;
}

static void drop(struct mote_image *image)
{
	mote_image_unref(image);
	assert_null(fail_leak());
}

static void assert_function(const mote_function_info *f, mote_type result, uint32_t nparams,
			    mote_type first)
{
	assert_non_null(f);
	assert_int_equal(f->result, result);
	assert_int_equal(f->nparams, nparams);
	if (nparams > 0)
		assert_int_equal(f->params[0], first);
}

static void assert_echo(const struct mote_image *image, bool is_pie)
{
	mote_image_info info = { .size = sizeof info };
	assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
	assert_true(info.is_mote_guest);
	assert_int_equal(info.is_pie, is_pie);
	assert_int_equal(info.abi_version, 1);
	assert_function(mote_image_find_export(image, "EchoVoid"), MOTE_VOID, 0, MOTE_VOID);
	assert_function(mote_image_find_export(image, "EchoI32"), MOTE_I32, 1, MOTE_I32);
	assert_function(mote_image_find_export(image, "EchoF64"), MOTE_F64, 1, MOTE_F64);
	assert_function(mote_image_find_export(image, "EchoBool"), MOTE_BOOL, 1, MOTE_BOOL);
	assert_function(mote_image_find_export(image, "EchoStr"), MOTE_STRING, 1, MOTE_STRING);
	assert_function(mote_image_find_export(image, "EchoBytes"), MOTE_BYTES, 1, MOTE_BYTES);
	assert_null(mote_image_find_export(image, "main"));
}

/* The builds of a guest, by the endings of their names. */
static const struct {
	const char *ending;
	bool is_pie;
	bool is_optional;
} variants[] = {
	{ "glibc", false, false },
	{ "glibc-pie", true, false },
	{ "musl", false, true },
};

#define NVARIANTS (sizeof variants / sizeof variants[0])

/* The path of NAME in that variant, or NULL when it was not built. */
static const char *variant_path(const char *name, size_t variant)
{
	char file[64];
	snprintf(file, sizeof file, "%s-%s", name, variants[variant].ending);
	const char *path = file_in("MOTE_TEST_GUESTS", file);
	if (access(path, R_OK) == 0)
		return path;
	if (!variants[variant].is_optional)
		fail_msg("%s is missing", path);
	print_message("SKIPPED: %s was not built here\n", file);
	return NULL;
}

static void guests_of_every_libc_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < NVARIANTS; i++) {
		const char *path = variant_path("echo", i);
		if (!path)
			continue;
		struct mote_image *image = load_good(path);
		assert_echo(image, variants[i].is_pie);
		assert_null(mote_image_import(image, 0));
		drop(image);
	}
}

static void imports_are_listed(void **state)
{
	(void)state;
	for (size_t i = 0; i < NVARIANTS; i++) {
		const char *path = variant_path("hostcalls", i);
		if (!path)
			continue;
		struct mote_image *image = load_good(path);
		assert_non_null(mote_image_import(image, 0));
		drop(image);
	}
}

static void programs_without_the_guest_library_load(void **state)
{
	(void)state;
	for (size_t i = 0; i < NVARIANTS; i++) {
		const char *path = variant_path("prog", i);
		if (!path)
			continue;
		struct mote_image *image = load_good(path);
		mote_image_info info = { .size = sizeof info };
		assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
		assert_false(info.is_mote_guest);
		assert_int_equal(info.is_pie, variants[i].is_pie);
		assert_int_equal(info.nexports, 0);
		drop(image);
	}
}

static void a_stripped_guest_keeps_its_functions(void **state)
{
	(void)state;
	struct mote_image *image = load_good(file_in("MOTE_TEST_FILES", "echo-stripped"));
	assert_echo(image, false);
	drop(image);
}

/* strip's option --strip-all keeps section headers; some other programs do not. */
static void a_guest_without_section_headers_is_told_so(void **state)
{
	(void)state;
	struct mote_image *image = load_good(file_in("MOTE_TEST_FILES", "echo-stripped"));
	Elf64_Ehdr header = image->elf.header;
	header.e_shoff = 0;
	header.e_shnum = 0;
	memcpy((uint8_t *)(uintptr_t)image->file.at, &header, sizeof header);

	struct host host;
	struct mote_image *again;
	mote_error err;
	host_init(&host);
	assert_int_equal(load_image_memory(&again, &host, image->file.at, image->file.size, &err),
			 MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "is a mote guest without section headers"));
	drop(image);
}

static const struct {
	const char *file; /* in MOTE_TEST_FILES, or anywhere with a slash in front */
	const char *message;
} mistakes[] = {
	{ "object.o", "object.o: is a relocatable object; link it (cc -static) first" },
	{ "library.so", "library.so: is a shared library; mote guests are executables" },
	{ "archive.a", "archive.a: is a static library" },
	{ "dynamic", "dynamic: is a dynamic executable (interpreter /lib" },
	{ "dynamic-pie", "dynamic-pie: is a dynamic executable (interpreter /lib" },
	{ "writable-code", "is writable and executable" },
	{ "low", "reaches below 0x200000, which the host keeps; link it higher" },
	{ "/proc/self/exe", "exe: is a dynamic executable (interpreter /lib" },
};

static void mistakes_are_called_by_their_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
		const char *path = mistakes[i].file;
		struct mote_image *image;
		mote_error err = { .code = MOTE_OK };
		if (path[0] != '/')
			path = file_in("MOTE_TEST_FILES", path);
		mote_status status =
			load_image_file(&image, fail_host(0, FAIL_ONCE, 0), path, &err);
		if (status != MOTE_E_IMAGE || !strstr(err.message, mistakes[i].message))
			fail_msg("%s: %s \"%s\", want \"%s\"", path, mote_status_name(status),
				 err.message, mistakes[i].message);
		assert_null(fail_leak());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(guests_of_every_libc_load),
		cmocka_unit_test(imports_are_listed),
		cmocka_unit_test(programs_without_the_guest_library_load),
		cmocka_unit_test(a_stripped_guest_keeps_its_functions),
		cmocka_unit_test(a_guest_without_section_headers_is_told_so),
		cmocka_unit_test(mistakes_are_called_by_their_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
