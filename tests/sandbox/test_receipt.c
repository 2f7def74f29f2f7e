/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts: every count to the last one, however the call ended; and nothing for callers that ask
 * for none.
 */
#include "sandbox/sandbox_box.h"

#include <mote/snapshot.h>
#include <stdio.h>
#include <string.h>

static struct sandbox_box box;
static mote_receipt receipt;

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

static mote_status call_zoo(void)
{
	memset(&receipt, 0xee, sizeof receipt);
	receipt.size = sizeof receipt;
	return mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS,
			      MOTE_OPTIONS(mote_call_options, .receipt = &receipt), NULL, &box.err);
}

static mote_status host_function(void *user, const mote_value *args, size_t nargs,
				 mote_value *result, mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)result, (void)err;
	return MOTE_OK;
}

static size_t pushed; /* bytes of messages by the guest */
static bool step_host_call(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct wire_call call = { .name = "F", .name_len = 1, .kind = WIRE_CALL_HOST };

	guest_push_call(vm, &call);
	pushed += wire_call_size(&call);
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, 0, 0, 0);
}

static size_t popped; /* bytes of messages to the guest */
static bool step_take_result(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct wire_result result = guest_pop_result(vm);

	popped += wire_result_size(&result);
	return fake_system_call(vm, exit, 39 /* getpid */, (const uint64_t[6]){ 0 });
}

static bool step_log(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct wire_log log = { .level = WIRE_LEVEL_WARN, .message = { "12345", 5 } };
	char message[256];

	guest_push_log(vm, &log);
	pushed += wire_log_write(message, sizeof message, &log);
	return fake_hypercall(vm, exit, MOTE_HC_LOG, 0, 0, 0);
}

static bool step_unknown_system_call(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 500, (const uint64_t[6]){ 0 });
}

static bool step_done_counted(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct wire_result result = { .value = { .type = MOTE_VOID } };

	pushed += wire_result_size(&result);
	return step_done_void(vm, exit);
}

static const mote_host_function functions[] = { { .name = "F", .fn = host_function } };

static void everything_is_counted_once(void **state)
{
	(void)state;
	const struct wire_call zoo = { .name = "Zoo", .name_len = 3, .kind = WIRE_CALL_GUEST };

	sandbox_box_start(&box, MOTE_OPTIONS(mote_sandbox_options, .functions = functions,
					     .nfunctions = 1, .max_log_lines = 2));
	for (int i = 0; i < 2; i++) { /* each call anew */
		pushed = popped = 0;
		fake.interrupts = 3; /* which are no exits */
		SET_STEPS(&box, step_host_call, step_take_result, step_log, step_log, step_log,
			  step_unknown_system_call, step_done_counted);
		sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
		assert_int_equal(receipt.size, sizeof receipt);
		assert_int_equal(receipt.exits, 7);
		assert_int_equal(receipt.host_calls, 1);
		assert_int_equal(receipt.system_calls, 2);
		assert_int_equal(receipt.bytes_in, wire_call_size(&zoo) + popped);
		assert_int_equal(receipt.bytes_out, pushed);
		assert_int_equal(receipt.output_bytes, 0);
		assert_int_equal(receipt.log_lines, 2);
		assert_int_equal(receipt.log_bytes, 10);
		assert_int_equal(receipt.log_dropped, 1);
		assert_int_equal(receipt.limit, MOTE_LIMIT_LOG_LINES);
		assert_false(receipt.pages_are_known);
		assert_int_equal(receipt.pages_dirtied, 0);
		assert_in_range(receipt.wall_ns, 1, UINT64_C(10000000000));
		assert_in_range(receipt.cpu_ns, 1, receipt.wall_ns + 1000000);
	}
}

static bool step_fault(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_exception(vm, exit, 14, 2, 0x1234);
}

static bool step_write(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_system_call(vm, exit, 1,
				(const uint64_t[6]){ 1, guest_start_block(vm).heap_address, 20 });
}

static void swallow(void *user, int stream, const void *data, size_t size)
{
	(void)user, (void)stream, (void)data, (void)size;
}

static void calls_that_fail_have_receipts(void **state)
{
	(void)state;
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_log, step_fault);
	sandbox_box_expect(&box, call_zoo(), MOTE_E_GUEST_FAULT, NULL);
	assert_int_equal(receipt.exits, 2);
	assert_int_equal(receipt.log_lines, 1);
	assert_int_equal(receipt.limit, MOTE_LIMIT_NONE);

	/* it never ran */
	sandbox_box_expect(&box, call_zoo(), MOTE_E_STATE, NULL);
	const mote_receipt nothing = { .size = sizeof nothing };
	assert_memory_equal(&receipt, &nothing, sizeof nothing);
	memset(&receipt, 0xee, sizeof receipt);
	receipt.size = sizeof receipt;
	assert_int_equal(mote_call_with(box.sb, "None", MOTE_NO_ARGS,
					MOTE_OPTIONS(mote_call_options, .receipt = &receipt), NULL,
					NULL),
			 MOTE_E_STATE);
	assert_memory_equal(&receipt, &nothing, sizeof nothing);
}

