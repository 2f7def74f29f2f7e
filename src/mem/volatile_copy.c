/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volatile copies: a number in one access; else bytes up to the first 16-byte boundary of the
 * guest side, then chunks, then bytes. C gives no meaning to a race; compilers give volatile
 * accesses the one that is needed here: exactly one load or store each, as written.
 */
#include "mem/volatile_copy.h"

#include <stdbool.h>
#include <string.h>

/* One 16-byte register; a volatile access is a single instruction on x86-64 and aarch64. */
typedef uint64_t chunk __attribute__((vector_size(16), may_alias));

/* Bytes from AT to the next chunk boundary, at most SIZE. */
static size_t head_size(const uint8_t *at, size_t size)
{
	size_t head = -(uintptr_t)at & (sizeof(chunk) - 1);

	return head < size ? head : size;
}

static void bytes_out(uint8_t *to, const volatile uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = from[i];
}

static void bytes_in(volatile uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = from[i];
}

static void bytes_fill(volatile uint8_t *to, uint8_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = value;
}

/* Whether SIZE bytes at AT can be one number, and so one access. */
static bool is_number(const uint8_t *at, size_t size)
{
	return (size == 8 || size == 4 || size == 2) && (uintptr_t)at % size == 0;
}

static void number_out(void *to, const uint8_t *from, size_t size)
{
	uint64_t value = size == 8   ? *(const volatile uint64_t *)from
			 : size == 4 ? *(const volatile uint32_t *)from
				     : *(const volatile uint16_t *)from;

	memcpy(to, &value, size); /* little-endian: its low bytes come first */
}

static void number_in(uint8_t *to, const void *from, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, from, size);
	if (size == 8)
		*(volatile uint64_t *)to = value;
	else if (size == 4)
		*(volatile uint32_t *)to = (uint32_t)value;
	else
		*(volatile uint16_t *)to = (uint16_t)value;
}

void volatile_copy_out(void *to, const uint8_t *from, size_t size)
{
	uint8_t *out = to;
	size_t i = head_size(from, size);

	if (is_number(from, size)) {
		number_out(to, from, size);
		return;
	}

	bytes_out(out, from, i);
	for (; size - i >= sizeof(chunk); i += sizeof(chunk)) {
		chunk value = *(const volatile chunk *)(from + i);
		memcpy(out + i, &value, sizeof value);
	}
	bytes_out(out + i, from + i, size - i);
}

void volatile_copy_in(uint8_t *to, const void *from, size_t size)
{
	const uint8_t *in = from;
	size_t i = head_size(to, size);

	if (is_number(to, size)) {
		number_in(to, from, size);
		return;
	}
	bytes_in(to, in, i);
	for (; size - i >= sizeof(chunk); i += sizeof(chunk)) {
		chunk value;
		memcpy(&value, in + i, sizeof value);
		*(volatile chunk *)(to + i) = value;
	}
	bytes_in(to + i, in + i, size - i);
}

void volatile_fill(uint8_t *to, uint8_t value, size_t size)
{
	uint64_t eight = value * UINT64_C(0x0101010101010101);
	chunk sixteen = { eight, eight };
	size_t i = head_size(to, size);

	bytes_fill(to, value, i);
	for (; size - i >= sizeof(chunk); i += sizeof(chunk))
		*(volatile chunk *)(to + i) = sixteen;
	bytes_fill(to + i, value, size - i);
}
