/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host functions: what may be registered, what a guest may ask for, and what it gets when
 * either side is wrong. A guest that only asks wrongly gets an answer; one that sends what
 * is no call is poisoned.
 */
#include "kit/fail.h"
#include "sandbox/sandbox_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Registration. */

static mote_status do_nothing(void *user, const mote_value *args, size_t nargs, mote_value *result,
			      mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	return MOTE_OK;
}

static const mote_type two_types[] = { MOTE_I32, MOTE_STRING };

static void what_cannot_be_registered_is_said(void **state)
{
	(void)state;
	static const char name_63[] =
		"123456789012345678901234567890123456789012345678901234567890123";
	static const mote_type with_void[] = { MOTE_I32, MOTE_VOID };
	static const mote_type negative[] = { (mote_type)-1 };
	static const mote_type beyond[] = { (mote_type)(MOTE_BYTES + 1) };
	static const mote_type twelve[12] = { MOTE_I32, MOTE_I32, MOTE_I32, MOTE_I32,
					      MOTE_I32, MOTE_I32, MOTE_I32, MOTE_I32,
					      MOTE_I32, MOTE_I32, MOTE_I32, MOTE_I32 };
	static const struct {
		mote_host_function function;
		const char *text; /* NULL: fine */
	} rows[] = {
		{ { .name = "F", .fn = do_nothing }, NULL },
		{ { .name = name_63, .fn = do_nothing }, NULL },
		{ { .name = "\xc3\xa4", .fn = do_nothing, .result = MOTE_BYTES }, NULL },
		{ { .name = "F", .fn = do_nothing, .nparams = 11, .params = twelve }, NULL },
		{ { .name = "F", .fn = do_nothing, .params = two_types }, NULL },
		{ { .fn = do_nothing }, "host function 1 has no name" },
		{ { .name = "F" }, "host function 1 has no fn" },
		{ { .name = "", .fn = do_nothing },
		  "host function 1: the name has none; it must have 1 to 63 bytes" },
		{ { .name = "1234567890123456789012345678901234567890123456789012345678901234",
		    .fn = do_nothing },
		  "host function 1: the name has 64 bytes or more; it must have 1 to 63 bytes" },
		{ { .name = "\xff", .fn = do_nothing }, "host function 1: the name is not UTF-8" },
		{ { .name = "F", .fn = do_nothing, .nparams = 12, .params = twelve },
		  "host function \"F\" has 12 parameters; 11 is the most" },
		{ { .name = "F", .fn = do_nothing, .nparams = UINT32_MAX, .params = twelve },
		  "has 4294967295 parameters" },
		{ { .name = "F", .fn = do_nothing, .nparams = 1 },
		  "host function \"F\": params is NULL" },
		{ { .name = "F", .fn = do_nothing, .nparams = 2, .params = with_void },
		  "host function \"F\": parameter 2 has no type that a parameter can have (0)" },
		{ { .name = "F", .fn = do_nothing, .nparams = 1, .params = negative },
		  "parameter 1 has no type that a parameter can have (-1)" },
		{ { .name = "F", .fn = do_nothing, .nparams = 1, .params = beyond },
		  "parameter 1 has no type that a parameter can have (10)" },
		{ { .name = "F", .fn = do_nothing, .result = (mote_type)10 },
		  "host function \"F\": result type 10 is none" },
		{ { .name = "F", .fn = do_nothing, .result = (mote_type)-1 },
		  "host function \"F\": result type -1 is none" },
		{ { .name = "Good", .fn = do_nothing },
		  "host function \"Good\" is given twice; names must differ" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		const mote_host_function list[] = { { .name = "Good", .fn = do_nothing },
						    rows[i].function };
		struct host_functions functions;
		mote_error err = { .message = "" };
		mote_status status = host_functions_init(&functions, host, list, 2, &err);
		if (rows[i].text) {
			assert_int_equal(status, MOTE_E_INVALID);
			if (!strstr(err.message, rows[i].text))
				fail_msg("row %zu: \"%s\"", i, err.message);
			assert_int_equal(functions.count, 0);
			assert_int_equal(host_functions_init(&functions, host, list, 2, NULL),
					 MOTE_E_INVALID);
		} else {
			if (status)
				fail_msg("row %zu: %s", i, err.message);
			assert_non_null(host_functions_find(&functions, rows[i].function.name));
		}
		host_functions_fini(&functions, host);
		assert_null(fail_leak());
	}
}

static void lists_have_at_most_1024_functions(void **state)
{
	(void)state;
	static char names[1025][8];
	static mote_host_function list[1025];
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct host_functions functions;
	mote_error err;

	for (size_t i = 0; i < 1025; i++) {
		snprintf(names[i], sizeof names[i], "f%zu", i * 617 % 1025); /* in no order */
		list[i] = (mote_host_function){ .name = names[i],
						.fn = do_nothing,
						.user = &list[i] };
	}
	assert_int_equal(host_functions_init(&functions, host, list, 1025, &err), MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "nfunctions is 1025; it may be at most 1024"));
	assert_int_equal(host_functions_init(&functions, host, NULL, 1, &err), MOTE_E_INVALID);
	assert_string_equal(err.message, "functions is NULL and nfunctions 1");
	assert_int_equal(host_functions_init(&functions, host, NULL, SIZE_MAX, NULL),
			 MOTE_E_INVALID);
	assert_int_equal(host_functions_init(&functions, host, NULL, 0, &err), MOTE_OK);
	assert_null(host_functions_find(&functions, "f1"));
	host_functions_fini(&functions, host);

	assert_int_equal(host_functions_init(&functions, host, list, 1024, &err), MOTE_OK);
	for (size_t i = 0; i < 1024; i++) {
		const struct host_function *found = host_functions_find(&functions, names[i]);
		assert_non_null(found);
		assert_ptr_equal(found->user, &list[i]);
	}
	static const char *const others[] = { "", "f", "F1", "f1025", "f10000", "a", "z", "f1 " };
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
		assert_null(host_functions_find(&functions, others[i]));
	assert_null(host_functions_find(&functions, names[1024]));
	host_functions_fini(&functions, host);
	assert_null(fail_leak());
}