static void the_limit_that_fired_is_named(void **state)
{
	(void)state;
	sandbox_box_start(&box,
			  MOTE_OPTIONS(mote_sandbox_options, .max_exits = 2, .max_log_lines = 1,
				       .max_output_bytes = 19, .output = swallow));
	SET_STEPS(&box, step_log, step_log, step_log);
	sandbox_box_expect(&box, call_zoo(), MOTE_E_GUEST_LIMIT, "max_exits");
	assert_int_equal(receipt.limit, MOTE_LIMIT_EXITS);
	assert_int_equal(receipt.exits, 3);
	assert_int_equal(receipt.log_dropped, 1);

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, MOTE_OPTIONS(mote_sandbox_options, .max_output_bytes = 19,
					     .output = swallow));
	SET_STEPS(&box, step_write);
	sandbox_box_expect(&box, call_zoo(), MOTE_E_GUEST_LIMIT, "max_output_bytes");
	assert_int_equal(receipt.limit, MOTE_LIMIT_OUTPUT_BYTES);
	assert_int_equal(receipt.output_bytes, 19);
	assert_int_equal(receipt.system_calls, 1);

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, MOTE_OPTIONS(mote_sandbox_options, .max_log_bytes = 5));
	SET_STEPS(&box, step_log, step_log, step_done_void);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_int_equal(receipt.limit, MOTE_LIMIT_LOG_BYTES);
	/* a fault is what ended this one */
	SET_STEPS(&box, step_log, step_log, step_fault);
	sandbox_box_expect(&box, call_zoo(), MOTE_E_GUEST_FAULT, NULL);
	assert_int_equal(receipt.limit, MOTE_LIMIT_LOG_BYTES);
	assert_int_equal(receipt.log_dropped, 1);
}

/* The guest writes to the heap's second page, to its third what was there, and reads its fourth. */
static bool step_change_heap(struct fake_vm *vm, struct hv_exit *exit)
{
	static uint64_t touched[3];
	const struct layout *layout = guest_memory_layout(box_memory(&box));
	const struct region *heap = layout_get(layout, REGION_HEAP);

	*(char *)fake_at(vm, heap->va + 4096) = 1;
	for (uint64_t i = 0; i < 3; i++)
		touched[i] = heap->gpa + (i + 1) * 4096;
	fake.written = touched;
	fake.nwritten = 3;
	return step_done_void(vm, exit);
}

static void expect_pages(uint64_t want)
{
	SET_STEPS(&box, step_change_heap);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_true(receipt.pages_are_known);
	assert_int_equal(receipt.pages_dirtied, want);
}

static void pages_are_those_that_differ(void **state)
{
	(void)state;
	mote_snapshot *before, *after;

	sandbox_box_start(&box, NULL);
	sandbox_box_expect(&box, mote_snapshot_take(&before, box.sb, &box.err), MOTE_OK, NULL);
	expect_pages(1);
	expect_pages(1);
	sandbox_box_expect(&box, mote_snapshot_take(&after, box.sb, &box.err), MOTE_OK, NULL);
	expect_pages(0);
	sandbox_box_expect(&box, mote_sandbox_restore(box.sb, before, &box.err), MOTE_OK, NULL);
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_true(receipt.pages_are_known);
	assert_int_equal(receipt.pages_dirtied, 0);
	expect_pages(1);

	fake.loses_writes = true;
	SET_STEPS(&box, step_change_heap);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_false(receipt.pages_are_known);
	assert_int_equal(receipt.pages_dirtied, 0);
	fake.loses_writes = false;
	fake.nwritten = 0;
	mote_snapshot_unref(before);
	mote_snapshot_unref(after);
}

static void without_a_snapshot_pages_are_not_known(void **state)
{
	(void)state;
	sandbox_box_start(&box, NULL);
	SET_STEPS(&box, step_change_heap);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_false(receipt.pages_are_known);
	assert_int_equal(receipt.pages_dirtied, 0);
	fake.nwritten = 0;
}

static unsigned nclocks;
static int count_clock(clockid_t clock, struct timespec *now)
{
	nclocks++;
	return sys_linux.clock_gettime(clock, now);
}

static void calls_without_one_look_at_no_clock(void **state)
{
	(void)state;
	struct sys counting = sys_linux;

	counting.clock_gettime = count_clock;
	sandbox_box_start(&box, NULL);
	box.rt->host.sys = &counting;
	nclocks = 0;
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box, sandbox_box_call(&box, "Zoo", MOTE_NO_ARGS, NULL), MOTE_OK, NULL);
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box,
			   mote_call_with(box.sb, "Zoo", MOTE_NO_ARGS,
					  MOTE_OPTIONS(mote_call_options, .timeout_ns = 0), NULL,
					  &box.err),
			   MOTE_OK, NULL);
	assert_int_equal(nclocks, 0);
	SET_STEPS(&box, step_done_void);
	sandbox_box_expect(&box, call_zoo(), MOTE_OK, NULL);
	assert_int_equal(nclocks, 4);
	box.rt->host.sys = &sys_linux;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(everything_is_counted_once),
		TEST(calls_that_fail_have_receipts),
		TEST(the_limit_that_fired_is_named),
		TEST(pages_are_those_that_differ),
		TEST(without_a_snapshot_pages_are_not_known),
		TEST(calls_without_one_look_at_no_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
