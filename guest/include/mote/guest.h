/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/guest.h - what a guest program includes.
 *
 * A guest is an ordinary static Linux program. It exports typed functions, may
 * import functions of the host, and returns 0 from main() to wait for calls:
 *
 *     #include <mote/guest.h>
 *
 *     MOTE_IMPORT(str, GetWeekday)
 *
 *     MOTE_EXPORT(str, SayHello, str, name)
 *     {
 *             return mote_format("Hello, %s! Today is %s.", name, GetWeekday());
 *     }
 *
 *     int main(void)
 *     {
 *             return 0;
 *     }
 *
 * Built with: cc -static guest.c $(pkg-config --cflags --libs --static mote-guest)
 *
 * Run as a normal program, outside of a sandbox, a guest does what main() does and exits.
 *
 * A call begins on a fresh stack, with the floating-point control words that main() left and all
 * else of that unit as at the start of a program; memory, heap and open files keep their state
 * from call to call, unless the host goes back to a snapshot. A guest has one thread. Clean as C99,
 * C11 and C++11; gcc and clang.
 */
#ifndef MOTE_GUEST_H
#define MOTE_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A run of bytes: LEN of them at PTR, which may be NULL when LEN is 0. */
struct mote_guest_bytes {
	const void *ptr;
	size_t len;
};

/* mote/value.h, which is for hosts, has the types as well, and a function mote_bytes(). A source
 * file that needs both headers includes that one first, and says struct mote_guest_bytes. */
#ifndef MOTE_VALUE_H
typedef struct mote_guest_bytes mote_bytes;
typedef enum mote_type {
	MOTE_VOID = 0,
	MOTE_I32,
	MOTE_U32,
	MOTE_I64,
	MOTE_U64,
	MOTE_F32,
	MOTE_F64,
	MOTE_BOOL,
	MOTE_STRING,
	MOTE_BYTES,
} mote_type;
#endif

/*
 * MOTE_EXPORT(result, name, type, parameter, ...) { body }
 *
 * Defines a function that the host can call by NAME (1 to 63 bytes), with 0 to 11 parameters.
 * To C it is a static function, which the guest may call as well. Types, of the result and
 * of the parameters:
 *
 *     void                          only as the result
 *     i32 u32 i64 u64 f32 f64 bool  as in C
 *     str                           const char *: UTF-8, NUL-terminated
 *     bytes                         mote_bytes
 *
 * What str and bytes parameters point at lives until the function returns, and must not be
 * written to. What a result points at must still be there when the function has returned: a
 * parameter, static or allocated memory, mote_format(), mote_alloc(); not a local array. A str
 * result that is NULL or not UTF-8 ends the call with an error.
 *
 * The words above must not be macros where this is used (stdbool's bool aside).
 */
#define MOTE_EXPORT(...) MOTE_PASTE_(MOTE_EXPORT_, MOTE_PAIRS_(__VA_ARGS__))(__VA_ARGS__)

/*
 * MOTE_IMPORT(result, name, type, ...)
 *
 * Declares a function of the host, as a static function: calling it is the host call. What a
 * str or bytes result points at lives as long as memory from mote_alloc().
 * When the host has no such function, or it fails, the current call ends with that error.
 */
#define MOTE_IMPORT(...) MOTE_PASTE_(MOTE_IMPORT_, MOTE_TYPES_(__VA_ARGS__))(__VA_ARGS__)

/*
 * Ends the current call with an error of the guest's own: the host gets CODE and MESSAGE, of which
 * 511 bytes arrive. Does not return, and runs no C++ destructors. The sandbox stays usable; so
 * must the guest's own data be.
 *
 * This, and every error that ends a call, ends the program when no call is under way: in
 * main(), and outside of a sandbox. It then prints the message to standard error and
 * exits with status 1.
 */
__attribute__((__noreturn__)) void mote_guest_fail(uint64_t code, const char *message);

/*
 * Gives up: the guest has found its own data spoilt, say, and no call will do any more. The host's
 * call fails with MOTE_E_GUEST_ABORT, CODE (0 to 254) and MESSAGE, of which 511 bytes arrive, and
 * the sandbox is poisoned. This is exit(CODE) with a last line on standard error; so it is outside
 * of a sandbox.
 */
__attribute__((__noreturn__)) void mote_guest_abort(uint8_t code, const char *message);

