/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that never end, until somebody on another thread has enough. */
#define _GNU_SOURCE
#include "hostile/guests/forge.h"

#include <sys/syscall.h>

static void loop(void)
{
	for (;;)
		__asm__ volatile("");
}

static void wait_for_ever(void)
{
	for (;;)
		syscall(SYS_sched_yield);
}

#define WAYS(X)                                                                                    \
	X(loop, loop())                                                                            \
	X(waits, wait_for_ever())

ATTACK_LIST(WAYS)
