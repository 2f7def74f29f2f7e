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

#include <mote/receipt.h>
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
 * MOTE_E_GUEST_PROTOCOL, MOTE_E_GUEST_LIMIT (max_exits and the like of the sandbox's options, by
 * name), MOTE_E_CANCELED (see mote/interrupt.h), and MOTE_E_OS when the machine
 * itself failed.
 */
MOTE_API MOTE_NODISCARD mote_status mote_call(mote_sandbox *sb, const char *function,
					      const mote_value *args, size_t nargs,
					      mote_value *result, mote_error *err);

/* Limits of one call, and what it used. Zero: no limit, no receipt. */
typedef struct mote_call_options {
	size_t size;           /* sizeof(mote_call_options); set by the macro */
	uint64_t timeout_ns;   /* by the clock on the wall, from the start of the call */
	uint64_t cpu_ns;       /* CPU time of the guest and of host functions together */
	mote_receipt *receipt; /* filled in; its size is the caller's to set */
} mote_call_options;

/*
 * The same with limits; OPTIONS may be NULL. A guest that reaches one is stopped wherever it is,
 * and the sandbox is poisoned. A host function is not: the limit takes effect when it returns; it
 * can ask mote_host_should_stop() in mote/interrupt.h. A call that was over before is not undone.
 * CPU time is looked at now and then, so that a limit of it is exceeded by at most a tenth of a
 * millisecond and the time that the machine takes to switch.
 *
 * Errors, besides those of mote_call(): MOTE_E_OPTION, MOTE_E_INVALID (the receipt's size),
 * MOTE_E_STATE (the signal that stops guests is taken: interrupt_signal in mote/runtime.h),
 * MOTE_E_OS (no timer is to be had); and, which poisons the sandbox, MOTE_E_TIMEOUT.
 */
MOTE_API MOTE_NODISCARD mote_status mote_call_with(mote_sandbox *sb, const char *function,
						   const mote_value *args, size_t nargs,
						   const mote_call_options *options,
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
