/* SPDX-License-Identifier: Apache-2.0 */
/* Calls the host's own page of code at each of its bytes. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(4096)
{
	__asm__ volatile("call *%0"
			 :
			 : "r"(MOTE_HYPERCALL_PAGE + way), "a"(39), "D"(7), "c"(0x400000)
			 : "rdx", "r11", "memory");
}
