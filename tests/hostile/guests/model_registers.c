/* SPDX-License-Identifier: Apache-2.0 */
/* Reads and writes model-specific registers: those that steer a processor, and none. */
#include "hostile/guests/attack.h"

static const uint32_t numbers[] = {
	0x10,       0x1b,       0x3a,       0x48,       0x49,       0x79,       0x8b,
	0xc1,       0xfe,       0x174,      0x175,      0x176,      0x186,      0x1a0,
	0x1d9,      0x200,      0x277,      0x2ff,      0x38f,      0x400,      0x480,
	0x600,      0x6e0,      0x800,      0x80b,      0x830,      0xda0,      0x40000000,
	0x40000001, 0x40000071, 0x4b564d00, 0x4b564d01, 0x4b564d02, 0x4b564d03, 0x4b564d04,
	0x4b564d05, 0x4b564d06, 0xc0000080, 0xc0000081, 0xc0000082, 0xc0000083, 0xc0000084,
	0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0010015, 0xc0010114, 0xc0010117,
	0xc0010140, 0,          UINT32_MAX,
};

ATTACK_WAYS(2 * COUNT(numbers))
{
	uint32_t number = numbers[way / 2];

	if (way % 2)
		__asm__ volatile("wrmsr" : : "a"(UINT32_MAX), "d"(UINT32_MAX), "c"(number));
	else
		__asm__ volatile("rdmsr" : : "c"(number) : "rax", "rdx");
}
