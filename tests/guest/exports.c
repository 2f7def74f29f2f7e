/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest's side of the tests: functions that the fake host calls. A file of its own,
 * as in a guest, which never sees mote/value.h.
 */
#include <mote/guest.h>

#include "exports.h"

#include <fenv.h>
#include <string.h>

MOTE_IMPORT(void, HostVoid)
MOTE_IMPORT(i32, HostI32, i32)
MOTE_IMPORT(str, HostStr, str)
MOTE_IMPORT(bytes, HostBytes, bytes)
MOTE_IMPORT(bytes, HostTwo, bytes, bytes)
MOTE_IMPORT(f64, HostTen, i32, u32, i64, u64, f32, f64, bool, str, bytes, i32)

struct seen seen;

MOTE_EXPORT(void, Void)
{
	seen.calls++;
}

MOTE_EXPORT(i32, I32, i32, value)
{
	return value;
}

MOTE_EXPORT(u32, U32, u32, value)
{
	return value;
}

MOTE_EXPORT(i64, I64, i64, value)
{
	return value;
}

MOTE_EXPORT(u64, U64, u64, value)
{
	return value;
}

MOTE_EXPORT(f32, F32, f32, value)
{
	return value;
}

MOTE_EXPORT(f64, F64, f64, value)
{
	return value;
}

MOTE_EXPORT(bool, Bool, bool, value)
{
	return value;
}

MOTE_EXPORT(str, Str, str, value)
{
	seen.pointer = value;
	return value;
}

MOTE_EXPORT(bytes, Bytes, bytes, value)
{
	seen.pointer = value.ptr;
	return value;
}

MOTE_EXPORT(bool, Ten, i32, a, u32, b, i64, c, u64, d, f32, e, f64, f, bool, g, str, h, bytes, i,
	    i32, j)
{
	return a == 1 && b == 2 && c == 3 && d == 4 && e == 5.0f && f == 6.0 && g &&
	       strcmp(h, "8") == 0 && i.len == 1 && memcmp(i.ptr, "9", 1) == 0 && j == 10;
}

MOTE_EXPORT(str, StrOf, u32, which)
{
	static const char *const results[] = { NULL, "\xff", "" };

	return results[which];
}

MOTE_EXPORT(bytes, BytesOf, u64, size)
{
	mote_bytes result = { seen.calls ? &seen : NULL, size };

	return result;
}

MOTE_EXPORT(void, Fail, u64, code, bytes, message)
{
	mote_guest_fail(code, message.ptr);
}

/* Spoils the floating-point state and ends half-way; reports it. */
MOTE_EXPORT(void, SpoilFloats)
{
	fesetround(FE_UPWARD);
	for (int i = 0; i < 8; i++)
		__asm__ volatile("fld1");
	mote_guest_fail(1, "half-way");
}

MOTE_EXPORT(bool, FloatsAreFine)
{
	volatile long double one = 1;
	volatile double sse = 1;

	return fegetround() == FE_TONEAREST && one + one == 2 && sse / 3 == 1. / 3;
}

MOTE_EXPORT(i32, Rounding)
{
	return fegetround();
}

MOTE_EXPORT(bool, StackIsAligned)
{
	return (uintptr_t)__builtin_frame_address(0) % 16 == 0;
}

MOTE_EXPORT(void, CallVoid)
{
	HostVoid();
}

MOTE_EXPORT(i32, CallI32, i32, value)
{
	return HostI32(value);
}

MOTE_EXPORT(str, CallStr, str, value)
{
	seen.pointer = HostStr(value);
	return seen.pointer;
}

MOTE_EXPORT(bytes, CallBytes, bytes, value)
{
	mote_bytes result = HostBytes(value);

	seen.pointer = result.ptr;
	return result;
}

/* Two parameters: the second has no bytes, or is VALUE as well. */
MOTE_EXPORT(bytes, CallTwo, bytes, value, bool, is_both)
{
	mote_bytes result = HostTwo(value, is_both ? value : (mote_bytes){ NULL, 0 });

	seen.pointer = result.ptr;
	return result;
}

