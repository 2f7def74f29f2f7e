/* SPDX-License-Identifier: Apache-2.0 */
/* String instructions on ports: many values at once, to and from anywhere. */
#include "hostile/guests/attack.h"

#define REP(text, port, count, address)                                                            \
	__asm__ volatile("cld; rep " text                                                          \
			 :                                                                         \
			 : "d"(port), "c"(count), "S"(address), "D"(address)                       \
			 : "memory", "cc")

static char buffer[65536];

#define WAYS(X)                                                                                    \
	X(outsb, REP("outsb", 0x3f8, 4096L, buffer))                                               \
	X(outsw, REP("outsw", 0x3f8, 4096L, buffer))                                               \
	X(outsl, REP("outsl", 0x3f8, 4096L, buffer))                                               \
	X(insb, REP("insb", 0x3f8, 4096L, buffer))                                                 \
	X(insl, REP("insl", 0x3f8, 4096L, buffer))                                                 \
	X(hypercalls, REP("outsb", 0xe0, 65536L, buffer))                                          \
	X(hypercalls_word, REP("outsw", 0xe0, 4096L, buffer))                                      \
	X(hypercalls_long, REP("outsl", 0xe0, 4096L, buffer))                                      \
	X(hypercalls_in, REP("insb", 0xe0, 65536L, buffer))                                        \
	X(system_calls, REP("outsb", 0xe1, 65536L, buffer))                                        \
	X(exceptions, REP("outsb", 0xe2, 65536L, buffer))                                          \
	X(for_ever, REP("outsb", 0xe0, -1L, buffer))                                               \
	X(none, REP("outsb", 0xe0, 0L, buffer))                                                    \
	X(from_null, REP("outsb", 0xe0, 16L, (char *)0))                                           \
	X(from_supervisor, REP("outsb", 0xe0, 16L, (char *)MOTE_SUPERVISOR_BASE))                  \
	X(from_doorbell, REP("outsb", 0xe0, 16L, (char *)MOTE_DOORBELL_PAGE))                      \
	X(into_code, REP("insb", 0xe0, 16L, (char *)(uintptr_t)attack))                            \
	X(backwards, ASM("std; mov $0xe0, %%edx; mov $100, %%ecx; mov %%rsp, %%rsi; rep outsb"))

ATTACK_LIST(WAYS)