static void what_is_given_is_copied(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	char name[] = "Name";
	mote_type params[] = { MOTE_I32, MOTE_F64 };
	mote_host_function given = {
		.name = name, .fn = do_nothing, .result = MOTE_U64, .nparams = 2, .params = params
	};
	struct host_functions functions;

	assert_int_equal(host_functions_init(&functions, host, &given, 1, NULL), MOTE_OK);
	memset(name, 'x', 4);
	memset(params, 0, sizeof params);
	memset(&given, 0, sizeof given);
	const struct host_function *found = host_functions_find(&functions, "Name");
	assert_non_null(found);
	assert_int_equal(found->result, MOTE_U64);
	assert_int_equal(found->nparams, 2);
	assert_int_equal(found->params[1], MOTE_F64);
	host_functions_fini(&functions, host);
}

static void values_are_what_their_type_says(void **state)
{
	(void)state;
	const struct {
		mote_value value;
		mote_type type;
		const char *why; /* NULL: fine */
	} rows[] = {
		{ mote_i32(1), MOTE_I32, NULL },
		{ mote_i32(1), MOTE_U32, "has another type" },
		{ mote_str("x"), MOTE_BYTES, "has another type" },
		{ mote_str(""), MOTE_STRING, NULL },
		{ mote_strn(NULL, 0), MOTE_STRING, NULL },
		{ mote_strn(NULL, 1), MOTE_STRING, "is a NULL pointer with a length" },
		{ mote_strn("a\0b", 3), MOTE_STRING, "has a NUL byte inside; pass it as bytes" },
		{ mote_strn("\xc3", 1), MOTE_STRING, "is not UTF-8; pass it as bytes" },
		{ mote_bytes(NULL, 0), MOTE_BYTES, NULL },
		{ mote_bytes(NULL, SIZE_MAX), MOTE_BYTES, "is a NULL pointer with a length" },
		{ mote_bytes("\xff\0", 2), MOTE_BYTES, NULL },
		{ { .type = MOTE_VOID }, MOTE_VOID, NULL },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const char *why = NULL;
		assert_int_equal(value_is(&rows[i].value, rows[i].type, &why), !rows[i].why);
		if (rows[i].why)
			assert_string_equal(why, rows[i].why);
	}
}

