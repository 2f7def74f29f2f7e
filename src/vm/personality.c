/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes a guest's system call apart, serves it from the table, and puts the result
 * back. The table is the whole list: what is not in it answers ENOSYS.
 */
#define _GNU_SOURCE
#include "vm/syscall_names.h"
#include "vm/syscall_table.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/syscall.h>

static const syscall_handler handlers[PERSONALITY_SYSCALL_END] = {
	[SYS_brk] = syscall_brk,
	[SYS_mmap] = syscall_mmap,
	[SYS_munmap] = syscall_munmap,
	[SYS_mremap] = syscall_mremap,
	[SYS_mprotect] = syscall_mprotect,
	[SYS_madvise] = syscall_madvise,

	[SYS_write] = syscall_write,
	[SYS_writev] = syscall_writev,
	[SYS_read] = syscall_read,
	[SYS_readv] = syscall_readv,
	[SYS_close] = syscall_close,
	[SYS_fstat] = syscall_fstat,
	[SYS_newfstatat] = syscall_newfstatat,
	[SYS_ioctl] = syscall_ioctl,
	[SYS_lseek] = syscall_lseek,
	[SYS_readlink] = syscall_readlink,
	[SYS_poll] = syscall_poll,

	[SYS_exit] = syscall_exit,
	[SYS_exit_group] = syscall_exit,
	[SYS_futex] = syscall_futex,
	[SYS_kill] = syscall_kill,
	[SYS_tkill] = syscall_kill,
	[SYS_tgkill] = syscall_tgkill,
	[SYS_arch_prctl] = syscall_arch_prctl,
	[SYS_set_tid_address] = syscall_task_id,
	[SYS_getpid] = syscall_task_id,
	[SYS_gettid] = syscall_task_id,
	[SYS_getuid] = syscall_user_id,
	[SYS_geteuid] = syscall_user_id,
	[SYS_getgid] = syscall_user_id,
	[SYS_getegid] = syscall_user_id,
	[SYS_set_robust_list] = syscall_zero,
	[SYS_sched_yield] = syscall_zero,
	[SYS_sigaltstack] = syscall_zero,
	[SYS_rt_sigaction] = syscall_rt_sigaction,
	[SYS_rt_sigprocmask] = syscall_rt_sigprocmask,
	[SYS_rseq] = syscall_rseq,
	[SYS_prlimit64] = syscall_prlimit64,
	[SYS_uname] = syscall_uname,
	[SYS_getrandom] = syscall_getrandom,
	[SYS_clock_gettime] = syscall_clock_gettime,
	[SYS_clock_getres] = syscall_clock_getres,
	[SYS_gettimeofday] = syscall_gettimeofday,
	[SYS_time] = syscall_time,
};

int64_t syscall_copy_in(struct personality *p, void *to, uint64_t address, size_t size)
{
	return guest_memory_read(p->memory, address, to, size, REGION_READ, NULL) ? -EFAULT : 0;
}

int64_t syscall_copy_out(struct personality *p, uint64_t address, const void *from, size_t size)
{
	return guest_memory_write(p->memory, address, from, size, REGION_WRITE, NULL) ? -EFAULT : 0;
}

/* Not served. Said once a number, so that a guest cannot fill the log with it. */
static int64_t refuse(struct personality *p, uint64_t number)
{
	uint64_t slot = number < PERSONALITY_SYSCALL_END ? number : PERSONALITY_SYSCALL_END - 1;
	const char *name = syscall_name(number);

	if (!p->refused[slot])
		host_log(p->host, MOTE_LOG_INFO,
			 "guest made system call %" PRIu64 "%s%s%s, which is not served: ENOSYS",
			 number, name ? " (" : "", name ? name : "", name ? ")" : "");
	if (p->refused[slot] < UINT16_MAX)
		p->refused[slot]++;
	return -ENOSYS;
}

void personality_reset(struct personality *p, uint64_t mask)
{
	p->state = PROGRAM_RUNNING;
	p->exit_status = 0;
	p->end_signal = 0;
	p->signal_mask = mask;
}

void personality_syscall(struct personality *p)
{
	const struct hv_regs *regs = p->machine->vm->regs;
	const uint64_t args[6] = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 };
	const uint64_t number = regs->rax;
	syscall_handler handler = number < PERSONALITY_SYSCALL_END ? handlers[number] : NULL;

	p->account->system_calls++;
	int64_t result = handler ? handler(p, args) : refuse(p, number);
	/* the embedder's output function may have forked: registers are shared with the kernel */
	if (p->state == PROGRAM_RUNNING && !host_is_forked(p->host))
		machine_return(p->machine, (uint64_t)result);
}
