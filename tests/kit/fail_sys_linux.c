/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of Linux, counted; what they hand out goes into the books. A new entry of
 * struct sys is one line in SYS_CALLS.
 */
#define _GNU_SOURCE
#include "tests/kit/fail_sys.h"

#include "tests/kit/held.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

/*
 * CALL(type, name, parameters, arguments, afterwards) for what may fail: AFTERWARDS tells held.h
 * what the RESULT of a call that succeeded has handed out, (void)0 when nothing.
 * SURE(type, name, parameters, arguments, beforehand) for what gives something back or cannot
 * fail: BEFOREHAND tells held.h, before another thread can be given the same again.
 */
/* clang-format off */
#define SYS_CALLS(CALL, SURE)                                                                      \
	CALL(int, open, (const char *path, int flags), (path, flags), held_fd(result, "open"))     \
	CALL(int, openat, (int folder, const char *name, int flags, mode_t mode),                  \
	     (folder, name, flags, mode), held_fd(result, "openat"))                               \
	CALL(int, openat2, (int folder, const char *path, const struct open_how *how),             \
	     (folder, path, how), held_fd(result, "openat2"))                                      \
	CALL(ssize_t, readlinkat, (int folder, const char *path, char *to, size_t size),           \
	     (folder, path, to, size), (void)0)                                                    \
	SURE(int, close, (int fd), (fd), held_fd_closed(fd))                                       \
	CALL(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size), (void)0)              \
	CALL(ssize_t, pread, (int fd, void *to, size_t size, off_t offset),                        \
	     (fd, to, size, offset), (void)0)                                                      \
	CALL(int, fstat, (int fd, struct stat *to), (fd, to), (void)0)                             \
	CALL(int, fsync, (int fd), (fd), (void)0)                                                  \
	CALL(ssize_t, getdents64, (int fd, void *to, size_t size), (fd, to, size), (void)0)        \
	CALL(int, flock, (int fd, int operation), (fd, operation), (void)0)                        \
	CALL(int, mkdirat, (int folder, const char *name, mode_t mode), (folder, name, mode),      \
	     (void)0)                                                                              \
	CALL(int, renameat, (int from_folder, const char *from, int to_folder, const char *to),    \
	     (from_folder, from, to_folder, to), (void)0)                                          \
	SURE(int, unlinkat, (int folder, const char *name, int flags), (folder, name, flags),      \
	     (void)0)                                                                              \
	CALL(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument), \
	     held_ioctl(result, request))                                                          \
	CALL(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset),     \
	     (at, size, prot, flags, fd, offset), held_mapped(result, size))                       \
	SURE(int, munmap, (void *at, size_t size), (at, size), held_unmapped(at, size))            \
	CALL(int, mprotect, (void *at, size_t size, int prot), (at, size, prot), (void)0)          \
	CALL(int, madvise, (void *at, size_t size, int advice), (at, size, advice), (void)0)       \
	CALL(ssize_t, process_vm_readv,                                                            \
	     (pid_t pid, const struct iovec *to, unsigned long nto, const struct iovec *from,      \
	      unsigned long nfrom, unsigned long flags),                                           \
	     (pid, to, nto, from, nfrom, flags), (void)0)                                          \
	CALL(ssize_t, process_vm_writev,                                                           \
	     (pid_t pid, const struct iovec *from, unsigned long nfrom, const struct iovec *to,    \
	      unsigned long nto, unsigned long flags),                                             \
	     (pid, from, nfrom, to, nto, flags), (void)0)                                          \
	CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),                 \
	     held_fd(result, "memfd_create"))                                                      \
	CALL(int, ftruncate, (int fd, off_t size), (fd, size), (void)0)                            \
	CALL(off_t, lseek, (int fd, off_t offset, int whence), (fd, offset, whence), (void)0)      \
	CALL(int, fcntl, (int fd, int command, int argument), (fd, command, argument),             \
	     command == F_DUPFD_CLOEXEC ? held_fd(result, "fcntl") : (void)0)                      \
	SURE(int, rt_sigprocmask, (int how, const uint64_t *set, uint64_t *before),                \
	     (how, set, before), (void)0)                                                          \
	CALL(int, sigaction,                                                                       \
	     (int signal, const struct sigaction *action, struct sigaction *before),               \
	     (signal, action, before), (void)0)                                                    \
	SURE(int, pthread_kill, (pthread_t thread, int signal), (thread, signal), (void)0)         \
	SURE(pid_t, gettid, (void), (), (void)0)                                                   \
	CALL(int, timer_create, (clockid_t clock, struct sigevent *event, timer_t *timer),         \
	     (clock, event, timer), held_timer())                                            \
	CALL(int, timer_settime,                                                                   \
	     (timer_t timer, int flags, const struct itimerspec *to, struct itimerspec *before),   \
	     (timer, flags, to, before), (void)0)                                                  \
	SURE(int, timer_delete, (timer_t timer), (timer), held_timer_deleted())               \
	SURE(int, clock_gettime, (clockid_t clock, struct timespec *to), (clock, to), (void)0)     \
	CALL(ssize_t, getrandom, (void *to, size_t size, unsigned flags), (to, size, flags),       \
	     (void)0)                                                                              \
	SURE(pid_t, getpid, (void), (), (void)0)                                                   \
	CALL(int, pidfd_open, (pid_t pid), (pid), held_fd(result, "pidfd_open"))                   \
	CALL(int, socketpair, (int domain, int type, int protocol, int fds[2]),                    \
	     (domain, type, protocol, fds),                                                        \
	     (held_fd(fds[0], "socketpair"), held_fd(fds[1], "socketpair")))                       \
	CALL(ssize_t, sendmsg, (int fd, const struct msghdr *message, int flags),                  \
	     (fd, message, flags), (void)0)                                                        \
	CALL(ssize_t, recvmsg, (int fd, struct msghdr *message, int flags), (fd, message, flags),  \
	     held_received(message))                                                               \
	CALL(int, spawn_orphan, (int program, int socket), (program, socket), (void)0)             \
	CALL(ssize_t, write, (int fd, const void *from, size_t size), (fd, from, size), (void)0)   \
	CALL(int, pidfd_send_signal, (int pidfd, int signal), (pidfd, signal), (void)0)            \
	CALL(int, poll, (struct pollfd *fds, nfds_t count, int timeout_ms),                        \
	     (fds, count, timeout_ms), (void)0)                                                    \
	CALL(int, ppoll,                                                                           \
	     (struct pollfd *fds, nfds_t count, const struct timespec *timeout,                    \
	      const sigset_t *mask),                                                               \
	     (fds, count, timeout, mask), (void)0)                                                 \
	CALL(int, eventfd, (unsigned value, int flags), (value, flags), held_fd(result, "eventfd"))

