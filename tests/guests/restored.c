/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that must not do the same twice: it has a generator of numbers, and seeds it anew when
 * it was restored.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <sys/random.h>
#include <time.h>

MOTE_IMPORT(void, OnRestore, u64)

static uint64_t state;
static uint32_t nrestores;
static bool refuses, tells;

static void seed(void)
{
	if (getrandom(&state, sizeof state, 0) != sizeof state)
		mote_guest_fail(2, "no random bytes");
}

static void was_restored(void *user)
{
	uint32_t *count = user;

	++*count;
	if (refuses)
		mote_guest_fail(3, "will not be restored");
	seed();
	if (tells)
		OnRestore(mote_guest_generation());
}

/* The next number of the generator: splitmix64. */
MOTE_EXPORT(u64, Next)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

/* How often memory was restored, as memory has it: once more than the snapshot, at most. */
MOTE_EXPORT(u32, Restores)
{
	return nrestores;
}

MOTE_EXPORT(u64, Generation)
{
	return mote_guest_generation();
}

/* What happens at the next restore. */
MOTE_EXPORT(void, Refuse, bool, does)
{
	refuses = does;
}

MOTE_EXPORT(void, Tell, bool, does)
{
	tells = does;
}

/* Nanoseconds of a clock; -1 if it is not served. */
MOTE_EXPORT(i64, Clock, i32, clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now) != 0)
		return -1;
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

MOTE_EXPORT(bytes, Random)
{
	unsigned char *bytes = mote_alloc(32);

	if (getrandom(bytes, 32, 0) != 32)
		mote_guest_fail(2, "no random bytes");
	return (mote_bytes){ bytes, 32 };
}

MOTE_EXPORT(void, Crash)
{
	__asm__ volatile("movl $1, 8" ::: "memory");
}

int main(void)
{
	seed();
	mote_guest_on_restore(was_restored, &nrestores);
	return 0;
}
