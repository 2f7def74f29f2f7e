/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest of the copy-on-write test: it reads and writes where it is told to. The
 * faults happen behind its back.
 */
#include "tests/cow/guest.h"

#include "guest/cow/page_fault.h"

uint64_t guest_read(uint64_t va);
void guest_write_pages(uint64_t va, uint64_t count);
uint64_t guest_count_up(void);

uint64_t guest_read(uint64_t va)
{
	return *(const volatile uint64_t *)va;
}

void guest_write_pages(uint64_t va, uint64_t count)
{
	for (; count > 0; count--, va += 4096)
		*(volatile uint8_t *)va = (uint8_t)count;
}

uint64_t guest_count_up(void)
{
	static volatile uint64_t counter = 41;

	return ++counter;
}
