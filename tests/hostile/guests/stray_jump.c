/* SPDX-License-Identifier: Apache-2.0 */
/* Jumps to an address that the host gives: one that this guest cannot execute. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(0)
{
	__asm__ volatile("jmp *%0" : : "r"(way));
}
