/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that maps physical memory where it is told to, as guests of the hyperlight ABI must with
 * files that their host has mapped.
 */
#include "abi/hyperlight.h"
#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"

#include <mote/guest.h>

int main(void)
{
	return 0;
}

static volatile uint64_t *scratch_word(uint64_t distance)
{
	return (volatile uint64_t *)(SCRATCH_END_GVA - distance);
}

static void *table(void *memory, uint64_t pa)
{
	(void)memory;
	return (void *)(pa + (SCRATCH_END_GVA - SCRATCH_END_GPA));
}

static uint64_t take_page(void *memory)
{
	const uint64_t pa = *scratch_word(SCRATCH_NEXT);

	(void)memory;
	*scratch_word(SCRATCH_NEXT) = pa + VMEM_PAGE_SIZE;
	return pa;
}

static const struct vmem_ops ops = { .table = table, .alloc = take_page };

/* Maps SIZE bytes at the same virtual address, writable and executable. */
MOTE_EXPORT(u32, Map, u64, pa, u64, size)
{
	const struct vmem_range range = { pa, pa, size, VMEM_WRITE | VMEM_EXEC, VMEM_BASIC };
	uint64_t root;

	__asm__ volatile("mov %%cr3, %0" : "=r"(root));
	return vmem_map(&vmem_amd64, &ops, NULL, &root, &range);
}

MOTE_EXPORT(bytes, ReadMappedBuffer, u64, address, u64, size)
{
	return (struct mote_guest_bytes){ (const void *)address, size };
}

/* Through the library, which maps what is not mapped. */
MOTE_EXPORT(bytes, ReadMapping, u64, address, u64, size)
{
	const void *at = mote_mapping_at(address, size);

	if (!at)
		mote_guest_fail(15, "nothing can be mapped there");
	return (struct mote_guest_bytes){ at, size < 26 ? size : 26 };
}

MOTE_EXPORT(void, WriteMappedBuffer, u64, address)
{
	*(volatile uint8_t *)address = 0x42;
}

/* The file has a function without parameters there. */
MOTE_EXPORT(i32, ExecMappedBuffer, u64, address)
{
	return ((int (*)(void))address)();
}
