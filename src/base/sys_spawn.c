/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a process that is nobody's child.
 *
 * Two steps, both vfork-like: a process in between, which is our child but
 * raises no signal and shows up only in waits that ask for clones, starts
 * the program and ends. Both share our memory until then, with all signals blocked, so
 * they make raw system calls only and touch nothing but their own small stack.
 */
#define _GNU_SOURCE
#include "base/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STACK_SIZE = 4096 };

struct orphan {
	int program, socket;
	int error;
	_Alignas(16) char between_stack[STACK_SIZE];
	_Alignas(16) char program_stack[STACK_SIZE];
};

/* Sanitizers keep records about a function's stack in shared memory. */
#define ON_OWN_STACK __attribute__((no_sanitize("address", "thread", "undefined")))

/* clone(), by a name that no sanitizer intercepts: one that does takes the child for a copy with
 * memory of its own, and forgets for the parent, too, what it knows of threads. */
int plain_clone(int (*function)(void *), void *stack, int flags, void *argument,
		...) __asm__("__clone");

ON_OWN_STACK static int run_program(void *argument)
{
	struct orphan *orphan = argument;
	char name[] = "mote";
	char *arguments[] = { name, NULL };
	char *environment[] = { NULL };

	/* The program may be descriptor 0 itself; and dup2 leaves close-on-exec alone when
	 * both are the same. */
	long program = syscall(SYS_fcntl, orphan->program, F_DUPFD_CLOEXEC, 1);
	if (program > 0 && syscall(SYS_dup2, orphan->socket, 0) == 0 &&
	    syscall(SYS_fcntl, 0, F_SETFD, 0) == 0)
		syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH);
	orphan->error = errno;
	return 1;
}

ON_OWN_STACK static int run_between(void *argument)
{
	struct orphan *orphan = argument;

	if (plain_clone(run_program, orphan->program_stack + STACK_SIZE, CLONE_VM | CLONE_VFORK,
			orphan) < 0)
		orphan->error = errno;
	return 0;
}

int sys_spawn_orphan(int program, int socket)
{
	struct orphan orphan = { .program = program, .socket = socket };
	uint64_t all = ~UINT64_C(0), before;
	pid_t between;

	/* glibc's own functions would leave out the signals that it uses itself. */
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before, sizeof all);
	between = plain_clone(run_between, orphan.between_stack + STACK_SIZE,
			      CLONE_VM | CLONE_VFORK, &orphan);
	if (between < 0)
		orphan.error = errno;
	else
		while (waitpid(between, NULL, (int)__WCLONE) < 0 && errno == EINTR)
			;
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, sizeof before);
	errno = orphan.error;
	return orphan.error == 0 ? 0 : -1;
}
