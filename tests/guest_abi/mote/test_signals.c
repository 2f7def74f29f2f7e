/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals of a guest that never runs: what lies in the frame of a handler, where it lies, what is
 * taken of a frame that comes back, and all that must not be delivered.
 */
#define _GNU_SOURCE
#include "guest_abi/exceptions.h"
#include "guest_abi/mote/personality_box.h"
#include "guest_abi/mote/signal_frame.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>

#define HANDLER  (BOX_CODE + 0x100)
#define RESTORER (BOX_CODE + 0x200)
#define BIT(n)   (UINT64_C(1) << ((n)-1))

static struct personality_box pb;

static int setup(void **state)
{
	(void)state;
	personality_box_init(&pb, NULL);
	pb.box.vm->regs.rsp = pb.box.rsp;
	pb.box.vm->regs.rip = BOX_CODE;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	personality_box_fini(&pb);
	return 0;
}

static int64_t act(int signal, uint64_t handler, uint64_t flags, uint64_t mask)
{
	const struct signal_action action = { handler, flags | SIGNAL_HAS_RESTORER, RESTORER,
					      mask };

	memcpy(at(&pb, BOX_DATA), &action, sizeof action);
	return CALL(&pb, SYS_rt_sigaction, (uint64_t)signal, BOX_DATA, 0, 8);
}

static bool fault(uint8_t vector, uint32_t error_code, uint64_t address)
{
	struct hv_exit event = { .kind = HV_EXIT_EXCEPTION };

	event.u.exception.vector = vector;
	event.u.exception.error_code = error_code;
	event.u.exception.address = address;
	event.u.exception.rip = pb.box.vm->regs.rip;
	return signals_fault(&pb.p, &event);
}

/* The frame that the handler has found. */
static struct signal_frame frame_now(void)
{
	struct signal_frame frame;

	memcpy(&frame, at(&pb, pb.box.vm->regs.rsp), sizeof frame);
	return frame;
}

static void a_handler_finds_its_arguments_and_a_whole_frame(void **state)
{
	(void)state;
	struct hv_regs *regs = &pb.box.vm->regs;

	assert_int_equal(act(SIGSEGV, HANDLER, 0, BIT(SIGUSR1)), 0);
	memset(regs, 0x11, sizeof *regs);
	regs->rsp = pb.box.rsp - 3; /* as odd as can be */
	regs->rip = BOX_CODE + 5;
	regs->rflags = 0x10c97; /* RF, DF */
	pb.box.vm->vectors = 0x77;
	const struct hv_regs before = *regs;
	assert_true(fault(14, 6, BOX_NOWHERE));

	const struct signal_frame frame = frame_now();
	const uint64_t at_frame = regs->rsp;
	assert_int_equal(at_frame % 16, 8); /* as after a call */
	assert_true(at_frame + sizeof frame <= frame.context.fpstate);
	assert_true(frame.context.fpstate + HV_VECTORS_LEAST + 4 <= before.rsp - 128);
	assert_int_equal(regs->rip, HANDLER);
	assert_int_equal(regs->rdi, SIGSEGV);
	assert_int_equal(regs->rsi, at_frame + offsetof(struct signal_frame, info));
	assert_int_equal(regs->rdx, at_frame + offsetof(struct signal_frame, context));
	assert_int_equal(regs->rax, 0);
	assert_int_equal(regs->rflags, 0x897 & ~UINT64_C(0x400));
	assert_int_equal(regs->r12, before.r12);
	assert_int_equal(pb.box.vm->vectors, 0);
	assert_int_equal(frame.restorer, RESTORER);
	assert_int_equal(frame.info.signal, SIGSEGV);
	assert_int_equal(frame.info.code, SEGV_MAPERR);
	assert_int_equal(frame.info.u.address, BOX_NOWHERE);
	assert_int_equal(frame.context.rip, before.rip);
	assert_int_equal(frame.context.rsp, before.rsp);
	assert_int_equal(frame.context.rflags, before.rflags);
	assert_int_equal(frame.context.r8, before.r8);
	assert_int_equal(frame.context.vector, 14);
	assert_int_equal(frame.context.error_code, 6);
	assert_int_equal(frame.context.fault_address, BOX_NOWHERE);
	assert_int_equal(frame.context.cs, 0x33);
	assert_int_equal(frame.context.signal_mask, 0);
	assert_int_equal(frame.context.fpstate % 64, 0);
	assert_int_equal(*(uint64_t *)at(&pb, frame.context.fpstate + FAKE_VECTORS), 0x77);
	assert_int_equal(frame_vectors_size(at(&pb, frame.context.fpstate)), HV_VECTORS_LEAST);
	assert_int_equal(*(uint32_t *)at(&pb, frame.context.fpstate + HV_VECTORS_LEAST),
			 FRAME_VECTORS_END);
	assert_int_equal(pb.p.signals.mask, BIT(SIGSEGV) | BIT(SIGUSR1));
}

