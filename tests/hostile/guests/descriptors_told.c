/* SPDX-License-Identifier: Apache-2.0 */
/* Asks where the processor's tables are and what is in them. Allowed on most machines. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(sgdt, ASM("sgdt (%%rsp)"))                                                               \
	X(sidt, ASM("sidt (%%rsp)"))                                                               \
	X(sldt, ASM("sldt %%eax"))                                                                 \
	X(str, ASM("str %%eax"))                                                                   \
	X(smsw, ASM("smsw %%eax"))                                                                 \
	X(lar, ASM("mov $8, %%ecx; lar %%ecx, %%eax"))                                             \
	X(lsl, ASM("mov $0x30, %%ecx; lsl %%ecx, %%eax"))                                          \
	X(verr, ASM("mov $8, %%ecx; verr %%cx"))                                                   \
	X(verw, ASM("mov $0x10, %%ecx; verw %%cx"))                                                \
	X(sidt_supervisor, ASM("mov $0x100000, %%eax; sidt (%%rax)"))                              \
	X(rdtsc, ASM("rdtsc"))                                                                     \
	X(rdtscp, ASM("rdtscp"))                                                                   \
	X(rdpid, ASM(".byte 0xf3, 0x0f, 0xc7, 0xf8"))                                              \
	X(xgetbv, ASM("xor %%ecx, %%ecx; xgetbv"))                                                 \
	X(xgetbv_1, ASM("mov $1, %%ecx; xgetbv"))                                                  \
	X(xgetbv_far, ASM("mov $-1, %%ecx; xgetbv"))

ATTACK_LIST(WAYS)