#define DEFINE_SURE(type, name, parameters, arguments, beforehand)                                 \
	static type counting_##name parameters                                                     \
	{                                                                                          \
		beforehand;                                                                        \
		return sys_linux.name arguments;                                                   \
	}

#define DEFINE_CALL(type, name, parameters, arguments, afterwards)                                 \
	static type counting_##name parameters                                                     \
	{                                                                                          \
		int error;                                                                         \
		if (fail_count(#name, &error)) {                                                   \
			errno = error;                                                             \
			return (type)-1;                                                           \
		}                                                                                  \
		type result = sys_linux.name arguments;                                            \
		error = errno;                                                                     \
		if (result != (type)-1)                                                            \
			afterwards;                                                                \
		errno = error;                                                                     \
		return result;                                                                     \
	}

#define TABLE_ROW(type, name, parameters, arguments, afterwards) .name = counting_##name,
#define COUNT_ROW(type, name, parameters, arguments, afterwards) +1
/* clang-format on */

SYS_CALLS(DEFINE_CALL, DEFINE_SURE)

const struct sys fail_sys = { SYS_CALLS(TABLE_ROW, TABLE_ROW) };

_Static_assert(sizeof(struct sys) == (0 SYS_CALLS(COUNT_ROW, COUNT_ROW)) * sizeof(void (*)(void)),
	       "struct sys has an entry that SYS_CALLS lacks: add its line");
