/* SPDX-License-Identifier: Apache-2.0 */
/* Stores to the doorbell page of all sizes and kinds, at its borders and beyond. */
#include "hostile/guests/attack.h"

static const uint64_t places[] = {
	MOTE_DOORBELL_PAGE - 64,
	MOTE_DOORBELL_PAGE - 8,
	MOTE_DOORBELL_PAGE - 4,
	MOTE_DOORBELL_PAGE - 2,
	MOTE_DOORBELL_PAGE - 1,
	MOTE_DOORBELL_PAGE,
	MOTE_DOORBELL_PAGE + 1,
	MOTE_DOORBELL_PAGE + 3,
	MOTE_DOORBELL_PAGE + 4,
	MOTE_DOORBELL_PAGE + MOTE_DOORBELL_SYSCALL - 1,
	MOTE_DOORBELL_PAGE + MOTE_DOORBELL_SYSCALL,
	MOTE_DOORBELL_PAGE + 12,
	MOTE_DOORBELL_PAGE + 0x800,
	MOTE_DOORBELL_PAGE + 0xfc0,
	MOTE_DOORBELL_PAGE + 0xff8,
	MOTE_DOORBELL_PAGE + 0xffc,
	MOTE_DOORBELL_PAGE + 0xffd,
	MOTE_DOORBELL_PAGE + 0xffe,
	MOTE_DOORBELL_PAGE + 0xfff,
};

#define KINDS 32
#define STORE(code)                                                                                \
	__asm__ volatile(code                                                                      \
			 :                                                                         \
			 : "D"(at), "c"(4L), "a"(0L), "d"(0L), "b"(0L)                             \
			 : "memory", "cc", "xmm0", "r11");                                         \
	break

ATTACK_WAYS(KINDS *COUNT(places))
{
	uint64_t at = places[way / KINDS];

	switch (way % KINDS) {
	case 0:
		STORE("movb %%al, (%%rdi)");
	case 1:
		STORE("movw %%ax, (%%rdi)");
	case 2:
		STORE("movl %%eax, (%%rdi)");
	case 3:
		STORE("movq %%rax, (%%rdi)");
	case 4:
		STORE("movups %%xmm0, (%%rdi)");
	case 5:
		STORE("vmovups %%ymm0, (%%rdi)");
	case 6:
		STORE("movntiq %%rax, (%%rdi)");
	case 7:
		STORE("rep stosb");
	case 8:
		STORE("rep stosl");
	case 9:
		STORE("rep stosq");
	case 10:
		STORE("mov $-1, %%rcx; rep stosb");
	case 11:
		STORE("std; rep stosl; cld");
	case 12:
		STORE("xchgl %%eax, (%%rdi)");
	case 13:
		STORE("lock addl %%eax, (%%rdi)");
	case 14:
		STORE("lock xaddq %%rax, (%%rdi)");
	case 15:
		STORE("lock cmpxchgl %%ecx, (%%rdi)");
	case 16:
		STORE("lock cmpxchg8b (%%rdi)");
	case 17:
		STORE("lock cmpxchg16b (%%rdi)");
	case 18:
		STORE("incl (%%rdi)");
	case 19:
		STORE("btsl %%ecx, (%%rdi)");
	case 20:
		STORE("fninit; fstpt (%%rdi)");
	case 21:
		STORE("fistpll (%%rdi)");
	case 22:
		STORE("fnstenv (%%rdi)");
	case 23:
		STORE("stmxcsr (%%rdi)");
	case 24:
		STORE("and $-64, %%rdi; fxsave (%%rdi)");
	case 25:
		STORE("and $-64, %%rdi; mov $-1, %%eax; mov $-1, %%edx; xsave (%%rdi)");
	case 26:
		STORE("mov %%rsp, %%r11; lea 8(%%rdi), %%rsp; push %%rax; mov %%r11, %%rsp");
	case 27:
		STORE("mov %%rsp, %%r11; lea 8(%%rdi), %%rsp; call 1f; 1: mov %%r11, %%rsp");
	case 28:
		STORE("mov %%rsp, %%r11; lea 8(%%rdi), %%rsp; pushfq; mov %%r11, %%rsp");
	case 29:
		STORE("mov %%rdi, %%rsi; rep movsb");
	case 30:
		STORE("pxor %%xmm0, %%xmm0; maskmovdqu %%xmm0, %%xmm0");
	case 31:
		STORE("setc (%%rdi)");
	}
}
