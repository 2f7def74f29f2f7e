/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest of the process backend does arrives as the right exit, with the right
 * registers; and what the host sets is what the guest finds.
 */
#define _GNU_SOURCE
#include "hv/guest_box.h"

#include "abi/mote_abi.h"
#include "hv/process/monitor_abi.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct host host;
static struct hv *hv;

static int open_backend(void **state)
{
	mote_error error;
	(void)state;
	host_init(&host);
	if (hv_process.open(&hv, &host, &error) == MOTE_OK)
		return 0;
	print_error("%s\n", error.message);
	return -1;
}

static int close_backend(void **state)
{
	(void)state;
	hv_process.close(hv);
	return 0;
}

#define HYPERCALL_RETURN (MOTE_HYPERCALL_PAGE + MONITOR_HYPERCALL_RETURN)

static const struct hv_regs pattern = {
	.rax = 0x1111111111111101,
	.rbx = 0x2222222222222202,
	.rcx = 0x3333333333333303,
	.rdx = 0x4444444444444404,
	.rsi = 0x5555555555555505,
	.rdi = 0x6666666666666606,
	.rsp = BOX_STACK_TOP - 0x100,
	.rbp = 0x7777777777777707,
	.r8 = 0x8888888888888808,
	.r9 = 0x9999999999999909,
	.r10 = 0xaaaaaaaaaaaaaa0a,
	.r11 = 0xbbbbbbbbbbbbbb0b,
	.r12 = 0xcccccccccccccc0c,
	.r13 = 0xdddddddddddddd0d,
	.r14 = 0xeeeeeeeeeeeeee0e,
	.r15 = 0xffffffffffffff0f,
	.rflags = 0x247, /* CF, PF, ZF, IF and the bit that is always set */
};

/* PATTERN with each register changed in its own way. */
static struct hv_regs pattern_rotated(void)
{
	struct hv_regs regs = pattern;
	uint64_t *each = (uint64_t *)&regs;

	for (size_t i = 0; i < sizeof regs / sizeof *each; i++)
		each[i] = each[i] << 4 | each[i] >> 60;
	regs.rsp = BOX_STACK_TOP - 0x200;
	regs.rflags = 0xa92; /* SF, AF, IF, OF */
	return regs;
}

static void assert_regs(const struct hv_regs *got, const struct hv_regs *want)
{
	static const char *const names[] = { "rax", "rbx", "rcx", "rdx", "rsi", "rdi",
					     "rsp", "rbp", "r8",  "r9",  "r10", "r11",
					     "r12", "r13", "r14", "r15", "rip", "rflags" };
	const uint64_t *a = (const uint64_t *)got, *b = (const uint64_t *)want;

	for (size_t i = 0; i < sizeof *got / sizeof *a; i++)
		if (a[i] != b[i])
			fail_msg("%s is 0x%lx, not 0x%lx", names[i], (unsigned long)a[i],
				 (unsigned long)b[i]);
}

static void a_hypercall_shows_and_takes_all_registers(void **state)
{
	struct box box;
	struct hv_regs want = pattern;
	(void)state;

	box_open(&box, hv);
	for (int i = 0; i < 3; i++) {
		*box.vm->regs = want;
		box.vm->regs->rip = box_address("show");
		box.vm->regs_changed = true;
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		want.rip = HYPERCALL_RETURN;
		want.rsp -= 8;
		assert_regs(box.vm->regs, &want);
		want = i == 0 ? pattern_rotated() : pattern;
	}
	box_close(&box);
}

static void an_answer_changes_rax_and_nothing_else(void **state)
{
	struct hv_regs want = pattern;
	struct box box;
	(void)state;

	box_open(&box, hv);
	*box.vm->regs = want;
	box.vm->regs->rip = box_address("show");
	box.vm->regs_changed = true;
	box_run(&box);
	box.vm->regs->rax = 0x1234;
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	want.rip = HYPERCALL_RETURN;
	want.rsp -= 8;
	want.rax = 0x1234;
	assert_regs(box.vm->regs, &want);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL); /* nothing changed */
	assert_regs(box.vm->regs, &want);
	box_close(&box);
}

static void the_first_run_starts_in_the_state_of_the_configuration(void **state)
{
	struct box box;
	(void)state;

	box_init(&box, hv);
	memcpy(box.code, "\xf4", 1); /* hlt */
	assert_int_equal(box_make_vm(&box, NULL, NULL), MOTE_OK);
	assert_int_equal(box.vm->regs->rip, BOX_CODE);
	struct hv_exit event = box_run(&box);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.rip, BOX_CODE);
	assert_int_equal(box.vm->regs->rsp, BOX_STACK_TOP);
	assert_int_equal(box.vm->ops->fs_base(box.vm), 0);
	box_close(&box);
}

