/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call and what can become of it: arguments that are refused before the guest runs, what
 * the guest is started with, and everything that a guest can leave as a result.
 */
#include "sandbox/sandbox_box.h"

#include <string.h>

/* Every test runs on both kinds of backend. */
static struct sandbox_box box;
static mote_value result;

static int set_up(const struct hv_backend *backend)
{
	sandbox_box_init(&box, backend);
	sandbox_box_start(&box, NULL);
	result = mote_i32(77);
	return 0;
}

static int setup_machine(void **state)
{
	(void)state;
	return set_up(&fake_machine);
}

static int setup_process(void **state)
{
	(void)state;
	return set_up(&fake_process);
}

static int teardown(void **state)
{
	(void)state;
	sandbox_box_fini(&box);
	return 0;
}

/* A sandbox that is fine after what was done to it. */
static void assert_usable(void)
{
	SET_STEPS(&box, step_done_void);
	assert_false(mote_sandbox_is_poisoned(box.sb));
	assert_null(box.sb->function);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
}

/* One that says what happened to it, to everyone who calls. */
static void assert_poisoned(const char *text)
{
	assert_true(mote_sandbox_is_poisoned(box.sb));
	sandbox_box_set(&box, NULL, 0); /* the guest never runs again */
	for (int i = 0; i < 2; i++) {
		sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result),
				   MOTE_E_STATE, "call \"Zoo\": the sandbox is poisoned: ");
		if (!strstr(box.err.message, text))
			fail_msg("\"%s\" does not say \"%s\"", box.err.message, text);
		assert_int_equal(result.type, MOTE_VOID);
	}
	/* its memory can still be looked at */
	char byte;
	assert_int_equal(mote_sandbox_read(box.sb, GUEST_CODE, &byte, 1, NULL), MOTE_OK);
}

static void wrong_calls_do_not_reach_the_guest(void **state)
{
	(void)state;
	const mote_value two[] = { mote_i32(1), mote_i32(2) };
	const mote_value mixed[] = { mote_i32(1), mote_u32(2) };
	const mote_value odd[] = { { .type = (mote_type)99 }, mote_i32(2) };
	mote_value texts[11];
	for (int i = 0; i < 11; i++)
		texts[i] = mote_str("x");
	mote_value no_utf8[11], with_nul[11], null[11];
	memcpy(no_utf8, texts, sizeof texts);
	memcpy(with_nul, texts, sizeof texts);
	memcpy(null, texts, sizeof texts);
	no_utf8[10] = mote_strn("\xff", 1);
	with_nul[0] = mote_strn("a\0b", 3);
	null[3] = mote_strn(NULL, 1);
	const struct {
		const char *function;
		const mote_value *args;
		size_t nargs;
		mote_status want;
		const char *text;
	} rows[] = {
		{ "Nope", NULL, 0, MOTE_E_NO_FUNCTION, "memory exports no function \"Nope\"" },
		{ "", NULL, 0, MOTE_E_NO_FUNCTION, "exports no function" },
		{ "zoo", NULL, 0, MOTE_E_NO_FUNCTION, "exports no function" },
		{ "Print", texts, 1, MOTE_E_NO_FUNCTION, "exports no function" },
		{ "Add", two, 1, MOTE_E_SIGNATURE, "1 arguments given, the guest wants 2" },
		{ "Add", NULL, 0, MOTE_E_SIGNATURE, "0 arguments given, the guest wants 2" },
		{ "Zoo", two, 1, MOTE_E_SIGNATURE, "1 arguments given, the guest wants 0" },
		{ "Zoo", two, SIZE_MAX, MOTE_E_SIGNATURE, "arguments given" },
		{ "Add", mixed, 2, MOTE_E_SIGNATURE, "parameter 2 is u32, the guest wants i32" },
		{ "Add", odd, 2, MOTE_E_SIGNATURE, "parameter 1 is ?, the guest wants i32" },
		{ "Mid", no_utf8, 11, MOTE_E_INVALID, "parameter 11 is not UTF-8" },
		{ "Mid", with_nul, 11, MOTE_E_INVALID, "parameter 1 has a NUL byte" },
		{ "Mid", null, 11, MOTE_E_INVALID, "parameter 4 is a NULL pointer" },
	};
	sandbox_box_set(&box, NULL, 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		result = mote_i32(77);
		sandbox_box_expect(&box,
				   sandbox_box_call(&box, rows[i].function, rows[i].args,
						    rows[i].nargs, &result),
				   rows[i].want, rows[i].text);
		assert_int_equal(result.type, MOTE_VOID);
		assert_int_equal(mote_call(box.sb, rows[i].function, rows[i].args, rows[i].nargs,
					   NULL, NULL),
				 rows[i].want);
	}
	assert_usable();
}

