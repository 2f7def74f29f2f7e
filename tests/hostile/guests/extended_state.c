/* SPDX-License-Identifier: Apache-2.0 */
/* Sets which registers the processor keeps. */
#include "hostile/guests/attack.h"

static const uint64_t masks[] = { 0, 1, 3, 7, 0xe7, UINT64_MAX };

ATTACK_WAYS(3 * COUNT(masks))
{
	static const uint32_t registers[] = { 0, 1, UINT32_MAX };
	uint64_t mask = masks[way % COUNT(masks)];

	__asm__ volatile("xsetbv"
			 :
			 : "c"(registers[way / COUNT(masks)]), "a"((uint32_t)mask),
			   "d"((uint32_t)(mask >> 32)));
}