/* Two parameters of SIZE bytes each, which are elsewhere. */
MOTE_EXPORT(u64, CallTwoLarge, u32, size)
{
	const mote_bytes a = { memset(mote_alloc(size), 0x3a, size), size };
	const mote_bytes b = { memset(mote_alloc(size), 0x3b, size), size };

	return HostTwo(a, b).len;
}

/* SIZE bytes of the result buffer, of which TAKEN were given out before. */
MOTE_EXPORT(bytes, Make, u64, taken, u64, size)
{
	if (taken > 0)
		memset(mote_guest_result_buffer(taken), 0xee, taken);
	char *at = mote_guest_result_buffer(size);

	memset(at, 0x3c, size);
	seen.pointer = at;
	return (mote_bytes){ at, size };
}

/* SIZE bytes of ordinary memory, when TAKEN bytes of the buffer were given out. */
MOTE_EXPORT(bytes, MakeElsewhere, u64, taken, u64, size)
{
	memset(mote_guest_result_buffer(taken), 0xee, taken);
	return (mote_bytes){ memset(mote_alloc(size), 0x3c, size), size };
}

MOTE_EXPORT(f64, CallTen)
{
	const mote_bytes nine = { "9", 1 };

	return HostTen(1, 2, 3, 4, 5, 6, true, "8", nine, 10);
}

MOTE_EXPORT(str, CallTwice, str, value)
{
	const char *first = HostStr(value);
	const char *second = HostStr("second");

	return mote_format("%s %s %s", value, first, second);
}

MOTE_EXPORT(str, CallNullStr)
{
	return HostStr(NULL);
}

MOTE_EXPORT(str, CallMalformed, bytes, text)
{
	return HostStr(text.ptr);
}

MOTE_EXPORT(u64, CallLarge, u32, size)
{
	return HostBytes((mote_bytes){ mote_alloc(size), size }).len;
}

MOTE_EXPORT(u64, CallMany, u32, count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += (uint64_t)HostI32(0);
	return sum;
}

MOTE_EXPORT(u64, Alloc, u64, size)
{
	void *memory = mote_alloc(size);

	memset(memory, 1, size);
	return (uint64_t)(uintptr_t)memory;
}

/* COUNT pieces of SIZE bytes: whether all are apart from each other, and aligned. */
MOTE_EXPORT(bool, AllocMany, u32, count, u64, size)
{
	unsigned char **pieces = mote_alloc(count * sizeof(*pieces));
	bool is_good = true;

	for (uint32_t i = 0; i < count; i++) {
		pieces[i] = mote_alloc(size);
		memset(pieces[i], (int)(i & 0xff), size);
		is_good = is_good && (uintptr_t)pieces[i] % 16 == 0;
	}
	for (uint32_t i = 0; i < count; i++)
		for (uint64_t at = 0; at < size; at++)
			is_good = is_good && pieces[i][at] == (i & 0xff);
	return is_good;
}

/* Small, then large, then small: what is too small for the large one is passed by. */
MOTE_EXPORT(bool, AllocMixed, u64, large)
{
	unsigned char *first = mote_alloc(100);
	unsigned char *second = mote_alloc(large);
	unsigned char *third = mote_alloc(100);

	memset(first, 1, 100);
	memset(second, 2, large);
	memset(third, 3, 100);
	return first[99] == 1 && second[0] == 2 && second[large - 1] == 2 && third[0] == 3;
}

MOTE_EXPORT(u32, Format, u32, size)
{
	char *text = mote_format("%*s", (int)size, "");

	return (uint32_t)strlen(text);
}

MOTE_EXPORT(void, Log, u32, level, bytes, line)
{
	mote_guest_log((mote_log_level)level, "%s", (const char *)line.ptr);
}

void native_log(void)
{
	mote_guest_log(MOTE_LOG_INFO, "a %s", "line");
}

void native_host_call(void)
{
	HostVoid();
}

void native_fail(void)
{
	mote_guest_fail(5, "gives up");
}

void native_abort(void)
{
	mote_guest_abort(25, "Oh no");
}
