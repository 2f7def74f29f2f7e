/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The test guest: functions with the names that Hyperlight's own test guests have, as far as they
 * do something that is the ABI's business. Nothing here knows the ABI: the same source is a mote
 * guest too.
 */
#include "tests/hyperlight/guests/formats.h"

#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>

MOTE_IMPORT(i32, HostPrint, str)
MOTE_IMPORT(i32, HostAdd, i32, i32)
MOTE_IMPORT(i32, HostMethod1, str)
MOTE_IMPORT(str, HostAddStrings, str)
MOTE_IMPORT(bool, HostBool, i32, i32)
MOTE_IMPORT(i32, ErrorMethod, str)
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
	frame[PAGE + (frames & 7)] = 1;
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

/* The names of both have been used for memory that is given back, and for memory that is not. */
MOTE_EXPORT(i32, MallocAndFree, i32, size)
{
	char *memory = malloc((size_t)size);

	if (!memory)
		mote_guest_fail(13, "malloc() found no memory");
	memory[0] = 1;
	memory[size - 1] = 1;
	free(memory);
	return size;
}

MOTE_EXPORT(void, TestMalloc, i32, size)
{
	volatile char *memory = malloc((size_t)size);

	if (!memory)
		mote_guest_abort(13, "malloc() found no memory");
	memory[0] = 1;
}

/* Blocks that grow, shrink, and become zero: what is wrong, by its bit. */
MOTE_EXPORT(u32, Heap)
{
	unsigned char *first = calloc(10, 100), *second = malloc(0);
	uint32_t wrong = 0;

	wrong |= (uint32_t)(!first || first[0] != 0 || first[999] != 0) << 0;
	wrong |= (uint32_t)(!second || second == first || (uintptr_t)second % 16 != 0) << 1;
	memset(first, 9, 1000);
	first = realloc(first, 5000);
	wrong |= (uint32_t)(!first || first[0] != 9 || first[999] != 9) << 2;
	free(second);
	free(first);
	first = calloc(1, 1000);
	wrong |= (uint32_t)(!first || first[0] != 0 || first[999] != 0) << 3;
	free(first);
	return wrong;
}

/* Takes memory until there is none, and then fails in the middle of it. */
MOTE_EXPORT(void, FillHeapAndCauseException)
{
	while (malloc(2048))
		;
	__builtin_trap();
}

MOTE_EXPORT(void, ExhaustHeap)
{
	while (malloc(1024))
		;
	mote_guest_abort(8, "memory allocation of 1024 bytes failed");
}

/* More than all of scratch in one frame, which is touched from its end to its beginning. */
MOTE_EXPORT(i32, LargeVar)
{
	volatile char variable[0x40001];

	for (size_t i = sizeof variable; i > 0; i -= PAGE / 2 < i ? PAGE / 2 : i)
		variable[i - 1] = 1;
	return (int)sizeof variable - 1;
}

/* Compilers leave nothing out of what is used behind the call, nor do they know that it never ends.
 */
__attribute__((noinline)) static int recurse(volatile int *depth)
{
	volatile int here = *depth + 1;

	return here == 0 ? 0 : recurse(&here) + here;
}

MOTE_EXPORT(void, InfiniteRecursion)
{
	volatile int depth = 0;

	recurse(&depth);
}

MOTE_EXPORT(i32, StackAllocate, i32, size)
{
	volatile char *memory = __builtin_alloca((size_t)size);

	for (size_t i = (size_t)size; i > 0; i -= PAGE < i ? PAGE : i)
		memory[i - 1] = 1;
	return size;
}

MOTE_EXPORT(i32, BufferOverrun, str, text)
{
	const int room = 17 - (int)strlen(text);

	return room > 0 ? room : 0;
}

MOTE_EXPORT(void, GuestAbortWithCode, i32, code)
{
	mote_guest_abort((uint8_t)code, "");
}

MOTE_EXPORT(void, GuestAbortWithMessage, i32, code, str, text)
{
	mote_guest_abort((uint8_t)code, text);
}

MOTE_EXPORT(void, guest_panic, str, text)
{
	mote_guest_abort(8, text);
}

MOTE_EXPORT(void, LargeParameters, bytes, data, str, text)
{
	(void)data;
	(void)text;
}

