/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions on caches, waits and transactions: all either work or are refused. */
#include "hostile/guests/attack.h"

static unsigned char line[128] __attribute__((aligned(64)));

#define ON(code)                                                                                   \
	__asm__ volatile(code                                                                      \
			 :                                                                         \
			 : "S"(line), "D"(line)                                                    \
			 : "rax", "rcx", "rdx", "xmm0", "memory", "cc")
#define ON_DOORBELL(code)                                                                          \
	__asm__ volatile(code : : "S"(line), "D"(0x12000L) : "rax", "rcx", "rdx", "memory", "cc")
#define WAYS(X)                                                                                    \
	X(clflush, ON("clflush (%%rsi)"))                                                          \
	X(clflush_code, ON("lea 1f(%%rip), %%rax; 1: clflush (%%rax)"))                            \
	X(clflush_doorbell, ON_DOORBELL("clflush (%%rdi)"))                                        \
	X(clwb, ON(".byte 0x66, 0x0f, 0xae, 0x36"))                                                \
	X(clzero, ON("mov %%rsi, %%rax; .byte 0x0f, 0x01, 0xfc"))                                  \
	X(cldemote, ON(".byte 0x0f, 0x1c, 0x06"))                                                  \
	X(split_lock, ON("lock incl 62(%%rsi)"))                                                   \
	X(movdir64b, ON(".byte 0x66, 0x0f, 0x38, 0xf8, 0x3e"))                                     \
	X(movdir64b_doorbell, ON_DOORBELL(".byte 0x66, 0x0f, 0x38, 0xf8, 0x3e"))                   \
	X(enqcmd_doorbell, ON_DOORBELL(".byte 0xf2, 0x0f, 0x38, 0xf8, 0x3e"))                      \
	X(umonitor, ON(".byte 0xf3, 0x0f, 0xae, 0xf6"))                                            \
	X(tpause, ON("mov $-1, %%eax; mov $-1, %%edx; xor %%ecx, %%ecx; "                          \
		     ".byte 0x66, 0x0f, 0xae, 0xf1"))                                              \
	X(monitorx, ON("mov %%rsi, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; "                    \
		       ".byte 0x0f, 0x01, 0xfa"))                                                  \
	X(mwaitx, ON("xor %%eax, %%eax; mov $2, %%ecx; mov $-1, %%ebx; .byte 0x0f, 0x01, 0xfb"))   \
	X(transaction, ON(".byte 0xc7, 0xf8, 0, 0, 0, 0"))                                         \
	X(transaction_end, ON(".byte 0x0f, 0x01, 0xd5"))                                           \
	X(rdrand, ON(".byte 0x48, 0x0f, 0xc7, 0xf0"))                                              \
	X(rdseed, ON(".byte 0x48, 0x0f, 0xc7, 0xf8"))                                              \
	X(rdpkru, ON("xor %%ecx, %%ecx; .byte 0x0f, 0x01, 0xee"))                                  \
	X(wrpkru,                                                                                  \
	  ON("mov $-1, %%eax; xor %%ecx, %%ecx; xor %%edx, %%edx; .byte 0x0f, 0x01, 0xef"))        \
	X(enclu, ON("xor %%eax, %%eax; .byte 0x0f, 0x01, 0xd7"))                                   \
	X(pause, ON("pause"))                                                                      \
	X(endbr, ON("endbr64"))                                                                    \
	X(shadow_stack, ON("mov $1, %%eax; .byte 0xf3, 0x48, 0x0f, 0xae, 0xe8"))

ATTACK_LIST(WAYS)
