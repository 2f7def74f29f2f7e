/* SPDX-License-Identifier: Apache-2.0 */
/* A stack pointer anywhere, and then each way to leave the machine. */
#include "hostile/guests/attack.h"

static unsigned char data[4096] __attribute__((aligned(4096)));

static uint64_t place(uint64_t n)
{
	const uint64_t places[] = {
		0,
		8,
		MOTE_HYPERCALL_PAGE + 64,
		MOTE_START_BLOCK + 64,
		MOTE_DOORBELL_PAGE + 8,
		MOTE_DOORBELL_PAGE + 16,
		MOTE_DOORBELL_PAGE + 4096,
		MOTE_MAPPING_TABLE + 64,
		MOTE_SUPERVISOR_BASE + 4096,
		MOTE_WINDOW_END,
		(uint64_t)(uintptr_t)attack,
		(uint64_t)(uintptr_t)data,
		(uint64_t)(uintptr_t)data + 3,
		(uint64_t)(uintptr_t)data + 4096,
		MOTE_ADDRESS_END,
		UINT64_C(0x800000000000),
		UINT64_C(0xffff800000000000),
		UINT64_MAX,
	};

	return places[n];
}

#define WITH_STACK(code)                                                                           \
	__asm__ volatile("mov %0, %%rsp; xor %%edi, %%edi; mov $39, %%eax; " code                  \
			 :                                                                         \
			 : "r"(place(way / 8)), "d"(MOTE_HYPERCALL_PAGE)                           \
			 : "rax", "rcx", "rdi", "r11", "memory")

/* The last instruction of each has no stack to go back to. */
ATTACK_WAYS(8 * 18)
{
	switch (way % 8) {
	case 0:
		WITH_STACK("jmp *%%rdx");
		break;
	case 1:
		WITH_STACK("call *%%rdx");
		break;
	case 2:
		WITH_STACK("syscall; ud2");
		break;
	case 3:
		WITH_STACK("ud2");
		break;
	case 4:
		WITH_STACK("int3");
		break;
	case 5:
		WITH_STACK("mov 0, %%al");
		break;
	case 6:
		WITH_STACK("push %%rax; ud2");
		break;
	case 7:
		WITH_STACK("iretq");
		break;
	}
	__builtin_unreachable();
}
