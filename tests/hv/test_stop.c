/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stops of a guest process mean, and what is written to go on from them: without any
 * process, on control memory that the test fills.
 */
#define _GNU_SOURCE
#include "hv/process/stop.h"

#include "abi/mote_abi.h"

#include <linux/audit.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define STACK_ADDRESS (MONITOR_CONTROL + MONITOR_STACK_OFFSET)
#define CONTEXT_AT    (STACK_ADDRESS + 0x7000)
#define SIGINFO_AT    (STACK_ADDRESS + 0x7800)

/* Control memory with a context and a siginfo on its stack. */
struct fixture {
	char *control; /* exactly MONITOR_CONTROL_SIZE bytes, so that sanitizers see one more */
	struct monitor_context *context;
	struct monitor_siginfo *info;
	struct stop stop;
	struct hv_regs regs;
	struct hv_exit exit;
};

static void fixture_init(struct fixture *f, int signal)
{
	memset(f, 0, sizeof *f);
	f->control = calloc(1, MONITOR_CONTROL_SIZE);
	assert_non_null(f->control);
	f->context = (void *)(f->control + (CONTEXT_AT - MONITOR_CONTROL));
	f->info = (void *)(f->control + (SIGINFO_AT - MONITOR_CONTROL));
	*f->context = (struct monitor_context){
		.rax = 1,
		.rbx = 2,
		.rcx = 3,
		.rdx = 4,
		.rsi = 5,
		.rdi = 6,
		.rsp = 7,
		.rbp = 8,
		.r8 = 9,
		.r9 = 10,
		.r10 = 11,
		.r11 = 12,
		.r12 = 13,
		.r13 = 14,
		.r14 = 15,
		.r15 = 16,
		.rip = 17,
		.rflags = 18,
		.cs = 0x23,
		.ss = 0,
		.error_code = 7,
		.fault_address = 0x1234,
		.vector = 14,
	};
	*f->info = (struct monitor_siginfo){ .signal = signal, .code = 1 };
	f->stop = (struct stop){
		.cause = (uint64_t)signal,
		.siginfo = SIGINFO_AT,
		.context = CONTEXT_AT,
	};
}

static void fixture_fini(struct fixture *f)
{
	free(f->control);
}

static bool fixture_read(struct fixture *f)
{
	return stop_read(&f->stop, f->control, &f->regs, &f->exit);
}

/* Registers 1 to 18 in the order of struct hv_regs, as the fixture has them. */
static void assert_counted(const void *regs)
{
	const uint64_t *each = regs;

	for (size_t i = 0; i < sizeof(struct hv_regs) / sizeof *each; i++)
		assert_int_equal(each[i], i + 1);
}

static void a_hypercall_brings_the_registers_of_the_control_block(void **state)
{
	struct fixture f;
	(void)state;

	fixture_init(&f, 0);
	f.stop.cause = MONITOR_STOP_HYPERCALL;
	for (uint64_t i = 0; i < 18; i++)
		memcpy(f.control + CONTROL_REGS + 8 * i, &(uint64_t){ i + 1 }, 8);
	assert_true(fixture_read(&f));
	assert_int_equal(f.exit.kind, HV_EXIT_HYPERCALL);
	assert_int_equal(f.regs.rip, MOTE_HYPERCALL_PAGE + MONITOR_HYPERCALL_RETURN);
	f.regs.rip = 17;
	assert_counted(&f.regs);
	fixture_fini(&f);
}