/* As in mote/runtime.h. */
typedef enum mote_log_level {
	MOTE_LOG_ERROR,
	MOTE_LOG_WARN,
	MOTE_LOG_INFO,
	MOTE_LOG_DEBUG,
	MOTE_LOG_TRACE,
} mote_log_level;

/* Sends one line to the host's log: at most 511 bytes, the rest is cut. Outside of a sandbox it
 * goes to standard error. (What a guest prints to stdout and stderr reaches the host too.) */
__attribute__((__format__(__printf__, 2, 3))) void mote_guest_log(mote_log_level level,
								  const char *format, ...);

/* The same with a line as it is, for languages without printf(). */
void mote_guest_log_line(mote_log_level level, const char *line);

/*
 * Memory that lives until the host's next call begins, for results above all; nobody frees it.
 * Aligned to 16 bytes, not zeroed. Never NULL: when memory is out, the call ends with error 13.
 */
__attribute__((__malloc__, __alloc_size__(1), __returns_nonnull__)) void *mote_alloc(size_t size);

/*
 * Memory for a result of SIZE bytes, as from mote_alloc(); the host reads what is made there in
 * place if it gave the sandbox buffers (buffer_size) and there is room in the result buffer.
 * Results that lie elsewhere are copied once or twice. It lives until the function that gets it
 * returns, for any part of it to be the result, or a parameter of a host function.
 */
__attribute__((__malloc__, __alloc_size__(1), __returns_nonnull__)) void *mote_guest_result_buffer(
	size_t size);

/* printf() into such memory. */
__attribute__((__format__(__printf__, 1, 2), __returns_nonnull__)) char *mote_format(
	const char *format, ...);

/*
 * A file that the host has mapped for the guest: SIZE bytes at ADDRESS, which is the beginning of a
 * page; may be read and executed, not written to. It stays as long as the guest, but what the
 * host's side does to the file shows here: check what must not change after it was looked at, or
 * copy it.
 */
struct mote_mapping {
	const void *address;
	size_t size;
	char label[64];
};

/* The mapping with that label, or NULL. The host maps files between calls, so there are none in
 * main(), and none outside of a sandbox. What was found once stays true. */
const struct mote_mapping *mote_mapping_find(const char *label);

/* The INDEX-th mapping, in the order in which the host made them; NULL past the last. */
const struct mote_mapping *mote_mapping_get(size_t index);

/* The SIZE bytes that the host has mapped at ADDRESS, where it told the guest both: in a call, say.
 * NULL if they are not all in one mapping. */
const void *mote_mapping_at(uint64_t address, size_t size);

/*
 * The data that the host gave this sandbox when it made it, at the beginning of a page, and
 * its size: there from main() on. It may be read; written to or executed only if the host
 * allowed that, never both. NULL and 0 when there is none, and outside of a sandbox.
 */
void *mote_guest_init_data(size_t *size);

/* A function that the host has: numbers of mote_type, NPARAMS of them in params. */
struct mote_host_function_info {
	char name[64];
	uint8_t result;
	uint8_t nparams;
	uint8_t params[11];
	uint8_t reserved[3];
};

/*
 * The host function of that name, or NULL: to ask before calling one that not every host has.
 * What the host has does not change while the sandbox lives. Outside of a sandbox there are none.
 */
const struct mote_host_function_info *mote_guest_find_host_function(const char *name);

/* The INDEX-th host function, by name, ascending; NULL past the last. */
const struct mote_host_function_info *mote_guest_host_function(size_t index);

/*
 * Has FN called when the host has made the guest's memory what it was before, by a snapshot:
 * before the function of the first call after that, and before that of the first call in a sandbox
 * that was made from a snapshot. So it can renew what must not be the same twice, such as the seed
 * of a generator, or a time that was looked at. FN may do what an exported function may; what it
 * gets from mote_alloc() lives as long as the call's own. When it ends the call with an error,
 * the function that was called does not run, and the next call begins with FN again.
 *
 * Functions run in the order in which they were given, usually in main(); there can be 16, and the
 * next ends the call, or main(), with error 15. Like all else in memory they are forgotten by
 * a restore to before they were given. Outside of a sandbox they never run.
 */
void mote_guest_on_restore(void (*fn)(void *user), void *user);

/* A number that is another after each restore, and does not change in between; 0 before the first,
 * and outside of a sandbox. It tells the lives of one sandbox apart, not sandboxes of one snapshot:
 * seed nothing with it. */
uint64_t mote_guest_generation(void);

