/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/call.h - calling a function of the guest.
 *
 *     mote_value sum;
 *     if (mote_call(sb, "Add", MOTE_ARGS(2, 3), &sum, &err) != MOTE_OK)
 *             puts(err.message);
 *     else
 *             printf("%d\n", sum.as.i32);
 *
 * Results belong to the sandbox: what a string or bytes result points at lives
 * until the next call on that sandbox or until it is freed.
 */
#ifndef MOTE_CALL_H
#define MOTE_CALL_H

#include <mote/sandbox.h>
#include <mote/status.h>
#include <mote/value.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Calls FUNCTION with the NARGS values at ARGS and stores its result. RESULT may be
 * NULL when it is of no interest. Name, number and types of the arguments are
 * checked against the guest's export records before the machine runs. When the
 * call fails RESULT is a void value.
 *
 * Errors that leave the sandbox as it was: MOTE_E_NO_FUNCTION, MOTE_E_SIGNATURE,
 * MOTE_E_INVALID (a string that is not UTF-8 or holds a NUL), MOTE_E_LIMIT (the arguments do not
 * fit the input buffer), MOTE_E_STATE (poisoned, or called from a host function of this sandbox).
 * Errors after the guest ran that leave it usable: MOTE_E_GUEST_ERROR (guest_code
 * and message are the guest's).
 * Errors that poison the sandbox: MOTE_E_GUEST_FAULT, MOTE_E_GUEST_ABORT,
 * MOTE_E_GUEST_PROTOCOL, and MOTE_E_OS when the machine itself failed.
 */
MOTE_API MOTE_NODISCARD mote_status mote_call(mote_sandbox *sb, const char *function,
					      const mote_value *args, size_t nargs,
					      mote_value *result, mote_error *err);

#ifdef __cplusplus
}
#endif

/* Sugar over mote_call(), header only: the ABI knows none of it. */
#if defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__cplusplus)

/* clang-format off */
static inline mote_value mote_value_long_(long v)
{
	return sizeof v == 4 ? mote_i32((int32_t)v) : mote_i64(v);
}

static inline mote_value mote_value_ulong_(unsigned long v)
{
	return sizeof v == 4 ? mote_u32((uint32_t)v) : mote_u64(v);
}

/* The value for a C expression. Types narrower than int do not compile; in C11
 * `true` is an int: write mote_bool(true). */
#define MOTE_VALUE(x)                                                                              \
	_Generic((x),                                                                              \
		int: mote_i32,                                                                     \
		unsigned int: mote_u32,                                                            \
		long: mote_value_long_,                                                            \
		unsigned long: mote_value_ulong_,                                                  \
		long long: mote_i64,                                                               \
		unsigned long long: mote_u64,                                                      \
		float: mote_f32,                                                                   \
		double: mote_f64,                                                                  \
		bool: mote_bool,                                                                   \
		char *: mote_str,                                                                  \
		const char *: mote_str,                                                            \
		mote_value: mote_same)(x)

#define MOTE_N_(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, N, ...) N
#define MOTE_N(...) MOTE_N_(__VA_ARGS__, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
#define MOTE_MAP_1(a) MOTE_VALUE(a)
#define MOTE_MAP_2(a, ...) MOTE_VALUE(a), MOTE_MAP_1(__VA_ARGS__)
#define MOTE_MAP_3(a, ...) MOTE_VALUE(a), MOTE_MAP_2(__VA_ARGS__)
#define MOTE_MAP_4(a, ...) MOTE_VALUE(a), MOTE_MAP_3(__VA_ARGS__)
#define MOTE_MAP_5(a, ...) MOTE_VALUE(a), MOTE_MAP_4(__VA_ARGS__)
#define MOTE_MAP_6(a, ...) MOTE_VALUE(a), MOTE_MAP_5(__VA_ARGS__)
#define MOTE_MAP_7(a, ...) MOTE_VALUE(a), MOTE_MAP_6(__VA_ARGS__)
#define MOTE_MAP_8(a, ...) MOTE_VALUE(a), MOTE_MAP_7(__VA_ARGS__)
#define MOTE_MAP_9(a, ...) MOTE_VALUE(a), MOTE_MAP_8(__VA_ARGS__)
#define MOTE_MAP_10(a, ...) MOTE_VALUE(a), MOTE_MAP_9(__VA_ARGS__)
#define MOTE_MAP_11(a, ...) MOTE_VALUE(a), MOTE_MAP_10(__VA_ARGS__)
#define MOTE_CAT_(a, b) a##b
#define MOTE_CAT(a, b) MOTE_CAT_(a, b)

/* Two arguments of mote_call() from C expressions: MOTE_ARGS(2, "x", mote_bool(true)). */
#define MOTE_ARGS(...)                                                                             \
	((const mote_value[]){ MOTE_CAT(MOTE_MAP_, MOTE_N(__VA_ARGS__))(__VA_ARGS__) }),           \
	((size_t)MOTE_N(__VA_ARGS__))
#define MOTE_NO_ARGS ((const mote_value *)0), ((size_t)0)
/* clang-format on */

#endif

#endif /* MOTE_CALL_H */
