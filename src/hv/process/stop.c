/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Translates between stops of a guest process and the exits and registers of hv.h.
 * All that the guest could have forged is checked here.
 */
#define _GNU_SOURCE
#include "hv/process/stop.h"

#include "abi/mote_abi.h"

#include <linux/audit.h>
#include <signal.h>
#include <string.h>

_Static_assert(sizeof(struct hv_regs) == sizeof(struct monitor_regs) &&
		       offsetof(struct hv_regs, rdi) == offsetof(struct monitor_regs, rdi) &&
		       offsetof(struct hv_regs, r8) == offsetof(struct monitor_regs, r8) &&
		       offsetof(struct hv_regs, rip) == offsetof(struct monitor_regs, rip),
	       "the monitor saves and loads registers in the order of struct hv_regs");

enum {
	VECTOR_INVALID_OPCODE = 6,
	VECTOR_PROTECTION = 13,
	VECTOR_PAGE_FAULT = 14,
	VECTORS = 32, /* of exceptions */
};

/* CF, PF, AF, ZF, SF, DF, OF, AC and ID: what a program may set without effect on the monitor.
 * TF and NT would make the monitor fault. Bit 1 is always set, and interrupts are on. */
#define FLAGS_OWN   UINT64_C(0x240cd5)
#define FLAGS_FIXED UINT64_C(0x202)

/* Segments of 64-bit user code in Linux. */
enum { SELECTOR_CODE = 0x33, SELECTOR_STACK = 0x2b };

/* uc_flags: SS is saved, and is to be restored as it is. */
enum { CONTEXT_HAS_STACK_SEGMENT = 6 };

/* Whether SIZE bytes at ADDRESS of the guest process are on its signal stack. */
static bool is_on_stack(uint64_t address, size_t size)
{
	uint64_t offset = address - (MONITOR_CONTROL + MONITOR_STACK_OFFSET);

	return offset <= MONITOR_STACK_SIZE && MONITOR_STACK_SIZE - offset >= size;
}

/* Copies SIZE bytes at ADDRESS of the guest process to TO, if they are on its signal stack. */
static bool copy_from_stack(void *to, size_t size, const char *control, uint64_t address)
{
	if (!is_on_stack(address, size))
		return false;
	memcpy(to, control + (address - MONITOR_CONTROL), size);
	return true;
}

static void regs_from_context(struct hv_regs *regs, const struct monitor_context *context)
{
	*regs = (struct hv_regs){
		.rax = context->rax,
		.rbx = context->rbx,
		.rcx = context->rcx,
		.rdx = context->rdx,
		.rsi = context->rsi,
		.rdi = context->rdi,
		.rsp = context->rsp,
		.rbp = context->rbp,
		.r8 = context->r8,
		.r9 = context->r9,
		.r10 = context->r10,
		.r11 = context->r11,
		.r12 = context->r12,
		.r13 = context->r13,
		.r14 = context->r14,
		.r15 = context->r15,
		.rip = context->rip,
		.rflags = context->rflags,
	};
}

static void regs_to_context(struct monitor_context *context, const struct hv_regs *regs)
{
	context->rax = regs->rax;
	context->rbx = regs->rbx;
	context->rcx = regs->rcx;
	context->rdx = regs->rdx;
	context->rsi = regs->rsi;
	context->rdi = regs->rdi;
	context->rsp = regs->rsp;
	context->rbp = regs->rbp;
	context->r8 = regs->r8;
	context->r9 = regs->r9;
	context->r10 = regs->r10;
	context->r11 = regs->r11;
	context->r12 = regs->r12;
	context->r13 = regs->r13;
	context->r14 = regs->r14;
	context->r15 = regs->r15;
	context->rip = regs->rip;
	context->rflags = regs->rflags;
	context->cs = SELECTOR_CODE;
	context->ss = SELECTOR_STACK;
}

/* Which exception SIGNAL stands for. SIGILL has one only, and also comes without any: two system
 * calls of the kernel's own tracing pass all filters, to be refused with it. */
static uint64_t vector_of(uint64_t signal, const struct monitor_context *context)
{
	if (signal == SIGILL)
		return VECTOR_INVALID_OPCODE;
	return context->vector < VECTORS ? context->vector : VECTOR_PROTECTION;
}

static void set_exception(struct hv_exit *exit, uint64_t vector,
			  const struct monitor_context *context)
{
	exit->kind = HV_EXIT_EXCEPTION;
	exit->u.exception.vector = (uint8_t)vector;
	exit->u.exception.error_code = (uint32_t)context->error_code;
	exit->u.exception.address = vector == VECTOR_PAGE_FAULT ? context->fault_address : 0;
	exit->u.exception.rip = context->rip;
}

/* `syscall` in 64-bit code. What else reaches the kernel's system calls (int 0x80, sysenter,
 * the vsyscall page) a machine answers with a fault, and so do we. */
static void read_syscall(const struct monitor_siginfo *info, struct monitor_context *context,
			 struct hv_exit *exit)
{
	if (info->arch == AUDIT_ARCH_X86_64 && info->call_address == context->rip) {
		exit->kind = HV_EXIT_SYSCALL;
		return;
	}
	context->error_code = 0;
	set_exception(exit, VECTOR_PROTECTION, context);
}

static bool read_signal(const struct stop *stop, const char *control, struct hv_regs *regs,
			struct hv_exit *exit)
{
	struct monitor_context context;
	struct monitor_siginfo info;