static const struct {
	const char *what;
	int signal, code;
	uint64_t vector;
	enum hv_exit_kind kind;
	uint8_t want_vector;
	uint64_t want_address;
} signals[] = {
	{ "a page fault", SIGSEGV, 1, 14, HV_EXIT_EXCEPTION, 14, 0x1234 },
	{ "a page past the end of its file", SIGBUS, 2, 14, HV_EXIT_EXCEPTION, 14, 0x1234 },
	{ "general protection", SIGSEGV, 128, 13, HV_EXIT_EXCEPTION, 13, 0 },
	{ "division", SIGFPE, 1, 0, HV_EXIT_EXCEPTION, 0, 0 },
	{ "breakpoint", SIGTRAP, 128, 3, HV_EXIT_EXCEPTION, 3, 0 },
	{ "invalid instruction", SIGILL, 2, 6, HV_EXIT_EXCEPTION, 6, 0 },
	{ "SIGILL after a page fault", SIGILL, 128, 14, HV_EXIT_EXCEPTION, 6, 0 },
	{ "the highest exception", SIGSEGV, 1, 31, HV_EXIT_EXCEPTION, 31, 0 },
	{ "a number that is no exception", SIGSEGV, 1, 32, HV_EXIT_EXCEPTION, 13, 0 },
	{ "a number whose low byte is one", SIGSEGV, 1, 0x10e, HV_EXIT_EXCEPTION, 13, 0 },
	{ "a signal that somebody sent", SIGSEGV, 0, 14, HV_EXIT_INTERRUPTED, 0, 0 },
	{ "a signal that somebody queued", SIGSYS, -1, 14, HV_EXIT_INTERRUPTED, 0, 0 },
	{ "our kick", STOP_KICK, 0, 14, HV_EXIT_INTERRUPTED, 0, 0 },
	{ "a kick of the kernel's", STOP_KICK, 128, 14, HV_EXIT_INTERRUPTED, 0, 0 },
};

static void signals_become_exits(void **state)
{
	struct fixture f;
	(void)state;

	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		fixture_init(&f, signals[i].signal);
		f.info->code = signals[i].code;
		f.context->vector = signals[i].vector;
		assert_true(fixture_read(&f));
		assert_counted(&f.regs);
		if (f.exit.kind != signals[i].kind)
			fail_msg("%s: exit %d", signals[i].what, f.exit.kind);
		if (f.exit.kind == HV_EXIT_EXCEPTION &&
		    (f.exit.u.exception.vector != signals[i].want_vector ||
		     f.exit.u.exception.address != signals[i].want_address ||
		     f.exit.u.exception.error_code != 7 || f.exit.u.exception.rip != 17))
			fail_msg("%s: vector %d, address 0x%lx", signals[i].what,
				 f.exit.u.exception.vector,
				 (unsigned long)f.exit.u.exception.address);
		fixture_fini(&f);
	}
}

static const struct {
	const char *what;
	uint32_t arch;
	uint64_t call_address;
	enum hv_exit_kind kind;
} calls[] = {
	{ "syscall", AUDIT_ARCH_X86_64, 17, HV_EXIT_SYSCALL },
	{ "int 0x80", AUDIT_ARCH_I386, 17, HV_EXIT_EXCEPTION },
	{ "the vsyscall page", AUDIT_ARCH_X86_64, 0xffffffffff600000, HV_EXIT_EXCEPTION },
};

static void only_syscall_is_a_system_call(void **state)
{
	struct fixture f;
	(void)state;

	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		fixture_init(&f, SIGSYS);
		f.info->arch = calls[i].arch;
		f.info->call_address = calls[i].call_address;
		assert_true(fixture_read(&f));
		if (f.exit.kind != calls[i].kind)
			fail_msg("%s: exit %d", calls[i].what, f.exit.kind);
		if (f.exit.kind == HV_EXIT_EXCEPTION) {
			assert_int_equal(f.exit.u.exception.vector, 13);
			assert_int_equal(f.exit.u.exception.error_code, 0);
		}
		assert_counted(&f.regs);
		fixture_fini(&f);
	}
}

static void only_the_monitors_stops_are_read(void **state)
{
	static const uint64_t causes[] = { 0,           1,
					   SIGKILL,     SIGTERM,
					   64,          MONITOR_STOP_START,
					   0x102,       UINT64_C(1) << 32 | SIGSEGV,
					   ~UINT64_C(0) };
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSEGV);
	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		f.stop.cause = causes[i];
		assert_false(fixture_read(&f));
	}
	fixture_fini(&f);
}