static void arguments_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	static char big[128 << 10];
	mote_value args[11];

	memset(big, 'x', sizeof big);
	for (int i = 0; i < 11; i++)
		args[i] = mote_strn(big, 16000);
	sandbox_box_set(&box, NULL, 0);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Mid", args, 11, &result), MOTE_E_LIMIT,
			   "the input buffer has 131072; raise input_size");
	/* just enough; the guest answers wrongly, but it was asked */
	for (int i = 0; i < 11; i++)
		args[i] = mote_strn(big, 10000);
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Mid", args, 11, &result),
			   MOTE_E_GUEST_PROTOCOL, "the guest's result is void, its record says");
}

/* What the guest of the tests below is started with. */
static struct hv_regs seen;
static struct wire_call seen_call;

static bool step_look(struct fake_vm *vm, struct hv_exit *exit)
{
	static char popped[4096];
	const struct io_stack input = guest_input(vm), output = guest_output(vm);
	struct io_fault fault;

	seen = vm->regs;
	const size_t size = io_stack_pop(&input, popped, sizeof popped, &fault);
	assert_true(size > 0);
	assert_int_equal(wire_call_read(popped, size, &seen_call).status, WIRE_OK);
	/* there is nothing but the call */
	assert_int_equal(io_stack_pop(&input, popped, sizeof popped, &fault), 0);
	assert_int_equal(fault.status, IO_EMPTY);
	assert_int_equal(io_stack_pop(&output, popped, sizeof popped, &fault), 0);
	assert_int_equal(fault.status, IO_EMPTY);
	guest_push_result(vm, &(struct wire_result){ .value = mote_i32(-5) });
	return step_done(vm, exit);
}

static void the_guest_starts_clean_with_its_call(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		SET_STEPS(&box, step_look);
		sandbox_box_expect(&box, sandbox_box_call(&box, "Add", MOTE_ARGS(7, -8), &result),
				   MOTE_OK, NULL);
		assert_int_equal(result.type, MOTE_I32);
		assert_int_equal(result.as.i32, -5);
		/* rdi is the index of the export among the records, as they stand in the file */
		const struct hv_regs want = {
			.rip = GUEST_CODE,
			.rsp = seen.rsp,
			.rdi = 1,
			.r11 = seen.r11, /* undefined */
			.rflags = seen.rflags,
		};
		assert_memory_equal(&seen, &want, sizeof want);
		assert_string_equal(seen_call.name, "Add");
		assert_int_equal(seen_call.kind, WIRE_CALL_GUEST);
		assert_int_equal(seen_call.result, MOTE_I32);
		assert_int_equal(seen_call.nparams, 2);
		assert_int_equal(seen_call.params[0].as.i32, 7);
		assert_int_equal(seen_call.params[1].as.i32, -8);
	}
}

/* Leaves both buffers full of what should be gone at the next call. */
static bool step_litter(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct io_stack input = guest_input(vm), output = guest_output(vm);

	memset(input.base, 0x41, input.size);
	memset(output.base + 4096, 0x41, output.size - 4096);
	guest_push(vm, "left behind, left behind", 24);
	guest_push_result(vm, &(struct wire_result){ .value = { .type = MOTE_VOID } });
	return step_done(vm, exit);
}

static void what_a_guest_left_in_the_buffers_is_gone(void **state)
{
	(void)state;
	SET_STEPS(&box, step_litter, step_look);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Add", MOTE_ARGS(1, 2), NULL), MOTE_OK,
			   NULL);
}

static bool step_give_text(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .value = mote_bytes("\0bytes", 6) });
	return step_done(vm, exit);
}

static void results_live_in_the_hosts_memory(void **state)
{
	(void)state;
	mote_value args[11];
	for (int i = 0; i < 11; i++)
		args[i] = mote_str("x");
	SET_STEPS(&box, step_give_text);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Mid", args, 11, &result), MOTE_OK, NULL);
	assert_int_equal(result.type, MOTE_BYTES);
	/* whatever the guest does to its buffers */
	const struct io_stack output = guest_memory_output(box_memory(&box));
	memset(output.base, 0xff, output.size);
	assert_int_equal(result.as.bytes.len, 6);
	assert_memory_equal(result.as.bytes.ptr, "\0bytes", 7);
}