	if (!copy_from_stack(&context, sizeof context, control, stop->context) ||
	    !copy_from_stack(&info, sizeof info, control, stop->siginfo))
		return false;
	if (stop->cause == STOP_KICK || info.code <= 0)
		exit->kind = HV_EXIT_INTERRUPTED;
	else if (stop->cause == SIGSYS)
		read_syscall(&info, &context, exit);
	else
		set_exception(exit, vector_of(stop->cause, &context), &context);
	regs_from_context(regs, &context);
	return true;
}

bool stop_read(const struct stop *stop, const char *control, struct hv_regs *regs,
	       struct hv_exit *exit)
{
	switch (stop->cause) {
	case MONITOR_STOP_HYPERCALL:
		memcpy(regs, control + CONTROL_REGS, sizeof *regs);
		regs->rip = MOTE_HYPERCALL_PAGE + MONITOR_HYPERCALL_RETURN;
		exit->kind = HV_EXIT_HYPERCALL;
		return true;
	case SIGILL:
	case SIGTRAP:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGSYS:
	case STOP_KICK:
		return read_signal(stop, control, regs, exit);
	default:
		return false;
	}
}

/* By way of rt_sigreturn, which resets the signal mask, the signal stack and, because
 * fpstate is 0, all floating point and vector registers. RSP is 0 there: a signal stack
 * can only be set from outside of the one before. */
static uint64_t answer_clean(struct monitor_control *head)
{
	head->clean = (struct monitor_context){
		.flags = CONTEXT_HAS_STACK_SEGMENT,
		.stack_base = MONITOR_CONTROL + MONITOR_STACK_OFFSET,
		.stack_size = MONITOR_STACK_SIZE,
		.cs = SELECTOR_CODE,
		.ss = SELECTOR_STACK,
		.rip = MONITOR_CLEAN,
		.rflags = FLAGS_FIXED,
	};
	return MONITOR_CONTROL + offsetof(struct monitor_control, clean);
}

uint64_t stop_answer(const struct stop *stop, char *control, const struct hv_regs *given,
		     uint64_t fs_base, bool is_clean)
{
	struct monitor_control *head = (struct monitor_control *)(void *)control;
	struct monitor_context context;
	struct hv_regs regs = *given;

	regs.rflags = (regs.rflags & FLAGS_OWN) | FLAGS_FIXED;
	head->fs_base = fs_base;
	head->unanswered = MONITOR_UNANSWERED;
	if (is_clean || stop->cause == MONITOR_STOP_HYPERCALL) {
		memcpy(&head->regs, &regs, sizeof head->regs);
		return is_clean ? answer_clean(head) : MONITOR_ANSWER_LOAD;
	}
	if (!copy_from_stack(&context, sizeof context, control, stop->context))
		return MONITOR_ANSWER_LOAD; /* not a stop that stop_read() took */
	regs_to_context(&context, &regs);
	memcpy(control + (stop->context - MONITOR_CONTROL), &context, sizeof context);
	return stop->context;
}

/* The context of STOP, and where on the signal stack the kernel has put its vector registers; FPX
 * says what they are. False: nowhere. */
static bool find_vectors(const struct stop *stop, const char *control,
			 struct monitor_context *context, struct monitor_fpx *fpx)
{
	if (stop->cause == MONITOR_STOP_HYPERCALL || stop->cause == MONITOR_STOP_START ||
	    !copy_from_stack(context, sizeof *context, control, stop->context) ||
	    context->rip >= MONITOR_TEXT) /* stopped on its way, not in the guest */
		return false;
	if (context->fpstate == 0)
		return true;
	return copy_from_stack(fpx, sizeof *fpx, control, context->fpstate + HV_VECTORS_SOFTWARE) &&
	       fpx->magic == MONITOR_FPX_MAGIC && fpx->xstate_size >= HV_VECTORS_LEAST &&
	       fpx->xstate_size <= HV_VECTORS_MOST &&
	       is_on_stack(context->fpstate, fpx->xstate_size);
}

bool stop_vectors(const struct stop *stop, const char *control, struct hv_vectors *to)
{
	struct monitor_context context;
	struct monitor_fpx fpx;

	if (!find_vectors(stop, control, &context, &fpx))
		return false;
	hv_vectors_init(to);
	if (context.fpstate == 0)
		return true;
	to->size = fpx.xstate_size;
	to->features = fpx.features;
	memcpy(to->area, control + (context.fpstate - MONITOR_CONTROL), to->size);
	return true;
}

/* The kernel's own words about the area stay. */
static void write_vectors(char *control, const struct hv_vectors *vectors, uint64_t fpstate,
			  const struct monitor_fpx *fpx)
{
	struct hv_vectors clean = *vectors;
	char *at = control + (fpstate - MONITOR_CONTROL);

	hv_vectors_clean(&clean, fpx->features);
	memcpy(at, clean.area, HV_VECTORS_SOFTWARE);
	memcpy(at + HV_VECTORS_HEADER, clean.area + HV_VECTORS_HEADER,
	       fpx->xstate_size - HV_VECTORS_HEADER);
}

bool stop_set_vectors(const struct stop *stop, char *control, const struct hv_vectors *vectors)
{
	struct monitor_context context;
	struct monitor_fpx fpx;

	if (!find_vectors(stop, control, &context, &fpx) || (vectors && context.fpstate == 0))
		return false;
	if (vectors) {
		write_vectors(control, vectors, context.fpstate, &fpx);
		return true;
	}
	context.fpstate = 0;
	memcpy(control + (stop->context - MONITOR_CONTROL), &context, sizeof context);
	return true;
}

bool stop_is_unanswered(const char *control)
{
	return ((const struct monitor_control *)(const void *)control)->unanswered ==
	       MONITOR_UNANSWERED;
}
