/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest that is measured: functions that do next to nothing, each by one way across
 * the boundary. It is in the mote command, as bytes.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <sys/syscall.h>
#include <unistd.h>

MOTE_IMPORT(i32, HostAdd, i32, i32)

MOTE_EXPORT(i32, Add, i32, a, i32, b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

MOTE_EXPORT(i32, AddByHost, i32, a, i32, b)
{
	return HostAdd(a, b);
}

/* The first third of DATA. */
MOTE_EXPORT(bytes, Shrink, bytes, data)
{
	return (mote_bytes){ data.ptr, data.len / 3 };
}

/* COUNT system calls; the number of those that failed. */
MOTE_EXPORT(u32, SystemCalls, u32, count)
{
	uint32_t failed = 0;

	for (uint32_t i = 0; i < count; i++)
		failed += syscall(SYS_getpid) < 0;
	return failed;
}

int main(void)
{
	return 0;
}
