/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the guest that is measured does besides where a libc is: system calls.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <sys/syscall.h>
#include <unistd.h>

/* COUNT system calls; the number of those that failed. */
MOTE_EXPORT(u32, SystemCalls, u32, count)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < count; i++)
		failed += syscall(SYS_getpid) < 0;
	return failed;
}
