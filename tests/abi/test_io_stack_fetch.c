/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each value that the other side can change is read exactly once. Threads would show
 * that by luck; here every access to the buffer faults, is single-stepped, and the
 * value is changed right behind the instruction that read it.
 */
#define _GNU_SOURCE
#include "abi/io_stack.h"
#include "abi/wire.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <cmocka.h>

#define SIZE      4096
#define TRAP_FLAG 0x100
#define ERR_WRITE 2 /* in the page fault's error code */

/* Two elements: 24 bytes at 8 with its back pointer at 32, 40 bytes at 40, back pointer at 80,
 * SP 88. */
enum { SP_AT = 0, TOP = 40, BACK_AT = 80, SP = 88, TOP_LEN = 40 };

static uint8_t *buffer;

/* The values under watch, and what they turn to once they were read. */
static struct watch {
	uint64_t at;
	uint64_t size;
	uint64_t turns_to;
	unsigned reads;
} watches[] = {
	{ SP_AT, 8, 9000, 0 },
	{ BACK_AT, 8, UINT64_MAX, 0 },
	{ TOP, 4, 0xffffffff, 0 },
};

static struct watch *touched;
static unsigned all_reads; /* of any place in the buffer */

static void on_fault(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	uint64_t at = (uint64_t)((uint8_t *)info->si_addr - buffer);
	(void)signal;

	if (at >= SIZE)
		_exit(99); /* a fault of another kind, which would only repeat itself */
	touched = NULL;
	all_reads += !(registers[REG_ERR] & ERR_WRITE);
	for (size_t i = 0; i < 3; i++)
		if (!(registers[REG_ERR] & ERR_WRITE) && at - watches[i].at < watches[i].size)
			touched = &watches[i];
	mprotect(buffer, SIZE, PROT_READ | PROT_WRITE);
	registers[REG_EFL] |= TRAP_FLAG;
}

static void on_step(int signal, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
	(void)signal;
	(void)info;

	registers[REG_EFL] &= ~TRAP_FLAG;
	if (touched) {
		touched->reads++;
		memcpy(buffer + touched->at, &touched->turns_to, touched->size);
	}
	mprotect(buffer, SIZE, PROT_NONE);
}

static void watch_accesses(bool on)
{
	struct sigaction fault = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	struct sigaction step = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
	static struct sigaction old_fault, old_step;

	if (on) {
		all_reads = 0;
		for (size_t i = 0; i < 3; i++)
			watches[i].reads = 0;
		sigaction(SIGSEGV, &fault, &old_fault);
		sigaction(SIGTRAP, &step, &old_step);
		mprotect(buffer, SIZE, PROT_NONE);
	} else {
		mprotect(buffer, SIZE, PROT_READ | PROT_WRITE);
		sigaction(SIGSEGV, &old_fault, NULL);
		sigaction(SIGTRAP, &old_step, NULL);
	}
}

static struct io_stack two_elements(void)
{
	struct io_stack stack = { buffer, SIZE };
	struct io_fault fault;
	uint8_t data[TOP_LEN];
	uint32_t prefix = TOP_LEN - 4;

	memset(buffer, 0, SIZE);
	memset(data, 'x', sizeof(data));
	memcpy(data, &prefix, sizeof(prefix));
	io_stack_init(&stack);
	assert_true(io_stack_push(&stack, data, 24, &fault));
	assert_true(io_stack_push(&stack, data, TOP_LEN, &fault));
	return stack;
}

static void popping_a_message_reads_each_value_once(void **state)
{
	struct io_stack stack = two_elements();
	struct io_fault fault;
	uint8_t into[64];
	uint32_t prefix;
	uint64_t sp;
	(void)state;

	watch_accesses(true);
	uint64_t n = io_stack_pop(&stack, into, sizeof(into), &fault);
	watch_accesses(false);
	assert_int_equal(n, TOP_LEN);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(watches[i].reads, 1);
	memcpy(&prefix, into, sizeof(prefix));
	assert_int_equal(prefix, TOP_LEN - 4);
	for (size_t i = 4; i < TOP_LEN; i++)
		assert_int_equal(into[i], 'x');
	/* What was judged is what was dropped. */
	memcpy(&sp, buffer, sizeof(sp));
	assert_int_equal(sp, TOP);
	for (size_t i = TOP; i < SP; i++)
		assert_int_equal(buffer[i], 0);
}

