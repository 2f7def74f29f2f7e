/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that remembers: in its data, in pages of its own, in what it allocated, and, for hostile
 * tests, wherever else it can write.
 */
#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define PAGE  4096u
#define PAGES 8192u

static int32_t count;
static unsigned char pages[PAGES * PAGE];
static char *kept;

/* One more each time. */
MOTE_EXPORT(i32, Count)
{
	return ++count;
}

/* Writes to N pages of its own; returns how many it had not written to before. */
MOTE_EXPORT(u32, Touch, u32, n)
{
	uint32_t fresh = 0;

	for (uint32_t i = 0; i < n && i < PAGES; i++) {
		fresh += pages[i * PAGE] == 0;
		pages[i * PAGE] = 1;
	}
	return fresh;
}

/* Allocates SIZE bytes, fills them with VALUE and keeps them. */
MOTE_EXPORT(void, Keep, u32, size, u32, value)
{
	free(kept);
	kept = malloc(size);
	if (!kept)
		mote_guest_fail(1, "no memory");
	memset(kept, (int)value, size);
}

/* The first byte of what it keeps, and its address; 0 if it keeps nothing. */
MOTE_EXPORT(u32, Kept)
{
	return kept ? (unsigned char)kept[0] : 0;
}

MOTE_EXPORT(u64, KeptAt)
{
	return (uint64_t)kept;
}

/* Allocates and frees again, so that the heap's book-keeping moves. */
MOTE_EXPORT(void, Churn, u32, size)
{
	char *a = malloc(size), *b = malloc(2 * size);

	if (a && b) {
		memset(a, 1, size);
		memset(b, 2, 2 * size);
	}
	free(a);
	free(b);
}

/* Eight random bytes. */
MOTE_EXPORT(u64, Random)
{
	uint64_t value = 0;

	if (getrandom(&value, sizeof value, 0) != sizeof value)
		mote_guest_fail(2, "no random bytes");
	return value;
}

/* Fills the words from ADDRESS on with VALUE. */
MOTE_EXPORT(void, Fill, u64, address, u64, size, u64, value)
{
	for (volatile uint64_t *at = (uint64_t *)address; size >= 8; size -= 8)
		*at++ = value;
}

/* The address of the first word with VALUE in the range; 0 if there is none. */
MOTE_EXPORT(u64, Find, u64, address, u64, size, u64, value)
{
	for (const volatile uint64_t *at = (const uint64_t *)address; size >= 8; size -= 8, at++)
		if (*at == value)
			return (uint64_t)at;
	return 0;
}

MOTE_EXPORT(void, Crash)
{
	__asm__ volatile("movl $1, 8" ::: "memory");
}

/* Never comes back. */
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

MOTE_EXPORT(void, Exit, i32, status)
{
	exit(status);
}

MOTE_IMPORT(i32, Fails)
MOTE_EXPORT(i32, CallFails)
{
	count++;
	return Fails();
}

int main(void)
{
	count = 100;
	return 0;
}
