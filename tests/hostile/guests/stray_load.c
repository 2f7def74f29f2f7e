/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from an address that the host gives: one that this guest cannot read from. */
#include "hostile/guests/attack.h"

ATTACK_WAYS(0)
{
	(void)*(volatile unsigned char *)way;
}
