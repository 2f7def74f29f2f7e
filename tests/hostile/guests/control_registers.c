/* SPDX-License-Identifier: Apache-2.0 */
/* Moves from and to each control register, with the value 0 and with all bits. */
#include "hostile/guests/attack.h"

/* "mov %crN, %rax" and "mov %rax, %crN" for 16 N each. */
__asm__(".pushsection .text\n"
	".balign 16\n"
	"control_code:\n"
	".irp operation, 0x20, 0x22\n"
	".irp rex, 0x48, 0x4c\n"
	".irp n, 0, 1, 2, 3, 4, 5, 6, 7\n"
	"	.byte \\rex, 0x0f, \\operation, 0xc0 | \\n << 3\n"
	"	ret\n"
	"	.balign 8\n"
	".endr\n"
	".endr\n"
	".endr\n"
	".popsection\n");

extern const char control_code[];

ATTACK_WAYS(2 * 32)
{
	uint64_t value = way % 2 ? UINT64_MAX : 0;

	__asm__ volatile("call *%1" : "+a"(value) : "r"(control_code + 8 * (way / 2)) : "memory");
}
