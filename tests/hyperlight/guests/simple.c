/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test guest: functions with the names that Hyperlight's own test guests have, as far as they
 * do something that is the ABI's business. Nothing here knows the ABI: the same source is a mote
 * guest too.
 */
#include "tests/hyperlight/guests/formats.h"

#include <mote/guest.h>

#include <string.h>

MOTE_IMPORT(i32, HostPrint, str)
MOTE_IMPORT(i32, HostAdd, i32, i32)
MOTE_IMPORT(i32, HostMethod1, str)
MOTE_IMPORT(str, HostAddStrings, str)
MOTE_IMPORT(bool, HostBool, i32, i32)
MOTE_IMPORT(void, Spin)
MOTE_IMPORT(i64, HostError)
MOTE_IMPORT(i64, SomeUnknownHostFunc)

#define PAGE 4096

static int counter;
static int from_main;
static int from_constructor;
static volatile char big[1 << 20];
static uint64_t restores;

__attribute__((constructor)) static void construct(void)
{
	from_constructor = 3;
}

static void note_restore(void *user)
{
	++*(uint64_t *)user;
}

int main(void)
{
	from_main = 4;
	mote_guest_on_restore(note_restore, &restores);
	mote_guest_log(MOTE_LOG_INFO, "main() of %s: %d, %05u, %-3x|, %c%%", "simple", -42, 17U,
		       255U, 'c');
	mote_guest_log(MOTE_LOG_TRACE, "this is seen by nobody who did not ask for it");
	return 0;
}

MOTE_EXPORT(i32, Started)
{
	return from_main * 10 + from_constructor;
}

MOTE_EXPORT(str, Echo, str, text)
{
	return text;
}

MOTE_EXPORT(bytes, GetSizePrefixedBuffer, bytes, data)
{
	return data;
}

MOTE_EXPORT(bytes, SetByteArrayToZero, bytes, data)
{
	char *zeroes = mote_alloc(data.len);

	for (size_t i = 0; i < data.len; i++)
		zeroes[i] = 0;
	return (struct mote_guest_bytes){ zeroes, data.len };
}

MOTE_EXPORT(i32, AddToStatic, i32, number)
{
	return counter += number;
}

MOTE_EXPORT(i32, GetStatic)
{
	return counter;
}

MOTE_EXPORT(i32, AddToStaticAndFail)
{
	counter += 10;
	mote_guest_fail(15, "Crash on purpose");
}

/* Writes to every page of a static array. */
MOTE_EXPORT(i32, SetStatic)
{
	for (size_t i = 0; i < sizeof big; i += PAGE)
		big[i] = 1;
	return (int)sizeof big;
}

MOTE_EXPORT(i32, SmallVar)
{
	volatile char variable[1024];

	variable[0] = 1;
	return variable[0] * 1024;
}

/* Frames of more than two pages, so many of them. Where in the frame is written to, compilers must
 * not know, or they have a smaller one. */
__attribute__((noinline)) static int overflow(int frames)
{
	volatile char frame[2 * PAGE + 1];
	const size_t last = sizeof frame - 1 - (size_t)(frames & 7);

	frame[frames & 7] = 2;
	frame[last] = 1;
	if (frames == 0)
		return 0;
	const int below = overflow(frames - 1);

	return below + frame[last];
}

MOTE_EXPORT(i32, StackOverflow, i32, frames)
{
	return overflow(frames);
}

MOTE_EXPORT(i32, CallMalloc, i32, size)
{
	char *memory = mote_alloc((size_t)size);

	memory[0] = 1;
	return size;
}

MOTE_EXPORT(i32, PrintOutput, str, text)
{
	return HostPrint(text);
}

MOTE_EXPORT(i32, PrintUsingPrintf, i32, number, str, text)
{
	return HostPrint(mote_format("Message: arg1:%d arg2:%s %p.", number, text, (void *)16));
}

