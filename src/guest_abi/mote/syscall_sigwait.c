/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for signals, and sending those that tell more than their number. A guest gets them from
 * itself and from its timer: a wait that neither can end is a deadlock.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/signal_frame.h"
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <string.h>

/* A kernel signal mask. */
#define KERNEL_SIGSET_SIZE 8

int64_t syscall_read_set(struct personality *p, uint64_t address, uint64_t size, uint64_t *set)
{
	if (size != KERNEL_SIGSET_SIZE)
		return -EINVAL;
	if (syscall_copy_in(p, set, address, sizeof *set))
		return -EFAULT;
	*set &= ~SIGNALS_UNBLOCKABLE;
	return 0;
}

SYSCALL_HANDLER(syscall_pause)
{
	(void)args;
	syscall_wait_for_ever(p, STUCK_FOR_SIGNAL);
	return 0;
}

SYSCALL_HANDLER(syscall_rt_sigsuspend)
{
	uint64_t mask;
	int64_t failed = syscall_read_set(p, args[0], args[1], &mask);

	if (failed)
		return failed;
	syscall_swap_mask(p, mask);
	syscall_wait_for_ever(p, STUCK_FOR_SIGNAL);
	return 0;
}

SYSCALL_HANDLER(syscall_rt_sigtimedwait)
{
	uint64_t set, ns = 0;
	int64_t failed = syscall_read_set(p, args[0], args[3], &set);

	if (!failed && args[2])
		failed = syscall_read_time(p, args[2], &ns);
	if (failed)
		return failed;
	p->wait.taken = set;
	p->wait.info = args[1];
	if (args[2])
		syscall_wait(p, ns);
	else
		syscall_wait_for_ever(p, STUCK_FOR_SIGNAL);
	return -EAGAIN;
}

/* There is room for one that has not been delivered. */
static int64_t queue(struct personality *p, uint64_t signal, uint64_t address)
{
	struct queued_signal queued = { .signal = (int)signal };

	_Static_assert(sizeof queued.info == sizeof(struct frame_info), "a whole siginfo");
	if (syscall_copy_in(p, queued.info, address, sizeof queued.info))
		return -EFAULT;
	if (signal > SIGNALS_MAX)
		return -EINVAL;
	if (signal == 0)
		return 0;
	if (p->queued.signal)
		return -EAGAIN;
	p->queued = queued;
	p->signals.pending |= UINT64_C(1) << (signal - 1);
	return 0;
}

SYSCALL_HANDLER(syscall_rt_sigqueueinfo)
{
	return args[0] == PERSONALITY_TASK_ID ? queue(p, args[1], args[2]) : -ESRCH;
}

SYSCALL_HANDLER(syscall_rt_tgsigqueueinfo)
{
	if (args[0] != PERSONALITY_TASK_ID || args[1] != PERSONALITY_TASK_ID)
		return -ESRCH;
	return queue(p, args[2], args[3]);
}
