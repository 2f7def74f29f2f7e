/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The run loop: every event that a guest or its machine can cause, in main() and in calls,
 * with the status, the message and the state of the sandbox that follow.
 */
#include "sandbox/sandbox_box.h"

#include <stdio.h>
#include <string.h>

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

static void expect(mote_status status, mote_status want, const char *text)
{
	sandbox_box_expect(&box, status, want, text);
}

/* Starts a sandbox, lets its guest take STEP in a call, and sees that this poisons it. */
static void expect_poison(fake_guest step, mote_status want, const char *text)
{
	char full[200];

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step);
	snprintf(full, sizeof full, "call \"Zoo\": %s", text);
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), want, full);
	assert_true(mote_sandbox_is_poisoned(box.sb));
	const mote_error first = box.err;
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_E_STATE, text);
	box.err = first;

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step);
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), want);
	assert_true(mote_sandbox_is_poisoned(box.sb));
}

/* A hypercall with this number. */
static uint64_t operation;
static bool step_hypercall(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, operation, 0, 0, 0);
}

static void hypercalls_that_do_not_exist_poison(void **state)
{
	(void)state;
	static const uint64_t numbers[] = {
		0, 5, 6, 255, UINT64_C(1) << 32, UINT64_MAX, (UINT64_C(1) << 32) + MOTE_HC_DONE
	};
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		char text[100];
		operation = numbers[i];
		snprintf(text, sizeof text, "the guest made hypercall %llu, which does not exist",
			 (unsigned long long)operation);
		expect_poison(step_hypercall, MOTE_E_GUEST_PROTOCOL, text);
	}
}

