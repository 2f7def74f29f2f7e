/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hyperlight guests through the public interface: what is told of sandboxes holds for them.
 */
#include <mote/mote.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static mote_runtime *rt;
static mote_image *image;
static mote_sandbox *sb;
static mote_error err;

static mote_status host_print(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *error)
{
	(void)error;
	assert_int_equal(nargs, 1);
	snprintf(user, 64, "%.*s", (int)args[0].as.str.len, args[0].as.str.ptr);
	*result = mote_i32((int32_t)args[0].as.str.len);
	return MOTE_OK;
}

static unsigned ncalls;

static mote_status host_nothing(void *user, const mote_value *args, size_t nargs,
				mote_value *result, mote_error *error)
{
	(void)user;
	(void)args;
	(void)nargs;
	(void)error;
	*result = (mote_value){ .type = MOTE_VOID };
	ncalls++;
	return MOTE_OK;
}

static char printed[64];
static const mote_type text_param[] = { MOTE_STRING };
static const mote_host_function functions[] = {
	{ .name = "HostPrint",
	  .fn = host_print,
	  .user = printed,
	  .params = text_param,
	  .nparams = 1,
	  .result = MOTE_I32 },
};

static void expect(mote_status status, mote_status want, const char *text)
{
	if (status != want)
		fail_msg("status is %s, not %s: %s", mote_status_name(status),
			 mote_status_name(want), err.message);
	if (text && !strstr(err.message, text))
		fail_msg("message is \"%s\", without \"%s\"", err.message, text);
}

static int make(void **state)
{
	(void)state;
	if (mote_runtime_new(&rt, MOTE_OPTIONS(mote_runtime_options, .backend = "kvm"), &err)) {
		print_message("SKIP: %s\n", err.message);
		rt = NULL;
		return 0;
	}
	expect(mote_image_load_file(&image, rt, guest_path, &err), MOTE_OK, NULL);
	expect(mote_sandbox_new(
		       &sb, image,
		       MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = 1),
		       &err),
	       MOTE_OK, NULL);
	return 0;
}

static int drop(void **state)
{
	(void)state;
	if (!rt)
		return 0;
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	return 0;
}

static mote_status call(const char *name, size_t nargs, const mote_value *args, mote_value *result)
{
	err = (mote_error){ .message = "" };
	return mote_call(sb, name, args, nargs, result, &err);
}

static void calls_go_in_and_results_come_out(void **state)
{
	const mote_value text = mote_str("hello");
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	expect(call("Echo", 1, &text, &result), MOTE_OK, NULL);
	assert_int_equal(result.type, MOTE_STRING);
	assert_memory_equal(result.as.str.ptr, "hello", 5);
}

static void a_function_that_is_not_there_is_the_guests_to_refuse(void **state)
{
	const mote_value text = mote_str("hello"), number = mote_i32(1);
	const mote_value both[] = { text, text };
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	expect(call("Nonesuch", 1, &text, &result), MOTE_E_NO_FUNCTION, "Nonesuch");
	assert_int_equal(err.guest_code, 4);
	expect(call("Echo", 1, &number, &result), MOTE_E_SIGNATURE, "Echo");
	assert_int_equal(err.guest_code, 14);
	expect(call("Echo", 2, both, &result), MOTE_E_SIGNATURE, "Echo");
	assert_int_equal(err.guest_code, 5);
	assert_false(mote_sandbox_is_poisoned(sb));
	expect(call("Echo", 1, &text, &result), MOTE_OK, NULL);
}

/* Which function compilers use vector registers in is up to them. */
static void skip_vectors(mote_status status)
{
	if (status != MOTE_E_GUEST_FAULT || !strstr(err.message, "does not run in ring 0"))
		return;
	print_message("SKIP: %s\n", err.message);
	skip();
}

