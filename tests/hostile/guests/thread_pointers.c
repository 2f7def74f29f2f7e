/* SPDX-License-Identifier: Apache-2.0 */
/* Sets the bases of FS and GS, by instructions and by system calls, to addresses of all kinds. */
#define _GNU_SOURCE
#include "hostile/guests/attack.h"

#include <sys/syscall.h>

enum { SET_GS = 0x1001, SET_FS = 0x1002, GET_FS = 0x1003, GET_GS = 0x1004 };

static const uint64_t bases[] = {
	0,
	1,
	MOTE_SUPERVISOR_BASE,
	MOTE_DOORBELL_PAGE,
	MOTE_ADDRESS_END - 1,
	MOTE_ADDRESS_END,
	UINT64_C(0x800000000000),
	UINT64_C(0xffff7fffffffffff),
	UINT64_C(0xffff800000000000),
	UINT64_MAX,
};

ATTACK_WAYS(6 * COUNT(bases))
{
	uint64_t base = bases[way / 6];

	switch (way % 6) {
	case 0:
		__asm__ volatile("wrfsbase %0" : : "r"(base));
		break;
	case 1:
		__asm__ volatile("wrgsbase %0; mov %%gs:0, %%al" : : "r"(base) : "rax");
		break;
	case 2:
	case 3:
		syscall(SYS_arch_prctl, way % 6 == 2 ? SET_FS : SET_GS, base);
		break;
	case 4:
	case 5:
		syscall(SYS_arch_prctl, way % 6 == 4 ? GET_FS : GET_GS, base);
		break;
	}
}