/*
 * From here on: what the macros are made of. Nothing below is for use by name.
 */

/* A value at the boundary: mote_value of mote/value.h, without its name. */
struct mote_guest_value {
	uint32_t type;
	uint32_t reserved;
	union {
		int32_t i32;
		uint32_t u32;
		int64_t i64;
		uint64_t u64;
		float f32;
		double f64;
		bool boolean;
		const char *str;
		struct mote_guest_bytes bytes;
	} as;
};

/* An export or import in the sections that the host reads from the file. */
struct mote_guest_record {
	void (*entry)(const struct mote_guest_value *args, struct mote_guest_value *result);
	uint8_t result;
	uint8_t nparams;
	uint8_t params[11];
	uint8_t reserved[11];
	char name[64];
};

/* Calls the host function of RECORD with the values at ARGS, which need no type. */
void mote_guest_call_host(const struct mote_guest_record *record,
			  const struct mote_guest_value *args, struct mote_guest_value *result);

#ifdef __cplusplus
}
#define MOTE_STATIC_ASSERT_(claim, text) static_assert(claim, text)
#else
#define MOTE_STATIC_ASSERT_(claim, text) __extension__ _Static_assert(claim, text)
#endif

/* Records must survive --gc-sections: nothing refers to them by name. */
#if defined(__has_attribute)
#if __has_attribute(__retain__)
#define MOTE_RETAIN_ __retain__,
#endif
#endif
#ifndef MOTE_RETAIN_
#define MOTE_RETAIN_
#endif

/* clang-format off */

/*
 * Types by the words above: in C, as a number in records (mote_type), and as a member of struct
 * mote_guest_value. _Bool is what stdbool's bool becomes on the way here.
 */
#define MOTE_PARAM_i32   int32_t
#define MOTE_PARAM_u32   uint32_t
#define MOTE_PARAM_i64   int64_t
#define MOTE_PARAM_u64   uint64_t
#define MOTE_PARAM_f32   float
#define MOTE_PARAM_f64   double
#define MOTE_PARAM_bool  bool
#define MOTE_PARAM__Bool bool
#define MOTE_PARAM_str   const char *
#define MOTE_PARAM_bytes struct mote_guest_bytes

#define MOTE_RESULT_void  void
#define MOTE_RESULT_i32   MOTE_PARAM_i32
#define MOTE_RESULT_u32   MOTE_PARAM_u32
#define MOTE_RESULT_i64   MOTE_PARAM_i64
#define MOTE_RESULT_u64   MOTE_PARAM_u64
#define MOTE_RESULT_f32   MOTE_PARAM_f32
#define MOTE_RESULT_f64   MOTE_PARAM_f64
#define MOTE_RESULT_bool  MOTE_PARAM_bool
#define MOTE_RESULT__Bool MOTE_PARAM_bool
#define MOTE_RESULT_str   MOTE_PARAM_str
#define MOTE_RESULT_bytes MOTE_PARAM_bytes

#define MOTE_NUMBER_void  0
#define MOTE_NUMBER_i32   1
#define MOTE_NUMBER_u32   2
#define MOTE_NUMBER_i64   3
#define MOTE_NUMBER_u64   4
#define MOTE_NUMBER_f32   5
#define MOTE_NUMBER_f64   6
#define MOTE_NUMBER_bool  7
#define MOTE_NUMBER__Bool 7
#define MOTE_NUMBER_str   8
#define MOTE_NUMBER_bytes 9

#define MOTE_MEMBER_i32   i32
#define MOTE_MEMBER_u32   u32
#define MOTE_MEMBER_i64   i64
#define MOTE_MEMBER_u64   u64
#define MOTE_MEMBER_f32   f32
#define MOTE_MEMBER_f64   f64
#define MOTE_MEMBER_bool  boolean
#define MOTE_MEMBER__Bool boolean
#define MOTE_MEMBER_str   str
#define MOTE_MEMBER_bytes bytes

/* What stands before a call whose result goes to *mote_result. */
#define MOTE_STORE_void  (void)mote_result;
#define MOTE_STORE_i32   mote_result->as.i32 =
#define MOTE_STORE_u32   mote_result->as.u32 =
#define MOTE_STORE_i64   mote_result->as.i64 =
#define MOTE_STORE_u64   mote_result->as.u64 =
#define MOTE_STORE_f32   mote_result->as.f32 =
#define MOTE_STORE_f64   mote_result->as.f64 =
#define MOTE_STORE_bool  mote_result->as.boolean =
#define MOTE_STORE__Bool mote_result->as.boolean =
#define MOTE_STORE_str   mote_result->as.str =
#define MOTE_STORE_bytes mote_result->as.bytes =

