/* SPDX-License-Identifier: Apache-2.0 */
/* Sets each bit of the flags register alone, by each instruction that can, and goes on working. */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <sys/syscall.h>

ATTACK_WAYS(4 * 64)
{
	uint64_t bit = UINT64_C(1) << (way / 4);

	if (way % 4 == 2)
		__asm__ volatile(
			"mov %%rsp, %%rdx; mov %%ss, %%eax; push %%rax; push %%rdx; pushfq; "
			"or %0, (%%rsp); mov %%cs, %%eax; push %%rax; "
			"lea 1f(%%rip), %%rax; push %%rax; iretq; 1: nop"
			:
			: "r"(bit)
			: "rax", "rdx", "memory", "cc");
	else
		__asm__ volatile("sub $256, %%rsp; pushfq; or %0, (%%rsp); popfq; add $256, %%rsp"
				 :
				 : "r"(bit)
				 : "memory", "cc");
	if (way % 4 == 1)
		syscall(SYS_getpriority);
	if (way % 4 == 3)
		HostAdd(1, 2);
}
