/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that never heard of mote: timers that interrupt what it computes and what it waits for.
 * Prints the same wherever it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/select.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t rang;
static sigset_t none, alarms;

static void ring(int signal)
{
	(void)signal;
	rang = rang + 1;
}

static void after(int ms, int every)
{
	const struct itimerval timer = { .it_value = { .tv_usec = ms * 1000 },
					 .it_interval = { .tv_usec = every * 1000 } };

	setitimer(ITIMER_REAL, &timer, NULL);
}

/* What ended, with which result and error, and how often it has rung since. */
static void say(const char *what, int result)
{
	const int error = result < 0 ? errno : 0;

	printf("%s %d %s %d\n", what, result, error == EINTR ? "interrupted" : "", (int)rang);
	rang = 0;
}

static void computing(void)
{
	volatile double sum = 1;

	after(20, 0);
	while (!rang)
		sum = sum * 1.0000001 + 1e-9;
	say("computed", 0);
	after(5, 5);
	while (rang < 6)
		sum = sum * 1.01 + 3;
	after(0, 0);
	rang = 0;
}

static void waiting(void)
{
	struct timespec time = { .tv_sec = 5 }, left = { 0 };

	after(20, 0);
	say("pause", pause());
	after(20, 0);
	say("nanosleep", nanosleep(&time, &left));
	printf("left: %d\n", left.tv_sec == 4 && left.tv_nsec > 500000000);
	after(20, 0);
	say("poll", poll(NULL, 0, -1));
	after(20, 0);
	say("select", select(0, NULL, NULL, NULL, NULL));
}

static void masks(void)
{
	sigset_t now;

	sigprocmask(SIG_BLOCK, &alarms, NULL);
	after(20, 0);
	say("usleep", usleep(50000));
	say("sigsuspend", sigsuspend(&none));
	after(20, 0);
	say("pselect", pselect(0, NULL, NULL, NULL, NULL, &none));
	after(20, 0);
	say("ppoll", ppoll(NULL, 0, NULL, &none));
	sigprocmask(SIG_BLOCK, NULL, &now);
	printf("still blocked: %d\n", sigismember(&now, SIGALRM));
}

static void awaited(void)
{
	const struct timespec time = { .tv_nsec = 1000000 };
	siginfo_t info;

	after(20, 0);
	say("sigwaitinfo", sigwaitinfo(&alarms, &info));
	printf("again: %d\n", sigtimedwait(&alarms, NULL, &time) < 0 && errno == EAGAIN);
	sigqueue(getpid(), SIGALRM, (union sigval){ .sival_int = 77 });
	say("sigqueue", sigwaitinfo(&alarms, &info));
	printf("value %d: %d\n", info.si_value.sival_int, info.si_code == SI_QUEUE);
}

int main(void)
{
	sigemptyset(&none);
	sigemptyset(&alarms);
	sigaddset(&alarms, SIGALRM);
	signal(SIGALRM, ring);
	computing();
	waiting();
	masks();
	awaited();
	alarm(10);
	return (int)alarm(0);
}