/* What ends a function whose result is in mote_result. */
#define MOTE_RETURN_void  return
#define MOTE_RETURN_i32   return mote_result.as.i32
#define MOTE_RETURN_u32   return mote_result.as.u32
#define MOTE_RETURN_i64   return mote_result.as.i64
#define MOTE_RETURN_u64   return mote_result.as.u64
#define MOTE_RETURN_f32   return mote_result.as.f32
#define MOTE_RETURN_f64   return mote_result.as.f64
#define MOTE_RETURN_bool  return mote_result.as.boolean
#define MOTE_RETURN__Bool return mote_result.as.boolean
#define MOTE_RETURN_str   return mote_result.as.str
#define MOTE_RETURN_bytes return mote_result.as.bytes

#define MOTE_PASTE_(a, b)   MOTE_PASTE__(a, b)
#define MOTE_PASTE__(a, b)  a##b

/* The number of parameters behind result and name, as pairs or as types; or what is wrong. */
#define MOTE_PAIRS_(...)                                                                           \
	MOTE_46TH_(__VA_ARGS__, TOO_MANY, MOTE_10_TOO_MANY_, MOTE_10_TOO_MANY_, 11, HALF, 10,      \
		   HALF, 9, HALF, 8, HALF, 7, HALF, 6, HALF, 5, HALF, 4, HALF, 3, HALF, 2, HALF,   \
		   1, HALF, 0, NO_NAME, NO_NAME)
#define MOTE_TYPES_(...)                                                                           \
	MOTE_46TH_(__VA_ARGS__, TOO_MANY, TOO_MANY, MOTE_10_TOO_MANY_, MOTE_10_TOO_MANY_,          \
		   MOTE_10_TOO_MANY_, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0, NO_NAME, NO_NAME)
#define MOTE_10_TOO_MANY_                                                                          \
	TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY, TOO_MANY,  \
		TOO_MANY
#define MOTE_46TH_(...) MOTE_46TH__(__VA_ARGS__)
#define MOTE_46TH__(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, _13, _14, _15, _16, _17,    \
		    _18, _19, _20, _21, _22, _23, _24, _25, _26, _27, _28, _29, _30, _31, _32,     \
		    _33, _34, _35, _36, _37, _38, _39, _40, _41, _42, _43, _44, _45, n, ...) n

/* F(k, type, name) for each of the pairs; k counts down to 1. */
#define MOTE_EACH2_1(F, t, n)       F(1, t, n)
#define MOTE_EACH2_2(F, t, n, ...)  F(2, t, n), MOTE_EACH2_1(F, __VA_ARGS__)
#define MOTE_EACH2_3(F, t, n, ...)  F(3, t, n), MOTE_EACH2_2(F, __VA_ARGS__)
#define MOTE_EACH2_4(F, t, n, ...)  F(4, t, n), MOTE_EACH2_3(F, __VA_ARGS__)
#define MOTE_EACH2_5(F, t, n, ...)  F(5, t, n), MOTE_EACH2_4(F, __VA_ARGS__)
#define MOTE_EACH2_6(F, t, n, ...)  F(6, t, n), MOTE_EACH2_5(F, __VA_ARGS__)
#define MOTE_EACH2_7(F, t, n, ...)  F(7, t, n), MOTE_EACH2_6(F, __VA_ARGS__)
#define MOTE_EACH2_8(F, t, n, ...)  F(8, t, n), MOTE_EACH2_7(F, __VA_ARGS__)
#define MOTE_EACH2_9(F, t, n, ...)  F(9, t, n), MOTE_EACH2_8(F, __VA_ARGS__)
#define MOTE_EACH2_10(F, t, n, ...) F(10, t, n), MOTE_EACH2_9(F, __VA_ARGS__)
#define MOTE_EACH2_11(F, t, n, ...) F(11, t, n), MOTE_EACH2_10(F, __VA_ARGS__)

