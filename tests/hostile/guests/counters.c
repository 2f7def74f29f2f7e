/* SPDX-License-Identifier: Apache-2.0 */
/* Reads performance counters. The second to last is a pseudo counter of some hypervisors. */
#include "hostile/guests/attack.h"

static const uint32_t numbers[] = { 0, 1, 2, 7, 8, 0x40000000, 0x40000003, 0x10000000, UINT32_MAX };

ATTACK_WAYS(COUNT(numbers))
{
	__asm__ volatile("rdpmc" : : "c"(numbers[way]) : "rax", "rdx");
}
