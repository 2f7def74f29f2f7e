/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The structs of the API that start with their size, from callers that were built with an
 * older or a newer version of the header.
 */
#include "sandbox/sandbox_box.h"

#include <mote/host_check.h>

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

/* Each row's function takes its struct from here, or has it filled in here. */
static union {
	size_t size;
	uint8_t bytes[8192];
} given;

static mote_status use_runtime_options(void)
{
	static const struct hv_backend *const backends[] = { &fake_machine, NULL };
	mote_runtime *rt;
	mote_status status = runtime_new(&rt, (const void *)&given, &sys_linux, backends, &box.err);
	mote_runtime_free(rt);
	return status;
}

static mote_status use_sandbox_options(void)
{
	mote_sandbox *sb;
	fake.run_fails = MOTE_E_LIMIT; /* far enough */
	mote_status status = mote_sandbox_new(&sb, box.image, (const void *)&given, &box.err);
	fake.run_fails = MOTE_OK;
	assert_null(sb);
	return status == MOTE_E_LIMIT ? MOTE_OK : status;
}

static mote_status use_program_options(void)
{
	int exit_status;
	fake.run_fails = MOTE_E_LIMIT;
	mote_status status =
		mote_image_run(box.image, (const void *)&given, &exit_status, &box.err);
	fake.run_fails = MOTE_OK;
	return status == MOTE_E_LIMIT ? MOTE_OK : status;
}

static mote_status use_call_options(void)
{
	if (!box.sb)
		sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_done_void);
	return mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS, (const void *)&given, NULL, &box.err);
}

static mote_status use_receipt(void)
{
	if (!box.sb)
		sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_done_void);
	return mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS,
			      MOTE_OPTIONS(mote_call_options, .receipt = (void *)&given), NULL,
			      &box.err);
}

static void visit(void *user, const mote_region_info *region)
{
	(void)user, (void)region;
}

static mote_status use_layout_options(void)
{
	return mote_image_layout(box.image, (const void *)&given, visit, NULL, &box.err);
}

static mote_status use_image_info(void)
{
	return mote_image_describe(box.image, (void *)&given, &box.err);
}

static mote_status use_backend_info(void)
{
	return mote_backend_describe(1, (void *)&given, &box.err);
}

static mote_status use_host_check_info(void)
{
	return mote_host_check(5, (void *)&given, &box.err);
}

static const struct api_struct {
	const char *name;
	size_t size;
	mote_status (*use)(void);
	bool is_output;
} structs[] = {
	{ "mote_runtime_options", sizeof(mote_runtime_options), use_runtime_options, false },
	{ "mote_sandbox_options", sizeof(mote_sandbox_options), use_sandbox_options, false },
	{ "mote_program_options", sizeof(mote_program_options), use_program_options, false },
	{ "mote_sandbox_options", sizeof(mote_sandbox_options), use_layout_options, false },
	{ "mote_call_options", sizeof(mote_call_options), use_call_options, false },
	{ "mote_image_info", sizeof(mote_image_info), use_image_info, true },
	{ "mote_backend_info", sizeof(mote_backend_info), use_backend_info, true },
	{ "mote_host_check_info", sizeof(mote_host_check_info), use_host_check_info, true },
	{ "mote_receipt", sizeof(mote_receipt), use_receipt, true },
};

static void expect_use(const struct api_struct *s, size_t size, mote_status want)
{
	given.size = size;
	box.err = (mote_error){ .message = "" };
	mote_status status = s->use();
	if (status != want)
		fail_msg("%s of %zu bytes: %s: %s", s->name, size, mote_status_name(status),
			 box.err.message);
	if (want && !strstr(box.err.message, s->name))
		fail_msg("\"%s\" does not name %s", box.err.message, s->name);
}

static void structs_of_every_version_are_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++) {
		const struct api_struct *s = &structs[i];
		/* older callers, whose struct ends earlier: the rest is 0 */
		for (size_t size = sizeof(size_t); size <= s->size; size += 8) {
			memset(&given, 0, sizeof given);
			memset(given.bytes + size, s->is_output ? 0xee : 0xff, sizeof given - size);
			expect_use(s, size, MOTE_OK);
			if (s->is_output) {
				assert_int_equal(given.size, size);
				assert_int_equal(given.bytes[size], 0xee);
			}
		}
		/* newer ones, with fields that we do not know: they must be 0 */
		memset(&given, 0, sizeof given);
		expect_use(s, s->size + 8, MOTE_OK);
		expect_use(s, 4096, MOTE_OK);
		if (s->is_output)
			continue;
		given.bytes[s->size] = 1;
		expect_use(s, s->size + 8, MOTE_E_OPTION);
		given.bytes[s->size] = 0;
		given.bytes[s->size + 7] = 1;
		expect_use(s, s->size + 8, MOTE_E_OPTION);
		expect_use(s, s->size + 7, MOTE_OK);
		expect_use(s, s->size, MOTE_OK);
	}
}

static void sizes_that_cannot_be_are_refused(void **state)
{
	(void)state;
	static const size_t sizes[] = { 0, 1, 7, 4097, 5000, SIZE_MAX };

	for (size_t i = 0; i < sizeof structs / sizeof structs[0]; i++)
		for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
			memset(&given, 0, sizeof given);
			expect_use(&structs[i], sizes[n], MOTE_E_INVALID);
		}
}

static void what_a_newer_caller_asks_of_an_info_is_zero(void **state)
{
	(void)state;
	memset(&given, 0xee, sizeof given);
	given.size = sizeof(mote_backend_info) + 16;
	assert_int_equal(use_backend_info(), MOTE_OK);
	const mote_backend_info *info = (const void *)&given;
	assert_string_equal(info->name, "process");
	assert_false(info->is_hardware);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(given.bytes[sizeof(mote_backend_info) + i], 0);
	assert_int_equal(given.bytes[sizeof(mote_backend_info) + 16], 0xee);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(structs_of_every_version_are_taken),
		TEST(sizes_that_cannot_be_are_refused),
		TEST(what_a_newer_caller_asks_of_an_info_is_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
