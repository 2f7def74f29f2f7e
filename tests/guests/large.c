/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest with much address space and little in it.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static unsigned char *area;
static uint64_t area_size;

/* Takes SIZE bytes of address space. */
MOTE_EXPORT(bool, Reserve, u64, size)
{
	area_size = size;
	area = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		    -1, 0);
	return area != MAP_FAILED;
}

/* Writes VALUE to every STEP-th byte. */
MOTE_EXPORT(void, Write, u64, step, u32, value)
{
	for (uint64_t at = 0; at < area_size; at += step)
		area[at] = (unsigned char)value;
	area[area_size - 1] = (unsigned char)value;
}

MOTE_EXPORT(u64, Sum, u64, step)
{
	uint64_t sum = area[area_size - 1];

	for (uint64_t at = 0; at < area_size; at += step)
		sum += area[at];
	return sum;
}

/* Gives all of it back. */
MOTE_EXPORT(bool, Release)
{
	return munmap(area, area_size) == 0;
}

/* Numbers anywhere. */
MOTE_EXPORT(u64, Peek, u64, address)
{
	return *(volatile uint64_t *)(uintptr_t)address;
}

MOTE_EXPORT(void, Poke, u64, address, u64, value)
{
	*(volatile uint64_t *)(uintptr_t)address = value;
}

/* The address of the lowest byte. */
MOTE_EXPORT(u64, Address)
{
	return (uint64_t)(uintptr_t)area;
}

int main(void)
{
	return 0;
}
