/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest that is measured: functions that do next to nothing, each by one way across
 * the boundary. It is in the mote command, as bytes: for the mote ABI, with guest_linux.c, and for
 * the hyperlight ABI.
 */
#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>

MOTE_IMPORT(i32, HostAdd, i32, i32)

MOTE_EXPORT(i32, Add, i32, a, i32, b)
{
	return (int32_t)((uint32_t)a + (uint32_t)b);
}

MOTE_EXPORT(i32, AddByHost, i32, a, i32, b)
{
	return HostAdd(a, b);
}

/* The first third of DATA. */
MOTE_EXPORT(bytes, Shrink, bytes, data)
{
	return (mote_bytes){ data.ptr, data.len / 3 };
}

/* All of DATA, read once and written once. */
MOTE_EXPORT(bytes, Copy, bytes, data)
{
	return (mote_bytes){ memcpy(mote_guest_result_buffer(data.len), data.ptr, data.len),
			     data.len };
}

/* Goes on until it is stopped. */
MOTE_EXPORT(void, Spin)
{
	for (;;)
		__asm__ volatile("" ::: "memory");
}

/* Pages to be dirtied, with one between any two that nobody touches. */
enum { STRIDE = 8192 };
static char *pages;
static size_t npages;

/* None of them is zero, or restoring one would not be copying it. */
MOTE_EXPORT(bool, FillPages, u32, count)
{
	npages = count;
	pages = malloc(npages * STRIDE);
	for (size_t i = 0; pages && i < npages; i++)
		memset(pages + i * STRIDE, 1, STRIDE / 2);
	return pages != NULL;
}

/* Writes a byte into each of the first COUNT. */
MOTE_EXPORT(void, DirtyPages, u32, count)
{
	for (size_t i = 0; pages && i < count && i < npages; i++)
		pages[i * STRIDE]++;
}

/* MIB of memory with no page that is zero. */
MOTE_EXPORT(bool, FillMemory, u32, mib)
{
	const size_t size = (size_t)mib << 20;

	pages = malloc(size);
	for (size_t i = 0; pages && i < size; i += STRIDE / 2)
		pages[i] = 1;
	return pages != NULL;
}

int main(void)
{
	return 0;
}