/* Sandboxes with functions. */

static struct sandbox_box box;

static int setup_machine(void **state)
{
	(void)state;
	sandbox_box_init(&box, &fake_machine);
	return 0;
}

static int setup_process(void **state)
{
	(void)state;
	sandbox_box_init(&box, &fake_process);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sandbox_box_fini(&box);
	return 0;
}

static void count_drop(void *user)
{
	++*(unsigned *)user;
}

static void user_data_is_dropped_once_however_it_ends(void **state)
{
	(void)state;
	unsigned drops[2] = { 0, 0 };
	const mote_host_function list[] = {
		{ .name = "A", .fn = do_nothing, .user = &drops[0], .drop_user = count_drop },
		{ .name = "B", .fn = do_nothing, .user = &drops[1], .drop_user = count_drop },
		{ .name = "C", .fn = do_nothing },
		{ .name = "A", .fn = do_nothing },
	};
	struct {
		mote_sandbox_options options;
		uint64_t unknown;
	} newer = { .unknown = 1 };
	mote_sandbox_options good = { .size = sizeof good, .functions = list, .nfunctions = 3 };
	mote_sandbox_options doubled = good, too_big = good;
	doubled.nfunctions = 4;
	too_big.heap_size = UINT64_MAX;
	newer.options = good;
	newer.options.size = sizeof newer;
	const struct {
		const mote_sandbox_options *options;
		fake_guest step;
		mote_status machine_fails, want;
	} rows[] = {
		{ &good, step_ready, MOTE_OK, MOTE_OK },
		{ &good, step_done, MOTE_OK, MOTE_E_GUEST_PROTOCOL },
		{ &good, step_ready, MOTE_E_LIMIT, MOTE_E_LIMIT },
		{ &doubled, step_ready, MOTE_OK, MOTE_E_INVALID },
		{ &too_big, step_ready, MOTE_OK, MOTE_E_INVALID },
		{ &newer.options, step_ready, MOTE_OK, MOTE_E_OPTION },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		drops[0] = drops[1] = 0;
		fake.vm_new_fails = rows[i].machine_fails;
		SET_STEPS(&box, rows[i].step);
		sandbox_box_expect(&box,
				   mote_sandbox_new(&box.sb, box.image, rows[i].options, &box.err),
				   rows[i].want, NULL);
		assert_int_equal(drops[0], rows[i].want != MOTE_OK);
		mote_sandbox_free(box.sb);
		box.sb = NULL;
		if (drops[0] != 1 || drops[1] != 1)
			fail_msg("row %zu: dropped %u and %u times", i, drops[0], drops[1]);
	}
}

static void an_image_that_is_no_guest_takes_no_functions(void **state)
{
	(void)state;
	unsigned drops = 0;
	struct tiny_elf elf;
	mote_image *image;
	const mote_host_function function = {
		.name = "A", .fn = do_nothing, .user = &drops, .drop_user = count_drop
	};
	tiny_elf_init(&elf);
	elf.phdrs[TINY_NOTE].p_type = PT_NULL;
	sandbox_box_expect(&box, mote_image_load_memory(&image, box.rt, &elf, sizeof elf, &box.err),
			   MOTE_OK, NULL);
	sandbox_box_expect(&box,
			   mote_sandbox_new(&box.sb, image,
					    MOTE_OPTIONS(mote_sandbox_options,
							 .functions = &function, .nfunctions = 1),
					    &box.err),
			   MOTE_E_IMAGE, "is not a mote guest: link it with the guest library");
	assert_null(box.sb);
	assert_int_equal(drops, 1);
	mote_image_unref(image);
}

/* What the function of the tests below does. */
static struct {
	unsigned ncalls;
	void *user;
	mote_value args[MOTE_MAX_PARAMS];
	size_t nargs;
	char text[64];
	mote_value result;
	mote_status status;
	mote_error err; /* to fill in, with status */
} function;

