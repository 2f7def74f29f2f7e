/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hostile guest: hides a number wherever it can, and looks for it in a later call. The number is
 * made here, so that no argument has it.
 */
#include <mote/guest.h>

#include <stdlib.h>
#include <string.h>

struct range {
	uint64_t address, size;
};

static uint64_t canary_of(uint64_t key)
{
	return key * UINT64_C(0x9e3779b97f4a7c15) ^ UINT64_C(0x5bd1e995c0ffee11);
}

/* The end of the part of the stack that no function needs now. */
static uint64_t free_stack(const struct range *range)
{
	uint64_t here = (uint64_t)__builtin_frame_address(0) - 4096;

	return here - range->address < range->size ? here : range->address + range->size;
}

static void hide_in(const struct range *range, uint64_t canary)
{
	uint64_t end = free_stack(range);

	for (uint64_t at = range->address; at + 8 <= end; at += 8)
		*(volatile uint64_t *)at = canary;
}

static const uint64_t *find_in(const struct range *range, uint64_t canary)
{
	uint64_t end = free_stack(range);

	for (uint64_t at = range->address; at + 8 <= end; at += 8)
		if (*(const volatile uint64_t *)at == canary)
			return (const uint64_t *)at;
	return NULL;
}

/* Into all vector and most general registers, and the thread pointer's neighbour GS. */
static void hide_in_registers(uint64_t canary)
{
	__asm__ volatile("movq %0, %%xmm0; movq %0, %%xmm1; movq %0, %%xmm2; movq %0, %%xmm3\n\t"
			 "movq %0, %%xmm4; movq %0, %%xmm5; movq %0, %%xmm6; movq %0, %%xmm7\n\t"
			 "movq %0, %%xmm8; movq %0, %%xmm15; movq %0, %%mm0; movq %0, %%mm7\n\t"
			 "mov %0, %%r8; mov %0, %%r9; mov %0, %%r10; mov %0, %%r11\n\t"
			 "mov %0, %%rcx; mov %0, %%rdx; mov %0, %%rsi; mov %0, %%rdi"
			 :
			 : "a"(canary)
			 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
			   "xmm15", "r8", "r9", "r10", "r11", "rcx", "rdx", "rsi", "rdi", "memory");
}

/* RANGES is an array of struct range; WAY says how the call ends. */
MOTE_EXPORT(void, Hide, bytes, ranges, u64, key, u32, way)
{
	struct range all[16];
	size_t n = ranges.len / sizeof all[0];
	const uint64_t canary = canary_of(key);

	memcpy(all, ranges.ptr, n < 16 ? n * sizeof all[0] : sizeof all);
	for (size_t i = 0; i < n && i < 16; i++)
		hide_in(&all[i], canary);
	hide_in_registers(canary);
	if (way == 1)
		__asm__ volatile("ud2");
	if (way == 2)
		_Exit(7);
	if (way == 3)
		mote_guest_fail(canary, "canary");
}

/* Where the number is; 0: nowhere. */
MOTE_EXPORT(u64, Seek, bytes, ranges, u64, key)
{
	struct range all[16];
	size_t n = ranges.len / sizeof all[0];
	const uint64_t *found = NULL;

	memcpy(all, ranges.ptr, n < 16 ? n * sizeof all[0] : sizeof all);
	for (size_t i = 0; i < n && i < 16 && !found; i++)
		found = find_in(&all[i], canary_of(key));
	return (uint64_t)found;
}

int main(void)
{
	return 0;
}