/* Errors that the guest reports. */
static bool step_error(struct fake_vm *vm, struct hv_exit *exit)
{
	static const char text[] = "bad \x1b[2J news";
	guest_push_result(vm, &(struct wire_result){
				      .is_error = true,
				      .code = UINT64_C(0xfedcba9876543210),
				      .message = text,
				      .message_len = sizeof text - 1,
			      });
	return step_done(vm, exit);
}

static void an_error_of_the_guest_leaves_it_usable(void **state)
{
	(void)state;
	SET_STEPS(&box, step_error, step_error);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result),
			   MOTE_E_GUEST_ERROR,
			   "call \"Zoo\": guest error 18364758544493064720: bad \\x1b[2J news");
	assert_true(box.err.guest_code == UINT64_C(0xfedcba9876543210));
	assert_int_equal(result.type, MOTE_VOID);
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_GUEST_ERROR);
	assert_usable();
}

/* What a guest can leave on its output buffer instead of a result. */
static void set_word(struct fake_vm *vm, uint64_t offset, uint64_t value)
{
	memcpy(guest_output(vm).base + offset, &value, sizeof value);
}

static void push_void(struct fake_vm *vm)
{
	guest_push_result(vm, &(struct wire_result){ .value = { .type = MOTE_VOID } });
}

/* The stack pointer after push_void(): behind data and back pointer. */
static uint64_t stack_pointer(struct fake_vm *vm)
{
	uint64_t sp;
	memcpy(&sp, guest_output(vm).base, sizeof sp);
	return sp;
}

#define LEAVES(name, ...)                                                                          \
	static bool name(struct fake_vm *vm, struct hv_exit *exit)                                 \
	{                                                                                          \
		__VA_ARGS__                                                                        \
		return step_done(vm, exit);                                                        \
	}

LEAVES(leaves_nothing, )
LEAVES(leaves_sp_0, set_word(vm, 0, 0);)
LEAVES(leaves_sp_7, set_word(vm, 0, 7);)
LEAVES(leaves_sp_9, set_word(vm, 0, 9);)
LEAVES(leaves_sp_23, set_word(vm, 0, 23);)
LEAVES(leaves_sp_size_plus_1, set_word(vm, 0, guest_output(vm).size + 1);)
LEAVES(leaves_sp_size, set_word(vm, 0, guest_output(vm).size);)
LEAVES(leaves_sp_max, set_word(vm, 0, UINT64_MAX);)
LEAVES(leaves_sp_max_7, set_word(vm, 0, UINT64_MAX - 7);)
LEAVES(leaves_back_0, push_void(vm); set_word(vm, stack_pointer(vm) - 8, 0);)
LEAVES(leaves_back_7, push_void(vm); set_word(vm, stack_pointer(vm) - 8, 7);)
LEAVES(leaves_back_itself, push_void(vm); set_word(vm, stack_pointer(vm) - 8, stack_pointer(vm));)
LEAVES(leaves_back_max, push_void(vm); set_word(vm, stack_pointer(vm) - 8, UINT64_MAX);)
LEAVES(leaves_prefix_0, push_void(vm); memset(guest_output(vm).base + 8, 0, 4);)
LEAVES(leaves_prefix_max, push_void(vm); memset(guest_output(vm).base + 8, 0xff, 4);)
LEAVES(leaves_prefix_more, push_void(vm); guest_output(vm).base[8] += 8;)
LEAVES(leaves_zeroes, guest_push(vm, (char[64]){ 60 }, 64);)
LEAVES(leaves_noise, push_void(vm); memset(guest_output(vm).base + 12, 0xa5, 16);)
LEAVES(leaves_text, guest_push(vm, "\x14\0\0\0not a flatbuffer...", 24);)
LEAVES(leaves_a_call,
       guest_push_call(vm, &(struct wire_call){
				   .name = "Zoo", .name_len = 3, .kind = WIRE_CALL_HOST });)
LEAVES(leaves_an_i32, guest_push_result(vm, &(struct wire_result){ .value = mote_i32(5) });)
LEAVES(leaves_a_string, guest_push_result(vm, &(struct wire_result){ .value = mote_str("x") });)