static void frames_must_lie_on_the_signal_stack(void **state)
{
	const uint64_t end = STACK_ADDRESS + MONITOR_STACK_SIZE;
	const uint64_t sizes[] = { sizeof(struct monitor_context), sizeof(struct monitor_siginfo) };
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSEGV);
	for (size_t i = 0; i < 2; i++) {
		const uint64_t good[] = { STACK_ADDRESS, STACK_ADDRESS + 1, end - sizes[i] };
		const uint64_t bad[] = { 0,
					 MONITOR_CONTROL,
					 STACK_ADDRESS - 1,
					 end - sizes[i] + 1,
					 end - 1,
					 end,
					 end + 1,
					 UINT64_C(1) << 63,
					 ~UINT64_C(0),
					 ~UINT64_C(0) - sizes[i] };
		uint64_t *address = i == 0 ? &f.stop.context : &f.stop.siginfo;
		uint64_t before = *address;
		for (size_t j = 0; j < sizeof good / sizeof good[0]; j++) {
			*address = good[j];
			assert_true(fixture_read(&f));
		}
		for (size_t j = 0; j < sizeof bad / sizeof bad[0]; j++) {
			*address = bad[j];
			assert_false(fixture_read(&f));
		}
		*address = before;
	}
	fixture_fini(&f);
}

static const struct hv_regs answer = { 101, 102, 103, 104, 105, 106, 107, 108, 109,
				       110, 111, 112, 113, 114, 115, 116, 117, ~UINT64_C(0) };
/* Of ~0: CF PF AF ZF SF IF DF OF AC ID and the bit that is always set. */
#define FLAGS_LEFT 0x240ed7

static void a_hypercall_goes_on_with_loaded_registers(void **state)
{
	struct fixture f;
	(void)state;

	fixture_init(&f, 0);
	f.stop.cause = MONITOR_STOP_HYPERCALL;
	uint64_t value = stop_answer(&f.stop, f.control, &answer, 0xfeed, false);
	assert_int_equal(value, MONITOR_ANSWER_LOAD);
	const struct monitor_control *head = (void *)f.control;
	struct monitor_regs regs = head->regs;
	assert_int_equal(regs.rflags, FLAGS_LEFT);
	regs.rflags = ~UINT64_C(0);
	assert_memory_equal(&regs, &answer, sizeof answer);
	assert_int_equal(head->fs_base, 0xfeed);
	fixture_fini(&f);
}

static void a_signal_goes_on_by_its_own_frame(void **state)
{
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSYS);
	f.context->fpstate = 0xabc;
	uint64_t value = stop_answer(&f.stop, f.control, &answer, 0xfeed, false);
	assert_int_equal(value, CONTEXT_AT);
	assert_int_equal(f.context->rflags, FLAGS_LEFT);
	assert_int_equal(f.context->cs, 0x33); /* back from 32-bit code */
	assert_int_equal(f.context->ss, 0x2b);
	assert_int_equal(f.context->fpstate, 0xabc); /* the guest keeps its vectors */
	f.info->code = 0;
	assert_true(fixture_read(&f));
	f.regs.rflags = ~UINT64_C(0);
	assert_memory_equal(&f.regs, &answer, sizeof answer);
	assert_int_equal(((struct monitor_control *)(void *)f.control)->fs_base, 0xfeed);
	fixture_fini(&f);
}

