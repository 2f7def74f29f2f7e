/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the system calls of a child process by ptrace. The marks are closes of a
 * descriptor that nobody has.
 */
#define _GNU_SOURCE
#include "bench/counts.h"

#include <errno.h>
#include <linux/kvm.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MARK      (-4242)
#define STOP_CALL (SIGTRAP | 0x80) /* PTRACE_O_TRACESYSGOOD: a system call, not a signal */

void system_calls_mark(void)
{
	close(MARK);
}

/* The child: waits for its tracer, works, and goes. */
static _Noreturn void be_traced(bool (*work)(void *state), void *state)
{
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(2);
	raise(SIGSTOP);
	_exit(work(state) ? 0 : 1);
}

/* What is known of the child so far. */
struct tracing {
	pid_t child;
	bool is_counting;
	unsigned nmarks;
	struct system_calls counts;
};

/* The child enters a system call. */
static void count_call(struct tracing *tracing, const struct __ptrace_syscall_info *info)
{
	if (info->entry.nr == SYS_close && (int)info->entry.args[0] == MARK) {
		tracing->is_counting = !tracing->is_counting;
		tracing->nmarks++;
	} else if (tracing->is_counting && info->entry.nr == SYS_ioctl) {
		tracing->counts.ioctls++;
		tracing->counts.exits += info->entry.args[1] == KVM_RUN ||
					 info->entry.args[1] == SECCOMP_IOCTL_NOTIF_RECV;
	}
}

/* Looks at a stop of the child; returns the signal that it is to get. */
static int see_stop(struct tracing *tracing, int signal)
{
	struct __ptrace_syscall_info info;

	if (signal != STOP_CALL)
		return signal;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tracing->child, sizeof info, &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_ENTRY)
		count_call(tracing, &info);
	return 0;
}

static bool wait_for(pid_t child, int *status)
{
	pid_t got;

	do
		got = waitpid(child, status, 0);
	while (got < 0 && errno == EINTR);
	return got == child;
}

/* Follows the child to its end; whether it ended well. */
static bool follow(struct tracing *tracing)
{
	int status, signal = 0;

	/* it stops itself first, to be given its options */
	if (!wait_for(tracing->child, &status) || !WIFSTOPPED(status))
		return false;
	ptrace(PTRACE_SETOPTIONS, tracing->child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	while (ptrace(PTRACE_SYSCALL, tracing->child, NULL, signal) == 0 &&
	       wait_for(tracing->child, &status)) {
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) && WEXITSTATUS(status) == 0;
		signal = see_stop(tracing, WSTOPSIG(status));
	}
	return false;
}

bool system_calls_count(struct system_calls *counts, bool (*work)(void *state), void *state)
{
	struct tracing tracing = { .child = fork() };

	if (tracing.child == 0)
		be_traced(work, state);
	if (tracing.child < 0 || !follow(&tracing) || tracing.nmarks != 2)
		return false;
	*counts = tracing.counts;
	return true;
}
