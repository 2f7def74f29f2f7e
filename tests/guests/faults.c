/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that crashes: wrong memory, wrong numbers, ends of all kinds, no memory left. Each ends
 * the call with a message that names it. (What hostile guests do is in tests/hostile.)
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Any address. */
MOTE_EXPORT(u64, ReadAt, u64, address)
{
	return *(volatile unsigned char *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address)
{
	*(volatile unsigned char *)address = 1;
}

MOTE_EXPORT(void, JumpTo, u64, address)
{
	__asm__ volatile("jmp *%0" : : "r"(address));
}

/* Addresses of this guest. */
static unsigned char data[64] = { 0xc3 }; /* ret */
static const unsigned char constants[64] = { 0xc3 };

MOTE_EXPORT(u64, Address, str, of)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0);

	if (strcmp(of, "code") == 0)
		return (uint64_t)(uintptr_t)Address;
	if (strcmp(of, "data") == 0)
		return (uint64_t)(uintptr_t)data;
	if (strcmp(of, "constants") == 0)
		return (uint64_t)(uintptr_t)constants;
	if (strcmp(of, "stack") == 0)
		return here;
	if (strcmp(of, "heap") == 0) {
		unsigned char *heap = malloc(16);
		heap[0] = 0xc3;
		return (uint64_t)(uintptr_t)heap;
	}
	mote_guest_fail(1, "code, data, constants, stack or heap");
}

static int recurse(volatile char *outer)
{
	volatile char inner[1000];

	inner[0] = outer[0];
	if (inner[0] != 0)
		return 0; /* never; so that compilers do not object */
	return recurse(inner) + inner[0];
}

MOTE_EXPORT(i32, StackOverflow)
{
	volatile char start[1] = { 0 };

	return recurse(start);
}

/* Steps over the guard below the stack. */
MOTE_EXPORT(void, StackSkip, u64, bytes)
{
	*((volatile char *)__builtin_frame_address(0) - bytes) = 1;
}

MOTE_EXPORT(i32, Divide, i32, a, i32, b)
{
	int32_t quotient, rest;

	__asm__("cltd\n\tidivl %3" : "=a"(quotient), "=&d"(rest) : "0"(a), "r"(b));
	return quotient + 0 * rest;
}

/* The program's own ways to end, and not to. */
MOTE_EXPORT(void, Abort)
{
	abort();
}

MOTE_EXPORT(void, Exit, i32, status)
{
	exit(status);
}

MOTE_EXPORT(void, ExitAtOnce, i32, status)
{
	_exit(status);
}

MOTE_EXPORT(i32, Raise, i32, number)
{
	return raise(number);
}

MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("");
}

MOTE_EXPORT(void, SpinInSystemCalls)
{
	for (;;)
		getppid();
}

MOTE_EXPORT(void, SpinInLog)
{
	for (;;)
		mote_guest_log_line(MOTE_LOG_TRACE, "round and round");
}

/* Takes all memory there is, in pieces of SIZE bytes; returns how many it got. One is given back,
 * because results need memory, too. */
MOTE_EXPORT(u64, TakeAllMemory, u64, size)
{
	uint64_t count = 0;
	char *last = NULL;

	for (char *piece; (piece = malloc(size)); count++) {
		memset(piece, 1, size);
		last = piece;
	}
	free(last);
	return count;
}

/* mote_alloc() ends the call when memory is out. */
MOTE_EXPORT(void, AllocTooMuch)
{
	for (;;)
		memset(mote_alloc(1 << 20), 1, 1 << 20);
}

MOTE_EXPORT(void, AllocHuge, u64, size)
{
	mote_alloc(size);
}

/* Whether the sandbox still works. */
MOTE_EXPORT(str, Ping)
{
	return "pong";
}

int main(void)
{
	return 0;
}