/* Log records. */
static struct wire_log record;
static bool step_log(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_log(vm, &record);
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static bool step_check_rax(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_int_equal(vm->regs.rax, 0);
	return step_done_void(vm, exit);
}

static void log_records_reach_the_log_at_their_level(void **state)
{
	(void)state;
	static const struct {
		enum wire_level level;
		mote_log_level want;
	} rows[] = {
		{ WIRE_LEVEL_TRACE, MOTE_LOG_TRACE }, { WIRE_LEVEL_DEBUG, MOTE_LOG_DEBUG },
		{ WIRE_LEVEL_INFO, MOTE_LOG_INFO },   { WIRE_LEVEL_WARN, MOTE_LOG_WARN },
		{ WIRE_LEVEL_ERROR, MOTE_LOG_ERROR }, { WIRE_LEVEL_CRITICAL, MOTE_LOG_ERROR },
		{ WIRE_LEVEL_NONE, MOTE_LOG_TRACE },
	};
	sandbox_box_start(&box, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		record = (struct wire_log){ .level = rows[i].level,
					    .message = { "hello \x1b[31m", 10 } };
		box.nlines = 0;
		SET_STEPS(&box, step_log, step_check_rax);
		expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
		assert_int_equal(box.nlines, 1);
		assert_int_equal(box.lines[0].level, rows[i].want);
		assert_string_equal(box.lines[0].text, "guest: hello \\x1b[31");
	}
}

static bool step_log_level_7(struct fake_vm *vm, struct hv_exit *exit)
{
	char message[400];
	const struct wire_log log = { .level = WIRE_LEVEL_ERROR, .message = { "x", 1 } };
	const struct wire_log other = { .level = WIRE_LEVEL_WARN, .message = { "x", 1 } };
	char same[400];
	const size_t size = wire_log_write(message, sizeof message, &log);

	/* the byte that differs between two levels is the level */
	assert_int_equal(wire_log_write(same, sizeof same, &other), size);
	for (size_t i = 0; i < size; i++)
		if (message[i] != same[i])
			message[i] = 7;
	guest_push(vm, message, size);
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static bool step_log_noise(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push(vm, "\x1c\0\0\0noise noise noise noise too.", 32);
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static bool step_log_nothing(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static bool step_log_a_result(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .value = mote_i32(1) });
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static void malformed_log_records_poison(void **state)
{
	(void)state;
	expect_poison(step_log_nothing, MOTE_E_GUEST_PROTOCOL,
		      "the guest's output buffer holds no log record: ");
	expect_poison(step_log_noise, MOTE_E_GUEST_PROTOCOL,
		      "the guest sent a malformed log record");
	expect_poison(step_log_level_7, MOTE_E_GUEST_PROTOCOL,
		      "the guest sent a malformed log record: level");
	expect_poison(step_log_a_result, MOTE_E_GUEST_PROTOCOL,
		      "the guest sent a malformed log record");
	assert_int_equal(box.nlines, 0);
}

/* Faults and machine exits. */
static bool step_null(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_exception(vm, exit, 14, 6, 8);
}

static bool step_divide(struct fake_vm *vm, struct hv_exit *exit)
{
	vm->regs.rip = GUEST_CODE + 4;
	return fake_exception(vm, exit, 0, 0, 0);
}

static struct hv_exit forged;
static bool step_forge(struct fake_vm *vm, struct hv_exit *exit)
{
	(void)vm;
	*exit = forged;
	return true;
}

static void faults_tell_what_and_where(void **state)
{
	(void)state;
	char text[200];

	snprintf(text, sizeof text, "page fault: write at 0x8 (not mapped), at instruction 0x%llx",
		 (unsigned long long)GUEST_CODE);
	expect_poison(step_null, MOTE_E_GUEST_FAULT, text);
	assert_int_equal(box.err.guest_pc, GUEST_CODE);
	assert_int_equal(box.err.guest_address, 8);
	snprintf(text, sizeof text, "divide error, at instruction 0x%llx",
		 (unsigned long long)(GUEST_CODE + 4));
	expect_poison(step_divide, MOTE_E_GUEST_FAULT, text);
	assert_int_equal(box.err.guest_pc, GUEST_CODE + 4);
	assert_int_equal(box.err.guest_address, 0);
}

static void exits_that_no_guest_may_cause_poison(void **state)
{
	(void)state;
	const struct {
		struct hv_exit exit;
		const char *text;
	} rows[] = {
		{ { .kind = HV_EXIT_HALT }, "that guests cannot cause" },
		{ { .kind = HV_EXIT_SHUTDOWN }, "triple fault" },
		{ { .kind = HV_EXIT_UNSUPPORTED, .u.detail = 3 },
		  "an instruction that the hypervisor cannot run (detail 3)" },
		{ { .kind = HV_EXIT_DIED, .u.detail = 9 },
		  "the guest's process ended by signal 9" },
		{ { .kind = HV_EXIT_PORT, .u.port = { .port = 0x60, .size = 1 } },
		  "read from port 0x60" },
		{ { .kind = HV_EXIT_MMIO, .u.mmio = { .gpa = LAYOUT_DOORBELL_GPA, .size = 8 } },
		  "load of 8 bytes in the doorbell page" },
		{ { .kind = (enum hv_exit_kind)1000 }, "an exit of kind 1000" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		forged = rows[i].exit;
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, NULL);
		SET_STEPS(&box, step_forge);
		expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_E_GUEST_FAULT,
		       rows[i].text);
		assert_true(mote_sandbox_is_poisoned(box.sb));
		assert_int_equal(box.err.guest_pc, GUEST_CODE);
		assert_int_equal(box.err.guest_address, 0);
	}
}

static void signals_of_the_embedder_are_no_event(void **state)
{
	(void)state;
	sandbox_box_start(&box, MOTE_OPTIONS(mote_sandbox_options, .max_exits = 1));
	fake.interrupts = 10000;
	fake.nruns = 0;
	SET_STEPS(&box, step_done_void);
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	assert_int_equal(fake.interrupts, 0);
	assert_int_equal(fake.nruns, 10001);
}

static void a_machine_that_fails_poisons(void **state)
{
	(void)state;
	sandbox_box_start(&box, NULL);
	fake.run_fails = MOTE_E_OS;
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_E_OS,
	       "call \"Zoo\": the fake does not run");
	fake.run_fails = MOTE_OK;
	assert_true(mote_sandbox_is_poisoned(box.sb));
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_E_STATE,
	       "poisoned: call \"Zoo\": the fake does not run");
	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, NULL);
	fake.run_fails = MOTE_E_OS;
	assert_int_equal(mote_call(box.sb, "Zoo", MOTE_NO_ARGS, NULL, NULL), MOTE_E_OS);
	assert_true(mote_sandbox_is_poisoned(box.sb));
	fake.run_fails = MOTE_OK;
}

