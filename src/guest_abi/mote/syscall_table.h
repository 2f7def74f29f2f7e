/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall_table.h - what serves the system calls of syscalls.def.
 *
 * A handler gets the six argument registers and returns what the kernel would:
 * a result, or a negative errno value. It may set p->state to end the program.
 */
#ifndef GUEST_ABI_MOTE_SYSCALL_TABLE_H
#define GUEST_ABI_MOTE_SYSCALL_TABLE_H

#include "guest_abi/mote/personality.h"

typedef int64_t (*syscall_handler)(struct personality *p, const uint64_t args[6]);

#define SYSCALL_HANDLER(name) int64_t name(struct personality *p, const uint64_t args[6])

/* Those of the table; which file has which is told by their families: syscall_memory.c,
 * syscall_io.c, syscall_copy.c, syscall_files.c, syscall_changes.c, syscall_process.c,
 * syscall_signal.c, syscall_sigwait.c, syscall_time.c, syscall_timer.c. Several calls may share
 * one. */
#define SERVED(number, name, handler, how)   SYSCALL_HANDLER(handler);
#define DECLINED(number, name, handler, why) SYSCALL_HANDLER(handler);
#define REFUSED(number, name, why)
#include "guest_abi/mote/syscalls.def"

/* mmap() of a file: HOW are flags of arena_map(). In syscall_io.c. */
int64_t syscall_map_file(struct personality *p, const uint64_t args[6], unsigned how);

/* The result of copying to or from the guest: 0, or -EFAULT. */
int64_t syscall_copy_in(struct personality *p, void *to, uint64_t address, size_t size);
int64_t syscall_copy_out(struct personality *p, uint64_t address, const void *from, size_t size);

/* The struct timespec at ADDRESS in nanoseconds; what is longer than the clock goes is that long.
 * 0, -EFAULT, or -EINVAL. */
int64_t syscall_read_time(struct personality *p, uint64_t address, uint64_t *ns);

/* Nanoseconds on CLOCK, which there is. */
uint64_t syscall_now(const struct personality *p, clockid_t clock);

/* The system call is over in NS nanoseconds, or earlier, by a signal: then its result is -EINTR, or
 * what p->wait says. */
void syscall_wait(struct personality *p, uint64_t ns);

/* It is over when a signal comes; if none can, the guest is stuck for WHAT. */
void syscall_wait_for_ever(struct personality *p, enum stuck_for what);

/* Reads the set of signals at ADDRESS, of SIZE bytes, without those that nobody blocks. 0, -EFAULT,
 * or -EINVAL. */
int64_t syscall_read_set(struct personality *p, uint64_t address, uint64_t size, uint64_t *set);

/* The signal mask is MASK until the wait is over, which must follow. */
void syscall_swap_mask(struct personality *p, uint64_t mask);

#endif