static void a_system_call_stops_and_goes_on_with_its_result(void **state)
{
	struct hv_regs want = pattern;
	struct box box;
	(void)state;

	box_open(&box, hv);
	*box.vm->regs = want;
	box.vm->regs->rip = box_address("syscall");
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_SYSCALL);
	want.rip = box_address("syscall_after");
	want.rcx = want.rip;
	want.r11 = want.rflags;
	assert_regs(box.vm->regs, &want);

	box.vm->regs->rax = (uint64_t)-38;
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	want.rax = (uint64_t)-38;
	want.rip = HYPERCALL_RETURN;
	want.rsp -= 8;
	assert_regs(box.vm->regs, &want);
	box_close(&box);
}

static void the_host_may_replace_all_registers_after_a_system_call(void **state)
{
	struct hv_regs want = pattern_rotated();
	struct box box;
	(void)state;

	box_open(&box, hv);
	assert_int_equal(box_start(&box, "syscall", 0).kind, HV_EXIT_SYSCALL);
	*box.vm->regs = want;
	box.vm->regs->rip = box_address("show");
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	want.rip = HYPERCALL_RETURN;
	want.rsp -= 8;
	assert_regs(box.vm->regs, &want);
	box_close(&box);
}

static void flags_that_would_hurt_the_monitor_are_dropped(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	box_set(&box, "show", 0);
	box.vm->regs->rflags = ~UINT64_C(0);
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	/* CF PF AF ZF SF IF DF OF AC ID */
	assert_int_equal(box.vm->regs->rflags, 0x240ed7);
	box_close(&box);
}

static void vector_registers_survive_hypercalls_and_system_calls(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (uint64_t way = 0; way < 2; way++) {
		for (int i = 0; i < 256; i++)
			box.data[i] = (char)(i * 7 + (int)way);
		memset(box.data + 256, 0, 256);
		box_start(&box, "vectors", way);
		box.vm->regs->rax = 1;
		box.vm->regs_changed = true;
		assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
		assert_memory_equal(box.data, box.data + 256, 256);
	}
	box_close(&box);
}

/* What the routine "seek" writes. */
struct residue {
	uint64_t flags, gs_base;
	uint16_t ds, es, fs, gs;
	uint32_t mxcsr;
	uint16_t x87_control, x87_status;
	uint8_t vectors[16][32];
};
_Static_assert(offsetof(struct residue, vectors) == 32, "guest_code.S says so");

static void a_new_start_finds_nothing_in_any_register(void **state)
{
	static const char *const ways[] = { "hide_and_call", "hide_and_ask", "hide_and_fault" };
	static const enum hv_exit_kind kinds[] = { HV_EXIT_HYPERCALL, HV_EXIT_SYSCALL,
						   HV_EXIT_EXCEPTION };
	const bool has_avx = __builtin_cpu_supports("avx");
	static const uint8_t zero[16][32];
	struct residue residue;
	struct box box;
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(box_start(&box, ways[i], has_avx).kind, kinds[i]);
		memset(box.data, 0, sizeof residue);
		assert_int_equal(box_start(&box, "seek", has_avx).kind, HV_EXIT_HYPERCALL);
		memcpy(&residue, box.data, sizeof residue);
		assert_int_equal(residue.flags, 0x202);
		assert_int_equal(residue.gs_base, 0);
		assert_int_equal(residue.ds, 0);
		assert_int_equal(residue.es, 0);
		assert_int_equal(residue.fs, 0);
		assert_int_equal(residue.gs, 0);
		assert_int_equal(residue.mxcsr, 0x1f80);
		assert_int_equal(residue.x87_control, 0x37f);
		assert_int_equal(residue.x87_status, 0);
		assert_memory_equal(residue.vectors, zero, sizeof zero);
	}
	box_close(&box);
}

static void the_thread_pointer_goes_both_ways(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	box_set(&box, "read_fs", 0);
	box.vm->ops->set_fs_base(box.vm, 0x123456789abc);
	box_run(&box);
	assert_int_equal(box.vm->regs->rbx, 0x123456789abc);
	assert_int_equal(box.vm->ops->fs_base(box.vm), 0x123456789abc);
	box_run(&box);
	assert_int_equal(box.vm->ops->fs_base(box.vm), 0x7777);

	box_start(&box, "syscall", 0);
	assert_int_equal(box.vm->ops->fs_base(box.vm), 0x7777);
	box.vm->ops->set_fs_base(box.vm, 0x8888);
	box_run(&box);
	assert_int_equal(box.vm->ops->fs_base(box.vm), 0x8888);
	box_close(&box);
}