static void popping_bytes_and_peeking_read_sp_and_back_pointer_once(void **state)
{
	struct io_fault fault;
	uint8_t into[64];
	uint64_t len;
	(void)state;

	struct io_stack stack = two_elements();
	watch_accesses(true);
	uint64_t n = io_stack_pop_raw(&stack, into, sizeof(into), &fault);
	watch_accesses(false);
	assert_int_equal(n, TOP_LEN);
	assert_int_equal(watches[0].reads, 1);
	assert_int_equal(watches[1].reads, 1);

	stack = two_elements();
	watch_accesses(true);
	const uint8_t *top = io_stack_peek(&stack, &len, &fault);
	watch_accesses(false);
	assert_ptr_equal(top, buffer + TOP);
	assert_int_equal(len, TOP_LEN);
	assert_int_equal(watches[0].reads, 1);
	assert_int_equal(watches[1].reads, 1);
	assert_int_equal(watches[2].reads, 0);
}

static void pushing_and_clearing_read_sp_once_and_no_data(void **state)
{
	struct io_fault fault;
	(void)state;

	struct io_stack stack = two_elements();
	watch_accesses(true);
	void *element = io_stack_reserve(&stack, 16, &fault);
	io_stack_commit(&stack, element, 16);
	watch_accesses(false);
	assert_ptr_equal(element, buffer + SP);
	assert_int_equal(watches[0].reads, 1);
	assert_int_equal(watches[1].reads + watches[2].reads, 0);

	stack = two_elements();
	watch_accesses(true);
	io_stack_clear(&stack);
	watch_accesses(false);
	assert_int_equal(watches[0].reads, 1);
	assert_int_equal(watches[1].reads + watches[2].reads, 0);
	for (size_t i = 8; i < SP; i++)
		assert_int_equal(buffer[i], 0);
}

static void writing_a_message_in_place_reads_only_sp(void **state)
{
	static const char text[] = "a text that is longer than any register is wide, and then some";
	const struct wire_call call = {
		"Function",
		8,
		WIRE_CALL_HOST,
		MOTE_I32,
		3,
		{ mote_i64(-1), mote_strn(text, sizeof(text) - 1), mote_bytes(text, 5) }
	};
	const struct wire_result results[] = {
		{ .value = mote_i32(1) },
		{ .value = mote_bytes(text, 33) },
		{ .is_error = true, .code = 4, .message = text, .message_len = 7 },
	};
	const struct wire_log log = { { text, 60 }, { text, 1 },     { text, 2 },
				      { text, 3 },  WIRE_LEVEL_INFO, 7 };
	struct io_stack stack = two_elements();
	struct io_fault fault;
	(void)state;

	watch_accesses(true);
	uint64_t size = wire_call_size(&call);
	void *element = io_stack_reserve(&stack, size, &fault);
	uint64_t written = wire_call_write(element, size, &call);
	io_stack_commit(&stack, element, size);
	watch_accesses(false);
	assert_int_equal(written, size);
	assert_int_equal(all_reads, 1);

	watch_accesses(true);
	for (size_t i = 0; i < 3; i++)
		wire_result_write(buffer, SIZE, &results[i]);
	wire_log_write(buffer, SIZE, &log);
	wire_functions_write(buffer, SIZE,
			     &(struct wire_function){ "f", 1, MOTE_I32, 1, { MOTE_I32 } }, 1);
	watch_accesses(false);
	assert_int_equal(all_reads, 0);
}

static int map_buffer(void **state)
{
	(void)state;
	buffer = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return buffer == MAP_FAILED ? -1 : 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(popping_a_message_reads_each_value_once),
		cmocka_unit_test(popping_bytes_and_peeking_read_sp_and_back_pointer_once),
		cmocka_unit_test(pushing_and_clearing_read_sp_once_and_no_data),
		cmocka_unit_test(writing_a_message_in_place_reads_only_sp),
	};
	return cmocka_run_group_tests(tests, map_buffer, NULL);
}
