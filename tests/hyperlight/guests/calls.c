/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the test guest that call its host: prints, callbacks, and whatever function the
 * caller names. As simple.c, which has the rest, it is a part of guests of either ABI.
 */
#include <mote/guest.h>

#include <string.h>

MOTE_IMPORT(i32, HostPrint, str)
MOTE_IMPORT(i32, HostAdd, i32, i32)
MOTE_IMPORT(i32, HostMethod, str)
MOTE_IMPORT(i32, HostMethod1, str)
MOTE_IMPORT(void, HostMethod4, str)
MOTE_IMPORT(str, HostAddStrings, str)
MOTE_IMPORT(bool, HostBool, i32, i32)
MOTE_IMPORT(i32, ErrorMethod, str)

/* Calls the host's function NAME, without parameters, where only the caller knows which. */
static int64_t call_named(const char *name, mote_type type)
{
	struct mote_guest_record record = { .result = (uint8_t)type };
	struct mote_guest_value result;
	const size_t len = strlen(name);

	if (len >= sizeof record.name)
		mote_guest_fail(15, "names of host functions have 63 bytes at most");
	memcpy(record.name, name, len);
	mote_guest_call_host(&record, NULL, &result);
	return type == MOTE_VOID ? 0 : type == MOTE_I32 ? result.as.i32 : result.as.i64;
}

/* Hyperlight's guests answer to this name in what they have for names that they do not know, behind
 * a log line and a call that go by way of the buffer where the name came from. */
MOTE_EXPORT(i32, ThisIsNotARealFunctionButTheNameIsImportant)
{
	static const char text[] = "A hundred characters, which go through both buffers while the "
				   "call's own message still is in the way";

	_Static_assert(sizeof text - 1 == 100, "the host prints, and says how much");
	mote_guest_log_line(MOTE_LOG_INFO, text);
	if (HostPrint(text) != 100)
		mote_guest_fail(4, "ThisIsNotARealFunctionButTheNameIsImportant");
	return 99;
}

MOTE_EXPORT(i32, PrintOutput, str, text)
{
	return HostPrint(text);
}

MOTE_EXPORT(i32, PrintUsingPrintf, str, text)
{
	return HostPrint(text);
}

MOTE_EXPORT(i32, PrintOutputWithHostPrint, str, text)
{
	return HostPrint(text);
}

MOTE_EXPORT(i32, PrintFormatted, i32, number, str, text)
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

/* As many as there can be, for guests that cannot have a number with a point for the last. */
MOTE_EXPORT(i32, PrintElevenIntegers, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32,
	    h, u64, i, i32, j, i64, k)
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

MOTE_EXPORT(bytes, HostCallLoop, str, name)
{
	while (call_named(name, MOTE_VOID) == 0)
		;
	return (struct mote_guest_bytes){ NULL, 0 };
}

MOTE_EXPORT(void, CallHostThenSpin, str, name)
{
	call_named(name, MOTE_VOID);
	for (;;)
		__asm__ volatile("");
}

MOTE_EXPORT(i32, GuestMethod, str, text)
{
	return HostMethod(mote_format("Hello from GuestFunction, %s", text));
}

MOTE_EXPORT(i32, GuestMethod1, str, text)
{
	return HostMethod1(mote_format("Hello from GuestFunction1, %s", text));
}

/* Both call HostMethod1, too. */
MOTE_EXPORT(i32, GuestMethod2, str, text)
{
	return HostMethod1(mote_format("Hello from GuestFunction2, %s", text));
}

MOTE_EXPORT(i32, GuestMethod3, str, text)
{
	return HostMethod1(mote_format("Hello from GuestFunction3, %s", text));
}

MOTE_EXPORT(void, GuestMethod4)
{
	HostMethod4("Hello from GuestFunction4");
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
	call_named("Spin", MOTE_VOID);
}

MOTE_EXPORT(i64, CallGivenParamlessHostFuncThatReturnsI64, str, name)
{
	return call_named(name, MOTE_I64);
}

/* The function is not there. Where Hyperlight's guest looks at the error and goes on, this library
 * ends the call with it. */
MOTE_EXPORT(void, CallHostExpectError, str, name)
{
	call_named(name, MOTE_I32);
	mote_guest_fail(15, "the host has that function");
}

/* Numbers with a point, where their registers may be used. */
#ifdef __SSE2__
MOTE_IMPORT(f32, HostAddFloat, f32, f32)
MOTE_IMPORT(f64, HostAddDouble, f64, f64)

MOTE_EXPORT(f32, GuestRetrievesFloatValue, f32, a, f32, b)
{
	return HostAddFloat(a, b);
}

MOTE_EXPORT(f64, GuestRetrievesDoubleValue, f64, a, f64, b)
{
	return HostAddDouble(a, b);
}

/* With three decimals, which mote_format() has not everywhere. For numbers of a sensible size. */
static const char *decimals(float number)
{
	const double size = number < 0 ? -(double)number : (double)number;
	const uint64_t thousandths = (uint64_t)(size * 1000 + 0.5);

	return mote_format("%s%lu.%03lu", number < 0 ? "-" : "",
			   (unsigned long)(thousandths / 1000),
			   (unsigned long)(thousandths % 1000));
}

MOTE_EXPORT(i32, PrintElevenArgs, str, a, i32, b, i64, c, str, d, str, e, bool, f, bool, g, u32, h,
	    u64, i, i32, j, f32, k)
{
	return HostPrint(mote_format("Message: arg1:%s arg2:%d arg3:%ld arg4:%s arg5:%s arg6:%s "
				     "arg7:%s arg8:%u arg9:%lu arg10:%d arg11:%s.",
				     a, b, (long)c, d, e, WORD(f), WORD(g), h, (unsigned long)i, j,
				     decimals(k)));
}
#endif