/* F(k, type) for each type. */
#define MOTE_EACH_1(F, t)       F(1, t)
#define MOTE_EACH_2(F, t, ...)  F(2, t), MOTE_EACH_1(F, __VA_ARGS__)
#define MOTE_EACH_3(F, t, ...)  F(3, t), MOTE_EACH_2(F, __VA_ARGS__)
#define MOTE_EACH_4(F, t, ...)  F(4, t), MOTE_EACH_3(F, __VA_ARGS__)
#define MOTE_EACH_5(F, t, ...)  F(5, t), MOTE_EACH_4(F, __VA_ARGS__)
#define MOTE_EACH_6(F, t, ...)  F(6, t), MOTE_EACH_5(F, __VA_ARGS__)
#define MOTE_EACH_7(F, t, ...)  F(7, t), MOTE_EACH_6(F, __VA_ARGS__)
#define MOTE_EACH_8(F, t, ...)  F(8, t), MOTE_EACH_7(F, __VA_ARGS__)
#define MOTE_EACH_9(F, t, ...)  F(9, t), MOTE_EACH_8(F, __VA_ARGS__)
#define MOTE_EACH_10(F, t, ...) F(10, t), MOTE_EACH_9(F, __VA_ARGS__)
#define MOTE_EACH_11(F, t, ...) F(11, t), MOTE_EACH_10(F, __VA_ARGS__)

/* For F above. Arguments are found from the end of their array, since k counts down. */
#define MOTE_DECLARE2_(k, t, n) MOTE_PARAM_##t n
#define MOTE_DECLARE_(k, t)     MOTE_PARAM_##t mote_param_##k
#define MOTE_NUMBER2_(k, t, n)  MOTE_NUMBER_##t
#define MOTE_NUMBER1_(k, t)     MOTE_NUMBER_##t
#define MOTE_LOAD_(k, t, n)     mote_args_end[-k].as.MOTE_MEMBER_##t
#define MOTE_SAVE_(k, t)        mote_args_end[-k].as.MOTE_MEMBER_##t = mote_param_##k

/* aligned: as the host steps through them; compilers would align large objects to 32. */
#define MOTE_RECORD_(section_, name, entry, result, nparams, ...)                                  \
	MOTE_STATIC_ASSERT_(sizeof(#name) <= 64, #name " is longer than 63 bytes");                \
	static const struct mote_guest_record mote_record_##name __attribute__((                   \
		__used__, MOTE_RETAIN_ __section__(section_), __aligned__(8))) = {                 \
		entry, MOTE_NUMBER_##result, nparams, { __VA_ARGS__ }, { 0 }, #name                \
	}

#define MOTE_EXPORT_ANY_(result, name, nparams, declarations, numbers, arguments)                  \
	static MOTE_RESULT_##result name declarations;                                             \
	static void mote_entry_##name(const struct mote_guest_value *mote_args,                    \
				      struct mote_guest_value *mote_result)                        \
	{                                                                                          \
		const struct mote_guest_value *mote_args_end = mote_args + nparams;                \
		(void)mote_args_end;                                                               \
		MOTE_STORE_##result name arguments;                                                \
	}                                                                                          \
	MOTE_RECORD_("mote_exports", name, mote_entry_##name, result, nparams,                     \
		     MOTE_UNWRAP_ numbers);                                                        \
	static MOTE_RESULT_##result name declarations

