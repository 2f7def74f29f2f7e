/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts the operations of a struct host, fails the ones that the test asked for, and
 * remembers what was handed out. A new entry of struct sys is one line in SYS_CALLS.
 */
#define _GNU_SOURCE
#include "tests/kit/fail.h"

#include "tests/kit/held.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

/* More than any scenario makes: a loop that never gets done would go on for ever. */
#define OPERATIONS_MAX 20000

static struct {
	pthread_mutex_t lock;
	struct host host;
	unsigned nth;
	enum fail_mode mode;
	int error;
	unsigned count;
	const char *failed; /* first operation that failed on demand */
} state = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Counts one operation; whether it has to fail. */
static bool operation_fails(const char *name)
{
	pthread_mutex_lock(&state.lock);
	unsigned number = ++state.count;
	bool fails = state.nth != 0 &&
		     (number == state.nth || (state.mode == FAIL_ONWARDS && number > state.nth));
	if (fails && !state.failed)
		state.failed = name;
	pthread_mutex_unlock(&state.lock);
	return fails;
}

static void *counting_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
	(void)user;
	if (new_size != 0 && operation_fails("realloc"))
		return NULL;
	return held_realloc(ptr, old_size, new_size);
}

/*
 * CALL(type, name, parameters, arguments, afterwards) for what may fail: AFTERWARDS tells held.h
 * what the RESULT of a call that succeeded has handed out, (void)0 when nothing.
 * SURE(type, name, parameters, arguments, beforehand) for what gives something back or cannot
 * fail: BEFOREHAND tells held.h, before another thread can be given the same again.
 */
/* clang-format off */
#define SYS_CALLS(CALL, SURE)                                                                      \
	CALL(int, open, (const char *path, int flags), (path, flags), held_fd(result, "open"))     \
	SURE(int, close, (int fd), (fd), held_fd_closed(fd))                                       \
	CALL(ssize_t, read, (int fd, void *to, size_t size), (fd, to, size), (void)0)              \
	CALL(ssize_t, pread, (int fd, void *to, size_t size, off_t offset),                        \
	     (fd, to, size, offset), (void)0)                                                      \
	CALL(int, fstat, (int fd, struct stat *to), (fd, to), (void)0)                             \
	CALL(int, ioctl, (int fd, unsigned long request, void *argument), (fd, request, argument), \
	     held_ioctl(result, request))                                                          \
	CALL(void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset),     \
	     (at, size, prot, flags, fd, offset), held_mapped(result, size))                       \
	SURE(int, munmap, (void *at, size_t size), (at, size), held_unmapped(at, size))            \
	CALL(int, mprotect, (void *at, size_t size, int prot), (at, size, prot), (void)0)          \
	CALL(int, madvise, (void *at, size_t size, int advice), (at, size, advice), (void)0)       \
	CALL(int, memfd_create, (const char *name, unsigned flags), (name, flags),                 \
	     held_fd(result, "memfd_create"))                                                      \
	CALL(int, ftruncate, (int fd, off_t size), (fd, size), (void)0)                            \
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
	     (fds, count, timeout_ms), (void)0)

#define DEFINE_SURE(type, name, parameters, arguments, beforehand)                                 \
	static type counting_##name parameters                                                     \
	{                                                                                          \
		beforehand;                                                                        \
		return sys_linux.name arguments;                                                   \
	}

#define DEFINE_CALL(type, name, parameters, arguments, afterwards)                                 \
	static type counting_##name parameters                                                     \
	{                                                                                          \
		if (operation_fails(#name)) {                                                      \
			errno = state.error;                                                       \
			return (type)-1;                                                           \
		}                                                                                  \
		type result = sys_linux.name arguments;                                            \
		int error = errno;                                                                 \
		if (result != (type)-1)                                                            \
			afterwards;                                                                \
		errno = error;                                                                     \
		return result;                                                                     \
	}

#define TABLE_ROW(type, name, parameters, arguments, afterwards) .name = counting_##name,
#define COUNT_ROW(type, name, parameters, arguments, afterwards) +1
/* clang-format on */

SYS_CALLS(DEFINE_CALL, DEFINE_SURE)

static const struct sys counting_sys = { SYS_CALLS(TABLE_ROW, TABLE_ROW) };

_Static_assert(sizeof(struct sys) == (0 SYS_CALLS(COUNT_ROW, COUNT_ROW)) * sizeof(void (*)(void)),
	       "struct sys has an entry that SYS_CALLS lacks: add its line");

void fail_from_here(unsigned nth, enum fail_mode mode, int error)
{
	pthread_mutex_lock(&state.lock);
	state.nth = nth;
	state.mode = mode;
	state.error = error;
	state.count = 0;
	state.failed = NULL;
	pthread_mutex_unlock(&state.lock);
}

const struct host *fail_host(unsigned nth, enum fail_mode mode, int error)
{
	held_forget();
	host_init(&state.host);
	state.host.sys = &counting_sys;
	state.host.realloc = counting_realloc;
	fail_from_here(nth, mode, error);
	return &state.host;
}

const char *fail_name(void)
{
	return state.failed;
}

unsigned fail_operations(void)
{
	return state.count;
}

const char *fail_leak(void)
{
	return held_first();
}

static bool is_benign(const char *const *benign, const char *name)
{
	for (; benign && *benign; benign++)
		if (strcmp(*benign, name) == 0)
			return true;
	return false;
}

/* Runs SCENARIO once; whether an operation has failed. */
static bool run_once(fail_scenario scenario, void *user, const char *const *benign, unsigned nth,
		     enum fail_mode mode)
{
	const char *mode_name = mode == FAIL_ONCE ? "once" : "onwards";
	mote_error err = { .code = MOTE_OK };
	const struct host *host = fail_host(nth, mode, EIO);
	mote_status status = scenario(host, user, &err);
	const char *failed = fail_name();
	const char *leak = fail_leak();

	if (leak)
		fail_msg("operation %u (%s) failed %s: %s", nth, failed ? failed : "none",
			 mode_name, leak);
	if (!failed && status != MOTE_OK)
		fail_msg("nothing failed on demand, but: %s", err.message);
	if (failed && status == MOTE_OK && !is_benign(benign, failed))
		fail_msg("operation %u (%s) failed %s, and nobody noticed", nth, failed, mode_name);
	if (status != MOTE_OK && (err.code != status || err.message[0] == '\0'))
		fail_msg("operation %u (%s) failed %s: status %s, but the error says %s \"%s\"",
			 nth, failed, mode_name, mote_status_name(status),
			 mote_status_name(err.code), err.message);
	return failed != NULL;
}

void fail_each_operation(fail_scenario scenario, void *user, const char *const *benign)
{
	static const enum fail_mode modes[] = { FAIL_ONCE, FAIL_ONWARDS };
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		for (unsigned nth = 1; run_once(scenario, user, benign, nth, modes[i]); nth++)
			assert_true(nth < OPERATIONS_MAX);
}
