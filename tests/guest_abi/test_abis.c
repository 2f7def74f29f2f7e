/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose guest a file is: by what it says, by what its caller says, and what is told of it. A file
 * that is wrong is refused when it is loaded, by the rules of its own ABI.
 */
#include "guest_abi/abis.h"

#include "abi/hyperlight.h"
#include "guest_abi/hyperlight/guest_internal.h"
#include "image/image.h"
#include "kit/fail.h"
#include "kit/tiny_elf.h"
#include "tests/hyperlight/hyper_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HYPER_SIZE sizeof(struct hyper_elf)

static struct hyper_elf make_hyper(void)
{
	struct hyper_elf elf;

	hyper_elf_init(&elf);
	return elf;
}

static struct hyper_elf without_note(void)
{
	struct hyper_elf elf = make_hyper();

	elf.names[11] = 'x';
	return elf;
}

static void abis_are_found_by_name(void **state)
{
	(void)state;
	assert_string_equal(guest_abi_find("hyperlight")->name, "hyperlight");
	assert_null(guest_abi_find("hyperligh"));
	assert_null(guest_abi_find("hyperlight2"));
	assert_null(guest_abi_find(""));
	for (size_t i = 0; guest_abis[i]; i++)
		assert_ptr_equal(guest_abi_find(guest_abis[i]->name), guest_abis[i]);
}

static void assert_is_of(const void *file, size_t size, const char *name, const char *want)
{
	char version[GUEST_VERSION_SIZE];

	memset(version, '?', sizeof version);
	const struct guest_abi *abi = guest_abi_of(file, size, version);
	if (name)
		assert_string_equal(abi ? abi->name : "nobody", name);
	else
		assert_null(abi);
	assert_string_equal(version, want);
}

static void a_file_says_whose_guest_it_is(void **state)
{
	struct hyper_elf hyper = make_hyper();
	struct hyper_elf plain = without_note();
	struct tiny_elf tiny;

	(void)state;
	tiny_elf_init(&tiny);
	assert_is_of(&hyper, sizeof hyper, "hyperlight", "0.15.0");
	assert_is_of(&plain, sizeof plain, NULL, "");
	assert_is_of(&tiny, sizeof tiny, NULL, "");
	assert_is_of("junk", 4, NULL, "");
	assert_is_of("", 0, NULL, "");
	hyper.note[24 + 5] = '1'; /* another version is that ABI's affair */
	assert_is_of(&hyper, sizeof hyper, "hyperlight", "0.15.1");
	hyper = make_hyper();
	hyper.phdrs[HYPER_CODE].p_type = PT_NULL; /* and so is a file that is wrong */
	assert_is_of(&hyper, sizeof hyper, "hyperlight", "0.15.0");
}

static void a_file_is_described_as_its_guest_will_see_it(void **state)
{
	const struct hyper_elf hyper = make_hyper();
	struct elf elf;

	(void)state;
	assert_int_equal(hyperlight_describe(&elf, &hyper, sizeof hyper, NULL), MOTE_OK);
	assert_int_equal(elf.nsegments, 2);
	assert_true(elf.is_pie);
	assert_int_equal(elf.bias, HYPERLIGHT_BASE);
	assert_int_equal(elf.entry, HYPERLIGHT_BASE + hyper.header.e_entry);
	assert_int_equal(elf.segments[0].address, HYPERLIGHT_BASE);
	assert_int_equal(elf.segments[0].file_offset, 0);
	assert_int_equal(elf.segments[1].address, HYPERLIGHT_BASE + HYPER_DATA_ADDRESS);
	assert_int_equal(elf.segments[1].file_offset, offsetof(struct hyper_elf, data));
	assert_int_equal(elf.segments[1].file_size, sizeof hyper.data);
	assert_int_equal(elf.segments[1].memory_size, sizeof hyper.data + HYPER_BSS_SIZE);
	for (size_t i = 0; i < elf.nsegments; i++)
		assert_true(elf.segments[i].readable && elf.segments[i].writable &&
			    elf.segments[i].executable);
}

