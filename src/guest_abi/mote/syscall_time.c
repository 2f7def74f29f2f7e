/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: the host's clocks, and waiting. A handler does not wait itself: it says until when, and
 * the run loop waits where time limits and interrupts reach it.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/times.h>

#define NS_PER_S UINT64_C(1000000000)

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

/* What the guest may then read by itself for a while, and what it cannot. */
SYSCALL_HANDLER(syscall_clock_gettime)
{
	struct timespec now;
	clockid_t clock = host_clock(args[0]);
	uint64_t ns[2];

	if ((clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC) &&
	    clock_show(&p->clock, p->host, p->memory, ns))
		now = (struct timespec){ .tv_sec = (time_t)(ns[clock] / NS_PER_S),
					 .tv_nsec = (long)(ns[clock] % NS_PER_S) };
	else if (clock < 0 || p->host->sys->clock_gettime(clock, &now) < 0)
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

uint64_t syscall_now(const struct personality *p, clockid_t clock)
{
	struct timespec now = { 0 };

	p->host->sys->clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

int64_t syscall_read_time(struct personality *p, uint64_t address, uint64_t *ns)
{
	struct timespec given;

	if (syscall_copy_in(p, &given, address, sizeof given))
		return -EFAULT;
	if (given.tv_sec < 0 || given.tv_nsec < 0 || (uint64_t)given.tv_nsec >= NS_PER_S)
		return -EINVAL;
	*ns = (uint64_t)given.tv_sec >= INT64_MAX / NS_PER_S
		      ? INT64_MAX
		      : (uint64_t)given.tv_sec * NS_PER_S + (uint64_t)given.tv_nsec;
	return 0;
}

/* The guest goes on NS nanoseconds from now, or from the beginning of CLOCK if IS_ABSOLUTE. */
static void wait_until(struct personality *p, clockid_t clock, bool is_absolute, uint64_t ns)
{
	const uint64_t now = is_absolute ? syscall_now(p, clock) : 0;

	p->wait.until = syscall_now(p, CLOCK_MONOTONIC) + (ns > now ? ns - now : 0);
}

void syscall_wait(struct personality *p, uint64_t ns)
{
	wait_until(p, CLOCK_MONOTONIC, false, ns);
}

SYSCALL_HANDLER(syscall_nanosleep)
{
	uint64_t ns;
	int64_t failed = syscall_read_time(p, args[0], &ns);

	if (failed)
		return failed;
	wait_until(p, CLOCK_MONOTONIC, false, ns);
	p->wait.left = args[1];
	return 0;
}

SYSCALL_HANDLER(syscall_clock_nanosleep)
{
	const bool is_absolute = args[1] & TIMER_ABSTIME;
	uint64_t ns;

	if (args[0] != CLOCK_REALTIME && args[0] != CLOCK_MONOTONIC && args[0] != CLOCK_BOOTTIME)
		return -EINVAL;
	int64_t failed = syscall_read_time(p, args[2], &ns);
	if (failed)
		return failed;
	wait_until(p, (clockid_t)args[0], is_absolute, ns);
	p->wait.left = is_absolute ? 0 : args[3];
	return 0;
}

/* Without a time only a signal ends this. With one it is a sleep. */
static int64_t futex_wait(struct personality *p, const uint64_t args[6], int operation)
{
	const bool is_absolute = operation == FUTEX_WAIT_BITSET;
	uint32_t word;
	uint64_t ns;

	if (syscall_copy_in(p, &word, args[0], sizeof word))
		return -EFAULT;
	if (word != (uint32_t)args[2])
		return -EAGAIN;
	if (!args[3]) {
		p->stuck_at = args[0];
		syscall_wait_for_ever(p, STUCK_FOR_THREAD);
		return 0;
	}
	int64_t failed = syscall_read_time(p, args[3], &ns);
	if (failed)
		return failed;
	wait_until(p, args[1] & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC,
		   is_absolute, ns);
	return -ETIMEDOUT;
}

/* One thread: there is nobody to wake, nor anybody who could wake this one. C++ runtimes and
 * pthread_once() wake without need. */
SYSCALL_HANDLER(syscall_futex)
{
	const int operation = (int)args[1] & FUTEX_CMD_MASK;

	if (operation == FUTEX_WAKE || operation == FUTEX_WAKE_BITSET)
		return 0;
	if (operation != FUTEX_WAIT && operation != FUTEX_WAIT_BITSET)
		return -ENOSYS;
	return futex_wait(p, args, operation);
}

/* All of it is the guest's own. */
SYSCALL_HANDLER(syscall_getrusage)
{
	const uint64_t ns = syscall_now(p, CLOCK_THREAD_CPUTIME_ID);
	struct rusage usage;

	if ((int)args[0] < RUSAGE_CHILDREN || (int)args[0] > RUSAGE_THREAD)
		return -EINVAL;
	memset(&usage, 0, sizeof usage);
	if ((int)args[0] != RUSAGE_CHILDREN)
		usage.ru_utime = (struct timeval){ .tv_sec = (time_t)(ns / NS_PER_S),
						   .tv_usec = (suseconds_t)(ns % NS_PER_S / 1000) };
	return syscall_copy_out(p, args[1], &usage, sizeof usage);
}

/* In hundredths of a second, since nobody knows when. */
SYSCALL_HANDLER(syscall_times)
{
	const uint64_t ns_per_tick = NS_PER_S / 100;
	const struct tms used = {
		.tms_utime = (clock_t)(syscall_now(p, CLOCK_THREAD_CPUTIME_ID) / ns_per_tick),
	};

	if (args[0] && syscall_copy_out(p, args[0], &used, sizeof used))
		return -EFAULT;
	return (int64_t)(syscall_now(p, CLOCK_MONOTONIC) / ns_per_tick);
}
