/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/value.h - the values that cross the boundary between host and guest.
 *
 * A mote_value is a tagged union of 24 bytes; its layout is frozen. Inputs are
 * made with the constructors below (mote_i32(2), mote_str("x"), ...), which copy
 * nothing: a string or byte value points at the caller's memory, which must stay
 * as it is until the call that takes the value has returned.
 *
 * Values that the library hands out (results, arguments of host functions) point
 * into memory of the sandbox; see mote/call.h for how long it lives.
 *
 * This header has no dependencies but the compiler's own, so that guests and
 * hosts both use it. It is clean as C99 and C++11.
 */
#ifndef MOTE_VALUE_H
#define MOTE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum mote_type {
	MOTE_VOID = 0, /* no value; only as a result */
	MOTE_I32,
	MOTE_U32,
	MOTE_I64,
	MOTE_U64,
	MOTE_F32,
	MOTE_F64,
	MOTE_BOOL,
	MOTE_STRING, /* UTF-8 without NUL bytes */
	MOTE_BYTES,
} mote_type;

typedef struct mote_value {
	mote_type type;
	uint32_t reserved; /* 0 */
	union {
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
		float f32;
		double f64;
		bool boolean;
		/* LEN bytes, and behind them a NUL that LEN does not count when the
		 * library filled the value in; on input no NUL is needed. */
		struct {
			const char *ptr;
			size_t len;
		} str;
		struct {
			const void *ptr;
			size_t len;
		} bytes;
	} as;
} mote_value;

static inline mote_value mote_i32(int32_t v)
{
	mote_value r = { MOTE_I32, 0, { 0 } };
	r.as.i32 = v;
	return r;
}

static inline mote_value mote_u32(uint32_t v)
{
	mote_value r = { MOTE_U32, 0, { 0 } };
	r.as.u32 = v;
	return r;
}

static inline mote_value mote_i64(int64_t v)
{
	mote_value r = { MOTE_I64, 0, { 0 } };
	r.as.i64 = v;
	return r;
}

static inline mote_value mote_u64(uint64_t v)
{
	mote_value r = { MOTE_U64, 0, { 0 } };
	r.as.u64 = v;
	return r;
}

static inline mote_value mote_f32(float v)
{
	mote_value r = { MOTE_F32, 0, { 0 } };
	r.as.f32 = v;
	return r;
}

static inline mote_value mote_f64(double v)
{
	mote_value r = { MOTE_F64, 0, { 0 } };
	r.as.f64 = v;
	return r;
}

/* C11 has no bool of its own: `true` is an int there, so write mote_bool(true). */
static inline mote_value mote_bool(bool v)
{
	mote_value r = { MOTE_BOOL, 0, { 0 } };
	r.as.boolean = v;
	return r;
}

/* N bytes of UTF-8 at P, without NUL bytes. */
static inline mote_value mote_strn(const char *p, size_t n)
{
	mote_value r = { MOTE_STRING, 0, { 0 } };
	r.as.str.ptr = p;
	r.as.str.len = n;
	return r;
}

/* A NUL-terminated string. */
static inline mote_value mote_str(const char *p)
{
	const char *end = p;
	while (*end)
		end++;
	return mote_strn(p, (size_t)(end - p));
}

/* N bytes of anything at P; P may be NULL when N is 0. */
static inline mote_value mote_bytes(const void *p, size_t n)
{
	mote_value r = { MOTE_BYTES, 0, { 0 } };
	r.as.bytes.ptr = p;
	r.as.bytes.len = n;
	return r;
}

/* The value itself; what MOTE_VALUE() does with a mote_value. */
static inline mote_value mote_same(mote_value v)
{
	return v;
}

#ifdef __cplusplus
}
#endif

#endif /* MOTE_VALUE_H */