static void unsound_results_poison(void **state)
{
	(void)state;
	static const struct {
		fake_guest step;
		const char *text;
	} rows[] = {
		{ leaves_nothing, "output buffer holds no result" },
		{ leaves_sp_0, "output buffer holds no result: stack pointer is 0x0" },
		{ leaves_sp_7, "stack pointer is 0x7" },
		{ leaves_sp_9, "stack pointer is 0x9" },
		{ leaves_sp_23, "back pointer is 0x0" },
		{ leaves_sp_size_plus_1, "stack pointer is 0x20001, outside of" },
		{ leaves_sp_size, "output buffer holds no result: back pointer" },
		{ leaves_sp_max, "stack pointer is 0xffffffffffffffff" },
		{ leaves_sp_max_7, "stack pointer is 0xfffffffffffffff8" },
		{ leaves_back_0, "back pointer is 0x0" },
		{ leaves_back_7, "back pointer is 0x7" },
		{ leaves_back_itself, "back pointer is" },
		{ leaves_back_max, "back pointer is 0xffffffffffffffff" },
		{ leaves_prefix_0, "malformed result" },
		{ leaves_prefix_max, "size prefix" },
		{ leaves_prefix_more, "size by its prefix is 0x" },
		{ leaves_zeroes, "malformed result" },
		{ leaves_noise, "malformed result" },
		{ leaves_text, "malformed result" },
		{ leaves_a_call, "malformed result" },
		{ leaves_an_i32, "the guest's result is i32, its record says void" },
		{ leaves_a_string, "the guest's result is str, its record says void" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, NULL);
		SET_STEPS(&box, rows[i].step);
		result = mote_i32(77);
		mote_status status = sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result);
		if (status != MOTE_E_GUEST_PROTOCOL || !strstr(box.err.message, rows[i].text) ||
		    strncmp(box.err.message, "call \"Zoo\": ", 12) != 0)
			fail_msg("row %zu: %s: %s", i, mote_status_name(status), box.err.message);
		assert_int_equal(result.type, MOTE_VOID);
		assert_poisoned(rows[i].text);
		/* the same for a caller who wants no message */
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, NULL);
		SET_STEPS(&box, rows[i].step);
		assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL),
				 MOTE_E_GUEST_PROTOCOL);
		assert_poisoned(rows[i].text);
	}
}

static void being_ready_twice_is_a_protocol_error(void **state)
{
	(void)state;
	SET_STEPS(&box, step_ready);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result),
			   MOTE_E_GUEST_PROTOCOL, "call \"Zoo\": the guest said twice");
	assert_poisoned("said twice that it is ready");
}

static bool step_exit(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 231, (const uint64_t[6]){ 42 });
}

static bool step_abort(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 62, (const uint64_t[6]){ 1, 6 });
}

static bool step_kill(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 62, (const uint64_t[6]){ 1, 15 });
}

static void a_guest_that_ends_itself_is_poisoned(void **state)
{
	(void)state;
	static const struct {
		fake_guest step;
		const char *text;
	} rows[] = {
		{ step_exit, "call \"Zoo\": the guest called exit(42)" },
		{ step_abort, "call \"Zoo\": the guest ended itself with signal 6 (abort)" },
		{ step_kill, "call \"Zoo\": the guest ended itself with signal 15" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, NULL);
		SET_STEPS(&box, rows[i].step);
		sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result),
				   MOTE_E_GUEST_ABORT, rows[i].text);
		assert_poisoned(rows[i].text);
	}
	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_exit);
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_GUEST_ABORT);
	assert_poisoned("exit(42)");
}

static bool step_overflow(struct fake_vm *vm, struct hv_exit *exit)
{
	*(uint8_t *)fake_at(vm, guest_start_block(vm).stack_address + 15) ^= 1;
	return step_done_void(vm, exit);
}

static bool step_overflow_and_exit(struct fake_vm *vm, struct hv_exit *exit)
{
	*(uint8_t *)fake_at(vm, guest_start_block(vm).stack_address) ^= 1;
	return step_exit(vm, exit);
}

static void a_stack_that_overflowed_is_a_fault_however_the_call_ended(void **state)
{
	(void)state;
	static const fake_guest steps[] = { step_overflow, step_overflow_and_exit };

	for (size_t i = 0; i < 2; i++) {
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, NULL);
		SET_STEPS(&box, steps[i]);
		sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &result),
				   MOTE_E_GUEST_FAULT, "raise stack_size");
		assert_poisoned("overwrote the guard");
		assert_int_equal(result.type, MOTE_VOID);
	}
}

