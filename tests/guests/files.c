/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that looks at the files that the host has mapped for it, and misuses them.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

MOTE_IMPORT(i32, MapNow)

MOTE_EXPORT(u32, Count)
{
	uint32_t n = 0;

	while (mote_mapping_get(n))
		n++;
	return n;
}

MOTE_EXPORT(str, Label, u32, index)
{
	const struct mote_mapping *mapping = mote_mapping_get(index);

	return mapping ? mapping->label : "(none)";
}

/* 0 if there is none. */
MOTE_EXPORT(u64, AddressOf, str, label)
{
	const struct mote_mapping *mapping = mote_mapping_find(label);

	return mapping ? (uint64_t)mapping->address : 0;
}

MOTE_EXPORT(u64, SizeOf, str, label)
{
	const struct mote_mapping *mapping = mote_mapping_find(label);

	return mapping ? mapping->size : 0;
}

/* The sum of all bytes of the pages, those behind the end of the file too. */
MOTE_EXPORT(u64, Sum, str, label)
{
	const struct mote_mapping *mapping = mote_mapping_find(label);
	uint64_t sum = 0;

	if (!mapping)
		mote_guest_fail(1, "no such mapping");
	for (size_t i = 0; i < ((mapping->size + 4095) & ~(size_t)4095); i++)
		sum += ((const unsigned char *)mapping->address)[i];
	return sum;
}

MOTE_EXPORT(u32, ReadAt, u64, address)
{
	return *(const volatile unsigned char *)address;
}

MOTE_EXPORT(void, WriteAt, u64, address)
{
	*(volatile unsigned char *)address = 1;
}

MOTE_EXPORT(i32, CallAt, u64, address, i32, argument)
{
	return ((int32_t(*)(int32_t))address)(argument);
}

/* The result of a system call that has the host read guest memory, or -errno. */
MOTE_EXPORT(i32, PrintAt, u64, address, u32, size)
{
	ssize_t n = write(1, (const void *)address, size);

	return n < 0 ? -errno : (int32_t)n;
}

/* The same for one that has it write. */
MOTE_EXPORT(i32, ReadInto, u64, address)
{
	return getrandom((void *)address, 16, 0) == 16 ? 0 : -errno;
}

MOTE_EXPORT(i32, Protect, u64, address, u64, size, u32, rights)
{
	return mprotect((void *)address, size, (int)rights) == 0 ? 0 : -errno;
}

MOTE_EXPORT(bytes, CopyOf, u64, address, u32, size)
{
	return (mote_bytes){ (const void *)address, size };
}

/* State of every kind: each call adds one to all of it, and they agree or the guest is broken. */
static int in_data = 1;
static _Thread_local int in_thread = 1;
static int *in_heap;

MOTE_EXPORT(i32, CountCalls)
{
	if (!in_heap) {
		in_heap = malloc(sizeof *in_heap);
		*in_heap = 1;
	}
	int in_vector = (int)(0.5 + in_data * 1.0);
	if (in_data != in_thread || in_data != *in_heap || in_data != in_vector)
		mote_guest_fail(2, "a part of the state was lost");
	in_thread++;
	++*in_heap;
	return in_data++;
}

/* The host tries to map a file while this call is under way. */
MOTE_EXPORT(i32, MapDuringCall)
{
	return MapNow();
}

/* The byte at ADDRESS before and after something that the host does during the call. */
MOTE_EXPORT(u32, ReadAround, u64, address)
{
	const volatile unsigned char *byte = (const volatile unsigned char *)address;
	const uint32_t before = *byte;

	MapNow();
	return before << 8 | *byte;
}

int main(void)
{
	return mote_mapping_get(0) || mote_mapping_find("x") ? 1 : 0;
}