MOTE_EXPORT(i32, Add, i32, a, i32, b)
{
	return HostAdd(a, b);
}

MOTE_EXPORT(i32, GuestMethod1, str, text)
{
	return HostMethod1(mote_format("Hello from GuestFunction1, %s", text));
}

MOTE_EXPORT(str, GuestRetrievesStringValue)
{
	return HostAddStrings("Guest Function");
}

MOTE_EXPORT(bool, GuestRetrievesBoolValue, i32, a, i32, b)
{
	return HostBool(a, b);
}

MOTE_EXPORT(void, CallHostSpin)
{
	Spin();
}

MOTE_EXPORT(i64, CallGivenParamlessHostFuncThatReturnsI64)
{
	return HostError();
}

MOTE_EXPORT(i64, CallHostExpectError)
{
	return SomeUnknownHostFunc();
}

MOTE_EXPORT(void, LogMessage, str, text, i32, level)
{
	mote_guest_log_line((mote_log_level)level, text);
}

MOTE_EXPORT(bytes, ReadFromUserMemory)
{
	size_t size;
	const void *data = mote_guest_init_data(&size);

	return (struct mote_guest_bytes){ data, size };
}

MOTE_EXPORT(u64, Restores)
{
	return restores;
}

MOTE_EXPORT(u64, Generation)
{
	return mote_guest_generation();
}

MOTE_EXPORT(void, TriggerException)
{
	__builtin_trap();
}

MOTE_EXPORT(u64, ReadAt, u64, address)
{
	return *(const volatile uint64_t *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address, u64, value)
{
	*(volatile uint64_t *)address = value;
}

MOTE_EXPORT(u64, AddressOfStatic)
{
	return (uint64_t)&counter;
}

/* Calls a return instruction on the stack. */
MOTE_EXPORT(void, ExecuteOnStack)
{
	volatile unsigned char code[16];

	code[0] = 0xc3;
	((void (*)(void))(uintptr_t)code)();
}

MOTE_EXPORT(str, Format, i32, row)
{
	int at = 0;

#define TRY(...)                                                                                   \
	if (at++ == row)                                                                           \
		return mote_format(__VA_ARGS__);
	FORMATS(TRY)
#undef TRY
	return "";
}

/* Tells which of the functions that compilers call by themselves is wrong, by its bit. */
MOTE_EXPORT(u32, Strings)
{
	char text[16] = "0123456789abcde";
	uint32_t wrong = 0;

	memmove(text + 2, text, 8);
	wrong |= (uint32_t)(strcmp(text, "0101234567abcde") != 0) << 0;
	memmove(text, text + 2, 8);
	wrong |= (uint32_t)(strcmp(text, "0123456767abcde") != 0) << 1;
	memmove(text + 1, text, 0);
	memcpy(text + 12, "xyz", 3);
	wrong |= (uint32_t)(strcmp(text, "0123456767abxyz") != 0) << 2;
	memset(text, '-', 3);
	wrong |= (uint32_t)(memcmp(text, "---3", 4) != 0) << 3;
	wrong |= (uint32_t)(memcmp(text, "---4", 4) >= 0) << 4;
	wrong |= (uint32_t)(memcmp("\xff", "\x01", 1) <= 0 || memcmp("a", "b", 0) != 0) << 5;
	wrong |= (uint32_t)(strlen(text) != 15 || strlen("") != 0) << 6;
	wrong |= (uint32_t)(strcmp("a", "ab") >= 0 || strcmp("\xff", "a") <= 0) << 7;
	wrong |= (uint32_t)(strncmp("abc", "abd", 2) != 0 || strncmp("abc", "abd", 3) >= 0) << 8;
	wrong |= (uint32_t)(strncmp("a\0b", "a\0c", 3) != 0) << 9;
	return wrong;
}

MOTE_EXPORT(void, InfiniteLoop)
{
	for (;;)
		__asm__ volatile("");
}