static void a_return_brings_everything_back(void **state)
{
	(void)state;
	struct hv_regs *regs = &pb.box.vm->regs;

	act(SIGFPE, HANDLER, 0, 0);
	for (size_t i = 0; i < 16; i++)
		(&regs->rax)[i] = 0x1000 + i;
	regs->rsp = pb.box.rsp;
	regs->rip = BOX_CODE + 9;
	regs->rflags = 0x897;
	pb.box.vm->vectors = 0x99;
	const struct hv_regs before = *regs;
	assert_true(fault(0, 0, 0));
	regs->rsp += 8; /* the handler's ret */
	regs->rax = SYS_rt_sigreturn;
	regs->r9 = 0;
	pb.box.vm->vectors = 1;
	personality_syscall(&pb.p);
	assert_memory_equal(regs, &before, sizeof before);
	assert_int_equal(pb.box.vm->vectors, 0x99);
	assert_int_equal(pb.p.signals.mask, 0);
	assert_int_equal(pb.p.state, PROGRAM_RUNNING);
	assert_false(pb.p.is_resumed);
}

static void exceptions_are_the_signals_of_linux(void **state)
{
	(void)state;
	static const struct {
		uint8_t vector;
		uint32_t error_code;
		int signal, code;
		bool has_address;
	} rows[] = {
		{ 0, 0, SIGFPE, FPE_INTDIV, true },    { 1, 0, SIGTRAP, TRAP_TRACE, true },
		{ 3, 0, SIGTRAP, SI_KERNEL, false },   { 6, 0, SIGILL, ILL_ILLOPN, true },
		{ 4, 0, SIGSEGV, SI_KERNEL, false },   { 12, 0, SIGBUS, SI_KERNEL, false },
		{ 13, 8, SIGSEGV, SI_KERNEL, false },  { 14, 4, SIGSEGV, SEGV_MAPERR, true },
		{ 14, 7, SIGSEGV, SEGV_ACCERR, true }, { 16, 0, SIGFPE, FPE_FLTINV, true },
		{ 17, 0, SIGBUS, BUS_ADRALN, false },  { 19, 0, SIGFPE, FPE_FLTINV, true },
		{ 33, 0, SIGSEGV, SI_KERNEL, false },  { 255, 0, SIGSEGV, SI_KERNEL, false },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pb.p.signals = (struct signals){ 0 };
		act(rows[i].signal, HANDLER, 0, 0);
		pb.box.vm->regs.rsp = pb.box.rsp;
		pb.box.vm->regs.rip = BOX_CODE + 1;
		assert_true(fault(rows[i].vector, rows[i].error_code, BOX_CODE + 1));
		const struct signal_frame frame = frame_now();
		if (frame.info.signal != rows[i].signal || frame.info.code != rows[i].code ||
		    frame.info.u.address != (rows[i].has_address ? BOX_CODE + 1 : 0))
			fail_msg("vector %d: signal %d, code %d", rows[i].vector, frame.info.signal,
				 frame.info.code);
		assert_int_equal(exception_meaning(rows[i].vector).signal, rows[i].signal);
	}
}

