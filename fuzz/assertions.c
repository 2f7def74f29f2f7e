/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The assertions of cmocka that the fake backends use: here a failed one ends the process where it
 * failed, and the engine sees a crash with its stack. Programs need no cmocka then, which is no
 * static library everywhere.
 */
#include "fuzz/fuzz.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

void print_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

void _fail(const char *file, int line)
{
	fuzz_fail("what the fake backend assumes", file, line);
}

void _assert_true(LargestIntegralType result, const char *expression, const char *file, int line)
{
	if (!result)
		fuzz_fail(expression, file, line);
}

void _assert_int_equal(LargestIntegralType a, LargestIntegralType b, const char *file, int line)
{
	if (a != b)
		fuzz_fail("two numbers are equal", file, line);
}

void _assert_memory_equal(const void *a, const void *b, size_t size, const char *file, int line)
{
	if (memcmp(a, b, size) != 0)
		fuzz_fail("bytes are equal", file, line);
}

void _assert_in_range(LargestIntegralType value, LargestIntegralType minimum,
		      LargestIntegralType maximum, const char *file, int line)
{
	if (value < minimum || value > maximum)
		fuzz_fail("a number is in its range", file, line);
}
