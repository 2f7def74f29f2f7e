/* SPDX-License-Identifier: Apache-2.0 */
/* Calls that never end, each busy with something else. */
#define _GNU_SOURCE
#include "hostile/guests/forge.h"

#include <setjmp.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define FOR_EVER(...)                                                                              \
	for (;;) {                                                                                 \
		__VA_ARGS__;                                                                       \
	}

static void copy_for_ever(void)
{
	static unsigned char from[1 << 20], to[1 << 20];

	FOR_EVER(memcpy(to, from, sizeof to); __asm__ volatile("" : : : "memory"))
}

static void map_for_ever(void)
{
	FOR_EVER(void *at = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		 if (at != MAP_FAILED) munmap(at, 8192))
}

static void jump_for_ever(void)
{
	jmp_buf here;

	setjmp(here);
	longjmp(here, 1);
}

#define WAYS(X)                                                                                    \
	X(loop, FOR_EVER(__asm__ volatile("")))                                                    \
	X(pause_loop, FOR_EVER(__asm__ volatile("pause")))                                         \
	X(copies, copy_for_ever())                                                                 \
	X(long_jumps, jump_for_ever())                                                             \
	X(vectors, FOR_EVER(__asm__ volatile("pxor %%xmm0, %%xmm0" : : : "xmm0")))                 \
	X(clocks, FOR_EVER(__asm__ volatile("rdtsc" : : : "rax", "rdx")))                          \
	X(processor_questions, FOR_EVER(uint32_t a = 0, c = 0; __asm__ volatile("cpuid"            \
										: "+a"(a), "+c"(c) \
										:                  \
										: "rbx", "rdx")))  \
	X(waits, FOR_EVER(syscall(SYS_sched_yield)))                                               \
	X(refused_system_calls, FOR_EVER(syscall(SYS_getpriority, 0, 0)))                          \
	X(mappings, map_for_ever())                                                                \
	X(futex, uint32_t word = 0; FOR_EVER(syscall(SYS_futex, &word, 0, 0, 0, 0, 0)))            \
	X(flags, FOR_EVER(__asm__ volatile("std; cld; pushfq; popfq" : : : "memory", "cc")))       \
	X(table_into_doorbell, __asm__ volatile("sgdt (%0)"                                        \
						:                                                  \
						: "r"(MOTE_DOORBELL_PAGE));                        \
	  FOR_EVER(__asm__ volatile("")))                                                          \
	X(other_table_into_doorbell, __asm__ volatile("sidt (%0)"                                  \
						      :                                            \
						      : "r"(MOTE_DOORBELL_PAGE));                  \
	  FOR_EVER(__asm__ volatile("")))

ATTACK_LIST(WAYS)
