/* SPDX-License-Identifier: Apache-2.0 */
/* Reads from the doorbell page, and executes it: nothing is there. */
#include "hostile/guests/attack.h"

#define LOAD(code) __asm__ volatile(code : : "S"(0x12000L) : "rax", "rcx", "rdx", "xmm0", "memory")
#define WAYS(X)                                                                                    \
	X(byte, LOAD("movb (%%rsi), %%al"))                                                        \
	X(word, LOAD("movw (%%rsi), %%ax"))                                                        \
	X(quad, LOAD("movq (%%rsi), %%rax"))                                                       \
	X(vector, LOAD("movups (%%rsi), %%xmm0"))                                                  \
	X(page_end, LOAD("movq 0xffc(%%rsi), %%rax"))                                              \
	X(page_start, LOAD("movq -4(%%rsi), %%rax"))                                               \
	X(compare, LOAD("cmpl $0, (%%rsi)"))                                                       \
	X(string, LOAD("mov %%rsp, %%rdi; sub $256, %%rdi; mov $32, %%ecx; rep movsb"))            \
	X(scan, LOAD("mov %%rsi, %%rdi; mov $-1, %%rcx; repe scasb"))                              \
	X(x87, LOAD("fldt (%%rsi)"))                                                               \
	X(state, LOAD("fxrstor (%%rsi)"))                                                          \
	X(jump_indirect, LOAD("jmp *(%%rsi)"))                                                     \
	X(stack_pop, LOAD("mov %%rsi, %%rsp; pop %%rax"))                                          \
	X(stack_return, LOAD("mov %%rsi, %%rsp; ret"))                                             \
	X(execute, LOAD("jmp *%%rsi"))                                                             \
	X(prefetch, LOAD("prefetcht0 (%%rsi); ud2"))

ATTACK_LIST(WAYS)
