/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The timer that a guest can set: ITIMER_REAL, which alarm() sets too. What becomes of it when it
 * is over is in waiting.c.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <sys/time.h>
#include <time.h>

#define NS_PER_S  UINT64_C(1000000000)
#define NS_PER_US UINT64_C(1000)

/* What is left of the timer, and not 0 while it runs. */
static uint64_t left(const struct personality *p, uint64_t now)
{
	const uint64_t at = p->timer.at;

	if (!at)
		return 0;
	return at > now + NS_PER_US ? at - now : NS_PER_US;
}

static void set(struct personality *p, uint64_t now, uint64_t ns, uint64_t interval)
{
	p->timer = (struct guest_timer){
		.at = ns ? now + ns : 0,
		.interval = interval,
		.is_new = ns != 0,
	};
}

SYSCALL_HANDLER(syscall_alarm)
{
	const uint64_t now = syscall_now(p, CLOCK_MONOTONIC);
	const uint64_t before = left(p, now);
	const uint64_t seconds = before / NS_PER_S;

	set(p, now, (uint32_t)args[0] * NS_PER_S, 0);
	/* as Linux rounds: to the nearest, and what runs is never 0 */
	return (int64_t)(seconds + (before % NS_PER_S >= NS_PER_S / 2 || (before && !seconds)));
}

static struct timeval timeval_of(uint64_t ns)
{
	return (struct timeval){ .tv_sec = (time_t)(ns / NS_PER_S),
				 .tv_usec = (suseconds_t)(ns % NS_PER_S / NS_PER_US) };
}

static int64_t put_timer(struct personality *p, uint64_t now, uint64_t address)
{
	const struct itimerval timer = {
		.it_value = timeval_of(left(p, now)),
		.it_interval = timeval_of(p->timer.interval),
	};

	return syscall_copy_out(p, address, &timer, sizeof timer);
}

SYSCALL_HANDLER(syscall_getitimer)
{
	if (args[0] != ITIMER_REAL)
		return -EINVAL;
	return put_timer(p, syscall_now(p, CLOCK_MONOTONIC), args[1]);
}

/* False: it is none. What is longer than the clock goes is that long. */
static bool to_ns(const struct timeval *time, uint64_t *ns)
{
	if (time->tv_sec < 0 || time->tv_usec < 0 || time->tv_usec >= 1000000)
		return false;
	*ns = (uint64_t)time->tv_sec >= INT64_MAX / NS_PER_S
		      ? INT64_MAX
		      : (uint64_t)time->tv_sec * NS_PER_S + (uint64_t)time->tv_usec * NS_PER_US;
	return true;
}

/* Without a new time the timer is stopped. */
SYSCALL_HANDLER(syscall_setitimer)
{
	const uint64_t now = syscall_now(p, CLOCK_MONOTONIC);
	struct itimerval new = { 0 };
	uint64_t ns, interval;

	if (args[1] && syscall_copy_in(p, &new, args[1], sizeof new))
		return -EFAULT;
	if (args[0] != ITIMER_REAL || !to_ns(&new.it_value, &ns) ||
	    !to_ns(&new.it_interval, &interval))
		return -EINVAL;
	if (args[2] && put_timer(p, now, args[2]))
		return -EFAULT;
	set(p, now, ns, interval);
	return 0;
}