static mote_status act(void *user, const mote_value *args, size_t nargs, mote_value *result,
		       mote_error *err)
{
	function.ncalls++;
	function.user = user;
	function.nargs = nargs;
	memcpy(function.args, args, nargs * sizeof args[0]);
	if (nargs > 1 && args[1].type == MOTE_STRING)
		snprintf(function.text, sizeof function.text, "%s", args[1].as.str.ptr);
	assert_int_equal(result->type, MOTE_VOID);
	assert_int_equal(err->code, MOTE_OK);
	*result = function.result;
	if (function.status)
		*err = function.err;
	return function.status;
}

/* The call that the guest makes, and what it gets for it. */
static struct wire_call ask;
static struct wire_result answer;

static bool step_ask(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_call(vm, &ask);
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, 0, 0, 0);
}

static bool step_take_answer(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_int_equal(vm->regs.rax, 0);
	answer = guest_pop_result(vm);
	return step_done_void(vm, exit);
}

/* A sandbox with one function "Act" of this result type, (i32, str) unless no NPARAMS. */
static void start_with(mote_type type)
{
	const mote_host_function given = { .name = "Act",
					   .fn = act,
					   .user = &box,
					   .result = type,
					   .nparams = 2,
					   .params = two_types };
	mote_sandbox_free(box.sb);
	sandbox_box_start(&box,
			  MOTE_OPTIONS(mote_sandbox_options, .functions = &given, .nfunctions = 1));
	memset(&function, 0, sizeof function);
	ask = (struct wire_call){ .name = "Act",
				  .name_len = 3,
				  .kind = WIRE_CALL_HOST,
				  .result = type,
				  .nparams = 2,
				  .params = { mote_i32(-7), mote_str("text") } };
}

/* The guest's call is answered, and the sandbox is as good as before. */
static void make_call(void)
{
	/* the call of the guest, which the host's call is part of, has a message of its own */
	SET_STEPS(&box, step_ask, step_take_answer);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
}

static void expect_error(const char *text)
{
	assert_true(answer.is_error);
	assert_int_equal(answer.code, WIRE_CODE_HOST_ERROR);
	if (!strstr(answer.message, text))
		fail_msg("the guest is told \"%s\", not \"%s\"", answer.message, text);
}

static void arguments_arrive_and_results_come_back(void **state)
{
	(void)state;
	const mote_value results[] = {
		{ .type = MOTE_VOID }, mote_i32(INT32_MIN),  mote_u32(UINT32_MAX),
		mote_i64(INT64_MIN),   mote_u64(UINT64_MAX), mote_f32(0.5f),
		mote_f64(-0.25),       mote_bool(true),      mote_str("r\xc3\xa9sult"),
		mote_bytes("\0b", 2),
	};
	for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
		start_with(results[i].type);
		function.result = results[i];
		make_call();
		assert_int_equal(function.ncalls, 1);
		assert_ptr_equal(function.user, &box);
		assert_int_equal(function.nargs, 2);
		assert_int_equal(function.args[0].as.i32, -7);
		assert_string_equal(function.text, "text"); /* a NUL is behind it */
		assert_false(answer.is_error);
		assert_int_equal(answer.value.type, results[i].type);
		if (results[i].type == MOTE_STRING || results[i].type == MOTE_BYTES) {
			assert_int_equal(answer.value.as.str.len, results[i].as.str.len);
			assert_memory_equal(answer.value.as.str.ptr, results[i].as.str.ptr,
					    results[i].as.str.len);
		} else {
			assert_true(answer.value.as.u64 == results[i].as.u64);
		}
	}
}

static void a_result_may_be_made_of_the_arguments(void **state)
{
	(void)state;
	start_with(MOTE_STRING);
	function.result = mote_str("first");
	make_call();
	/* they are in the private copy, which stays until the function has been answered */
	function.result = function.args[1];
	make_call();
	assert_string_equal(answer.value.as.str.ptr, "text");
}

