/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to an address that the host gives: one that this guest cannot write to. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(0)
{
	*(volatile unsigned char *)way = 1;
}
