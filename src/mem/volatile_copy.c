/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Volatile copies: a number in one access; else bytes up to the first 16-byte boundary of the
 * guest side, then chunks, then bytes. Bytes and numbers are relaxed atomics, for which C
 * defines what a race means; volatile keeps compilers from repeating or joining them: exactly
 * one load or store each, as written.
 */
#include "mem/volatile_copy.h"

#include <stdbool.h>
#include <string.h>

/* One 16-byte register; a volatile access is a single instruction on x86-64 and aarch64. */
typedef uint64_t chunk __attribute__((vector_size(16), may_alias));

/*
 * No processor promises an atomic load of 16 bytes that needs no right to write, so in C a chunk
 * is a plain race with the guest, and with other copies. It is meant: a chunk may arrive torn. Of
 * all accesses to guest memory, ThreadSanitizer is asked to look away from these two alone.
 */
#define RACES_WITH_GUESTS __attribute__((no_sanitize("thread")))

RACES_WITH_GUESTS static chunk chunk_load(const uint8_t *from)
{
	return *(const volatile chunk *)from;
}

RACES_WITH_GUESTS static void chunk_store(uint8_t *to, chunk value)
{
	*(volatile chunk *)to = value;
}

/* Bytes from AT to the next chunk boundary, at most SIZE. */
static size_t head_size(const uint8_t *at, size_t size)
{
	size_t head = -(uintptr_t)at & (sizeof(chunk) - 1);

	return head < size ? head : size;
}

static void bytes_out(uint8_t *to, const volatile uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		to[i] = __atomic_load_n(from + i, __ATOMIC_RELAXED);
}

static void bytes_in(volatile uint8_t *to, const uint8_t *from, size_t size)
{
	for (size_t i = 0; i < size; i++)
		__atomic_store_n(to + i, from[i], __ATOMIC_RELAXED);
}

static void bytes_fill(volatile uint8_t *to, uint8_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		__atomic_store_n(to + i, value, __ATOMIC_RELAXED);
}

/* Whether SIZE bytes at AT can be one number, and so one access. */
static bool is_number(const uint8_t *at, size_t size)
{
	return (size == 8 || size == 4 || size == 2) && (uintptr_t)at % size == 0;
}

/* Aliases of any type: what the guest keeps there is its own affair. */
typedef volatile uint64_t __attribute__((may_alias)) number64;
typedef volatile uint32_t __attribute__((may_alias)) number32;
typedef volatile uint16_t __attribute__((may_alias)) number16;

static void number_out(void *to, const uint8_t *from, size_t size)
{
	uint64_t value = size == 8   ? __atomic_load_n((const number64 *)from, __ATOMIC_RELAXED)
			 : size == 4 ? __atomic_load_n((const number32 *)from, __ATOMIC_RELAXED)
				     : __atomic_load_n((const number16 *)from, __ATOMIC_RELAXED);

	memcpy(to, &value, size); /* little-endian: its low bytes come first */
}

static void number_in(uint8_t *to, const void *from, size_t size)
{
	uint64_t value = 0;

	memcpy(&value, from, size);
	if (size == 8)
		__atomic_store_n((number64 *)to, value, __ATOMIC_RELAXED);
	else if (size == 4)
		__atomic_store_n((number32 *)to, (uint32_t)value, __ATOMIC_RELAXED);
	else
		__atomic_store_n((number16 *)to, (uint16_t)value, __ATOMIC_RELAXED);
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
		chunk value = chunk_load(from + i);
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
		chunk_store(to + i, value);
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
		chunk_store(to + i, sixteen);
	bytes_fill(to + i, value, size - i);
}
