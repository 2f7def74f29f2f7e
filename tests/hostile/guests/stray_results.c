/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Has the host store results at an address that this guest cannot write to. NULL means
 * in some of these system calls that the result is of no interest.
 */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <errno.h>
#include <sys/syscall.h>

static void expect_fault(uint64_t way, long result, const char *what)
{
	if (way == 0 && result >= 0)
		return;
	if (result != -1 || errno != EFAULT)
		mote_guest_fail((uint64_t)errno, what);
}

ATTACK_WAYS(0)
{
	enum { GET_FS = 0x1003 };

	expect_fault(way, syscall(SYS_clock_gettime, 0, way), "clock_gettime");
	expect_fault(way, syscall(SYS_clock_getres, 0, way), "clock_getres");
	expect_fault(way, syscall(SYS_gettimeofday, way, 0), "gettimeofday");
	expect_fault(way, syscall(SYS_time, way), "time");
	expect_fault(way, syscall(SYS_getrandom, way, 8, 0), "getrandom");
	expect_fault(way, syscall(SYS_uname, way), "uname");
	expect_fault(way, syscall(SYS_fstat, 1, way), "fstat");
	expect_fault(way, syscall(SYS_arch_prctl, GET_FS, way), "arch_prctl");
	expect_fault(way, syscall(SYS_prlimit64, 0, 3, 0, way), "prlimit64");
	expect_fault(way, syscall(SYS_rt_sigprocmask, 0, 0, way, 8), "rt_sigprocmask");
	expect_fault(way, syscall(SYS_rt_sigaction, 11, 0, way, 8), "rt_sigaction");
}
