/* SPDX-License-Identifier: Apache-2.0 */
/* Ends of the program in the middle of a call, and signals to all that could be there. */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <signal.h>
#include <sys/syscall.h>

static const int statuses[] = { 0, 1, -1, 255, 256, INT32_MIN };
static const int targets[] = { 1, 0, -1, 2, -2, INT32_MIN };

/* exit statuses, and then each signal to each target */
ATTACK_WAYS(2 * COUNT(statuses) + 66 * COUNT(targets) + 66)
{
	if (way < COUNT(statuses))
		exit(statuses[way]);
	way -= COUNT(statuses);
	if (way < COUNT(statuses))
		_exit(statuses[way]);
	way -= COUNT(statuses);
	if (way < 66 * COUNT(targets))
		syscall(SYS_kill, targets[way % COUNT(targets)], way / COUNT(targets));
	else
		syscall(SYS_tgkill, 1, 1, way - 66 * COUNT(targets));
}
