/* SPDX-License-Identifier: Apache-2.0 */
/* Recursion without end, and steps over the guard below the stack. */
#pragma GCC diagnostic ignored "-Winfinite-recursion"
#include "hostile/guests/attack.h"

__attribute__((noinline)) static uint64_t recurse(volatile char *outer, size_t step)
{
	volatile char inner[4000];

	for (size_t i = 0; i < sizeof inner; i += step)
		inner[i] = outer[0];
	return recurse(inner, step) + (uint64_t)inner[0];
}

__attribute__((noinline)) static uint64_t recurse_small(uint64_t n)
{
	volatile uint64_t here = n;

	return recurse_small(n + 1) + here;
}

static void step_over(size_t bytes)
{
	*((volatile char *)__builtin_frame_address(0) - bytes) = 1;
}

static void push_for_ever(void)
{
	__asm__ volatile("1: push %%rax; jmp 1b" : : : "memory");
}

#define WAYS(X)                                                                                    \
	X(recursion, volatile char start[1] = { 0 }; recurse(start, 4000))                         \
	X(recursion_that_writes, volatile char start[1] = { 0 }; recurse(start, 64))               \
	X(small_recursion, recurse_small(0))                                                       \
	X(pushes, push_for_ever())                                                                 \
	X(step_64k, step_over((64 << 10) + 64))                                                    \
	X(step_68k, step_over(68 << 10))                                                           \
	X(step_96k, step_over(96 << 10))

ATTACK_LIST(WAYS)
