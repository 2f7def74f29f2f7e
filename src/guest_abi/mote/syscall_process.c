/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest as a process: its end, its thread pointer, its identity, its limits, and randomness. It
 * is process 1, alone in its world, and nobody in particular.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>

#define RANDOM_MOST (UINT64_C(1) << 20)

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

/* Whether the first COUNT of IDS are what the guest is, or -1, which changes nothing. */
static int64_t stay(const uint64_t ids[6], int count)
{
	for (int i = 0; i < count; i++)
		if ((uint32_t)ids[i] != PERSONALITY_USER_ID && (uint32_t)ids[i] != UINT32_MAX)
			return -EPERM;
	return 0;
}

/* Programs drop rights that they do not have: they may become what they are. */
SYSCALL_HANDLER(syscall_setid)
{
	(void)p;
	return (uint32_t)args[0] == UINT32_MAX ? -EINVAL : stay(args, 1);
}

SYSCALL_HANDLER(syscall_setreid)
{
	(void)p;
	return stay(args, 2);
}

SYSCALL_HANDLER(syscall_setresid)
{
	(void)p;
	return stay(args, 3);
}

/* The policy SCHED_OTHER has no parameters that differ from 0. */
SYSCALL_HANDLER(syscall_sched_getparam)
{
	const int32_t priority = 0;

	if (args[0] != 0 && args[0] != PERSONALITY_TASK_ID)
		return -ESRCH;
	return syscall_copy_out(p, args[1], &priority, sizeof priority);
}

/* Process and group lead themselves; 0 means the caller. */
SYSCALL_HANDLER(syscall_group_id)
{
	(void)p;
	return args[0] == 0 || args[0] == PERSONALITY_TASK_ID ? PERSONALITY_TASK_ID : -ESRCH;
}

/* Real, effective and saved. */
SYSCALL_HANDLER(syscall_getresid)
{
	const uint32_t id = PERSONALITY_USER_ID;

	for (int i = 0; i < 3; i++)
		if (syscall_copy_out(p, args[i], &id, sizeof id))
			return -EFAULT;
	return 0;
}

/* Processor 0 of node 0, and no other. */
SYSCALL_HANDLER(syscall_getcpu)
{
	const uint32_t zero = 0;

	for (int i = 0; i < 2; i++)
		if (args[i] && syscall_copy_out(p, args[i], &zero, sizeof zero))
			return -EFAULT;
	return 0;
}

SYSCALL_HANDLER(syscall_sched_getaffinity)
{
	const uint64_t processors = 1;

	if (args[0] != 0 && args[0] != PERSONALITY_TASK_ID)
		return -ESRCH;
	if (args[1] < sizeof processors || args[1] % sizeof processors)
		return -EINVAL;
	if (syscall_copy_out(p, args[2], &processors, sizeof processors))
		return -EFAULT;
	return sizeof processors;
}

/* With one thread every barrier has been met. */
SYSCALL_HANDLER(syscall_membarrier)
{
	enum { GLOBAL = 1, PRIVATE = 8, REGISTER_PRIVATE = 16 };
	const uint64_t known = GLOBAL | PRIVATE | REGISTER_PRIVATE;

	(void)p;
	if (args[1])
		return -EINVAL;
	if (args[0] == 0)
		return (int64_t)known;
	return (args[0] & known) == args[0] && (args[0] & (args[0] - 1)) == 0 ? 0 : -EINVAL;
}

/* The name of the one thread, which is kept nowhere. */
SYSCALL_HANDLER(syscall_prctl)
{
	enum { SET_NAME = 15, GET_NAME = 16, NAME_SIZE = 16 };
	static const char name[NAME_SIZE] = "guest";
	char given[NAME_SIZE];

	if (args[0] == SET_NAME)
		return syscall_copy_in(p, given, args[1], 1);
	if (args[0] == GET_NAME)
		return syscall_copy_out(p, args[1], name, sizeof name);
	return -EINVAL;
}

/* A machine with the memory of the heap, of which the free pages are free. */
SYSCALL_HANDLER(syscall_sysinfo)
{
	const struct region *heap = layout_get(guest_memory_layout(p->memory), REGION_HEAP);
	struct sysinfo info;
	struct timespec now = { 0 };

	memset(&info, 0, sizeof info);
	p->host->sys->clock_gettime(CLOCK_BOOTTIME, &now);
	info.uptime = now.tv_sec;
	info.totalram = heap->size;
	info.freeram = p->arena->nfree * MOTE_PAGE_SIZE;
	info.procs = 1;
	info.mem_unit = 1;
	return syscall_copy_out(p, args[0], &info, sizeof info);
}

/* Libcs try this at every start and do without: not worth a line in the log. */
SYSCALL_HANDLER(syscall_rseq)
{
	(void)p;
	(void)args;
	return -ENOSYS;
}

/* Soft and hard are the same; -EINVAL for what is no limit. */
static int64_t put_limit(struct personality *p, uint64_t which, uint64_t address)
{
	const struct region *stack = layout_get(guest_memory_layout(p->memory), REGION_STACK);
	uint64_t limit[2] = { UINT64_MAX, UINT64_MAX };

	if (which == RLIMIT_STACK)
		limit[0] = limit[1] = stack->size;
	else if (which == RLIMIT_NOFILE)
		limit[0] = limit[1] = p->files.capacity;
	else if (which > RLIMIT_RTTIME)
		return -EINVAL;
	return address ? syscall_copy_out(p, address, limit, sizeof limit) : 0;
}

SYSCALL_HANDLER(syscall_prlimit64)
{
	if (args[0] != 0 && args[0] != PERSONALITY_TASK_ID)
		return -ESRCH;
	return args[2] ? -EPERM : put_limit(p, args[1], args[3]);
}

SYSCALL_HANDLER(syscall_getrlimit)
{
	return args[1] ? put_limit(p, args[0], args[1]) : -EFAULT;
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

/* All that was asked for, as the kernel gives it, up to a bound; in pieces. */
SYSCALL_HANDLER(syscall_getrandom)
{
	const uint64_t size = args[1] < RANDOM_MOST ? args[1] : RANDOM_MOST;
	uint8_t bytes[256];
	uint64_t done = 0;

	while (done < size) {
		const uint64_t piece = size - done < sizeof bytes ? size - done : sizeof bytes;
		const ssize_t got = p->host->sys->getrandom(bytes, (size_t)piece, 0);
		if (got <= 0)
			return done ? (int64_t)done : -EAGAIN;
		if (syscall_copy_out(p, args[0] + done, bytes, (size_t)got))
			return done ? (int64_t)done : -EFAULT;
		done += (uint64_t)got;
	}
	return (int64_t)done;
}