static void calls_that_do_not_match_are_answered_with_why(void **state)
{
	(void)state;
	struct wire_call good;
	start_with(MOTE_I32);
	function.result = mote_i32(1);
	good = ask;

	ask.name = "Nope";
	ask.name_len = 4;
	make_call();
	expect_error("the host has no function \"Nope\"");
	ask = good;
	ask.name = "";
	ask.name_len = 0;
	make_call();
	expect_error("the host has no function \"\"");
	ask = good;
	ask.nparams = 1;
	make_call();
	expect_error("host function \"Act\" takes 2 parameters, not 1");
	ask = good;
	ask.nparams = 11;
	for (int i = 2; i < 11; i++)
		ask.params[i] = mote_i32(i);
	make_call();
	expect_error("host function \"Act\" takes 2 parameters, not 11");
	ask = good;
	ask.result = MOTE_U32;
	make_call();
	expect_error("host function \"Act\" gives i32, the guest wants u32");
	ask = good;
	ask.params[1] = mote_bytes("text", 4);
	make_call();
	expect_error("host function \"Act\": parameter 2 is str, not bytes");
	ask.params[0] = mote_u32(1);
	make_call();
	expect_error("host function \"Act\": parameter 1 is i32, not u32");
	assert_int_equal(function.ncalls, 0);
	ask = good;
	make_call();
	assert_int_equal(function.ncalls, 1);
	assert_int_equal(answer.value.as.i32, 1);
}

static void a_sandbox_without_functions_answers_too(void **state)
{
	(void)state;
	start_with(MOTE_I32);
	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, NULL);
	make_call();
	expect_error("the host has no function \"Act\"");
}

static void a_function_that_fails_tells_the_guest(void **state)
{
	(void)state;
	start_with(MOTE_VOID);
	function.status = MOTE_E_LIMIT;
	snprintf(function.err.message, sizeof function.err.message, "disk full");
	make_call();
	expect_error("disk full");
	assert_int_equal(answer.message_len, 9);
	/* without a message there is one all the same */
	function.err.message[0] = '\0';
	make_call();
	expect_error("host function \"Act\" failed: MOTE_E_LIMIT");
	/* text that is none becomes text */
	snprintf(function.err.message, sizeof function.err.message, "caf\xe9");
	make_call();
	expect_error("caf\\xe9");
	/* a message that does not end, ends where the struct does */
	memset(function.err.message, 'x', sizeof function.err.message);
	make_call();
	assert_true(answer.is_error);
	assert_int_equal(answer.message_len, MOTE_ERROR_MESSAGE_SIZE - 1);
	memset(function.err.message, 0xff, sizeof function.err.message);
	make_call();
	expect_error("\\xff\\xff");
	assert_true(answer.message_len < MOTE_ERROR_MESSAGE_SIZE);
	/* a status that the library does not know is a failure too */
	function.status = (mote_status)12345;
	function.err.message[0] = '\0';
	make_call();
	expect_error("host function \"Act\" failed: MOTE_E_UNKNOWN");
}

static void results_of_another_type_are_the_hosts_error(void **state)
{
	(void)state;
	const struct {
		mote_type type;
		mote_value result;
		const char *text;
	} rows[] = {
		{ MOTE_I32, mote_u32(1), "its result, declared i32, has another type" },
		{ MOTE_I32, { .type = MOTE_VOID }, "its result, declared i32, has another type" },
		{ MOTE_VOID, mote_i32(1), "its result, declared void, has another type" },
		{ MOTE_STRING, mote_strn("\xff", 1), "declared str, is not UTF-8" },
		{ MOTE_STRING, mote_strn("a\0", 2), "declared str, has a NUL byte" },
		{ MOTE_STRING, mote_strn(NULL, 9), "declared str, is a NULL pointer" },
		{ MOTE_BYTES, mote_bytes(NULL, 9), "declared bytes, is a NULL pointer" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		start_with(rows[i].type);
		function.result = rows[i].result;
		make_call();
		expect_error(rows[i].text);
	}
}

static void a_result_that_does_not_fit_is_the_hosts_error(void **state)
{
	(void)state;
	static char big[200000];
	static const size_t sizes[] = { sizeof big, SIZE_MAX / 2, SIZE_MAX };

	memset(big, 'x', sizeof big);
	start_with(MOTE_BYTES);
	for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		function.result = mote_bytes(big, sizes[i]);
		make_call();
		expect_error("does not fit the input buffer of 131072 bytes; raise input_size");
	}
	function.result = mote_bytes(big, 130000);
	make_call();
	assert_false(answer.is_error);
	assert_int_equal(answer.value.as.bytes.len, 130000);
}

/* Host calls that are none. */
static bool step_ask_nothing(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, 0, 0, 0);
}