#define MOTE_IMPORT_ANY_(result, name, nparams, declarations, numbers, saves)                      \
	MOTE_RECORD_("mote_imports", name, 0, result, nparams, MOTE_UNWRAP_ numbers);              \
	__attribute__((__unused__)) static MOTE_RESULT_##result name declarations                  \
	{                                                                                          \
		struct mote_guest_value mote_args[nparams + 1] = { { 0, 0, { 0 } } };              \
		struct mote_guest_value *mote_args_end = mote_args + nparams;                      \
		struct mote_guest_value mote_result;                                               \
		(void)mote_args_end;                                                               \
		saves;                                                                             \
		mote_guest_call_host(&mote_record_##name, mote_args, &mote_result);                \
		MOTE_RETURN_##result;                                                              \
	}

#define MOTE_UNWRAP_(...) __VA_ARGS__

#define MOTE_EXPORT_N_(n, result, name, ...)                                                       \
	MOTE_EXPORT_ANY_(result, name, n, (MOTE_EACH2_##n(MOTE_DECLARE2_, __VA_ARGS__)),           \
			 (MOTE_EACH2_##n(MOTE_NUMBER2_, __VA_ARGS__)),                             \
			 (MOTE_EACH2_##n(MOTE_LOAD_, __VA_ARGS__)))

#define MOTE_IMPORT_N_(n, result, name, ...)                                                       \
	MOTE_IMPORT_ANY_(result, name, n, (MOTE_EACH_##n(MOTE_DECLARE_, __VA_ARGS__)),             \
			 (MOTE_EACH_##n(MOTE_NUMBER1_, __VA_ARGS__)),                              \
			 (MOTE_EACH_##n(MOTE_SAVE_, __VA_ARGS__)))

/* By the number of parameters. */
#define MOTE_EXPORT_0(result, name) MOTE_EXPORT_ANY_(result, name, 0, (void), (0), ())
#define MOTE_EXPORT_1(...)   MOTE_EXPORT_N_(1, __VA_ARGS__)
#define MOTE_EXPORT_2(...)   MOTE_EXPORT_N_(2, __VA_ARGS__)
#define MOTE_EXPORT_3(...)   MOTE_EXPORT_N_(3, __VA_ARGS__)
#define MOTE_EXPORT_4(...)   MOTE_EXPORT_N_(4, __VA_ARGS__)
#define MOTE_EXPORT_5(...)   MOTE_EXPORT_N_(5, __VA_ARGS__)
#define MOTE_EXPORT_6(...)   MOTE_EXPORT_N_(6, __VA_ARGS__)
#define MOTE_EXPORT_7(...)   MOTE_EXPORT_N_(7, __VA_ARGS__)
#define MOTE_EXPORT_8(...)   MOTE_EXPORT_N_(8, __VA_ARGS__)
#define MOTE_EXPORT_9(...)   MOTE_EXPORT_N_(9, __VA_ARGS__)
#define MOTE_EXPORT_10(...)  MOTE_EXPORT_N_(10, __VA_ARGS__)
#define MOTE_EXPORT_11(...)  MOTE_EXPORT_N_(11, __VA_ARGS__)

#define MOTE_IMPORT_0(result, name) MOTE_IMPORT_ANY_(result, name, 0, (void), (0), (void)0)
#define MOTE_IMPORT_1(...)   MOTE_IMPORT_N_(1, __VA_ARGS__)
#define MOTE_IMPORT_2(...)   MOTE_IMPORT_N_(2, __VA_ARGS__)
#define MOTE_IMPORT_3(...)   MOTE_IMPORT_N_(3, __VA_ARGS__)
#define MOTE_IMPORT_4(...)   MOTE_IMPORT_N_(4, __VA_ARGS__)
#define MOTE_IMPORT_5(...)   MOTE_IMPORT_N_(5, __VA_ARGS__)
#define MOTE_IMPORT_6(...)   MOTE_IMPORT_N_(6, __VA_ARGS__)
#define MOTE_IMPORT_7(...)   MOTE_IMPORT_N_(7, __VA_ARGS__)
#define MOTE_IMPORT_8(...)   MOTE_IMPORT_N_(8, __VA_ARGS__)
#define MOTE_IMPORT_9(...)   MOTE_IMPORT_N_(9, __VA_ARGS__)
#define MOTE_IMPORT_10(...)  MOTE_IMPORT_N_(10, __VA_ARGS__)
#define MOTE_IMPORT_11(...)  MOTE_IMPORT_N_(11, __VA_ARGS__)

/* Mistakes. The body that follows an export belongs to the last function. */
#define MOTE_EXPORT_NO_NAME(...)                                                                   \
	MOTE_STATIC_ASSERT_(0, "MOTE_EXPORT() needs a result type and a name");                    \
	static void mote_mistake(void)
#define MOTE_EXPORT_HALF(...)                                                                      \
	MOTE_STATIC_ASSERT_(0, "MOTE_EXPORT() needs a type and a name for each parameter");        \
	static void mote_mistake(void)
#define MOTE_EXPORT_TOO_MANY(...)                                                                  \
	MOTE_STATIC_ASSERT_(0, "MOTE_EXPORT() takes at most 11 parameters");                       \
	static void mote_mistake(void)
#define MOTE_IMPORT_NO_NAME(...)                                                                   \
	MOTE_STATIC_ASSERT_(0, "MOTE_IMPORT() needs a result type and a name");
#define MOTE_IMPORT_TOO_MANY(...)                                                                  \
	MOTE_STATIC_ASSERT_(0, "MOTE_IMPORT() takes at most 11 parameters");

/* clang-format on */

#endif /* MOTE_GUEST_H */
