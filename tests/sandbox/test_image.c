/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be done with an image of a guest ABI that sandboxes do not have yet: it is loaded and
 * described by the public functions, and all that would run it says no.
 */
#include "sandbox/sandbox_box.h"

#include "tests/hyperlight/hyper_elf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct sandbox_box box;
static mote_image *image;
static struct hyper_elf file;

static int load(void **state)
{
	(void)state;
	sandbox_box_init(&box, &fake_machine);
	hyper_elf_init(&file);
	return mote_image_load_memory(&image, box.rt, &file, sizeof file, &box.err) != MOTE_OK;
}

static int drop(void **state)
{
	(void)state;
	mote_image_unref(image);
	sandbox_box_fini(&box);
	return 0;
}

static void it_is_described(void **state)
{
	mote_image_info info = { .size = sizeof info };

	(void)state;
	assert_int_equal(mote_image_describe(image, &info, NULL), MOTE_OK);
	assert_string_equal(info.guest_abi, "hyperlight");
	assert_string_equal(info.guest_abi_version, "0.15.0");
	assert_false(info.lists_functions);
	assert_false(info.is_mote_guest);
}

static int ndropped;

static void count_drop(void *user)
{
	(void)user;
	ndropped++;
}

static mote_status never_called(void *user, const mote_value *args, size_t nargs,
				mote_value *result, mote_error *err)
{
	(void)user;
	(void)args;
	(void)nargs;
	(void)result;
	(void)err;
	fail();
	return MOTE_OK;
}

static void no_sandbox_is_made_of_it_where_there_is_no_ring_0(void **state)
{
	const mote_host_function function = {
		.name = "Host", .fn = never_called, .drop_user = count_drop, .result = MOTE_I32
	};
	mote_sandbox *sb = (mote_sandbox *)&box;

	(void)state;
	ndropped = 0;
	sandbox_box_expect(&box,
			   mote_sandbox_new(&sb, image,
					    MOTE_OPTIONS(mote_sandbox_options,
							 .functions = &function, .nfunctions = 1),
					    &box.err),
			   MOTE_E_NO_HYPERVISOR, "ring 0, which the fake backend does not have");
	assert_null(sb);
	assert_int_equal(ndropped, 1);
}

static void it_does_not_run_as_a_program(void **state)
{
	int exit_status;

	(void)state;
	sandbox_box_expect(&box, mote_image_run(image, NULL, &exit_status, &box.err),
			   MOTE_E_ABI_MISMATCH, "memory: is a guest of the hyperlight ABI");
}

static void never_visited(void *user, const mote_region_info *region)
{
	(void)user;
	(void)region;
	fail();
}

/* Takes note of where scratch begins, and of all bytes that are in it. */
static void look(void *user, const mote_region_info *region)
{
	mote_region_info *scratch = user;

	if (strcmp(region->slot, "scratch") != 0)
		return;
	if (scratch->size == 0)
		scratch->physical = region->physical;
	scratch->size += region->size;
}

static void its_layout_has_the_sizes_that_were_asked_for(void **state)
{
	const mote_sandbox_options *options =
		MOTE_OPTIONS(mote_sandbox_options, .scratch_size = 1 << 20);
	mote_region_info scratch = { .size = 0 };

	(void)state;
	sandbox_box_expect(&box, mote_image_layout(image, options, look, &scratch, &box.err),
			   MOTE_OK, NULL);
	assert_int_equal(scratch.size, 1 << 20);
	assert_int_equal(scratch.physical, (UINT64_C(1) << 36) - (1 << 20));
	options = MOTE_OPTIONS(mote_sandbox_options, .scratch_size = 4096);
	sandbox_box_expect(&box, mote_image_layout(image, options, never_visited, NULL, &box.err),
			   MOTE_E_LIMIT, "scratch_size is 0x1000; ");
}

static void the_abi_can_be_named(void **state)
{
	mote_image_info info = { .size = sizeof info };
	struct tiny_elf tiny;
	mote_image *other;

	(void)state;
	tiny_elf_init(&tiny);
	assert_int_equal(
		mote_image_load_memory_as(&other, box.rt, &tiny, sizeof tiny, "mote", NULL),
		MOTE_OK);
	assert_int_equal(mote_image_describe(other, &info, NULL), MOTE_OK);
	assert_string_equal(info.guest_abi, "mote");
	mote_image_unref(other);

	other = image;
	sandbox_box_expect(
		&box,
		mote_image_load_memory_as(&other, box.rt, &file, sizeof file, "other", &box.err),
		MOTE_E_INVALID, "guest ABI \"other\" does not exist");
	assert_null(other);
}

static void files_are_loaded_by_the_same_rules(void **state)
{
	char path[] = "/tmp/mote-test-abi-XXXXXX";
	const int fd = mkstemp(path);
	mote_image_info info = { .size = sizeof info };
	mote_image *other;

	(void)state;
	assert_true(fd >= 0);
	file.names[11] = 'x'; /* it has no note any more */
	assert_int_equal(write(fd, &file, sizeof file), sizeof file);
	close(fd);
	assert_int_equal(mote_image_load_file_as(&other, box.rt, path, "hyperlight", NULL),
			 MOTE_OK);
	assert_int_equal(mote_image_describe(other, &info, NULL), MOTE_OK);
	assert_string_equal(info.guest_abi, "hyperlight");
	assert_string_equal(info.guest_abi_version, "");
	mote_image_unref(other);

	other = image;
	sandbox_box_expect(&box, mote_image_load_file_as(&other, box.rt, path, "Mote", &box.err),
			   MOTE_E_INVALID, "guest ABI \"Mote\" does not exist");
	assert_null(other);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(it_is_described, load, drop),
		cmocka_unit_test_setup_teardown(no_sandbox_is_made_of_it_where_there_is_no_ring_0,
						load, drop),
		cmocka_unit_test_setup_teardown(it_does_not_run_as_a_program, load, drop),
		cmocka_unit_test_setup_teardown(its_layout_has_the_sizes_that_were_asked_for, load,
						drop),
		cmocka_unit_test_setup_teardown(the_abi_can_be_named, load, drop),
		cmocka_unit_test_setup_teardown(files_are_loaded_by_the_same_rules, load, drop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
