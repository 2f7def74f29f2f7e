/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The limits of mote/limits.h where options meet them: nothing, the most, one more, and what wraps.
 * What is refused is refused with the option's name, the number and the most.
 */
#include "sandbox/sandbox_box.h"

#include <inttypes.h>
#include <mote/limits.h>
#include <stdio.h>
#include <string.h>

static struct sandbox_box box;

static int setup(void **state)
{
	(void)state;
	sandbox_box_init(&box, &fake_machine);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sandbox_box_fini(&box);
	return 0;
}

/* An option that is a size, and the region that it makes. */
static const struct size_option {
	const char *name;
	size_t offset; /* in mote_sandbox_options */
	const char *region;
	uint64_t standard, most, unit;
} sizes[] = {
	{ "heap_size", offsetof(mote_sandbox_options, heap_size), "heap", MOTE_DEFAULT_HEAP_SIZE,
	  MOTE_MAX_HEAP_SIZE, UINT64_C(2) << 20 },
	{ "stack_size", offsetof(mote_sandbox_options, stack_size), "stack",
	  MOTE_DEFAULT_STACK_SIZE, MOTE_MAX_STACK_SIZE, 4096 },
	{ "input_size", offsetof(mote_sandbox_options, input_size), "input buffer",
	  MOTE_DEFAULT_INPUT_SIZE, MOTE_MAX_INPUT_SIZE, 4096 },
	{ "output_size", offsetof(mote_sandbox_options, output_size), "output buffer",
	  MOTE_DEFAULT_OUTPUT_SIZE, MOTE_MAX_OUTPUT_SIZE, 4096 },
	{ "buffer_size", offsetof(mote_sandbox_options, buffer_size), "argument buffer", 0,
	  MOTE_MAX_BUFFER_SIZE, 4096 },
	{ "buffer_size", offsetof(mote_sandbox_options, buffer_size), "result buffer", 0,
	  MOTE_MAX_BUFFER_SIZE, 4096 },
	{ "init_data_size", offsetof(mote_sandbox_options, init_data_size), "init data", 0,
	  MOTE_MAX_INIT_DATA_SIZE, 4096 },
};
#define NSIZES (sizeof sizes / sizeof sizes[0])
_Static_assert(sizeof(size_t) == sizeof(uint64_t), "init_data_size is set like the others");

/* A region that is looked for, and how large it is; 0: not there. */
struct wanted {
	const char *name;
	uint64_t size;
};

static void look(void *user, const mote_region_info *region)
{
	struct wanted *wanted = user;

	if (strcmp(region->name, wanted->name) == 0)
		wanted->size = region->size;
}

static mote_sandbox_options options_with(const struct size_option *option, uint64_t value)
{
	mote_sandbox_options options = { .size = sizeof options, .init_data = "" };

	memcpy((char *)&options + option->offset, &value, sizeof value);
	return options;
}

static void expect_size(const struct size_option *option, uint64_t value, uint64_t want)
{
	const mote_sandbox_options options = options_with(option, value);
	struct wanted found = { option->region, 0 };
	mote_status status = mote_image_layout(box.image, &options, look, &found, &box.err);

	if (status)
		fail_msg("%s %" PRIu64 ": %s", option->name, value, box.err.message);
	if (found.size != want)
		fail_msg("%s %" PRIu64 ": the region has %" PRIu64 " bytes, not %" PRIu64,
			 option->name, value, found.size, want);
}

static void expect_refusal(const struct size_option *option, uint64_t value)
{
	const mote_sandbox_options options = options_with(option, value);
	struct wanted found = { option->region, 0 };
	char text[120];
	mote_sandbox *sb;

	snprintf(text, sizeof text, "%s is %" PRIu64 "; it may be at most %" PRIu64, option->name,
		 value, option->most);
	sandbox_box_expect(&box, mote_image_layout(box.image, &options, look, &found, &box.err),
			   MOTE_E_INVALID, text);
	assert_int_equal(found.size, 0);
	sandbox_box_expect(&box, mote_sandbox_new(&sb, box.image, &options, &box.err),
			   MOTE_E_INVALID, text);
	assert_null(sb);
}

static void sizes_are_what_was_asked_for_or_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < NSIZES; i++) {
		expect_size(&sizes[i], 0, sizes[i].standard);
		expect_size(&sizes[i], 1, sizes[i].unit);
		expect_size(&sizes[i], sizes[i].unit + 1, 2 * sizes[i].unit);
		expect_size(&sizes[i], sizes[i].most - 1, sizes[i].most);
		expect_size(&sizes[i], sizes[i].most, sizes[i].most);
		expect_refusal(&sizes[i], sizes[i].most + 1);
		expect_refusal(&sizes[i], UINT64_MAX - 1);
		expect_refusal(&sizes[i], UINT64_MAX);
	}
}

