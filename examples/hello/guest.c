/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the hello example: untrusted code with a few functions for the host to call,
 * one of which calls back.
 */
#include <mote/guest.h>

MOTE_IMPORT(str, GetWeekday)

MOTE_EXPORT(str, SayHello, str, name)
{
	return mote_format("Hello, %s! Today is %s.", name, GetWeekday());
}

MOTE_EXPORT(i32, Add, i32, a, i32, b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* An error of the guest's own ends the call; the sandbox goes on. */
MOTE_EXPORT(i32, Divide, i32, a, i32, b)
{
	if (b == 0)
		mote_guest_fail(33, "division by zero");
	return a / b;
}

/* State lives from call to call, until the host restores a snapshot. */
MOTE_EXPORT(u64, Count)
{
	static uint64_t count;

	return ++count;
}

/* A fault ends the call and poisons the sandbox; the host is unharmed. */
MOTE_EXPORT(void, Crash)
{
	volatile int *volatile nowhere = NULL;

	*nowhere = 1;
}

int main(void)
{
	return 0;
}