static bool step_write(struct fake_vm *vm, struct hv_exit *exit)
{
	static const char text[] = "half a line";
	const uint64_t at = GUEST_DATA;
	memcpy(fake_at(vm, at), text, sizeof text);
	return fake_system_call(vm, exit, 1, (const uint64_t[6]){ 1, at, sizeof text - 1 });
}

static bool step_getpid(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_int_equal(vm->regs.rax, 11);
	return fake_system_call(vm, exit, 39, (const uint64_t[6]){ 0 });
}

static bool step_done_with_pid(struct fake_vm *vm, struct hv_exit *exit)
{
	assert_int_equal(vm->regs.rax, 1);
	return step_done_void(vm, exit);
}

static void system_calls_are_served_and_output_flushed_at_the_end(void **state)
{
	(void)state;
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_write, step_getpid, step_done_with_pid);
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	assert_int_equal(box.nlines, 1);
	assert_string_equal(box.lines[0].text, "guest: half a line");
	/* also when the call fails: that is when it matters */
	SET_STEPS(&box, step_write, step_null);
	expect(sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_E_GUEST_FAULT, NULL);
	assert_int_equal(box.nlines, 2);
}

/* How main() can end. */
static struct {
	uint64_t dispatch, main_result;
} ready;

static bool step_ready_with(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, MOTE_HC_READY, ready.dispatch, 0x1000, ready.main_result);
}

static mote_status start(void)
{
	box.err = (mote_error){ .message = "" };
	box.sb = (mote_sandbox *)&box; /* must become NULL */
	mote_status status = mote_sandbox_new(&box.sb, box.image, NULL, &box.err);
	if (status)
		assert_null(box.sb);
	assert_int_equal(fake.nvms, status ? 0 : 1);
	return status;
}

static void the_dispatch_function_must_be_code(void **state)
{
	(void)state;
	static const struct {
		uint64_t address;
		bool is_code;
	} rows[] = {
		{ GUEST_CODE, true },
		{ GUEST_CODE + 63, true },
		{ 0, false },
		{ TINY_ADDRESS, false }, /* the file's headers */
		{ GUEST_DATA, false },
		{ MOTE_HYPERCALL_PAGE, false },
		{ MOTE_START_BLOCK, false },
		{ SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET, false },
		{ MOTE_ADDRESS_END, false },
		{ UINT64_C(0x800000000000), false },
		{ UINT64_MAX, false },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ready.dispatch = rows[i].address;
		ready.main_result = 0;
		SET_STEPS(&box, step_ready_with);
		if (rows[i].is_code)
			expect(start(), MOTE_OK, NULL);
		else
			expect(start(), MOTE_E_GUEST_PROTOCOL,
			       "memory: main(): the guest's dispatch function at 0x");
		mote_sandbox_free(box.sb);
		box.sb = NULL;
	}
}

/* Code that the host gave it is not the image's. */
static void the_dispatch_function_cannot_be_init_data(void **state)
{
	(void)state;
	const mote_sandbox_options options = { .size = sizeof options,
					       .init_data = "\xc3",
					       .init_data_size = 1,
					       .init_data_flags = MOTE_INIT_DATA_EXECUTE };

	SET_STEPS(&box, step_ready);
	expect(mote_sandbox_new(&box.sb, box.image, &options, &box.err), MOTE_OK, NULL);
	ready.dispatch = layout_get(guest_memory_layout(box_memory(&box)), REGION_INIT_DATA)->va;
	ready.main_result = 0;
	mote_sandbox_free(box.sb);
	SET_STEPS(&box, step_ready_with);
	expect(mote_sandbox_new(&box.sb, box.image, &options, &box.err), MOTE_E_GUEST_PROTOCOL,
	       "memory: main(): the guest's dispatch function at 0x");
}

