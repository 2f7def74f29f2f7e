/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says about its signals, and the way back from its handlers.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/signal_frame.h"
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

/* A kernel signal mask. */
#define KERNEL_SIGSET_SIZE 8

#define BIT(signal) (UINT64_C(1) << ((signal)-1))

/* Sent to the guest, by itself; delivered when the system call is over. */
static int64_t send_signal(struct personality *p, uint64_t signal)
{
	if (signal > SIGNALS_MAX)
		return -EINVAL;
	if (signal)
		p->signals.pending |= BIT(signal);
	return 0;
}

SYSCALL_HANDLER(syscall_kill)
{
	/* its own group and all processes are the same one */
	if (args[0] != PERSONALITY_TASK_ID && args[0] != 0 && (int)args[0] != -1)
		return -ESRCH;
	return send_signal(p, args[1]);
}

SYSCALL_HANDLER(syscall_tgkill)
{
	if (args[0] != PERSONALITY_TASK_ID || args[1] != PERSONALITY_TASK_ID)
		return -ESRCH;
	return send_signal(p, args[2]);
}

SYSCALL_HANDLER(syscall_rt_sigaction)
{
	struct signal_action old, new;

	if (args[0] == 0 || args[0] > SIGNALS_MAX || args[3] != KERNEL_SIGSET_SIZE)
		return -EINVAL;
	old = p->signals.actions[args[0] - 1];
	if (args[1]) {
		if (BIT(args[0]) & SIGNALS_UNBLOCKABLE)
			return -EINVAL;
		if (syscall_copy_in(p, &new, args[1], sizeof new))
			return -EFAULT;
	}
	if (args[2] && syscall_copy_out(p, args[2], &old, sizeof old))
		return -EFAULT;
	return args[1] && !signals_set_action(&p->signals, (int)args[0], &new) ? -EINVAL : 0;
}

static int64_t change_mask(uint64_t *mask, uint64_t how, uint64_t set)
{
	switch (how) {
	case SIG_BLOCK:
		set |= *mask;
		break;
	case SIG_UNBLOCK:
		set = *mask & ~set;
		break;
	case SIG_SETMASK:
		break;
	default:
		return -EINVAL;
	}
	*mask = set & ~SIGNALS_UNBLOCKABLE;
	return 0;
}

SYSCALL_HANDLER(syscall_rt_sigprocmask)
{
	uint64_t old = p->signals.mask, set;

	if (args[3] != KERNEL_SIGSET_SIZE)
		return -EINVAL;
	if (args[1]) {
		int64_t failed = syscall_copy_in(p, &set, args[1], sizeof set);
		if (!failed)
			failed = change_mask(&p->signals.mask, args[0], set);
		if (failed)
			return failed;
	}
	return args[2] ? syscall_copy_out(p, args[2], &old, sizeof old) : 0;
}

SYSCALL_HANDLER(syscall_rt_sigpending)
{
	const uint64_t pending = p->signals.pending & p->signals.mask;

	if (args[1] > KERNEL_SIGSET_SIZE)
		return -EINVAL;
	return syscall_copy_out(p, args[0], &pending, (size_t)args[1]);
}

/* stack_t. */
struct kernel_stack {
	uint64_t base;
	int32_t flags, padding;
	uint64_t size;
};

static int64_t set_stack(struct signals *signals, const struct kernel_stack *stack)
{
	if (stack->flags & ~(SS_DISABLE | SS_ONSTACK))
		return -EINVAL;
	if (stack->flags & SS_DISABLE) {
		signals->stack_base = signals->stack_size = 0;
		return 0;
	}
	if (!signals_stack_is_sound(stack->base, stack->size))
		return -ENOMEM;
	signals->stack_base = stack->base;
	signals->stack_size = stack->size;
	return 0;
}

SYSCALL_HANDLER(syscall_sigaltstack)
{
	struct signals *signals = &p->signals;
	const bool is_on = signals_on_stack(signals, p->machine->vm->regs->rsp);
	struct kernel_stack new, old = {
		.base = signals->stack_base,
		.size = signals->stack_size,
		.flags = signals->stack_size == 0 ? SS_DISABLE
			 : is_on                  ? SS_ONSTACK
						  : 0,
	};

	if (args[0]) {
		int64_t failed = syscall_copy_in(p, &new, args[0], sizeof new);
		if (!failed)
			failed = is_on ? -EPERM : set_stack(signals, &new);
		if (failed)
			return failed;
	}
	return args[1] ? syscall_copy_out(p, args[1], &old, sizeof old) : 0;
}

/* The area of vector registers at ADDRESS: as long as it says that it is. */
static int64_t read_vectors(struct personality *p, struct hv_vectors *vectors, uint64_t address)
{
	enum { X87_AND_SSE = 3 };
	const uint64_t used = X87_AND_SSE;

	hv_vectors_init(vectors);
	if (syscall_copy_in(p, vectors->area, address, HV_VECTORS_HEADER))
		return -EFAULT;
	vectors->size = frame_vectors_size(vectors->area);
	if (vectors->size == HV_VECTORS_HEADER) {
		vectors->size = HV_VECTORS_LEAST;
		memcpy(vectors->area + HV_VECTORS_HEADER, &used, sizeof used);
		return 0;
	}
	return syscall_copy_in(p, vectors->area + HV_VECTORS_HEADER, address + HV_VECTORS_HEADER,
			       vectors->size - HV_VECTORS_HEADER);
}

static int64_t return_from(struct personality *p, const struct frame_context *context)
{
	const struct kernel_stack stack = {
		.base = context->stack_base,
		.size = context->stack_size,
		.flags = (int32_t)context->stack_flags,
	};
	struct hv_vectors vectors;
	struct hv_regs regs;

	frame_get_regs(context, &regs);
	if (context->fpstate && read_vectors(p, &vectors, context->fpstate))
		return -EFAULT;
	if (machine_resume(p->machine, &regs, context->fpstate ? &vectors : NULL, NULL))
		return -EFAULT;
	p->signals.mask = context->signal_mask & ~SIGNALS_UNBLOCKABLE;
	set_stack(&p->signals, &stack); /* one that is not sound changes nothing, as in Linux */
	p->is_resumed = true;
	return 0;
}

/* Called with the frame just below the stack pointer. A frame that is none ends the guest. */
SYSCALL_HANDLER(syscall_rt_sigreturn)
{
	const uint64_t address = p->machine->vm->regs->rsp - sizeof(uint64_t);
	struct signal_frame frame;

	(void)args;
	if (syscall_copy_in(p, &frame, address, sizeof frame) || return_from(p, &frame.context)) {
		p->state = PROGRAM_SIGNALED;
		p->end_signal = SIGSEGV;
	}
	return 0;
}