static void all_sizes_fit_together(void **state)
{
	(void)state;
	mote_sandbox_options options = { .size = sizeof options, .init_data = "" };

	for (size_t i = 0; i < NSIZES; i++)
		memcpy((char *)&options + sizes[i].offset, &sizes[i].most, sizeof(uint64_t));
	for (size_t i = 0; i < NSIZES; i++) {
		struct wanted found = { sizes[i].region, 0 };
		sandbox_box_expect(&box,
				   mote_image_layout(box.image, &options, look, &found, &box.err),
				   MOTE_OK, NULL);
		assert_int_equal(found.size, sizes[i].most);
	}
}

static void scratch_is_nothing_to_a_mote_guest(void **state)
{
	const mote_sandbox_options options = { .size = sizeof options, .scratch_size = UINT64_MAX };
	struct wanted found = { "scratch", 0 };

	(void)state;
	sandbox_box_expect(&box, mote_image_layout(box.image, &options, look, &found, &box.err),
			   MOTE_OK, NULL);
	assert_int_equal(found.size, 0);
}

static mote_status do_nothing(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	return MOTE_OK;
}

static void functions_are_counted(void **state)
{
	(void)state;
	static mote_host_function list[MOTE_MAX_HOST_FUNCTIONS + 1];
	static char names[MOTE_MAX_HOST_FUNCTIONS + 1][8];
	mote_sandbox *sb;

	for (size_t i = 0; i < MOTE_MAX_HOST_FUNCTIONS + 1; i++) {
		snprintf(names[i], sizeof names[i], "f%zu", i);
		list[i] = (mote_host_function){ .name = names[i], .fn = do_nothing };
	}
	sandbox_box_start(&box, MOTE_OPTIONS(mote_sandbox_options, .functions = list,
					     .nfunctions = MOTE_MAX_HOST_FUNCTIONS));
	sandbox_box_expect(&box,
			   mote_sandbox_new(&sb, box.image,
					    MOTE_OPTIONS(mote_sandbox_options, .functions = list,
							 .nfunctions = MOTE_MAX_HOST_FUNCTIONS + 1),
					    &box.err),
			   MOTE_E_INVALID, "nfunctions is 1025; it may be at most 1024");
	sandbox_box_expect(
		&box,
		mote_sandbox_new(&sb, box.image,
				 MOTE_OPTIONS(mote_sandbox_options, .nfunctions = SIZE_MAX),
				 &box.err),
		MOTE_E_INVALID, "nfunctions is 18446744073709551615; it may be at most 1024");
}

static void arguments_are_counted_before_they_are_read(void **state)
{
	(void)state;
	static const char *const one[] = { "guest" };
	static const size_t counts[] = { MOTE_MAX_ARGUMENTS + 1, SIZE_MAX / 2, SIZE_MAX };
	char text[80];
	int exit_status;

	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		snprintf(text, sizeof text, "argc is %zu; it may be at most 1048576", counts[i]);
		sandbox_box_expect(&box,
				   mote_image_run(box.image,
						  MOTE_OPTIONS(mote_program_options,
							       .argc = counts[i], .argv = one),
						  &exit_status, &box.err),
				   MOTE_E_INVALID, text);
		snprintf(text, sizeof text, "envc is %zu; it may be at most 1048576", counts[i]);
		sandbox_box_expect(&box,
				   mote_image_run(box.image,
						  MOTE_OPTIONS(mote_program_options,
							       .envc = counts[i], .envp = one),
						  &exit_status, &box.err),
				   MOTE_E_INVALID, text);
	}
}

static bool step_exit(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 231 /* exit_group */, (const uint64_t[6]){ 0 });
}

/* The most that can be given: its pointers alone take half of a stack of 64 MiB. */
static void the_most_arguments_are_taken(void **state)
{
	(void)state;
	static const char *list[MOTE_MAX_ARGUMENTS];
	int exit_status;

	for (size_t i = 0; i < MOTE_MAX_ARGUMENTS; i++)
		list[i] = "";
	const mote_program_options *options =
		MOTE_OPTIONS(mote_program_options, .stack_size = MOTE_DEFAULT_STACK_SIZE * 64,
			     .argc = MOTE_MAX_ARGUMENTS, .argv = list);
	SET_STEPS(&box, step_exit);
	sandbox_box_expect(&box, mote_image_run(box.image, options, &exit_status, &box.err),
			   MOTE_OK, NULL);
	const mote_program_options *small =
		MOTE_OPTIONS(mote_program_options, .argc = MOTE_MAX_ARGUMENTS, .argv = list);
	sandbox_box_expect(&box, mote_image_run(box.image, small, &exit_status, &box.err),
			   MOTE_E_INVALID, "a quarter of the stack, 2097152 bytes, is the most");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(sizes_are_what_was_asked_for_or_refused),
		TEST(all_sizes_fit_together),
		TEST(scratch_is_nothing_to_a_mote_guest),
		TEST(functions_are_counted),
		TEST(arguments_are_counted_before_they_are_read),
		TEST(the_most_arguments_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