static void a_thread_pointer_that_no_processor_takes_is_a_fault(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	box_set(&box, "read_fs", 0);
	box.vm->ops->set_fs_base(box.vm, UINT64_C(1) << 63);
	struct hv_exit event = box_run(&box);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.vector, 13);
	box.vm->ops->set_fs_base(box.vm, 0);
	assert_int_equal(box_start(&box, "read_fs", 0).kind, HV_EXIT_HYPERCALL);
	box_close(&box);
}

/* Bits of a page fault's error code. */
enum { PRESENT = 1, WRITE = 2, USER = 4, FETCH = 16 };

static const struct {
	const char *what;
	const char *routine;
	uint64_t rdi, rsp;
	uint8_t vector;
	uint32_t error_code;
	uint64_t address;
} faults[] = {
	{ "ud2", "undefined", 0, 0, 6, 0, 0 },
	{ "division by zero", "divide", 0, 0, 0, 0, 0 },
	{ "a privileged instruction", "halt", 0, 0, 13, 0, 0 },
	{ "out to a port", "port", 0, 0, 13, 0, 0 },
	{ "an interrupt that user code may not call", "interrupt", 0, 0, 13, 0x50 * 8 + 2, 0 },
	{ "read at 0", "read_null", 0, 0, 14, USER, 0 },
	{ "read where nothing is", "read_unmapped", 0, 0, 14, USER, BOX_UNMAPPED + 0x123 },
	{ "write where nothing is", "write_unmapped", 0, 0, 14, USER | WRITE,
	  BOX_UNMAPPED + 0x123 },
	{ "write to constants", "write_constant", 0, 0, 14, USER | WRITE | PRESENT,
	  BOX_CONSTANT + 0x45 },
	{ "write to code", "write_at", BOX_CODE + 8, 0, 14, USER | WRITE | PRESENT, BOX_CODE + 8 },
	{ "write to the hypercall page", "write_at", MOTE_HYPERCALL_PAGE + 8, 0, 14,
	  USER | WRITE | PRESENT, MOTE_HYPERCALL_PAGE + 8 },
	{ "write to the monitor", "write_at", MONITOR_TEXT, 0, 14, USER | WRITE, MONITOR_TEXT },
	{ "read where the launcher's memory was", "read_at", MONITOR_LAUNCHER, 0, 14, USER,
	  MONITOR_LAUNCHER },
	{ "read where the views were listed", "read_at", MONITOR_VIEWS, 0, 14, USER,
	  MONITOR_VIEWS },
	{ "a store to the doorbell page", "write_doorbell", 0, 0, 14, USER | WRITE,
	  MOTE_DOORBELL_PAGE },
	{ "read of an address with no meaning", "read_at", UINT64_C(1) << 63, 0, 13, 0, 0 },
	{ "read of the page past the last", "read_at", MOTE_ADDRESS_END, 0, 14, USER,
	  MOTE_ADDRESS_END },
	{ "push where nothing is", "push_nowhere", 0, BOX_UNMAPPED, 14, USER | WRITE,
	  BOX_UNMAPPED - 8 },
	{ "push below the stack", "push_nowhere", 0, BOX_STACK, 14, USER | WRITE, BOX_STACK - 8 },
	{ "push with a stack pointer of 8", "push_nowhere", 0, 8, 14, USER | WRITE, 0 },
	{ "push with a meaningless stack pointer", "push_nowhere", 0, UINT64_C(1) << 63, 12, 0, 0 },
	{ "a hypercall without a stack", "call_nowhere", 0, BOX_UNMAPPED, 14, USER | WRITE,
	  BOX_UNMAPPED - 8 },
	{ "int3", "breakpoint", 0, 0, 3, 0, 0 },
	{ "a single step", "single_step", 0, 0, 1, 0, 0 },
	{ "a misaligned access", "alignment", 0, 0, 17, 0, 0 },
	{ "a vector division of zero by zero", "simd", 0, 0, 19, 0, 0 },
	{ "an x87 error", "x87", 0, 0, 16, 0, 0 },
};

static void assert_fault(size_t i, const struct hv_exit *event, uint64_t rip)
{
	if (event->kind != HV_EXIT_EXCEPTION || event->u.exception.vector != faults[i].vector ||
	    event->u.exception.error_code != faults[i].error_code ||
	    event->u.exception.address != faults[i].address || event->u.exception.rip != rip)
		fail_msg("%s: exit %d, vector %d, error code 0x%x, address 0x%lx, rip 0x%lx",
			 faults[i].what, event->kind, event->u.exception.vector,
			 event->u.exception.error_code, (unsigned long)event->u.exception.address,
			 (unsigned long)event->u.exception.rip);
}

