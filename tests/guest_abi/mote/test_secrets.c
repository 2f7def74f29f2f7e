/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing that a guest leaves in a register reaches the next call: real guests on each real
 * backend fill all registers with a secret, leave in every way, and others look for it.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/machine.h"
#include "hv/kvm/kvm.h"
#include "hv/process/process.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/time.h>

#include <cmocka.h>

/* secrets_guest.S */
enum {
	CODE = 0x400000,
	DATA = 0x410000,
	DATA_SIZE = 0x3000,
	MARK = DATA + 0x100, /* what FS and GS lead to when all is well */
	FOUND = DATA + 0x1000,
};
extern const char secrets_guest[], secrets_guest_end[];
extern const char hide_and_call[], hide_and_ask[], hide_and_fault[], hide_and_stay[], seek[];

#define MARKED     UINT64_C(0x1122334455667788)
#define USER_DATA  0x23 /* what machines start with */
#define CALL_INDEX 0x321

struct found {
	struct {
		uint64_t rax, rbx, rcx, rdx, rsi, rdi, rsp, rbp;
		uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	} regs;
	uint64_t flags;
	uint16_t ds, es, fs, gs;
	uint64_t at_fs, at_gs;
	uint32_t mxcsr, padding;
	uint64_t xcr0;
	uint8_t unused[80];
	/* Intel SDM volume 1, figure 8-11, table 10-2 and section 13.4 */
	struct {
		uint16_t control, status;
		uint8_t tags, reserved;
		uint16_t opcode;
		uint64_t instruction, operand;
		uint32_t mxcsr, mxcsr_mask;
		uint8_t st[8][16], xmm[16][16], rest[96];
	} fxsave;
	struct {
		uint16_t control, r0, status, r1, tags, r2;
		uint32_t instruction, code_and_opcode, operand, operand_segment;
		uint8_t unused[228];
	} env;
	struct {
		uint8_t legacy[512], header[64], extended[2112];
	} xsave;
};
_Static_assert(offsetof(struct found, fxsave) == 0x100 && offsetof(struct found, env) == 0x300 &&
		       offsetof(struct found, xsave) == 0x400,
	       "secrets_guest.S says so");
_Static_assert(sizeof(struct found) <= DATA_SIZE - 0x1000, "there must be room for it");

static struct box {
	struct host host;
	struct hv *hv;
	struct firmware firmware;
	struct guest_memory *memory;
	struct machine machine;
	struct machine_ways ways;
	uint64_t rsp;
	bool is_machine;
	bool keeps_fs; /* see below */
} box;

static void write_guest(uint64_t address, const void *from, size_t size)
{
	assert_int_equal(guest_memory_write(box.memory, address, from, size, REGION_WRITE, NULL),
			 MOTE_OK);
}

static struct guest_memory *make_memory(void)
{
	static const mote_segment_info segments[] = {
		{ .address = CODE,
		  .memory_size = 0x2000,
		  .file_size = 0x2000,
		  .readable = true,
		  .executable = true },
		{ .address = DATA, .memory_size = DATA_SIZE, .readable = true, .writable = true },
	};
	static const struct layout_config config = {
		.segments = segments,
		.nsegments = 2,
		.heap_size = 0x200000,
		.stack_size = 0x4000,
		.input_size = 0x1000,
		.output_size = 0x1000,
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};
	static char file[0x2000];
	const size_t size = (size_t)(secrets_guest_end - secrets_guest);
	struct guest_memory *memory;
	mote_error err;

	assert_in_range(size, 1, sizeof file);
	memcpy(file, secrets_guest, size);
	if (guest_memory_new(&memory, &box.host, &config, file,
			     box.hv->ops->needs_fd ? SHARED_MEM_FILE : SHARED_MEM_PRIVATE, &err))
		fail_msg("%s", err.message);
	return memory;
}

