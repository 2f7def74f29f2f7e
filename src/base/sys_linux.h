/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_linux.h - what the library asks of Linux. Included by sys.h alone.
 *
 * Each entry behaves as the call of that name: -1 (or MAP_FAILED) and errno.
 */
#ifndef BASE_SYS_LINUX_H
#define BASE_SYS_LINUX_H

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>

struct open_how; /* <linux/openat2.h> */

struct sys {
	/* files */
	int (*open)(const char *path, int flags);
	int (*openat)(int folder, const char *name, int flags, mode_t mode);
	int (*openat2)(int folder, const char *path, const struct open_how *how);
	ssize_t (*readlinkat)(int folder, const char *path, char *to, size_t size);
	int (*close)(int fd);
	ssize_t (*read)(int fd, void *to, size_t size);
	ssize_t (*pread)(int fd, void *to, size_t size, off_t offset);
	int (*fstat)(int fd, struct stat *to);
	int (*fsync)(int fd);
	ssize_t (*getdents64)(int fd, void *to, size_t size);
	int (*flock)(int fd, int operation);
	int (*mkdirat)(int folder, const char *name, mode_t mode);
	int (*renameat)(int from_folder, const char *from, int to_folder, const char *to);
	int (*unlinkat)(int folder, const char *name, int flags);
	int (*ioctl)(int fd, unsigned long request, void *argument);

	/* memory */
	void *(*mmap)(void *at, size_t size, int prot, int flags, int fd, off_t offset);
	int (*munmap)(void *at, size_t size);
	int (*mprotect)(void *at, size_t size, int prot);
	int (*madvise)(void *at, size_t size, int advice);
	/* of our own process: they fail with EFAULT where an access would end in SIGBUS */
	ssize_t (*process_vm_readv)(pid_t pid, const struct iovec *to, unsigned long nto,
				    const struct iovec *from, unsigned long nfrom,
				    unsigned long flags);
	ssize_t (*process_vm_writev)(pid_t pid, const struct iovec *from, unsigned long nfrom,
				     const struct iovec *to, unsigned long nto,
				     unsigned long flags);
	int (*memfd_create)(const char *name, unsigned flags);
	int (*ftruncate)(int fd, off_t size);
	off_t (*lseek)(int fd, off_t offset, int whence);
	int (*fcntl)(int fd, int command, int argument);

	/* as the kernel has it: of all 64 signals, also those that the C library keeps back */
	int (*rt_sigprocmask)(int how, const uint64_t *set, uint64_t *before);

	/* what stops a vCPU; pthread_kill() returns its error */
	int (*sigaction)(int signal, const struct sigaction *action, struct sigaction *before);
	int (*pthread_kill)(pthread_t thread, int signal);
	pid_t (*gettid)(void);
	int (*timer_create)(clockid_t clock, struct sigevent *event, timer_t *timer);
	int (*timer_settime)(timer_t timer, int flags, const struct itimerspec *to,
			     struct itimerspec *before);
	int (*timer_delete)(timer_t timer);

	/* time and randomness, for guests that ask */
	int (*clock_gettime)(clockid_t clock, struct timespec *to);
	ssize_t (*getrandom)(void *to, size_t size, unsigned flags);

	/* the process backend's children */
	pid_t (*getpid)(void);
	int (*pidfd_open)(pid_t pid);
	int (*socketpair)(int domain, int type, int protocol, int fds[2]);
	ssize_t (*sendmsg)(int socket, const struct msghdr *message, int flags);
	ssize_t (*recvmsg)(int socket, struct msghdr *message, int flags);
	int (*spawn_orphan)(int program, int socket); /* see below */
	ssize_t (*write)(int fd, const void *from, size_t size);
	int (*pidfd_send_signal)(int pidfd, int signal);
	int (*poll)(struct pollfd *fds, nfds_t count, int timeout_ms);
	int (*ppoll)(struct pollfd *fds, nfds_t count, const struct timespec *timeout,
		     const sigset_t *mask);
	int (*eventfd)(unsigned value, int flags);
};

/* The real ones. */
extern const struct sys sys_linux;

/*
 * The one entry that is more than a system call: runs the file behind PROGRAM in
 * a new process with SOCKET as its descriptor 0 and no other. 0, or -1 and errno when it could
 * not be started. The process is nobody's child, so that no wait() of the program that
 * we live in sees it, and no SIGCHLD tells of it; it has to end by itself, when
 * the other end of SOCKET is closed.
 */
int sys_spawn_orphan(int program, int socket);

/* Writes all SIZE bytes by SYS. 0, or -1 and errno: ENOSPC when the file takes no more. */
int sys_write_all(const struct sys *sys, int fd, const void *bytes, size_t size);

/* Reads SIZE bytes at OFFSET by SYS, and returns how many: fewer only where the file ends. -1 and
 * errno. */
ssize_t sys_pread_all(const struct sys *sys, int fd, void *to, size_t size, uint64_t offset);

#endif
