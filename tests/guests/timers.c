/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with a timer: it computes, calls, and sleeps while SIGALRM comes, and leaves the timer
 * running when a call is over.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile uint32_t ticks;

/* Spoils what a handler may. */
static void tick(int signal)
{
	(void)signal;
	ticks = ticks + 1;
	__asm__ volatile("pcmpeqd %%xmm0, %%xmm0\n\tpcmpeqd %%xmm7, %%xmm7\n\tfldpi\n\tfstp %%st"
			 :
			 :
			 : "xmm0", "xmm7", "st");
}

static void set_timer(uint32_t us, uint32_t every)
{
	const struct itimerval timer = {
		.it_value = { .tv_sec = us / 1000000, .tv_usec = us % 1000000 },
		.it_interval = { .tv_sec = every / 1000000, .tv_usec = every % 1000000 },
	};

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* Anything that needs many registers, x87's too. */
static double compute(uint64_t *bits)
{
	long double slow = 1;
	double sum = 0;
	uint64_t mix = 88172645463325252u;

	for (int i = 1; i < 3000; i++) {
		mix ^= mix << 13;
		mix ^= mix >> 7;
		mix ^= mix << 17;
		sum += sqrt((double)(mix >> 40)) * (1.0 / i) + (double)i;
		slow = slow * 1.0001L + (long double)i;
	}
	*bits = mix;
	return sum + (double)slow;
}

/* Computes, and if CALLS leaves the machine now and then, until COUNT ticks have come. How many
 * results were wrong. */
MOTE_EXPORT(u32, Ticked, u32, every_us, u32, count, bool, calls)
{
	uint64_t bits, want_bits;
	uint32_t wrong = 0;
	struct timespec now;

	set_timer(0, 0);
	const double want = compute(&want_bits);
	signal(SIGALRM, tick);
	ticks = 0;
	set_timer(every_us, every_us);
	while (ticks < count) {
		wrong += compute(&bits) != want || bits != want_bits;
		if (!calls)
			continue;
		wrong += getppid() != 0 || getpid() != 1;
		clock_gettime(CLOCK_MONOTONIC, &now);
		mote_guest_log_line(MOTE_LOG_TRACE, "tick");
	}
	set_timer(0, 0);
	return wrong;
}

/* The timer goes on when the call is over, as far as the guest is concerned. */
MOTE_EXPORT(void, Leave, u32, us, bool, handled)
{
	signal(SIGALRM, handled ? tick : SIG_DFL);
	ticks = 0;
	set_timer(us, us);
}

MOTE_EXPORT(u32, Ticks)
{
	return ticks;
}

/* What is left of the timer, in microseconds. */
MOTE_EXPORT(u32, Left)
{
	struct itimerval timer;

	getitimer(ITIMER_REAL, &timer);
	return (uint32_t)(timer.it_value.tv_sec * 1000000 + timer.it_value.tv_usec);
}

/* Waits for ever in pause(), or computes for ever, with a timer that has no handler if US is 0. */
MOTE_EXPORT(void, Endless, u32, us, bool, sleeps)
{
	volatile uint64_t n = 0;

	signal(SIGALRM, us ? tick : SIG_DFL);
	set_timer(us ? us : 1000, us);
	for (;;)
		if (sleeps)
			pause();
		else
			n = n + 1;
}

/* The timer goes off and is ignored, while it sleeps or computes for ever. */
MOTE_EXPORT(void, Ignored, u32, every_us, u32, sleep_ms)
{
	const struct timespec sleep = { .tv_nsec = (long)sleep_ms * 1000000 };
	volatile uint64_t n = 0;

	signal(SIGALRM, SIG_IGN);
	set_timer(every_us, every_us);
	nanosleep(&sleep, NULL);
	while (!sleep_ms)
		n = n + 1;
	set_timer(0, 0);
}

int main(void)
{
	set_timer(10000000, 0); /* ends with main() */
	return 0;
}
