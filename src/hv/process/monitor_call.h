/* SPDX-License-Identifier: Apache-2.0 */
/*
 * monitor_call.h - system calls for the monitor, which has no C library. For
 * monitor.c alone. Results as the kernel gives them: -errno on failure.
 */
#ifndef HV_PROCESS_MONITOR_CALL_H
#define HV_PROCESS_MONITOR_CALL_H

/* System call NUMBER with six arguments. */
static inline long call6(long number, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

/* System call NUMBER with at most four arguments. */
static inline long call4(long number, long a, long b, long c, long d)
{
	return call6(number, a, b, c, d, 0, 0);
}

#endif