/* 24 KiB in, 8 KiB out. */
MOTE_EXPORT(bytes, First8K, bytes, data)
{
	if (data.len != 24 * 1024)
		mote_guest_fail(15, "24 KiB are wanted");
	return (struct mote_guest_bytes){ data.ptr, 8 * 1024 };
}

/* Hyperlight's guests answer to this name in what they have for names that they do not know. */
MOTE_EXPORT(i32, ThisIsNotARealFunctionButTheNameIsImportant)
{
	return 99;
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

#define WORD(truth) ((truth) ? "true" : "false")

MOTE_EXPORT(i32, PrintTwoArgs, str, a, i32, b)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d.", a, b));
}

MOTE_EXPORT(i32, PrintThreeArgs, str, a, i32, b, i64, c)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld.", a, b, (long)c));
}

MOTE_EXPORT(i32, PrintFourArgs, str, a, i32, b, i64, c, str, d)
{
	return HostPrint(
		mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s.", a, b, (long)c, d));
}

MOTE_EXPORT(i32, PrintFiveArgs, str, a, i32, b, i64, c, str, d, str, e)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s.", a, b,
				     (long)c, d, e));
}

MOTE_EXPORT(i32, PrintSixArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s.",
				     a, b, (long)c, d, e, WORD(f)));
}

MOTE_EXPORT(i32, PrintSevenArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g)
{
	return HostPrint(
		mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s arg7:%s.", a,
			    b, (long)c, d, e, WORD(f), WORD(g)));
}

MOTE_EXPORT(i32, PrintEightArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32, h)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s "
				     "arg7:%s arg8:%u.",
				     a, b, (long)c, d, e, WORD(f), WORD(g), h));
}

MOTE_EXPORT(i32, PrintNineArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32, h,
	    u64, i)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s "
				     "arg7:%s arg8:%u arg9:%lu.",
				     a, b, (long)c, d, e, WORD(f), WORD(g), h, (unsigned long)i));
}

MOTE_EXPORT(i32, PrintTenArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32, h,
	    u64, i, i32, j)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s "
				     "arg7:%s arg8:%u arg9:%lu arg10:%d.",
				     a, b, (long)c, d, e, WORD(f), WORD(g), h, (unsigned long)i,
				     j));
}

/* Hyperlight's has a number with a point for the last, which not every guest here can have. */
MOTE_EXPORT(i32, PrintElevenArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32, h,
	    u64, i, i32, j, i64, k)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s "
				     "arg7:%s arg8:%u arg9:%lu arg10:%d arg11:%ld.",
				     a, b, (long)c, d, e, WORD(f), WORD(g), h, (unsigned long)i, j,
				     (long)k));
}

MOTE_EXPORT(i32, CallErrorMethod, str, text)
{
	return ErrorMethod(mote_format("Error From Host: %s", text));
}

MOTE_EXPORT(void, HostCallLoop)
{
	for (;;)
		Spin();
}

MOTE_EXPORT(void, CallHostThenSpin)
{
	Spin();
	for (;;)
		__asm__ volatile("");
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

MOTE_EXPORT(u32, PhysicalBits)
{
	uint32_t eax = 0x80000008, ebx, ecx, edx;

	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	return eax & 0xff;
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

/* Calls a return instruction on the heap, which is not to be executed. */
MOTE_EXPORT(void, ExecuteOnHeap)
{
	unsigned char *code = malloc(16);

	code[0] = 0xc3;
	((void (*)(void))(uintptr_t)code)();
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

/* Numbers with a point, where their registers may be used. */
#ifdef __SSE2__
MOTE_IMPORT(f32, HostAddFloat, f32, f32)
MOTE_IMPORT(f64, HostAddDouble, f64, f64)

MOTE_EXPORT(f32, EchoFloat, f32, number)
{
	return number;
}

MOTE_EXPORT(f64, EchoDouble, f64, number)
{
	return number;
}

MOTE_EXPORT(f32, GuestRetrievesFloatValue, f32, a, f32, b)
{
	return HostAddFloat(a, b);
}

MOTE_EXPORT(f64, GuestRetrievesDoubleValue, f64, a, f64, b)
{
	return HostAddDouble(a, b);
}

MOTE_EXPORT(void, UseSSE2Registers)
{
	__asm__ volatile("movss %0, %%xmm1" : : "m"((const float){ 0 }) : "xmm1");
}
#endif