/* What is not delivered changes nothing. */
static void what_cannot_be_delivered_leaves_all_as_it_was(void **state)
{
	(void)state;
	static const struct {
		const char *why;
		uint64_t handler, flags, blocked, rsp;
	} rows[] = {
		{ "default", 0, 0, 0, 1 },
		{ "ignored", 1, 0, 0, 1 },
		{ "blocked", HANDLER, 0, BIT(SIGSEGV), 1 },
		{ "no stack", HANDLER, 0, 0, BOX_NOWHERE },
		{ "a stack that wraps", HANDLER, 0, 0, 64 },
		{ "a stack at the end", HANDLER, 0, 0, UINT64_MAX },
		{ "a stack in code", HANDLER, 0, 0, BOX_CODE + 4096 },
		{ "half a stack", HANDLER, 0, 0, BOX_DATA + 600 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pb.p.signals = (struct signals){ 0 };
		act(SIGSEGV, rows[i].handler, rows[i].flags, 0);
		pb.p.signals.mask = rows[i].blocked;
		pb.box.vm->regs.rsp = rows[i].rsp == 1 ? pb.box.rsp : rows[i].rsp;
		const struct hv_regs before = pb.box.vm->regs;
		const struct signals signals = pb.p.signals;
		if (fault(14, 6, 0x10))
			fail_msg("%s: delivered", rows[i].why);
		assert_memory_equal(&pb.box.vm->regs, &before, sizeof before);
		assert_memory_equal(&pb.p.signals, &signals, sizeof signals);
	}
	pb.p.signals = (struct signals){ 0 };
	act(SIGSEGV, HANDLER, 0, 0);
	pb.p.signals.actions[SIGSEGV - 1].flags = 0; /* no restorer */
	pb.box.vm->regs.rsp = pb.box.rsp;
	assert_false(fault(14, 6, 0x10));
	pb.p.signals.actions[SIGSEGV - 1].flags = SIGNAL_HAS_RESTORER;
	fake.vectors_fail = MOTE_E_OS;
	assert_false(fault(14, 6, 0x10));
}

static int64_t alternate(uint64_t base, int32_t flags, uint64_t size)
{
	const struct {
		uint64_t base;
		int32_t flags, padding;
		uint64_t size;
	} stack = { base, flags, 0, size };

	memcpy(at(&pb, BOX_CONSTANT), &stack, sizeof stack);
	return CALL(&pb, SYS_sigaltstack, BOX_CONSTANT, 0);
}

static void the_other_stack_is_used_when_asked_for(void **state)
{
	(void)state;
	const uint64_t size = 0x1800;

	assert_int_equal(alternate(BOX_DATA, 0, 2047), -ENOMEM);
	assert_int_equal(alternate(MOTE_ADDRESS_END - 100, 0, 4096), -ENOMEM);
	assert_int_equal(alternate(UINT64_MAX - 4000, 0, 4096), -ENOMEM);
	assert_int_equal(alternate(BOX_DATA, 0, UINT64_MAX), -ENOMEM);
	assert_int_equal(alternate(BOX_DATA, 4, 4096), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_sigaltstack, BOX_NOWHERE, 0), -EFAULT);
	assert_int_equal(CALL(&pb, SYS_sigaltstack, 0, BOX_CODE), -EFAULT);
	assert_int_equal(alternate(BOX_DATA + 64, 0, size), 0);
	act(SIGUSR1, HANDLER, 0, 0);
	act(SIGSEGV, HANDLER, SA_ONSTACK | SA_NODEFER, 0);
	pb.box.vm->regs.rsp = 8; /* it has none, and needs none */
	assert_true(fault(14, 6, 0x10));
	uint64_t rsp = pb.box.vm->regs.rsp;
	assert_in_range(rsp, BOX_DATA + 64, BOX_DATA + 64 + size);
	assert_int_equal(frame_now().context.stack_base, BOX_DATA + 64);
	/* on it already: below, until it is full */
	assert_int_equal(alternate(BOX_DATA, 0, size), -EPERM);
	int n = 0;
	while (fault(14, 6, 0x10)) {
		assert_true(pb.box.vm->regs.rsp < rsp);
		assert_int_equal(frame_now().context.stack_flags, SS_ONSTACK);
		rsp = pb.box.vm->regs.rsp;
		n++;
	}
	assert_in_range(n, 1, 6);
	pb.box.vm->regs.rsp = pb.box.rsp;
	assert_int_equal(alternate(0, SS_DISABLE, 0), 0);
	pb.box.vm->regs.rsp = 8;
	assert_false(fault(14, 6, 0x10));
}