static mote_status reenter(void *user, const mote_value *args, size_t nargs, mote_value *value,
			   mote_error *err)
{
	char byte;
	(void)user, (void)args, (void)nargs, (void)value, (void)err;
	mote_value inner = mote_i32(1);

	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, &inner), MOTE_E_STATE,
			   "call \"Zoo\": the sandbox is running \"Zoo\"; a host function cannot");
	assert_int_equal(inner.type, MOTE_VOID);
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_STATE);
	sandbox_box_expect(&box, mote_sandbox_read(box.sb, GUEST_CODE, &byte, 1, &box.err),
			   MOTE_E_STATE, "used by the call of \"Zoo\"");
	sandbox_box_expect(&box, mote_sandbox_write(box.sb, GUEST_DATA, &byte, 1, &box.err),
			   MOTE_E_STATE, "used by the call of \"Zoo\"");
	return MOTE_OK;
}

static bool step_call_host(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_call(vm, &(struct wire_call){
				    .name = "Reenter", .name_len = 7, .kind = WIRE_CALL_HOST });
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, 0, 0, 0);
}

static void a_host_function_cannot_use_the_sandbox(void **state)
{
	(void)state;
	const mote_host_function function = { .name = "Reenter", .fn = reenter };

	mote_sandbox_free(box.sb);
	sandbox_box_start(
		&box, MOTE_OPTIONS(mote_sandbox_options, .functions = &function, .nfunctions = 1));
	SET_STEPS(&box, step_call_host, step_done_void);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	assert_int_equal(box.next, 2);
	assert_usable();
}

static void memory_is_read_and_written_between_calls(void **state)
{
	(void)state;
	char back[8];

	sandbox_box_expect(&box, mote_sandbox_write(box.sb, GUEST_DATA, "new data", 8, &box.err),
			   MOTE_OK, NULL);
	sandbox_box_expect(&box, mote_sandbox_read(box.sb, GUEST_DATA, back, 8, &box.err), MOTE_OK,
			   NULL);
	assert_memory_equal(back, "new data", 8);
	/* what the guest cannot write, the host can */
	sandbox_box_expect(&box, mote_sandbox_write(box.sb, TINY_ADDRESS, "x", 1, &box.err),
			   MOTE_OK, NULL);
	sandbox_box_expect(&box, mote_sandbox_read(box.sb, 0, back, 8, &box.err), MOTE_E_INVALID,
			   "0x0 is not mapped");
	sandbox_box_expect(&box, mote_sandbox_write(box.sb, SUPERVISOR_STACK, back, 8, &box.err),
			   MOTE_E_INVALID, "no memory of the guest's");
	assert_int_equal(mote_sandbox_read(box.sb, UINT64_MAX, back, 8, NULL), MOTE_E_INVALID);
	assert_usable();
}

static void a_result_may_be_of_no_interest(void **state)
{
	(void)state;
	SET_STEPS(&box, step_done_void, leaves_an_i32);
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_OK);
	assert_int_equal(mote_call(box.sb, "Add", MOTE_ARGS(1, 2), NULL, NULL), MOTE_OK);
	assert_usable();
}

int main(void)
{
#define BOTH(name)                                                                                 \
	{ #name " [machine]", name, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#name " [process]", name, setup_process, teardown, NULL                            \
	}
	const struct CMUnitTest tests[] = {
		BOTH(wrong_calls_do_not_reach_the_guest),
		BOTH(arguments_that_do_not_fit_are_refused),
		BOTH(the_guest_starts_clean_with_its_call),
		BOTH(what_a_guest_left_in_the_buffers_is_gone),
		BOTH(results_live_in_the_hosts_memory),
		BOTH(an_error_of_the_guest_leaves_it_usable),
		BOTH(unsound_results_poison),
		BOTH(being_ready_twice_is_a_protocol_error),
		BOTH(a_guest_that_ends_itself_is_poisoned),
		BOTH(a_stack_that_overflowed_is_a_fault_however_the_call_ended),
		BOTH(a_host_function_cannot_use_the_sandbox),
		BOTH(memory_is_read_and_written_between_calls),
		BOTH(a_result_may_be_of_no_interest),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
