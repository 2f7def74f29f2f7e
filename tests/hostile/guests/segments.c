/* SPDX-License-Identifier: Apache-2.0 */
/* Loads each segment register with each selector that could mean something. */
#include "hostile/guests/attack.h"

static const uint16_t selectors[] = { 0,    1,    3,    0x8,    0xb,    0x10,  0x13, 0x18,
				      0x1b, 0x20, 0x23, 0x28,   0x2b,   0x30,  0x33, 0x38,
				      0x40, 0x53, 0x7,  0xf,    0x63,   0x6b,  0x73, 0x7b,
				      0x80, 0xff, 0x43, 0x1238, 0xfff8, 0xffff };

ATTACK_WAYS(7 * COUNT(selectors))
{
	uint32_t selector = selectors[way / 7];

	switch (way % 7) {
	case 0:
		__asm__ volatile("mov %0, %%ds" : : "r"(selector));
		break;
	case 1:
		__asm__ volatile("mov %0, %%es" : : "r"(selector));
		break;
	case 2:
		__asm__ volatile("mov %0, %%fs" : : "r"(selector));
		break;
	case 3:
		__asm__ volatile("mov %0, %%gs" : : "r"(selector));
		break;
	case 4:
		__asm__ volatile("mov %0, %%ss" : : "r"(selector));
		break;
	case 5: /* far return: the next instruction, in another code segment */
		__asm__ volatile("pushq %q0; lea 1f(%%rip), %%rax; pushq %%rax; lretq; 1: nop"
				 :
				 : "r"(selector)
				 : "rax", "memory");
		break;
	case 6: /* interrupt return, which sets the stack segment and the flags, too */
		__asm__ volatile(
			"mov %%rsp, %%rdx; mov %%ss, %%eax; push %%rax; push %%rdx; pushfq; "
			"pushq %q0; lea 1f(%%rip), %%rax; pushq %%rax; iretq; 1: nop"
			:
			: "r"(selector)
			: "rax", "rdx", "memory");
		break;
	}
}