static void a_clean_start_leaves_nothing_to_the_guest(void **state)
{
	static const uint64_t causes[] = { SIGSEGV, MONITOR_STOP_HYPERCALL, MONITOR_STOP_START, 0 };
	struct fixture f;
	(void)state;

	for (size_t i = 0; i < sizeof causes / sizeof causes[0]; i++) {
		fixture_init(&f, SIGSEGV);
		f.stop.cause = causes[i];
		memset(f.control, 0xff, MONITOR_STACK_OFFSET);
		uint64_t value = stop_answer(&f.stop, f.control, &answer, 0xfeed, true);
		const struct monitor_control *head = (void *)f.control;
		assert_int_equal(value, MONITOR_CONTROL + offsetof(struct monitor_control, clean));
		assert_int_equal(head->fs_base, 0xfeed);
		assert_int_equal(head->regs.rip, 117);
		assert_int_equal(head->regs.rflags, FLAGS_LEFT);
		assert_int_equal(head->clean.rip, MONITOR_CLEAN);
		assert_int_equal(head->clean.rsp, 0);
		assert_int_equal(head->clean.fpstate, 0);
		assert_int_equal(head->clean.signal_mask, 0);
		assert_int_equal(head->clean.cs, 0x33);
		assert_int_equal(head->clean.rflags, 0x202);
		assert_int_equal(head->clean.stack_base, STACK_ADDRESS);
		assert_int_equal(head->clean.stack_size, MONITOR_STACK_SIZE);
		assert_int_equal(head->clean.stack_flags, 0);
		fixture_fini(&f);
	}
}

static void an_answer_to_a_forged_frame_writes_nowhere(void **state)
{
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSEGV);
	f.stop.context = STACK_ADDRESS + MONITOR_STACK_SIZE - 8;
	assert_int_equal(stop_answer(&f.stop, f.control, &answer, 0, false), MONITOR_ANSWER_LOAD);
	f.stop.context = 0;
	assert_int_equal(stop_answer(&f.stop, f.control, &answer, 0, false), MONITOR_ANSWER_LOAD);
	assert_int_equal(f.context->rip, 17);
	fixture_fini(&f);
}

#define VECTORS_AT   (STACK_ADDRESS + 0x6000)
#define VECTORS_SIZE 832 /* with AVX */

/* A frame with vector registers as the kernel writes them: bytes 0x55, and its words about them. */
static void put_vectors(struct fixture *f)
{
	const struct monitor_fpx words = {
		.magic = MONITOR_FPX_MAGIC,
		.features = 7,
		.xstate_size = VECTORS_SIZE,
	};
	char *at = f->control + (VECTORS_AT - MONITOR_CONTROL);

	memset(at, 0x55, VECTORS_SIZE);
	memcpy(at + HV_VECTORS_SOFTWARE, &words, sizeof words);
	memset(at + VECTORS_SIZE, 0x77, 16);
	f->context->fpstate = VECTORS_AT;
}

static void vector_registers_are_in_the_kernels_frame(void **state)
{
	struct hv_vectors vectors;
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSEGV);
	char *at = f.control + (VECTORS_AT - MONITOR_CONTROL);
	put_vectors(&f);
	assert_true(stop_vectors(&f.stop, f.control, &vectors));
	assert_int_equal(vectors.size, VECTORS_SIZE);
	assert_int_equal(vectors.features, 7);
	assert_memory_equal(vectors.area, at, VECTORS_SIZE);

	/* others go there, without what no processor takes, and the kernel's words stay */
	memset(&vectors, 0xff, sizeof vectors);
	assert_true(stop_set_vectors(&f.stop, f.control, &vectors));
	assert_int_equal((uint8_t)at[0], 0xff);
	assert_int_equal((uint8_t)at[HV_VECTORS_HEADER], 7);
	assert_int_equal(at[HV_VECTORS_HEADER + 8], 0);
	assert_int_equal((uint8_t)at[VECTORS_SIZE - 1], 0xff);
	assert_int_equal(at[VECTORS_SIZE], 0x77);
	const struct monitor_fpx *words = (const void *)(at + HV_VECTORS_SOFTWARE);
	assert_int_equal(words->magic, MONITOR_FPX_MAGIC);
	assert_int_equal(words->xstate_size, VECTORS_SIZE);
	assert_int_equal(f.context->fpstate, VECTORS_AT);

	/* stopped in the monitor, on its way: those in the frame are not the guest's */
	f.context->rip = MONITOR_TEXT;
	assert_false(stop_vectors(&f.stop, f.control, &vectors));
	assert_false(stop_set_vectors(&f.stop, f.control, &vectors));
	f.context->rip = MONITOR_TEXT - 1;
	assert_true(stop_vectors(&f.stop, f.control, &vectors));

	/* none: the kernel resets them, and then they are those of a start */
	assert_true(stop_set_vectors(&f.stop, f.control, NULL));
	assert_int_equal(f.context->fpstate, 0);
	assert_true(stop_vectors(&f.stop, f.control, &vectors));
	assert_int_equal(vectors.size, HV_VECTORS_LEAST);
	assert_int_equal(vectors.area[HV_VECTORS_MXCSR], 0x80);
	assert_false(stop_set_vectors(&f.stop, f.control, &vectors));
	fixture_fini(&f);
}

