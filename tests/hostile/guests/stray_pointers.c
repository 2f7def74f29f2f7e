/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Gives the host, in system calls, an address that this guest itself cannot use: the host must
 * not use it either, in no system call and in no position.
 */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <errno.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static void expect_fault(long result, const char *what)
{
	if (result != -1 || errno != EFAULT)
		mote_guest_fail((uint64_t)errno, what);
}

ATTACK_WAYS(0)
{
	static struct iovec vector;

	vector = (struct iovec){ (void *)way, 1 };
	expect_fault(syscall(SYS_write, 1, way, 1), "write");
	expect_fault(syscall(SYS_writev, 1, way, 1), "writev");
	expect_fault(syscall(SYS_writev, 1, &vector, 1), "writev's vector");
}
