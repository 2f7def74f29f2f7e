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

/* What languages do that end the program when memory is out. */
static _Noreturn void give_up(int size)
{
	mote_guest_abort(8, mote_format("memory allocation of %d bytes failed", size));
}

MOTE_EXPORT(i32, CallMalloc, i32, size)
{
	char *volatile memory = malloc((size_t)size);

	if (!memory)
		give_up(size);
	free(memory);
	return size;
}

/* Takes no more than a KiB, whatever the size. */
MOTE_EXPORT(i32, MallocAndFree, i32, size)
{
	const int taken = size < 1024 ? size : 1024;
	char *volatile memory = calloc(1, (size_t)taken);

	if (!memory)
		give_up(taken);
	free(memory);
	return size;
}

/* What malloc() of Hyperlight's library does when memory is out. */
MOTE_EXPORT(i32, TestMalloc, i32, size)
{
	char *memory = malloc((size_t)size);

	if (!memory)
		mote_guest_abort(13, "malloc() found no memory");
	return (int32_t)(intptr_t)memory;
}

/* With the call's own memory, where Hyperlight's guests have none. */
MOTE_EXPORT(i32, Allocate, i32, size)
{
	char *memory = mote_alloc((size_t)size);

	memory[0] = 1;
	return size;
}

/* All of the size, and an error of the call alone. */
MOTE_EXPORT(i32, AllocateAndFree, i32, size)
{
	char *memory = malloc((size_t)size);

	if (!memory)
		mote_guest_fail(13, "malloc() found no memory");
	memory[0] = 1;
	memory[size - 1] = 1;
	free(memory);
	return size;
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
	give_up(1024);
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
	mote_guest_abort(8, mote_format("the guest gives up:\n%s", text));
}

MOTE_EXPORT(void, LargeParameters, bytes, data, str, text)
{
	(void)data;
	(void)text;
}

/* 24 KiB in, 8 KiB out, under a name that no function of C can have: its record is made by hand. */
static void shorten(const struct mote_guest_value *args, struct mote_guest_value *result)
{
	if (args[0].as.bytes.len != 24 * 1024)
		mote_guest_abort(8, "24 KiB are wanted");
	result->as.bytes = (struct mote_guest_bytes){ args[0].as.bytes.ptr, 8 * 1024 };
}

MOTE_RECORD_("mote_exports", 24K_in_8K_out, shorten, bytes, 1, MOTE_NUMBER_bytes);

/* Level 0 is none. */
MOTE_EXPORT(void, LogMessage, str, text, i32, level)
{
	if (level < 0 || level > 1 + MOTE_LOG_TRACE)
		mote_guest_abort(8, "there is no such level");
	if (level > 0)
		mote_guest_log_line((mote_log_level)(level - 1), text);
}

/* Levels are those of records, where more is worse; the library has no place for the source. */
MOTE_EXPORT(i32, LogMessageWithSource, str, text, str, source, i32, level)
{
	static const mote_log_level levels[] = { MOTE_LOG_TRACE, MOTE_LOG_DEBUG, MOTE_LOG_INFO,
						 MOTE_LOG_WARN,  MOTE_LOG_ERROR, MOTE_LOG_ERROR,
						 MOTE_LOG_TRACE };

	(void)source;
	mote_guest_log_line(levels[level < 0 || level > 6 ? 0 : level], text);
	return (int32_t)strlen(text);
}

static uint32_t trace(uint32_t depth, const char *text)
{
	if (depth == 0)
		return 0;
	mote_guest_log_line(MOTE_LOG_INFO, text);
	return trace(depth - 1, text) + 1;
}

MOTE_EXPORT(u32, FuzzGuestTrace, u32, depth, str, text)
{
	return trace(depth, text);
}

/* The first SIZE bytes of the init data, which the caller knows. */
MOTE_EXPORT(bytes, ReadFromUserMemory, u64, size, bytes, expected)
{
	size_t there;
	const void *data = mote_guest_init_data(&there);

	if (size > there)
		mote_guest_abort(8, "there is not as much init data");
	if (expected.len != size || memcmp(data, expected.ptr, size) != 0)
		mote_guest_fail(15, "the init data is not what the caller expects");
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

/* The heap is not to be executed, so what is there is never reached: nop, ret. */
MOTE_EXPORT(str, ExecuteOnHeap)
{
	unsigned char *code = malloc(16);

	code[0] = 0x90;
	code[1] = 0xc3;
	((void (*)(void))(uintptr_t)code)();
	return "the heap was executed";
}

/* Nor is the stack: hlt. */
MOTE_EXPORT(i32, ExecuteOnStack)
{
	volatile unsigned char code[16];

	code[0] = 0xf4;
	((void (*)(void))(uintptr_t)code)();
	return 0;
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

MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("");
}

/* A million turns count as a millisecond, which no clock is asked for. */
MOTE_EXPORT(u64, SpinForMs, u32, milliseconds)
{
	const uint64_t turns = 1000000;
	uint64_t done = 0;

	while (done < milliseconds * turns) {
		done++;
		__asm__ volatile("" : "+r"(done));
	}
	return done / turns;
}

/* Numbers with a point, where their registers may be used. */
#ifdef __SSE2__
MOTE_EXPORT(f32, EchoFloat, f32, number)
{
	return number;
}

MOTE_EXPORT(f64, EchoDouble, f64, number)
{
	return number;
}

MOTE_EXPORT(void, UseSSE2Registers)
{
	__asm__ volatile("movss %0, %%xmm1" : : "m"((const float){ 0 }) : "xmm1");
}
#endif