static void forged_vector_registers_are_neither_read_nor_written(void **state)
{
	static const struct {
		uint64_t fpstate;
		uint32_t magic, size;
	} forgeries[] = {
		{ VECTORS_AT, 1, VECTORS_SIZE },
		{ VECTORS_AT, MONITOR_FPX_MAGIC, HV_VECTORS_LEAST - 1 },
		{ VECTORS_AT, MONITOR_FPX_MAGIC, HV_VECTORS_MOST + 1 },
		{ VECTORS_AT, MONITOR_FPX_MAGIC, UINT32_MAX },
		{ STACK_ADDRESS + MONITOR_STACK_SIZE - 512, MONITOR_FPX_MAGIC, VECTORS_SIZE },
		{ STACK_ADDRESS - 64, MONITOR_FPX_MAGIC, VECTORS_SIZE },
		{ 8, MONITOR_FPX_MAGIC, VECTORS_SIZE },
		{ UINT64_MAX - 400, MONITOR_FPX_MAGIC, VECTORS_SIZE },
	};
	struct hv_vectors vectors;
	struct fixture f;
	(void)state;

	fixture_init(&f, SIGSEGV);
	hv_vectors_init(&vectors);
	for (size_t i = 0; i < sizeof forgeries / sizeof forgeries[0]; i++) {
		const uint64_t words = forgeries[i].fpstate + HV_VECTORS_SOFTWARE - MONITOR_CONTROL;
		put_vectors(&f);
		f.context->fpstate = forgeries[i].fpstate;
		if (words < MONITOR_CONTROL_SIZE - sizeof(struct monitor_fpx)) {
			struct monitor_fpx *fpx = (void *)(f.control + words);
			fpx->magic = forgeries[i].magic;
			fpx->xstate_size = forgeries[i].size;
		}
		assert_false(stop_vectors(&f.stop, f.control, &vectors));
		assert_false(stop_set_vectors(&f.stop, f.control, &vectors));
		assert_int_equal(f.control[VECTORS_AT - MONITOR_CONTROL], 0x55);
	}
	put_vectors(&f);
	f.stop.context = STACK_ADDRESS + MONITOR_STACK_SIZE - 8;
	assert_false(stop_vectors(&f.stop, f.control, &vectors));
	f.stop.cause = MONITOR_STOP_HYPERCALL;
	f.stop.context = CONTEXT_AT;
	assert_false(stop_vectors(&f.stop, f.control, &vectors));
	assert_false(stop_set_vectors(&f.stop, f.control, NULL));
	fixture_fini(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vector_registers_are_in_the_kernels_frame),
		cmocka_unit_test(forged_vector_registers_are_neither_read_nor_written),
		cmocka_unit_test(a_hypercall_brings_the_registers_of_the_control_block),
		cmocka_unit_test(signals_become_exits),
		cmocka_unit_test(only_syscall_is_a_system_call),
		cmocka_unit_test(only_the_monitors_stops_are_read),
		cmocka_unit_test(frames_must_lie_on_the_signal_stack),
		cmocka_unit_test(a_hypercall_goes_on_with_loaded_registers),
		cmocka_unit_test(a_signal_goes_on_by_its_own_frame),
		cmocka_unit_test(a_clean_start_leaves_nothing_to_the_guest),
		cmocka_unit_test(an_answer_to_a_forged_frame_writes_nowhere),
	};
	return cmocka_run_group_tests_name("hv/stop", tests, NULL, NULL);
}
