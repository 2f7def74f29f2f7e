/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attack.h - what all hostile guests have in common.
 *
 * Each program is one attack, in one way or in many: Attack(way) does it, Ways() says how many
 * there are, WayName(way), where there is one, what it is called. Answer(key) is honest work, whose
 * result depends on the guest's code, data, heap, files, host and all calls before: whoever
 * gets the right answer has a sound sandbox.
 *
 * An attack that failed as it should returns; one that got more than it should ends the call with
 * mote_guest_fail().
 */
#ifndef TESTS_HOSTILE_GUESTS_ATTACK_H
#define TESTS_HOSTILE_GUESTS_ATTACK_H

#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "abi/mote_abi.h"

MOTE_IMPORT(i32, HostAdd, i32, i32)

static void attack(uint64_t way);

/* What a family of attacks does at the guest's start, and before each. */
#ifndef ATTACK_PREPARE
#define ATTACK_PREPARE() ((void)0)
#define ATTACK_BEGIN()   ((void)0)
#endif

MOTE_EXPORT(void, Attack, u64, way)
{
	ATTACK_BEGIN();
	attack(way);
}

static unsigned char pattern[3 * 4096] = { 1, 2, 3 };
static unsigned char *kept;

MOTE_EXPORT(u64, Answer, u32, key)
{
	static unsigned asked;
	uint64_t sum = (uint64_t)HostAdd((int32_t)key, (int32_t)asked);
	volatile double third = (double)key / 3;

	if (!kept) {
		kept = malloc(5000);
		memset(kept, 0x5a, 5000);
	}
	for (size_t i = 0; i < sizeof pattern; i++)
		sum = sum * 31 + pattern[i]++;
	for (size_t i = 0; i < 5000; i++)
		sum = sum * 31 + kept[i];
	return sum * 31 + asked++ + (uint64_t)(third * 1000) + (uint64_t)getppid();
}

int main(void)
{
	ATTACK_PREPARE();
	return 0;
}

/* ATTACK_WAYS(count) { body }: the body does what WAY says. */
#define ATTACK_WAYS(count)                                                                         \
	MOTE_EXPORT(u64, Ways)                                                                     \
	{                                                                                          \
		return count;                                                                      \
	}                                                                                          \
	static void attack(uint64_t way)

/* ATTACK_LIST(LIST): each X(name, statements) of LIST(X) is one way. */
#define ATTACK_LIST(LIST)                                                                          \
	LIST(ATTACK_DEFINE_)                                                                       \
	static const struct {                                                                      \
		const char *name;                                                                  \
		void (*run)(void);                                                                 \
	} list[] = { LIST(ATTACK_ENTRY_) };                                                        \
	MOTE_EXPORT(str, WayName, u64, way)                                                        \
	{                                                                                          \
		return way < COUNT(list) ? list[way].name : "";                                    \
	}                                                                                          \
	ATTACK_WAYS(COUNT(list))                                                                   \
	{                                                                                          \
		list[way].run();                                                                   \
	}
#define ATTACK_DEFINE_(id, ...)                                                                    \
	static void run_##id(void)                                                                 \
	{                                                                                          \
		__VA_ARGS__;                                                                       \
	}
#define ATTACK_ENTRY_(id, ...) { #id, run_##id },

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Instructions, with room on the stack. They may spoil what they like of the registers. */
#define ASM(code)                                                                                  \
	__asm__ volatile("sub $512, %%rsp; " code "; add $512, %%rsp"                              \
			 :                                                                         \
			 :                                                                         \
			 : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11",     \
			   "xmm0", "memory", "cc")

#endif
