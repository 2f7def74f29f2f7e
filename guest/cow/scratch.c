/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The allocator of scratch pages, a number that only grows: pages come back when the
 * host restores the snapshot, so nothing is ever freed here.
 */
#include "guest/cow/scratch.h"

#include "abi/scratch.h"
#include "guest/cow/abort.h"

static volatile uint64_t *word(uint64_t distance)
{
	return (volatile uint64_t *)(SCRATCH_END_GVA - distance);
}

bool scratch_has(uint64_t pa)
{
	return SCRATCH_END_GPA - 1 - pa < *word(SCRATCH_SIZE); /* above the end it wraps */
}

static _Noreturn void abort_without_page(const char *why, uint64_t next)
{
	abort_code(SCRATCH_ABORT_NO_MEMORY);
	abort_text(why);
	abort_hex(next);
	abort_end();
}

uint64_t scratch_take_page(void)
{
	const uint64_t end = SCRATCH_END_GPA - SCRATCH_KEPT;
	volatile uint64_t *next = word(SCRATCH_NEXT);
	uint64_t pa = *next;

	if (pa == end)
		abort_without_page("out of scratch memory, all is in use up to ", pa);
	if (pa % VMEM_PAGE_SIZE || pa > end || !scratch_has(pa))
		abort_without_page("the next page of scratch would lie outside of it, at ", pa);
	*next = pa + VMEM_PAGE_SIZE;
	return pa;
}

void *scratch_at(uint64_t pa)
{
	return (void *)(pa + (SCRATCH_END_GVA - SCRATCH_END_GPA));
}

/* String instructions: one for a page, also where ring 0 is interpreted. */
void scratch_copy_page(void *to, const void *from)
{
	uint64_t count = VMEM_PAGE_SIZE / 8;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(count) : : "memory");
}

void scratch_clear_page(void *page)
{
	uint64_t count = VMEM_PAGE_SIZE / 8;

	__asm__ volatile("rep stosq" : "+D"(page), "+c"(count) : "a"(UINT64_C(0)) : "memory");
}