/* Guests of released libraries compare the words, and ask for results of any type. */
static void host_functions_are_as_in_released_hosts(void **state)
{
	static const mote_type numbers[] = { MOTE_I32, MOTE_I32 };
	static const mote_host_function odd = { .name = "HostAdd",
						.fn = host_nothing,
						.params = numbers,
						.nparams = 2,
						.result = MOTE_VOID };
	const mote_value params[] = { mote_i32(1), mote_i32(2) };
	const mote_value unknown = mote_str("SomeUnknownHostFunc");
	mote_sandbox *other;
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	mote_status status = call("CallHostExpectError", 1, &unknown, &result);
	skip_vectors(status);
	expect(status, MOTE_E_GUEST_ERROR, ": HostFunction SomeUnknownHostFunc was not found");
	assert_int_equal(err.guest_code, 17);
	/* it is called, and it is the guest that does not take what comes */
	expect(mote_sandbox_new(
		       &other, image,
		       MOTE_OPTIONS(mote_sandbox_options, .functions = &odd, .nfunctions = 1),
		       &err),
	       MOTE_OK, NULL);
	ncalls = 0;
	status = mote_call(other, "Add", params, 2, &result, &err);
	if (status != MOTE_E_GUEST_ERROR)
		mote_sandbox_free(other);
	skip_vectors(status);
	expect(status, MOTE_E_GUEST_ERROR,
	       "HostAdd returned a value with type number 0, the guest wants 1");
	assert_int_equal(err.guest_code, 15);
	assert_int_equal(ncalls, 1);
	mote_sandbox_free(other);
}

static void snapshots_are_gone_back_to(void **state)
{
	mote_snapshot *snapshot;
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	const mote_value one = mote_i32(1);
	expect(call("AddToStatic", 1, &one, &result), MOTE_OK, NULL);
	expect(mote_snapshot_take(&snapshot, sb, &err), MOTE_OK, NULL);
	expect(call("AddToStatic", 1, &one, &result), MOTE_OK, NULL);
	assert_int_equal(result.as.i32, 2);
	expect(mote_sandbox_restore(sb, snapshot, &err), MOTE_OK, NULL);
	expect(call("AddToStatic", 1, &one, &result), MOTE_OK, NULL);
	assert_int_equal(result.as.i32, 2);

	mote_sandbox *other;
	expect(mote_sandbox_from_snapshot(
		       &other, rt, snapshot,
		       MOTE_OPTIONS(mote_sandbox_options, .functions = functions, .nfunctions = 1),
		       &err),
	       MOTE_OK, NULL);
	expect(mote_call(other, "AddToStatic", &one, 1, &result, &err), MOTE_OK, NULL);
	assert_int_equal(result.as.i32, 2);
	mote_sandbox_free(other);
	mote_snapshot_unref(snapshot);
}

/* Makes another sandbox with SCRATCH bytes, which has all that it writes. */
static mote_status make_other(mote_sandbox **other, uint64_t scratch)
{
	return mote_sandbox_new(other, image,
				MOTE_OPTIONS(mote_sandbox_options, .functions = functions,
					     .nfunctions = 1, .scratch_size = scratch),
				&err);
}

static void a_guest_writes_as_much_as_scratch_has(void **state)
{
	const uint64_t megabyte = UINT64_C(1) << 20;
	mote_sandbox *other;
	mote_value result;

	(void)state;
	if (!rt)
		skip();
	/* a megabyte, page by page */
	expect(call("SetStatic", 0, NULL, &result), MOTE_E_GUEST_ABORT, "SetStatic");
	assert_int_equal(err.guest_code, 13);
	expect(make_other(&other, 2 * megabyte), MOTE_OK, NULL);
	expect(mote_call(other, "SetStatic", NULL, 0, &result, &err), MOTE_OK, NULL);
	assert_int_equal(result.as.i32, megabyte);
	mote_sandbox_free(other);
}

static void scratch_that_cannot_be_is_refused(void **state)
{
	static const struct {
		uint64_t size;
		mote_status status;
		const char *says;
	} rows[] = {
		{ 4096, MOTE_E_LIMIT, "scratch_size is 0x1000; " },
		{ MOTE_DEFAULT_SCRATCH_SIZE + 1, MOTE_E_INVALID, "multiple of 4096" },
		{ MOTE_MAX_SCRATCH_SIZE + 4096, MOTE_E_LIMIT, "scratch_size is 0x400000000" },
		{ UINT64_MAX, MOTE_E_LIMIT, "scratch_size is 0xffffffffffffffff" },
	};
	mote_sandbox *other;

	(void)state;
	if (!rt)
		skip();
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		expect(make_other(&other, rows[i].size), rows[i].status, rows[i].says);
		assert_null(other);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_go_in_and_results_come_out, make, drop),
		cmocka_unit_test_setup_teardown(
			a_function_that_is_not_there_is_the_guests_to_refuse, make, drop),
		cmocka_unit_test_setup_teardown(host_functions_are_as_in_released_hosts, make,
						drop),
		cmocka_unit_test_setup_teardown(snapshots_are_gone_back_to, make, drop),
		cmocka_unit_test_setup_teardown(a_guest_writes_as_much_as_scratch_has, make, drop),
		cmocka_unit_test_setup_teardown(scratch_that_cannot_be_is_refused, make, drop),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