static bool step_ask_noise(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push(vm, "\x1c\0\0\0noise noise noise noise too.", 32);
	return step_ask_nothing(vm, exit);
}

static bool step_ask_with_bad_sp(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_call(vm, &ask);
	memset(guest_output(vm).base, 0xff, 8);
	return step_ask_nothing(vm, exit);
}

static bool step_ask_as_guest(struct fake_vm *vm, struct hv_exit *exit)
{
	ask.kind = WIRE_CALL_GUEST;
	return step_ask(vm, exit);
}

static bool step_ask_with_bad_text(struct fake_vm *vm, struct hv_exit *exit)
{
	ask.params[1] = mote_strn("\xff\xff", 2);
	return step_ask(vm, exit);
}

static bool step_ask_without_room(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct io_stack input = guest_input(vm);
	memcpy(input.base, &input.size, 8); /* full to the last byte */
	return step_ask(vm, exit);
}

static bool step_ask_with_bad_input(struct fake_vm *vm, struct hv_exit *exit)
{
	memset(guest_input(vm).base, 0xff, 8);
	return step_ask(vm, exit);
}

static void what_is_no_host_call_poisons(void **state)
{
	(void)state;
	static const struct {
		fake_guest step;
		const char *text;
		bool is_called;
	} rows[] = {
		{ step_ask_nothing, "the guest's output buffer holds no host call", false },
		{ step_ask_noise, "the guest sent a malformed host call", false },
		{ step_ask_with_bad_sp, "the guest's output buffer holds no host call", false },
		{ step_ask_as_guest, "a guest call where a host call belongs", false },
		{ step_ask_with_bad_text, "malformed host call: parameter 1", false },
		{ step_ask_without_room, "left no room in its input buffer for a result", true },
		{ step_ask_with_bad_input, "left no room in its input buffer for a result", true },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		for (int is_quiet = 0; is_quiet < 2; is_quiet++) {
			start_with(MOTE_VOID);
			SET_STEPS(&box, rows[i].step);
			if (is_quiet)
				assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL),
						 MOTE_E_GUEST_PROTOCOL);
			else
				sandbox_box_expect(
					&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL),
					MOTE_E_GUEST_PROTOCOL, rows[i].text);
			assert_int_equal(function.ncalls, rows[i].is_called);
			assert_true(mote_sandbox_is_poisoned(box.sb));
			sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL),
					   MOTE_E_STATE, rows[i].text);
		}
	}
}

static void main_may_call_the_host_too(void **state)
{
	(void)state;
	start_with(MOTE_I32);
	const mote_host_function given = {
		.name = "Act",
		.fn = act,
		.user = &box,
		.result = MOTE_I32,
		.nparams = 2,
		.params = two_types,
	};
	mote_sandbox_free(box.sb);
	function.result = mote_i32(3);
	SET_STEPS(&box, step_ask, step_ready);
	sandbox_box_expect(&box,
			   mote_sandbox_new(&box.sb, box.image,
					    MOTE_OPTIONS(mote_sandbox_options, .functions = &given,
							 .nfunctions = 1),
					    &box.err),
			   MOTE_OK, NULL);
	assert_int_equal(function.ncalls, 1);
}

int main(void)
{
#define BOTH(name)                                                                                 \
	{ #name " [machine]", name, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#name " [process]", name, setup_process, teardown, NULL                            \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_registered_is_said),
		cmocka_unit_test(lists_have_at_most_1024_functions),
		cmocka_unit_test(what_is_given_is_copied),
		cmocka_unit_test(values_are_what_their_type_says),
		BOTH(user_data_is_dropped_once_however_it_ends),
		BOTH(an_image_that_is_no_guest_takes_no_functions),
		BOTH(arguments_arrive_and_results_come_back),
		BOTH(a_result_may_be_made_of_the_arguments),
		BOTH(calls_that_do_not_match_are_answered_with_why),
		BOTH(a_sandbox_without_functions_answers_too),
		BOTH(a_function_that_fails_tells_the_guest),
		BOTH(results_of_another_type_are_the_hosts_error),
		BOTH(a_result_that_does_not_fit_is_the_hosts_error),
		BOTH(what_is_no_host_call_poisons),
		BOTH(main_may_call_the_host_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