static void each_fault_has_its_vector_code_and_address(void **state)
{
	struct box box;
	char label[64];
	(void)state;

	box_open(&box, hv);
	for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		snprintf(label, sizeof label, "%s_fault", faults[i].routine);
		box_set(&box, faults[i].routine, faults[i].rdi);
		if (faults[i].rsp != 0)
			box.vm->regs->rsp = faults[i].rsp;
		struct hv_exit event = box_run(&box);
		assert_fault(i, &event, box_address(label));
		assert_int_equal(box.vm->regs->rip, box_address(label));
		assert_int_equal(box.vm->regs->rdi, faults[i].rdi);
	}
	box_close(&box);
}

static const struct {
	const char *what;
	uint64_t target;
	uint8_t vector;
	uint32_t error_code;
} jumps[] = {
	{ "to data", BOX_DATA, 14, USER | FETCH | PRESENT },
	{ "to the stack", BOX_STACK, 14, USER | FETCH | PRESENT },
	{ "to constants", BOX_CONSTANT, 14, USER | FETCH | PRESENT },
	{ "to the control block", MONITOR_CONTROL, 14, USER | FETCH },
	{ "nowhere", BOX_UNMAPPED, 14, USER | FETCH },
	{ "to 0", 0, 14, USER | FETCH },
	{ "to where the launcher's memory was", MONITOR_LAUNCHER, 14, USER | FETCH },
};

static void only_code_runs(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	memset(box.data, 0xf4, 16);
	for (size_t i = 0; i < sizeof jumps / sizeof jumps[0]; i++) {
		struct hv_exit event = box_start(&box, "jump_to", jumps[i].target);
		if (event.kind != HV_EXIT_EXCEPTION ||
		    event.u.exception.vector != jumps[i].vector ||
		    event.u.exception.error_code != jumps[i].error_code ||
		    event.u.exception.address != jumps[i].target ||
		    event.u.exception.rip != jumps[i].target)
			fail_msg("a jump %s: exit %d, vector %d, code 0x%x", jumps[i].what,
				 event.kind, event.u.exception.vector,
				 event.u.exception.error_code);
	}
	box_close(&box);
}

static void memory_past_the_end_of_its_file_is_a_page_fault(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	assert_int_equal(ftruncate(box.fd, BOX_SIZE - BOX_STACK_SIZE), 0);
	struct hv_exit event = box_start(&box, "read_at", BOX_STACK);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.vector, 14);
	assert_int_equal(event.u.exception.address, BOX_STACK);
	assert_int_equal(ftruncate(box.fd, BOX_SIZE), 0);
	box_close(&box);
}

static void the_host_may_go_on_after_a_fault(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	box_start(&box, "undefined", 5);
	box.vm->regs->rip = box_address("show");
	box.vm->regs_changed = true;
	assert_int_equal(box_run(&box).kind, HV_EXIT_HYPERCALL);
	assert_int_equal(box.vm->regs->rdi, 5);

	/* Unchanged, it faults again. */
	box_start(&box, "undefined", 5);
	struct hv_exit event = box_run(&box);
	assert_int_equal(event.kind, HV_EXIT_EXCEPTION);
	assert_int_equal(event.u.exception.vector, 6);
	box_close(&box);
}

static void memory_is_the_same_on_both_sides(void **state)
{
	struct box box;
	(void)state;

	box_open(&box, hv);
	memset(box.data, 0x5a, 16);
	box_start(&box, "vectors", 0);
	box_run(&box);
	assert_memory_equal(box.data + 256, "\x5a\x5a\x5a\x5a", 4);
	box_close(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hypercall_shows_and_takes_all_registers),
		cmocka_unit_test(an_answer_changes_rax_and_nothing_else),
		cmocka_unit_test(the_first_run_starts_in_the_state_of_the_configuration),
		cmocka_unit_test(a_system_call_stops_and_goes_on_with_its_result),
		cmocka_unit_test(the_host_may_replace_all_registers_after_a_system_call),
		cmocka_unit_test(flags_that_would_hurt_the_monitor_are_dropped),
		cmocka_unit_test(vector_registers_survive_hypercalls_and_system_calls),
		cmocka_unit_test(a_new_start_finds_nothing_in_any_register),
		cmocka_unit_test(the_thread_pointer_goes_both_ways),
		cmocka_unit_test(a_thread_pointer_that_no_processor_takes_is_a_fault),
		cmocka_unit_test(each_fault_has_its_vector_code_and_address),
		cmocka_unit_test(only_code_runs),
		cmocka_unit_test(memory_past_the_end_of_its_file_is_a_page_fault),
		cmocka_unit_test(the_host_may_go_on_after_a_fault),
		cmocka_unit_test(memory_is_the_same_on_both_sides),
	};
	return cmocka_run_group_tests_name("hv/process_run", tests, open_backend, close_backend);
}
