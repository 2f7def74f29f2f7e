/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall_table.h - which system calls are served, and by what.
 *
 * A handler gets the six argument registers and returns what the kernel would:
 * a result, or a negative errno value. It may set p->state to end the program.
 */
#ifndef VM_SYSCALL_TABLE_H
#define VM_SYSCALL_TABLE_H

#include "vm/personality.h"

typedef int64_t (*syscall_handler)(struct personality *p, const uint64_t args[6]);

/* One file a family; each is a list of the handlers of this type. */
#define SYSCALL_HANDLER(name) int64_t name(struct personality *p, const uint64_t args[6])

/* syscall_memory.c */
SYSCALL_HANDLER(syscall_brk);
SYSCALL_HANDLER(syscall_mmap);
SYSCALL_HANDLER(syscall_munmap);
SYSCALL_HANDLER(syscall_mremap);
SYSCALL_HANDLER(syscall_mprotect);
SYSCALL_HANDLER(syscall_madvise);

/* syscall_io.c */
SYSCALL_HANDLER(syscall_write);
SYSCALL_HANDLER(syscall_writev);
SYSCALL_HANDLER(syscall_read);
SYSCALL_HANDLER(syscall_readv);
SYSCALL_HANDLER(syscall_close);
SYSCALL_HANDLER(syscall_fstat);
SYSCALL_HANDLER(syscall_newfstatat);
SYSCALL_HANDLER(syscall_ioctl);
SYSCALL_HANDLER(syscall_lseek);
SYSCALL_HANDLER(syscall_readlink);
SYSCALL_HANDLER(syscall_poll);

/* syscall_process.c */
SYSCALL_HANDLER(syscall_zero);
SYSCALL_HANDLER(syscall_exit);
SYSCALL_HANDLER(syscall_futex);
SYSCALL_HANDLER(syscall_kill);
SYSCALL_HANDLER(syscall_tgkill);
SYSCALL_HANDLER(syscall_arch_prctl);
SYSCALL_HANDLER(syscall_task_id);
SYSCALL_HANDLER(syscall_user_id);
SYSCALL_HANDLER(syscall_rseq);
SYSCALL_HANDLER(syscall_rt_sigaction);
SYSCALL_HANDLER(syscall_rt_sigprocmask);
SYSCALL_HANDLER(syscall_prlimit64);
SYSCALL_HANDLER(syscall_uname);
SYSCALL_HANDLER(syscall_getrandom);
SYSCALL_HANDLER(syscall_clock_gettime);
SYSCALL_HANDLER(syscall_clock_getres);
SYSCALL_HANDLER(syscall_gettimeofday);
SYSCALL_HANDLER(syscall_time);

/* The result of copying to or from the guest: 0, or -EFAULT. */
int64_t syscall_copy_in(struct personality *p, void *to, uint64_t address, size_t size);
int64_t syscall_copy_out(struct personality *p, uint64_t address, const void *from, size_t size);

#endif
