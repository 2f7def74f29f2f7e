/* SPDX-License-Identifier: Apache-2.0 */
/* Asks for each leaf that there could be, and some subleaves. Allowed; the answers are the
 * machine's. */
#include "hostile/guests/attack.h"

static void ask(uint32_t first, uint32_t count)
{
	for (uint32_t leaf = first; leaf - first < count; leaf++)
		for (uint32_t subleaf = 0; subleaf < 3; subleaf++) {
			uint32_t a = leaf, c = subleaf == 2 ? UINT32_MAX : subleaf;
			__asm__ volatile("cpuid" : "+a"(a), "+c"(c) : : "rbx", "rdx", "memory");
		}
}

#define WAYS(X)                                                                                    \
	X(basic, ask(0, 40))                                                                       \
	X(hypervisor, ask(0x40000000, 10); ask(0x40000100, 2))                                     \
	X(extended, ask(0x80000000, 40))                                                           \
	X(none, ask(0x0fffffff, 2); ask(0x7fffffff, 1); ask(0xfffffff0, 16))

ATTACK_LIST(WAYS)
