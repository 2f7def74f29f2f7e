/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest of the hyperlight ABI for the command line: a function for each type that gives back what
 * it got, one that counts, and those that fail.
 */
#include <mote/guest.h>

#define ECHO(Type, Name)                                                                           \
	MOTE_EXPORT(Type, Name, Type, value)                                                       \
	{                                                                                          \
		return value;                                                                      \
	}
ECHO(i32, EchoI32)
ECHO(u32, EchoU32)
ECHO(i64, EchoI64)
ECHO(u64, EchoU64)
ECHO(bool, EchoBool)
ECHO(str, EchoStr)
ECHO(bytes, EchoBytes)

static int count;
static volatile char pages[64][4096];

int main(void)
{
	return 0;
}

MOTE_EXPORT(void, EchoVoid)
{
}

/* As many parameters as there may be. */
MOTE_EXPORT(i32, Eleven, i32, a, i32, b, i32, c, i32, d, i32, e, i32, f, i32, g, i32, h, i32, i,
	    i32, j, i32, k)
{
	return a + b + c + d + e + f + g + h + i + j + k;
}

MOTE_EXPORT(i32, Count)
{
	return ++count;
}

/* Writes to so many pages, each of which costs one of scratch. */
MOTE_EXPORT(void, Touch, u32, n)
{
	for (uint32_t i = 0; i < n && i < sizeof pages / sizeof pages[0]; i++)
		pages[i][0] = 1;
}

MOTE_EXPORT(void, Fail, str, text)
{
	mote_guest_fail(77, text);
}

static volatile int *volatile nowhere = (volatile int *)0x10;

MOTE_EXPORT(void, Crash)
{
	*nowhere = 1;
}

MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("");
}