static void main_must_return_0(void **state)
{
	(void)state;
	static const struct {
		uint64_t result;
		const char *text; /* NULL: fine */
	} rows[] = {
		{ 0, NULL },
		{ UINT64_C(1) << 32, NULL }, /* an int: 32 bits count */
		{ 1, "memory: main(): the guest's main() returned 1; 0 means" },
		{ UINT64_MAX, "returned -1;" },
		{ 0x80000000, "returned -2147483648;" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		ready.dispatch = GUEST_CODE;
		ready.main_result = rows[i].result;
		SET_STEPS(&box, step_ready_with);
		expect(start(), rows[i].text ? MOTE_E_GUEST_ABORT : MOTE_OK, rows[i].text);
		mote_sandbox_free(box.sb);
		box.sb = NULL;
	}
}

static bool step_exit_0(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 60, (const uint64_t[6]){ 0 });
}

static bool step_abort(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 234, (const uint64_t[6]){ 1, 1, 6 });
}

static bool step_done_error(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .is_error = true,
						     .code = 15,
						     .message = "no config",
						     .message_len = 9 });
	return step_done(vm, exit);
}

static void main_can_fail_in_every_way(void **state)
{
	(void)state;
	operation = 9;
	static const struct {
		fake_guest step;
		mote_status want;
		const char *text;
	} rows[] = {
		{ step_exit_0, MOTE_E_GUEST_ABORT,
		  "memory: main() called exit(0); it must return 0 to take calls" },
		{ step_abort, MOTE_E_GUEST_ABORT, "memory: main(): the guest ended itself with" },
		{ step_done_error, MOTE_E_GUEST_ERROR, "guest error 15: no config" },
		{ step_done_void, MOTE_E_GUEST_PROTOCOL,
		  "memory: main() ended like a call, with a result" },
		{ step_done, MOTE_E_GUEST_PROTOCOL, "output buffer holds no result" },
		{ step_null, MOTE_E_GUEST_FAULT, "memory: main(): page fault" },
		{ step_hypercall, MOTE_E_GUEST_PROTOCOL, "memory: main(): the guest made hyper" },
		{ step_log_noise, MOTE_E_GUEST_PROTOCOL, "memory: main(): the guest sent a mal" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		SET_STEPS(&box, rows[i].step);
		expect(start(), rows[i].want, rows[i].text);
		SET_STEPS(&box, rows[i].step);
		assert_int_equal(mote_sandbox_new(&box.sb, box.image, NULL, NULL), rows[i].want);
		assert_null(box.sb);
	}
	fake.run_fails = MOTE_E_OS;
	expect(start(), MOTE_E_OS, "memory: main(): the fake does not run");
	fake.run_fails = MOTE_OK;
	fake.vm_new_fails = MOTE_E_LIMIT;
	expect(start(), MOTE_E_LIMIT, "the fake makes no machine");
}

/* Programs. */
static mote_status run(int *exit_status)
{
	static const char *const argv[] = { "a", "b" };
	const mote_program_options *options =
		MOTE_OPTIONS(mote_program_options, .argc = 2, .argv = argv);
	*exit_status = 77;
	box.err = (mote_error){ .message = "" };
	mote_status status = mote_image_run(box.image, options, exit_status, &box.err);
	assert_int_equal(fake.nvms, 0);
	return status;
}

/* Whether the auxiliary vector, which starts somewhere above RSP, tells of a start block. */
static bool is_told_of_host(struct fake_vm *vm)
{
	const struct mote_start_block block = guest_start_block(vm);
	const uint64_t end = block.stack_address + block.stack_size;
	uint64_t pair[2];

	for (uint64_t at = vm->regs.rsp; at <= end - sizeof pair; at += 8) {
		memcpy(pair, fake_at(vm, at), sizeof pair);
		if (pair[0] == MOTE_AT_START_BLOCK && pair[1] == MOTE_START_BLOCK)
			return true;
	}
	return false;
}

static bool step_told_and_ready(struct fake_vm *vm, struct hv_exit *exit)
{
	uint64_t argc;
	memcpy(&argc, fake_at(vm, vm->regs.rsp), sizeof argc);
	assert_int_equal(argc, 1);
	assert_true(is_told_of_host(vm));
	return step_ready(vm, exit);
}

static void a_guest_is_told_of_its_host(void **state)
{
	(void)state;
	SET_STEPS(&box, step_told_and_ready);
	expect(start(), MOTE_OK, NULL);
}

static bool step_exit_255(struct fake_vm *vm, struct hv_exit *exit)
{
	uint64_t argc;
	memcpy(&argc, fake_at(vm, vm->regs.rsp), sizeof argc);
	assert_int_equal(argc, 2);
	assert_false(is_told_of_host(vm));
	return fake_system_call(vm, exit, 231, (const uint64_t[6]){ 255 });
}

static void programs_end_by_exit_and_no_other_way(void **state)
{
	(void)state;
	static const struct {
		fake_guest step;
		mote_status want;
		int exit_status;
		const char *text;
	} rows[] = {
		{ step_exit_0, MOTE_OK, 0, NULL },
		{ step_exit_255, MOTE_OK, 255, NULL },
		{ step_abort, MOTE_E_GUEST_ABORT, 0,
		  "memory: the guest ended itself with signal 6" },
		{ step_null, MOTE_E_GUEST_FAULT, 0, "memory: page fault" },
		{ step_ready, MOTE_E_GUEST_PROTOCOL, 0, "memory: offered to take calls" },
		{ step_done_void, MOTE_E_GUEST_PROTOCOL, 0, "memory: offered to take calls" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int exit_status;
		SET_STEPS(&box, rows[i].step);
		expect(run(&exit_status), rows[i].want, rows[i].text);
		assert_int_equal(exit_status, rows[i].exit_status);
	}
}

static void bad_arguments_of_programs_are_refused(void **state)
{
	(void)state;
	static const char *const with_null[] = { "a", NULL, "c" };
	static char big[3 << 20]; /* more than a quarter of 8 MiB */
	const char *const long_list[] = { big };
	memset(big, 'x', sizeof big - 1);
	const struct {
		mote_program_options options;
		const char *text;
	} rows[] = {
		{ { .argc = 1 }, "argv: NULL with a count of 1" },
		{ { .argc = 3, .argv = with_null }, "argv[1] is NULL" },
		{ { .envc = 2 }, "envp: NULL with a count of 2" },
		{ { .envc = 2, .envp = with_null }, "envp[1] is NULL" },
		{ { .argc = 1, .argv = long_list }, "raise stack_size" },
		{ { .heap_size = UINT64_MAX }, "heap_size is" },
		{ { .pipes = 1 }, "pipes is 0x1" },
		{ { .pipes = 15 }, "pipes is 0xf" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_program_options options = rows[i].options;
		int exit_status = 77;
		options.size = sizeof options;
		expect(mote_image_run(box.image, &options, &exit_status, &box.err), MOTE_E_INVALID,
		       rows[i].text);
		assert_int_equal(exit_status, 0);
		assert_int_equal(mote_image_run(box.image, &options, &exit_status, NULL),
				 MOTE_E_INVALID);
	}
}

int main(void)
{
#define BOTH(name)                                                                                 \
	{ #name " [machine]", name, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#name " [process]", name, setup_process, teardown, NULL                            \
	}
	const struct CMUnitTest tests[] = {
		BOTH(hypercalls_that_do_not_exist_poison),
		BOTH(log_records_reach_the_log_at_their_level),
		BOTH(malformed_log_records_poison),
		BOTH(faults_tell_what_and_where),
		BOTH(exits_that_no_guest_may_cause_poison),
		BOTH(signals_of_the_embedder_are_no_event),
		BOTH(a_machine_that_fails_poisons),
		BOTH(system_calls_are_served_and_output_flushed_at_the_end),
		BOTH(the_dispatch_function_must_be_code),
		BOTH(the_dispatch_function_cannot_be_init_data),
		BOTH(main_must_return_0),
		BOTH(main_can_fail_in_every_way),
		BOTH(a_guest_is_told_of_its_host),
		BOTH(programs_end_by_exit_and_no_other_way),
		BOTH(bad_arguments_of_programs_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
