/* SPDX-License-Identifier: Apache-2.0 */
/* The trap flag, set just before each instruction that leaves the machine or shadows an interrupt. */
#include "hostile/guests/attack.h"

#define STEP(code)                                                                                 \
	ASM("mov $39, %%eax; xor %%edi, %%edi; mov %%ss, %%ecx; pushfq; orq $0x100, (%%rsp); "     \
	    "popfq; " code)
#define DOORBELL "movl %%eax, 0x12000; "
#define WAYS(X)                                                                                    \
	X(nop, STEP("nop"))                                                                        \
	X(system_call, STEP("syscall"))                                                            \
	X(doorbell, STEP(DOORBELL))                                                                \
	X(hypercall, STEP("mov $0x10000, %%edx; call *%%rdx"))                                     \
	X(port, STEP("out %%al, $0xe0"))                                                           \
	X(undefined, STEP("ud2"))                                                                  \
	X(breakpoint, STEP("int3"))                                                                \
	X(debug_trap, STEP(".byte 0xf1"))                                                          \
	X(interrupt, STEP("int $0x80"))                                                            \
	X(stack_segment, STEP("mov %%ecx, %%ss; nop"))                                             \
	X(stack_segment_system_call, STEP("mov %%ecx, %%ss; syscall"))                             \
	X(stack_segment_doorbell, STEP("mov %%ecx, %%ss; " DOORBELL))                              \
	X(stack_segment_breakpoint, STEP("mov %%ecx, %%ss; int3"))                                 \
	X(stack_segment_debug_trap, STEP("mov %%ecx, %%ss; .byte 0xf1"))                           \
	X(stack_segment_undefined, STEP("mov %%ecx, %%ss; ud2"))                                   \
	X(popped_segment_interrupt, STEP("mov %%ecx, %%ss; int $3"))                               \
	X(halt, STEP("hlt"))                                                                       \
	X(page_fault, STEP("mov 0, %%al"))                                                         \
	X(cpuid, STEP("cpuid"))                                                                    \
	X(string_stores, STEP("mov %%rsp, %%rdi; mov $16, %%ecx; rep stosb"))                      \
	X(string_into_doorbell, STEP("mov $0x12000, %%edi; mov $16, %%ecx; rep stosl"))            \
	X(transaction, STEP(".byte 0xc7, 0xf8, 0, 0, 0, 0"))                                       \
	X(far_return, STEP("mov %%cs, %%edx; push %%rdx; lea 9f(%%rip), %%rdx; push %%rdx; "       \
			   "lretq; 9:"))

ATTACK_LIST(WAYS)