static void signals_wait_while_they_are_blocked(void **state)
{
	(void)state;
	struct hv_regs *regs = &pb.box.vm->regs;
	uint64_t pending;

	act(SIGUSR1, HANDLER, 0, 0);
	pb.p.signals.mask = BIT(SIGUSR1) | BIT(SIGTERM);
	assert_int_equal(CALL(&pb, SYS_tgkill, 1, 1, SIGUSR1), 0);
	assert_int_equal(CALL(&pb, SYS_tgkill, 1, 1, SIGTERM), 0);
	assert_int_equal(CALL(&pb, SYS_rt_sigpending, BOX_DATA, 8), 0);
	memcpy(&pending, at(&pb, BOX_DATA), sizeof pending);
	assert_int_equal(pending, BIT(SIGUSR1) | BIT(SIGTERM));
	assert_int_equal(CALL(&pb, SYS_rt_sigpending, BOX_DATA, 9), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_rt_sigpending, BOX_CODE, 8), -EFAULT);
	assert_int_equal(regs->rip, BOX_CODE);
	/* the handler's frame has the result of the call that let it in */
	memcpy(at(&pb, BOX_DATA), &(uint64_t){ BIT(SIGUSR1) }, 8);
	CALL(&pb, SYS_rt_sigprocmask, SIG_UNBLOCK, BOX_DATA, 0, 8);
	assert_int_equal(regs->rip, HANDLER);
	assert_int_equal(frame_now().context.rax, 0);
	assert_int_equal(frame_now().context.rip, BOX_CODE);
	assert_int_equal(frame_now().info.code, SI_TKILL);
	assert_int_equal(frame_now().info.u.sender.pid, 1);
	assert_int_equal(frame_now().context.signal_mask, BIT(SIGTERM));
	memcpy(at(&pb, BOX_DATA), &(uint64_t){ 0 }, 8);
	CALL(&pb, SYS_rt_sigprocmask, SIG_SETMASK, BOX_DATA, 0, 8);
	assert_int_equal(pb.p.state, PROGRAM_SIGNALED);
	assert_int_equal(pb.p.end_signal, SIGTERM);
}

static void some_signals_are_nothing_and_some_cannot_be_had(void **state)
{
	(void)state;
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };

	for (size_t i = 0; i < sizeof harmless / sizeof harmless[0]; i++)
		assert_int_equal(CALL(&pb, SYS_kill, 1, (uint64_t)harmless[i]), 0);
	act(SIGTERM, 1, 0, 0);
	assert_int_equal(CALL(&pb, SYS_kill, 1, SIGTERM), 0);
	assert_int_equal(pb.p.state, PROGRAM_RUNNING);
	assert_int_equal(act(SIGKILL, HANDLER, 0, 0), -EINVAL);
	assert_int_equal(act(SIGSTOP, 1, 0, 0), -EINVAL);
	assert_int_equal(act(SIGTERM, MOTE_ADDRESS_END, 0, 0), -EINVAL);
	assert_int_equal(CALL(&pb, SYS_rt_sigaction, SIGTERM, BOX_NOWHERE, 0, 8), -EFAULT);
	memcpy(at(&pb, BOX_DATA), &(uint64_t){ UINT64_MAX }, 8);
	CALL(&pb, SYS_rt_sigprocmask, SIG_SETMASK, BOX_DATA, 0, 8);
	assert_int_equal(pb.p.signals.mask, ~(BIT(SIGKILL) | BIT(SIGSTOP)));
	assert_true(signals_are_sound(&pb.p.signals));
	CALL(&pb, SYS_kill, 1, SIGKILL);
	assert_int_equal(pb.p.end_signal, SIGKILL);
}

static void a_handler_can_be_for_once_and_can_be_nested(void **state)
{
	(void)state;
	act(SIGUSR1, HANDLER, SA_RESETHAND, 0);
	CALL(&pb, SYS_kill, 1, SIGUSR1);
	assert_int_equal(pb.box.vm->regs.rip, HANDLER);
	assert_int_equal(pb.p.signals.handled, 0);
	assert_int_equal(pb.p.signals.mask, BIT(SIGUSR1));
	act(SIGUSR2, HANDLER + 1, SA_NODEFER, UINT64_MAX);
	pb.p.signals.actions[SIGUSR2 - 1].mask = 0;
	CALL(&pb, SYS_kill, 1, SIGUSR2);
	assert_int_equal(pb.box.vm->regs.rip, HANDLER + 1);
	assert_int_equal(pb.p.signals.mask, BIT(SIGUSR1));
}

