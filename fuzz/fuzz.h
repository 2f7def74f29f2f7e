/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz.h - what fuzz targets share: a claim that ends the process, and numbers from the input.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The target: runs one input. Nothing that it does may be seen by the next one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Not assert(), which a release build would leave out. */
#define CHECK(claim) ((claim) ? (void)0 : fuzz_fail(#claim, __FILE__, __LINE__))

_Noreturn static inline void fuzz_fail(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: this does not hold: %s\n", file, line, what);
	abort();
}

/* What is left of the input; behind its end there are zeroes. */
struct input {
	const uint8_t *at;
	size_t left;
};

/* The next SIZE bytes, at most 8, as a number. */
static inline uint64_t take(struct input *input, size_t size)
{
	uint64_t number = 0;
	size_t n = size < input->left ? size : input->left;

	if (n > 0)
		memcpy(&number, input->at, n);
	input->at += n;
	input->left -= n;
	return number;
}

/* The next SIZE bytes themselves, or those that are left: *GOT. Valid as long as the input. */
static inline const uint8_t *take_bytes(struct input *input, size_t size, size_t *got)
{
	const uint8_t *bytes = input->at;

	*got = size < input->left ? size : input->left;
	input->at += *got;
	input->left -= *got;
	return bytes;
}

/* A number in a few bytes, as numbers that matter are: small, near a power of two, or any. */
static inline uint64_t take_number(struct input *input)
{
	const uint64_t how = take(input, 1);

	if (how < 0x80)
		return how;
	if (how < 0xc0)
		return (UINT64_C(1) << (how & 63)) + (uint64_t)(int64_t)(int8_t)take(input, 1);
	return take(input, 1 + (how & 7));
}

/* Whether TEXT ends, and only has what a terminal shows as it is. */
static inline bool is_printable(const char *text, size_t size)
{
	const size_t length = strnlen(text, size);

	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return length < size;
}

#endif
