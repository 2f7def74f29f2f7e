/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest as a process: its end, its thread pointer, its identity, time and
 * randomness. It is process 1, alone in its world, and nobody in particular.
 */
#define _GNU_SOURCE
#include "vm/syscall_table.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/utsname.h>

SYSCALL_HANDLER(syscall_zero)
{
	(void)p;
	(void)args;
	return 0;
}

SYSCALL_HANDLER(syscall_exit)
{
	p->state = PROGRAM_EXITED;
	p->exit_status = (int)(args[0] & 0xff);
	return 0;
}

/* One thread: there is nobody to wake, nor anybody who could wake this one. C++ runtimes and
 * pthread_once() wake without need; a wait that cannot end is the guest's deadlock. */
SYSCALL_HANDLER(syscall_futex)
{
	int operation = (int)args[1] & FUTEX_CMD_MASK;
	uint32_t word;

	if (operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET)
		return 0;
	if (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	int64_t error = syscall_copy_in(p, &word, args[0], sizeof word);
	if (error)
		return error;
	if (word != (uint32_t)args[2])
		return -EAGAIN;
	return args[3] ? -ETIMEDOUT : -EDEADLK;
}

SYSCALL_HANDLER(syscall_arch_prctl)
{
	enum { SET_FS = 0x1002, GET_FS = 0x1003 };
	struct hv_vm *vm = p->machine->vm;

	if (args[0] == SET_FS) {
		/* no processor takes another address */
		if (args[1] >= MOTE_ADDRESS_END)
			return -EPERM;
		vm->ops->set_fs_base(vm, args[1]);
		return 0;
	}
	if (args[0] == GET_FS) {
		uint64_t base = vm->ops->fs_base(vm);
		return syscall_copy_out(p, args[1], &base, sizeof base);
	}
	return -EINVAL;
}

SYSCALL_HANDLER(syscall_task_id)
{
	(void)p;
	(void)args;
	return PERSONALITY_TASK_ID;
}

SYSCALL_HANDLER(syscall_user_id)
{
	(void)p;
	(void)args;
	return PERSONALITY_USER_ID;
}

/* Libcs try this at every start and do without: not worth a line in the log. */
SYSCALL_HANDLER(syscall_rseq)
{
	(void)p;
	(void)args;
	return -ENOSYS;
}

SYSCALL_HANDLER(syscall_prlimit64)
{
	const struct region *stack = layout_get(guest_memory_layout(p->memory), REGION_STACK);
	uint64_t limit[2] = { UINT64_MAX, UINT64_MAX }; /* soft, hard */

	if (args[0] != 0 && args[0] != PERSONALITY_TASK_ID)
		return -ESRCH;
	if (args[2])
		return -EPERM;
	if (args[1] == RLIMIT_STACK)
		limit[0] = limit[1] = stack->size;
	else if (args[1] == RLIMIT_NOFILE)
		limit[0] = limit[1] = 3;
	else if (args[1] > RLIMIT_RTTIME)
		return -EINVAL;
	return args[3] ? syscall_copy_out(p, args[3], limit, sizeof limit) : 0;
}

SYSCALL_HANDLER(syscall_uname)
{
	static const struct utsname name = {
		.sysname = "Linux",
		.nodename = "mote",
		.release = "5.10.0", /* static glibc asks for 3.2 at least */
		.version = "mote",
		.machine = "x86_64",
	};

	return syscall_copy_out(p, args[0], &name, sizeof name);
}

SYSCALL_HANDLER(syscall_getrandom)
{
	uint8_t bytes[256];
	size_t size = args[1] < sizeof bytes ? (size_t)args[1] : sizeof bytes;

	/* As the kernel may: fewer than asked for. Libcs come back for the rest. */
	ssize_t got = p->host->sys->getrandom(bytes, size, 0);
	if (got < 0)
		return -EAGAIN;
	int64_t failed = syscall_copy_out(p, args[0], bytes, (size_t)got);
	return failed ? failed : got;
}

/* The host's clock for the guest's CLOCK: what counts the guest's time counts the time of the
 * thread that runs it. -1 if there is none. */
static clockid_t host_clock(uint64_t clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case 4: /* CLOCK_MONOTONIC_RAW */
	case 5: /* CLOCK_REALTIME_COARSE */
	case 6: /* CLOCK_MONOTONIC_COARSE */
	case 7: /* CLOCK_BOOTTIME */
		return (clockid_t)clock;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		return CLOCK_THREAD_CPUTIME_ID;
	default:
		return -1;
	}
}

SYSCALL_HANDLER(syscall_clock_gettime)
{
	struct timespec now;
	clockid_t clock = host_clock(args[0]);

	if (clock < 0 || p->host->sys->clock_gettime(clock, &now) < 0)
		return -EINVAL;
	return syscall_copy_out(p, args[1], &now, sizeof now);
}

SYSCALL_HANDLER(syscall_clock_getres)
{
	const struct timespec resolution = { .tv_nsec = 1 };

	if (host_clock(args[0]) < 0)
		return -EINVAL;
	return args[1] ? syscall_copy_out(p, args[1], &resolution, sizeof resolution) : 0;
}

SYSCALL_HANDLER(syscall_gettimeofday)
{
	struct timespec now;

	if (p->host->sys->clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -EINVAL;
	const struct timeval tv = { .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
	return args[0] ? syscall_copy_out(p, args[0], &tv, sizeof tv) : 0;
}

SYSCALL_HANDLER(syscall_time)
{
	struct timespec now;

	if (p->host->sys->clock_gettime(CLOCK_REALTIME, &now) < 0)
		return -EINVAL;
	const int64_t seconds = now.tv_sec;
	int64_t failed = args[0] ? syscall_copy_out(p, args[0], &seconds, sizeof seconds) : 0;
	return failed ? failed : seconds;
}