/* Makes a machine on *STATE, or skips the test. */
static void open_box(void **state)
{
	const struct hv_backend *backend = *state;
	struct hv_check check;
	mote_error err;

	memset(&box, 0, sizeof box);
	host_init(&box.host);
	backend->check(&box.host, &check);
	if (!check.is_available) {
		print_message("SKIP: no %s here: %s\n", backend->name, check.reason);
		skip();
	}
	if (backend->open(&box.hv, &box.host, &err) || machine_probe(&box.ways, box.hv, &err) ||
	    firmware_init(&box.firmware, &box.host, box.ways, &err))
		fail_msg("%s", err.message);
	box.memory = make_memory();
	box.is_machine = backend->reset != NULL;
	const struct region *stack = layout_get(guest_memory_layout(box.memory), REGION_STACK);
	box.rsp = stack->va + stack->size / 2;
	if (machine_init(&box.machine, box.hv, box.memory, &box.firmware, CODE, box.rsp, &err))
		fail_msg("%s", err.message);
}

static int close_box(void **state)
{
	(void)state;
	machine_fini(&box.machine);
	guest_memory_free(box.memory);
	firmware_fini(&box.firmware);
	if (box.hv)
		box.hv->ops->close(box.hv);
	return 0;
}

static uint64_t address_of(const char *routine)
{
	return CODE + (uint64_t)(routine - secrets_guest);
}

static struct hv_exit run(void)
{
	struct hv_exit event;
	mote_error err;

	if (machine_run(&box.machine, &event, &err))
		fail_msg("%s", err.message);
	return event;
}

static void reset(void)
{
	mote_error err;

	if (machine_reset(&box.machine, MARK, &err))
		fail_msg("%s", err.message);
}

/* Runs seek() as the next call. */
static struct found look(const char *after)
{
	const uint64_t marked = MARKED;
	struct found found = { .flags = 0 };
	struct hv_exit event;

	write_guest(FOUND, &found, sizeof found);
	write_guest(MARK, &marked, sizeof marked);
	machine_start(&box.machine, address_of(seek), box.rsp, CALL_INDEX, 0);
	do
		event = run();
	while (event.kind == HV_EXIT_INTERRUPTED);
	if (event.kind != HV_EXIT_HYPERCALL) {
		char text[200];
		machine_describe(&box.machine, &event, text, sizeof text);
		fail_msg("after %s: %s", after, text);
	}
	assert_int_equal(
		guest_memory_read(box.memory, FOUND, &found, sizeof found, REGION_READ, NULL),
		MOTE_OK);
	return found;
}

static bool is_zero(const void *at, size_t size)
{
	const uint8_t *bytes = at;

	while (size > 0 && bytes[size - 1] == 0)
		size--;
	return size == 0;
}

#define EXPECT(condition)                                                                          \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("after %s: not so: %s", after, #condition);                       \
	} while (0)

static void expect_clean_vectors(const struct found *found, const char *after)
{
	EXPECT(found->mxcsr == 0x1f80);
	EXPECT(found->fxsave.control == 0x37f);
	EXPECT(found->fxsave.status == 0);
	EXPECT(found->fxsave.tags == 0);
	EXPECT(found->fxsave.opcode == 0);
	EXPECT(found->fxsave.instruction == 0);
	EXPECT(found->fxsave.operand == 0);
	EXPECT(found->fxsave.mxcsr == 0x1f80);
	EXPECT(is_zero(found->fxsave.st, sizeof found->fxsave.st));
	EXPECT(is_zero(found->fxsave.xmm, sizeof found->fxsave.xmm));
	EXPECT(found->env.control == 0x37f);
	EXPECT(found->env.status == 0);
	EXPECT(found->env.tags == 0xffff);
	EXPECT(found->env.instruction == 0);
	EXPECT(found->env.operand == 0);
	EXPECT((found->env.code_and_opcode & 0x7ffffff) == 0);
	EXPECT((found->env.operand_segment & 0xffff) == 0);
	EXPECT(is_zero(found->xsave.extended, sizeof found->xsave.extended));
}

/* FS counts only when the machine was reset: only the host can set its base. */
static void expect_clean(const char *after, bool is_reset)
{
	const struct found found = look(after);
	struct found want = { .regs.rdi = CALL_INDEX, .regs.rsp = box.rsp };

	if (box.is_machine)
		want.regs.r11 = address_of(seek);
	EXPECT(memcmp(&found.regs, &want.regs, sizeof want.regs) == 0);
	EXPECT((found.flags & ~UINT64_C(0x200)) == supervisor_rflags(box.ways));
	EXPECT(found.at_gs == MARKED);
	expect_clean_vectors(&found, after);
	EXPECT(found.at_fs == MARKED);
	EXPECT(found.ds == 0 && found.es == 0 && found.gs == 0);
	if (is_reset && !box.keeps_fs)
		EXPECT(found.fs == (box.is_machine ? USER_DATA : 0));
}

