/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `int n` for all n. Ways of more than 255 are the other instructions that make interrupts. A
 * hypervisor that runs in software may take one for its own, answer as if it were cpuid, and go on.
 */
#include "hostile/guests/attack.h"

__asm__(".pushsection .text\n"
	".balign 16\n"
	"interrupt_code:\n"
	".set number, 0\n"
	".rept 256\n"
	"	.byte 0xcd, number\n" /* int $number */
	"	ret\n"
	"	.balign 4\n"
	"	.set number, number + 1\n"
	".endr\n"
	"	int3; ret; .balign 4\n"
	"	.byte 0xf1; ret; .balign 4\n" /* int1 */
	"	.byte 0xce; ret; .balign 4\n" /* into */
	".popsection\n");

extern const char interrupt_code[];

ATTACK_WAYS(259)
{
	__asm__ volatile("call *%0"
			 :
			 : "S"(interrupt_code + 4 * way)
			 : "rax", "rbx", "rcx", "rdx", "r11", "memory", "cc");
}
