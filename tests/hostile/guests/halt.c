/* SPDX-License-Identifier: Apache-2.0 */
/* Stops the processor until an interrupt comes, which never does. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(1)
{
	(void)way;
	__asm__ volatile("hlt");
}
