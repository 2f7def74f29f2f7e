/* SPDX-License-Identifier: Apache-2.0 */
/* The ways to an operating system that mote does not offer, and the ways back from one. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(sysenter, ASM("mov $39, %%eax; mov %%rsp, %%rbp; sysenter"))                             \
	X(sysenter_null, ASM("mov $39, %%eax; xor %%ebp, %%ebp; sysenter"))                        \
	X(sysexit, ASM("lea 1f(%%rip), %%rdx; mov %%rsp, %%rcx; sysexit; 1:"))                     \
	X(sysret, ASM("lea 1f(%%rip), %%rcx; sysretq; 1:"))                                        \
	X(sysret_32, ASM("xor %%ecx, %%ecx; sysretl"))                                             \
	X(swapgs, ASM("swapgs"))                                                                   \
	X(vsyscall, ASM("mov $0xffffffffff600000, %%rax; call *%%rax"))                            \
	X(call_gate, ASM("movl $0, (%%rsp); movw $0x8, 4(%%rsp); lcall *(%%rsp)"))                 \
	X(task_gate, ASM("movl $0, (%%rsp); movw $0x30, 4(%%rsp); ljmp *(%%rsp)"))

ATTACK_LIST(WAYS)
