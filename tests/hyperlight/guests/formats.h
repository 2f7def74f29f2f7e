/* SPDX-License-Identifier: Apache-2.0 */
/*
 * formats.h - what mote_format() of a guest without a libc is compared with printf() by: X(format
 * and arguments).
 */
#ifndef TESTS_HYPERLIGHT_FORMATS_H
#define TESTS_HYPERLIGHT_FORMATS_H

#define FORMATS(X)                                                                                 \
	X("plain, 100%%")                                                                          \
	X("%d %i", -1, 0)                                                                          \
	X("%d %ld", INT32_MIN, INT64_MIN)                                                          \
	X("%u %lu", UINT32_MAX, UINT64_MAX)                                                        \
	X("%x %X %lx", 0xbeefU, 0xbeefU, UINT64_MAX)                                               \
	X("[%5d] [%-5d] [%05d]", -42, -42, -42)                                                    \
	X("[%2d] [%.5d] [%8.5d] [%-8.5d]", 12345, 42, -42, 42)                                     \
	X("[%8.3d] [%.0d]", 7, 0)                                                                  \
	X("[%5x] [%-5x] [%05x]", 255U, 255U, 255U)                                                 \
	X("%s and %s", "this", "that")                                                             \
	X("[%6s] [%-6s] [%.2s] [%4.1s]", "abc", "abc", "abc", "abc")                               \
	X("[%c] [%3c] [%-3c]", 'a', 'b', 'c')                                                      \
	X("%zu %jd %hd %hhd", (size_t)7, (intmax_t)-7, (short)7, (signed char)7)                   \
	X("%lld %llu", -5LL, 5ULL)

#endif