/* A KVM without hardware behind it may let guests have the host's own FS, and nothing undoes what
 * they load there. */
static void learn(void)
{
	reset();
	box.keeps_fs = box.is_machine && look("nothing").fs != USER_DATA;
	if (box.keeps_fs)
		print_message(
			"SKIP: the selector of FS, which this KVM does not keep from guests\n");
	expect_clean("nothing", true);
}

/* A guest hides its secrets and leaves by an event of KIND. */
static void hide(const char *routine, enum hv_exit_kind kind)
{
	const bool may_set_bases = !box.is_machine && (getauxval(AT_HWCAP2) & 2);

	machine_start(&box.machine, address_of(routine), box.rsp, 0, 0);
	box.machine.vm->regs->rsi = may_set_bases;
	struct hv_exit event = run();
	if (event.kind != kind) {
		char text[200];
		machine_describe(&box.machine, &event, text, sizeof text);
		fail_msg("hiding ends in %s", text);
	}
	/* it is there */
	if (kind != HV_EXIT_SYSCALL)
		assert_true(box.machine.vm->regs->r12 == UINT64_C(0x5ec4e75ec4e7));
}

static void secrets_are_gone_after_a_reset(void **state)
{
	static const struct {
		const char *what, *routine;
		enum hv_exit_kind kind;
	} rows[] = {
		{ "a hypercall", hide_and_call, HV_EXIT_HYPERCALL },
		{ "a system call", hide_and_ask, HV_EXIT_SYSCALL },
		{ "a fault", hide_and_fault, HV_EXIT_EXCEPTION },
	};
	open_box(state);
	learn();
	for (int i = 0; i < 9; i++) {
		hide(rows[i % 3].routine, rows[i % 3].kind);
		reset();
		expect_clean(rows[i % 3].what, true);
	}
}

static void secrets_are_gone_after_a_hypercall_without_a_reset(void **state)
{
	open_box(state);
	learn();
	for (int i = 0; i < 3; i++) {
		hide(hide_and_call, HV_EXIT_HYPERCALL);
		/* the thread pointer is the program's own, and stays */
		box.hv->ops->set_fs_base(box.machine.vm, MARK);
		expect_clean("a hypercall", false);
	}
}

static void secrets_are_gone_with_a_machine_that_is_made_anew(void **state)
{
	open_box(state);
	learn();
	hide(hide_and_fault, HV_EXIT_EXCEPTION);
	assert_int_equal(machine_renew(&box.machine, MARK, NULL), MOTE_OK);
	expect_clean("a renewal", true);
}

static void ignore(int signal)
{
	(void)signal;
}

static void secrets_of_a_guest_that_was_stopped_are_gone(void **state)
{
	const struct sigaction action = { .sa_handler = ignore };
	const struct itimerval soon = { { .tv_usec = 20000 }, { .tv_usec = 20000 } }, never = { 0 };
	struct sigaction old;

	open_box(state);
	learn();
	sigaction(SIGALRM, &action, &old);
	for (int i = 0; i < 5; i++) {
		setitimer(ITIMER_REAL, &soon, NULL);
		machine_start(&box.machine, address_of(hide_and_stay), box.rsp, 0, 0);
		do
			assert_int_equal(run().kind, HV_EXIT_INTERRUPTED);
		while (box.machine.vm->regs->rsp != UINT64_C(0x5ec4e75ec4e7));
		setitimer(ITIMER_REAL, &never, NULL);
		reset();
		expect_clean("a signal", true);
	}
	sigaction(SIGALRM, &old, NULL);
}

int main(void)
{
#define TEST(name, backend)                                                                        \
	{                                                                                          \
#name " [" #backend "]", name, NULL, close_box, (void *)&hv_##backend              \
	}
#define TESTS(name) TEST(name, kvm), TEST(name, process)
	const struct CMUnitTest tests[] = {
		TESTS(secrets_are_gone_after_a_reset),
		TESTS(secrets_are_gone_after_a_hypercall_without_a_reset),
		TESTS(secrets_are_gone_with_a_machine_that_is_made_anew),
		TESTS(secrets_of_a_guest_that_was_stopped_are_gone),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