static void one_for_fixed_addresses_is_where_it_will_be(void **state)
{
	struct hyper_elf hyper = make_hyper();
	struct elf elf;

	(void)state;
	memset(hyper.dynamic, 0, sizeof hyper.dynamic);
	hyper.header.e_type = ET_EXEC;
	hyper.header.e_entry += 0x400000;
	hyper.phdrs[HYPER_CODE].p_vaddr += 0x400000;
	hyper.phdrs[HYPER_DATA].p_vaddr += 0x400000;
	assert_int_equal(hyperlight_describe(&elf, &hyper, sizeof hyper, NULL), MOTE_OK);
	assert_false(elf.is_pie);
	assert_int_equal(elf.segments[0].address, HYPERLIGHT_BASE);
	assert_int_equal(elf.entry, HYPERLIGHT_BASE + hyper.header.e_entry - 0x400000);
	assert_int_equal(elf.bias + hyper.header.e_entry, elf.entry);
}

static void nothing_is_told_of_a_file_that_is_wrong(void **state)
{
	struct hyper_elf hyper = make_hyper();
	struct elf elf;
	mote_error err;

	(void)state;
	memset(&elf, 0xff, sizeof elf);
	hyper.relas[1].r_info = R_X86_64_64;
	assert_int_equal(hyperlight_describe(&elf, &hyper, sizeof hyper, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "relocation of type 1"));
	assert_int_equal(elf.nsegments, 0);
	assert_null(elf.bytes);
}

static mote_status load(struct mote_image **out, const struct host *host, const void *file,
			size_t size, const char *name, mote_error *err)
{
	mote_status status = image_open_memory(out, host, file, size, err);

	if (!status)
		status = guest_abi_parse(*out, name, err);
	if (status) {
		mote_image_unref(*out);
		*out = NULL;
	}
	return status;
}

/* What is told of FILE when it is loaded as NAME. */
static mote_image_info info_of(const void *file, size_t size, const char *name)
{
	static char version[GUEST_VERSION_SIZE];
	mote_image_info info = { .size = sizeof info };
	struct mote_image *image;
	mote_error err;

	if (load(&image, fail_host(0, FAIL_ONCE, 0), file, size, name, &err))
		fail_msg("%s", err.message);
	assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
	snprintf(version, sizeof version, "%s", info.guest_abi_version);
	info.guest_abi_version = version;
	if (!info.lists_functions) {
		assert_null(mote_image_export(image, 0));
		assert_null(mote_image_import(image, 0));
		assert_null(mote_image_find_export(image, "Add"));
	}
	assert_int_equal(mote_image_segment(image, 0) == NULL, info.nsegments == 0);
	mote_image_unref(image);
	assert_null(fail_leak());
	return info;
}

static void assert_info(const mote_image_info *info, const char *abi, const char *version,
			bool lists_functions)
{
	if (abi)
		assert_string_equal(info->guest_abi, abi);
	else
		assert_null(info->guest_abi);
	assert_string_equal(info->guest_abi_version, version);
	assert_int_equal(info->lists_functions, lists_functions);
	assert_int_equal(info->is_mote_guest, abi && strcmp(abi, "mote") == 0);
	assert_int_equal(info->abi_version, info->is_mote_guest ? 1 : 0);
}

static void images_name_their_abi_and_its_version(void **state)
{
	const struct hyper_elf hyper = make_hyper();
	struct tiny_elf tiny;

	(void)state;
	tiny_elf_init(&tiny);
	mote_image_info info = info_of(&hyper, sizeof hyper, NULL);
	assert_info(&info, "hyperlight", "0.15.0", false);
	assert_int_equal(info.entry, HYPERLIGHT_BASE + hyper.header.e_entry);
	assert_int_equal(info.nexports, 0);
	assert_int_equal(info.file_bytes, sizeof hyper);
	info = info_of(&hyper, sizeof hyper, "hyperlight");
	assert_info(&info, "hyperlight", "0.15.0", false);
	info = info_of(&tiny, sizeof tiny, NULL);
	assert_info(&info, "mote", "1", true);
	info = info_of(&tiny, sizeof tiny, "mote");
	assert_info(&info, "mote", "1", true);
	memset(tiny.note_name, 'x', sizeof tiny.note_name);
	info = info_of(&tiny, sizeof tiny, NULL);
	assert_info(&info, NULL, "", true);
}