/* A frame that is not sound ends the guest. */
static void returns_that_cannot_be_end_the_guest(void **state)
{
	(void)state;
	static const uint64_t stacks[] = { 0, 7, 8, BOX_NOWHERE, UINT64_MAX, BOX_DATA_END - 100 };

	for (size_t i = 0; i < sizeof stacks / sizeof stacks[0]; i++) {
		personality_reset(&pb.p, &(struct signals){ 0 });
		pb.box.vm->regs.rsp = stacks[i];
		CALL(&pb, SYS_rt_sigreturn, 0);
		assert_int_equal(pb.p.state, PROGRAM_SIGNALED);
		assert_int_equal(pb.p.end_signal, SIGSEGV);
	}
	for (int what = 0; what < 3; what++) {
		struct signal_frame frame = { .context.rip = BOX_CODE, .context.rsp = 5 };

		personality_reset(&pb.p, &(struct signals){ 0 });
		if (what == 1)
			frame.context.rip = MOTE_ADDRESS_END;
		if (what == 2)
			frame.context.fpstate = BOX_DATA_END - 500;
		frame.context.signal_mask = UINT64_MAX;
		frame.context.rflags = UINT64_MAX;
		memcpy(at(&pb, BOX_DATA), &frame, sizeof frame);
		pb.box.vm->regs.rsp = BOX_DATA + 8;
		CALL(&pb, SYS_rt_sigreturn, 0);
		assert_int_equal(pb.p.state, what ? PROGRAM_SIGNALED : PROGRAM_RUNNING);
		assert_int_equal(pb.p.signals.mask & BIT(SIGKILL), 0);
		if (what == 0) {
			assert_int_equal(pb.box.vm->regs.rsp, 5);
			assert_int_equal(pb.box.vm->regs.rflags, 0x40cd7);
		}
	}
}

static void what_somebody_made_up_is_refused(void **state)
{
	(void)state;
	struct signals good = { 0 }, bad;

	assert_true(signals_are_sound(&good));
	signals_set_action(&good, SIGSEGV, &(struct signal_action){ HANDLER, 4, RESTORER, 1 });
	good.stack_base = BOX_DATA;
	good.stack_size = 8192;
	good.mask = good.pending = BIT(SIGUSR1);
	assert_true(signals_are_sound(&good));
#define BAD(change)                                                                                \
	do {                                                                                       \
		bad = good;                                                                        \
		bad.change;                                                                        \
		assert_false(signals_are_sound(&bad));                                             \
	} while (0)
	BAD(mask |= BIT(SIGKILL));
	BAD(pending |= BIT(SIGUSR2));
	BAD(handled |= BIT(SIGUSR2));
	BAD(handled = 0);
	BAD(stack_size = 100);
	BAD(stack_base = MOTE_ADDRESS_END);
	BAD(actions[SIGSEGV - 1].handler = MOTE_ADDRESS_END);
	BAD(actions[SIGSEGV - 1].restorer = UINT64_MAX);
	struct signals copy = good;
	signals_copy(&copy, &(struct signals){ 0 });
	assert_memory_equal(&copy, &(struct signals){ 0 }, sizeof copy);
	signals_copy(&copy, &good);
	assert_memory_equal(&copy, &good, sizeof copy);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_handler_finds_its_arguments_and_a_whole_frame),
		TEST(a_return_brings_everything_back),
		TEST(exceptions_are_the_signals_of_linux),
		TEST(what_cannot_be_delivered_leaves_all_as_it_was),
		TEST(the_other_stack_is_used_when_asked_for),
		TEST(signals_wait_while_they_are_blocked),
		TEST(some_signals_are_nothing_and_some_cannot_be_had),
		TEST(a_handler_can_be_for_once_and_can_be_nested),
		TEST(returns_that_cannot_be_end_the_guest),
		TEST(what_somebody_made_up_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
