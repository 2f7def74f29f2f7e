/* SPDX-License-Identifier: Apache-2.0 */
/* Turns interrupts off, and on. Where guests have I/O privilege that is allowed, and theirs alone. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(cli, ASM("cli"))                                                                         \
	X(sti, ASM("sti"))                                                                         \
	X(off_and_spin, ASM("cli; mov $1000000, %%ecx; 1: dec %%ecx; jnz 1b"))                     \
	X(off_and_system_call, ASM("cli; mov $39, %%eax; syscall"))                                \
	X(sti_shadow, ASM("sti; mov $39, %%eax; syscall"))

ATTACK_LIST(WAYS)