static void without_a_note_it_is_a_program_unless_someone_says_otherwise(void **state)
{
	struct tiny_elf tiny;

	(void)state;
	tiny_elf_init_pie(&tiny);
	memset(tiny.note_name, 'x', sizeof tiny.note_name);
	memset(tiny.dynamic, 0, sizeof tiny.dynamic);
	mote_image_info info = info_of(&tiny, sizeof tiny, NULL);
	assert_info(&info, NULL, "", true);

	const struct hyper_elf plain = without_note();
	info = info_of(&plain, sizeof plain, "hyperlight");
	assert_info(&info, "hyperlight", "", false);
	assert_int_equal(info.nsegments, 2);
}

static void a_name_that_is_none_is_refused(void **state)
{
	const struct hyper_elf hyper = make_hyper();
	struct mote_image *image;
	mote_error err;

	(void)state;
	assert_int_equal(load(&image, fail_host(0, FAIL_ONCE, 0), &hyper, HYPER_SIZE, "xen", &err),
			 MOTE_E_INVALID);
	assert_string_equal(err.message,
			    "guest ABI \"xen\" does not exist; there are mote and hyperlight");
	assert_null(fail_leak());
}

static void relocate_to_nowhere(struct hyper_elf *elf)
{
	elf->relas[1].r_offset = UINT64_MAX;
}

static void cut_segment(struct hyper_elf *elf)
{
	elf->phdrs[HYPER_DATA].p_offset = sizeof *elf;
}

static void make_older(struct hyper_elf *elf)
{
	elf->note[24 + 3] = '4';
}

static void files_are_refused_when_they_are_loaded(void **state)
{
	static const struct {
		void (*make)(struct hyper_elf *elf);
		mote_status status;
		const char *says;
	} rows[] = {
		{ relocate_to_nowhere, MOTE_E_IMAGE, "memory: has a relocation at 0xfff" },
		{ cut_segment, MOTE_E_IMAGE, "memory: has a segment of " },
		{ make_older, MOTE_E_ABI_MISMATCH,
		  "memory: was built for version 0.14.0 of the hyperlight ABI; this library speaks "
		  "0.15.0" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hyper_elf hyper = make_hyper();
		struct mote_image *image;
		mote_error err;

		rows[i].make(&hyper);
		assert_int_equal(
			load(&image, fail_host(0, FAIL_ONCE, 0), &hyper, sizeof hyper, NULL, &err),
			rows[i].status);
		if (strncmp(err.message, rows[i].says, strlen(rows[i].says)) != 0)
			fail_msg("%s", err.message);
		assert_null(fail_leak());
	}
}

static mote_status load_scenario(const struct host *host, void *user, mote_error *err)
{
	struct mote_image *image;
	const mote_status status = load(&image, host, user, HYPER_SIZE, NULL, err);

	mote_image_unref(image);
	return status;
}

static void nothing_is_left_when_an_operation_fails(void **state)
{
	struct hyper_elf hyper = make_hyper();

	(void)state;
	fail_each_operation(load_scenario, &hyper, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(abis_are_found_by_name),
		cmocka_unit_test(a_file_says_whose_guest_it_is),
		cmocka_unit_test(a_file_is_described_as_its_guest_will_see_it),
		cmocka_unit_test(one_for_fixed_addresses_is_where_it_will_be),
		cmocka_unit_test(nothing_is_told_of_a_file_that_is_wrong),
		cmocka_unit_test(images_name_their_abi_and_its_version),
		cmocka_unit_test(without_a_note_it_is_a_program_unless_someone_says_otherwise),
		cmocka_unit_test(a_name_that_is_none_is_refused),
		cmocka_unit_test(files_are_refused_when_they_are_loaded),
		cmocka_unit_test(nothing_is_left_when_an_operation_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
