/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and reads descriptor tables. What only tells addresses is allowed on most machines. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(lgdt, ASM("lgdt (%%rsp)"))                                                               \
	X(lidt, ASM("lidt (%%rsp)"))                                                               \
	X(lldt, ASM("xor %%eax, %%eax; lldt %%ax"))                                                \
	X(lldt_task, ASM("mov $0x30, %%eax; lldt %%ax"))                                           \
	X(ltr, ASM("mov $0x30, %%eax; ltr %%ax"))                                                  \
	X(lgdt_null, ASM("xor %%eax, %%eax; lgdt (%%rax)"))                                        \
	X(lgdt_supervisor, ASM("mov $0x100000, %%eax; lgdt (%%rax)"))

ATTACK_LIST(WAYS)
