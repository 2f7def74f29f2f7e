/* SPDX-License-Identifier: Apache-2.0 */
/* Goes to addresses where no code can be, by each instruction that goes anywhere. */
#include "hostile/guests/attack.h"

static const uint64_t targets[] = {
	0,
	MOTE_START_BLOCK,
	MOTE_DOORBELL_PAGE,
	MOTE_DOORBELL_PAGE + 0xfff,
	MOTE_MAPPING_TABLE,
	MOTE_SUPERVISOR_BASE,
	MOTE_SUPERVISOR_BASE + 0x2000,
	MOTE_WINDOW_END,
	MOTE_ADDRESS_END - 1,
	MOTE_ADDRESS_END,
	UINT64_C(0x7fffffffffff),
	UINT64_C(0x800000000000),
	UINT64_C(0x1000000000000),
	UINT64_C(0xfffe800000000000),
	UINT64_C(0xffff7fffffffffff),
	UINT64_C(0xffff800000000000),
	UINT64_C(0xffffffff81000000),
	UINT64_C(0xffffffffff600000),
	UINT64_MAX - 1,
	UINT64_MAX,
};

ATTACK_WAYS(6 * COUNT(targets))
{
	uint64_t target = targets[way / 6];

	switch (way % 6) {
	case 0:
		__asm__ volatile("jmp *%0" : : "r"(target));
		break;
	case 1:
		__asm__ volatile("call *%0" : : "r"(target) : "memory");
		break;
	case 2:
		__asm__ volatile("push %0; ret" : : "r"(target) : "memory");
		break;
	case 3:
		__asm__ volatile("mov %%cs, %%eax; push %%rax; push %0; lretq"
				 :
				 : "r"(target)
				 : "rax", "memory");
		break;
	case 4:
		__asm__ volatile(
			"mov %%rsp, %%rdx; mov %%ss, %%eax; push %%rax; push %%rdx; pushfq; "
			"mov %%cs, %%eax; push %%rax; push %0; iretq"
			:
			: "r"(target)
			: "rax", "rdx", "memory");
		break;
	case 5: /* with the return address of a system call */
		__asm__ volatile("mov %0, %%rcx; mov %1, %%rax; jmp *%%rax"
				 :
				 : "r"(target), "i"(MOTE_HYPERCALL_PAGE + MOTE_SYSCALL_ENTRY)
				 : "rax", "rcx");
		break;
	}
}
