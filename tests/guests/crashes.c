/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that crashes in known functions, on lines that are marked, with frame pointers; and one
 * whose registers and stack are made to mislead whoever looks at it afterwards.
 */
#include <mote/guest.h>

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Guests of the hyperlight ABI have no libc. */
#if __STDC_HOSTED__
#define ABORT() abort()
#else
#define ABORT() mote_guest_abort(8, "no libc")
#endif

#if defined(__clang__)
#define NOINLINE __attribute__((noinline))
#else
#define NOINLINE __attribute__((noinline, noclone)) /* a clone has another name */
#endif

/* What a debugger is to find. */
int32_t crashes_number = 1234567;
static char crashes_text[] = "seen in a core file";
static volatile int *volatile nowhere;

static NOINLINE int inner(int value)
{
	*nowhere = value; /* LINE inner */
	return value + 1;
}

static inline __attribute__((always_inline)) int folded(int value)
{
	return inner(value + 1) * 2; /* LINE folded */
}

static NOINLINE int middle(int value)
{
	return folded(value) + 1; /* LINE middle */
}

static NOINLINE int outer(int value)
{
	int local = value * 3;
	return middle(local) - local; /* LINE outer */
}

MOTE_EXPORT(i32, Crash, u64, address)
{
	nowhere = (volatile int *)address;
	return outer(7); /* LINE Crash */
}

MOTE_EXPORT(void, Abort)
{
	ABORT();
}

MOTE_EXPORT(str, Text)
{
	return crashes_text;
}

/* A call to what is no code. */
static NOINLINE int call(int (*function)(void))
{
	return function() + 1; /* LINE call */
}

MOTE_EXPORT(i32, CallTo, u64, address)
{
	return call((int (*)(void))address);
}

/* ud2 with any stack and frame pointer. */
MOTE_EXPORT(void, CrashWith, u64, rsp, u64, rbp)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov %1, %%rbp\n\tud2" : : "r"(rsp), "r"(rbp));
}

/* The same in a function that no debug information describes. */
__asm__(".text\n"
	".type bare, @function\n"
	"bare: ud2\n"
	".size bare, . - bare\n");

MOTE_EXPORT(void, CrashBare, u64, rsp, u64, rbp)
{
	__asm__ volatile("mov %0, %%rsp\n\tmov %1, %%rbp\n\tjmp bare" : : "r"(rsp), "r"(rbp));
}

/* Frames for CrashWith: COUNT of them, each STEP bytes behind the one before, the last one's caller
 * at LAST. Returns where the first is. */
static _Alignas(16) unsigned char stack[1 << 16];

MOTE_EXPORT(u64, MakeFrames, u32, count, i32, step, u64, last)
{
	unsigned char *at = step < 0 ? stack + sizeof stack - 16 : stack;
	uint64_t first = (uint64_t)(uintptr_t)at;

	for (uint32_t i = 0; i < count; i++, at += step) {
		uint64_t words[2] = { (uint64_t)(uintptr_t)(at + step),
				      (uint64_t)(uintptr_t)outer + 1 };
		if (i + 1 == count)
			words[0] = last;
		memcpy(at, words, sizeof words);
	}
	return first;
}

MOTE_IMPORT(void, Look)

MOTE_EXPORT(void, LookAtMe)
{
	Look();
}

int main(void)
{
	return 0;
}
