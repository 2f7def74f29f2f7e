/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that calls the host: every type, ten parameters, errors, many calls in one, and
 * one from main(). The host is to register what is imported here, HostMissing aside; each HostX
 * with one parameter returns it.
 */
#include <mote/guest.h>

#include <string.h>

MOTE_IMPORT(void, HostVoid)
MOTE_IMPORT(i32, HostI32, i32)
MOTE_IMPORT(u32, HostU32, u32)
MOTE_IMPORT(i64, HostI64, i64)
MOTE_IMPORT(u64, HostU64, u64)
MOTE_IMPORT(f32, HostF32, f32)
MOTE_IMPORT(f64, HostF64, f64)
MOTE_IMPORT(bool, HostBool, bool)
MOTE_IMPORT(str, HostStr, str)
MOTE_IMPORT(bytes, HostBytes, bytes)

/* Returns what the host made of them. */
MOTE_IMPORT(str, HostTen, i32, u32, i64, u64, f32, f64, bool, str, bytes, i32)

MOTE_IMPORT(i32, HostFail, str) /* fails with that message */
MOTE_IMPORT(i32, HostMissing)
MOTE_IMPORT(i32, HostMain) /* called by main(), which fails unless it returns 0 */

MOTE_EXPORT(void, CallVoid)
{
	HostVoid();
}

MOTE_EXPORT(i32, CallI32, i32, value)
{
	return HostI32(value);
}

MOTE_EXPORT(u32, CallU32, u32, value)
{
	return HostU32(value);
}

MOTE_EXPORT(i64, CallI64, i64, value)
{
	return HostI64(value);
}

MOTE_EXPORT(u64, CallU64, u64, value)
{
	return HostU64(value);
}

MOTE_EXPORT(f32, CallF32, f32, value)
{
	return HostF32(value);
}

MOTE_EXPORT(f64, CallF64, f64, value)
{
	return HostF64(value);
}

MOTE_EXPORT(bool, CallBool, bool, value)
{
	return HostBool(value);
}

MOTE_EXPORT(str, CallStr, str, value)
{
	return HostStr(value);
}

MOTE_EXPORT(bytes, CallBytes, bytes, value)
{
	return HostBytes(value);
}

MOTE_EXPORT(str, CallTen)
{
	const mote_bytes bytes = { "\0\1\2", 3 };

	return HostTen(-1, 2, INT64_MIN, UINT64_MAX, 0.5f, -0.25, true, "eight", bytes, 10);
}

MOTE_EXPORT(i32, CallFail, str, message)
{
	return HostFail(message);
}

MOTE_EXPORT(i32, CallMissing)
{
	return HostMissing();
}

/* The guest's own error, after a call of the host that went well. */
MOTE_EXPORT(void, CallThenFail)
{
	HostVoid();
	mote_guest_fail(7, "after the host call");
}

/* The sum of 0 to COUNT - 1, each of which the host has seen. */
MOTE_EXPORT(u64, CallMany, u32, count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += HostU32(i);
	return sum;
}

/* Results of the host stay while more calls are made; so do the parameters of this one. */
MOTE_EXPORT(str, CallKeep, str, first, str, second)
{
	const char *a = HostStr(first);
	const char *b = HostStr(second);
	const char *c = HostStr("third");

	return mote_format("%s %s %s %s %s", a, b, c, first, second);
}

/* The length of a byte result, COUNT times; its memory goes when this call is over. */
MOTE_EXPORT(u64, CallBig, u32, size, u32, count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++) {
		char *data = mote_alloc(size);
		memset(data, 'b', size);
		sum += HostBytes((mote_bytes){ data, size }).len;
	}
	return sum;
}

/* Arguments that must not leave the guest. */
MOTE_EXPORT(str, CallNullStr)
{
	return HostStr(NULL);
}

MOTE_EXPORT(str, CallMalformedStr)
{
	return HostStr("\xc3");
}

MOTE_EXPORT(bytes, CallNullBytes)
{
	return HostBytes((mote_bytes){ NULL, 1 });
}

int main(void)
{
	if (HostMain() != 0)
		mote_guest_fail(1, "the host's HostMain() says no");
	return 0;
}
