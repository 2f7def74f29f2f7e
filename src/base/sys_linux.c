/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Linux system calls behind sys_linux.h. Thin on purpose: no retries, no policy.
 * Descriptors are close-on-exec because every caller asks for it with its flags.
 */
#define _GNU_SOURCE
#include "base/sys.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <unistd.h>

static int sys_open(const char *path, int flags)
{
	return open(path, flags);
}

static int sys_openat(int folder, const char *name, int flags, mode_t mode)
{
	return openat(folder, name, flags, mode);
}

static int sys_openat2(int folder, const char *path, const struct open_how *how)
{
	return (int)syscall(SYS_openat2, folder, path, how, sizeof *how);
}

static int sys_ioctl(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument);
}

static int sys_fcntl(int fd, int command, int argument)
{
	return fcntl(fd, command, argument);
}

static int sys_pidfd_open(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static int sys_pidfd_send_signal(int pidfd, int signal)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

const struct sys *const sys_native = &sys_linux;
static int sys_rt_sigprocmask(int how, const uint64_t *set, uint64_t *before)
{
	return (int)syscall(SYS_rt_sigprocmask, how, set, before, sizeof *set);
}

const struct sys sys_linux = {
	.open = sys_open,
	.openat = sys_openat,
	.openat2 = sys_openat2,
	.readlinkat = readlinkat,
	.close = close,
	.read = read,
	.pread = pread,
	.fstat = fstat,
	.fsync = fsync,
	.getdents64 = getdents64,
	.flock = flock,
	.mkdirat = mkdirat,
	.renameat = renameat,
	.unlinkat = unlinkat,
	.ioctl = sys_ioctl,

	.mmap = mmap,
	.munmap = munmap,
	.mprotect = mprotect,
	.madvise = madvise,
	.process_vm_readv = process_vm_readv,
	.process_vm_writev = process_vm_writev,
	.memfd_create = memfd_create,
	.ftruncate = ftruncate,
	.lseek = lseek,
	.fcntl = sys_fcntl,

	.rt_sigprocmask = sys_rt_sigprocmask,

	.sigaction = sigaction,
	.pthread_kill = pthread_kill,
	.gettid = gettid,
	.timer_create = timer_create,
	.timer_settime = timer_settime,
	.timer_delete = timer_delete,

	.clock_gettime = clock_gettime,
	.getrandom = getrandom,

	.getpid = getpid,
	.pidfd_open = sys_pidfd_open,
	.socketpair = socketpair,
	.sendmsg = sendmsg,
	.recvmsg = recvmsg,
	.spawn_orphan = sys_spawn_orphan,
	.write = write,
	.pidfd_send_signal = sys_pidfd_send_signal,
	.poll = poll,
	.ppoll = ppoll,
	.eventfd = eventfd,
};
