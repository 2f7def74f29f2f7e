/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of the test guest that map physical memory where they are told to, as guests of the
 * hyperlight ABI must with files that their host has mapped.
 */
#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "tests/hyperlight/guests/ports.h"

#include <mote/guest.h>

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

static uint64_t root_of_tables(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3 & VMEM_AMD64_ADDRESS;
}

/* At the same virtual address, writable and executable. */
static enum vmem_status map(uint64_t pa, uint64_t size)
{
	const struct vmem_range range = { pa, pa, size, VMEM_WRITE | VMEM_EXEC, VMEM_BASIC };
	uint64_t root = root_of_tables();

	return vmem_map(&vmem_amd64, &ops, NULL, &root, &range);
}

MOTE_EXPORT(u32, Map, u64, pa, u64, size)
{
	return map(pa, size);
}

/* The pages of SIZE bytes at ADDRESS, a page's beginning, and one more, for a use at once: what
 * Hyperlight's guests do first of all. */
static void map_for_use(uint64_t address, uint64_t size)
{
	uint64_t cr0;

	if (map(address, (size + 2 * VMEM_PAGE_SIZE - 1) & -VMEM_PAGE_SIZE) != VMEM_OK)
		mote_guest_abort(8, "nothing can be mapped there");
	__asm__ volatile("mov %%cr0, %0\n\t"
			 "mov %0, %%cr0"
			 : "=r"(cr0)
			 :
			 : "memory");
}

MOTE_EXPORT(bytes, ReadMappedBuffer, u64, address, u64, size, bool, maps)
{
	if (maps)
		map_for_use(address, size);
	return (struct mote_guest_bytes){ (const void *)address, size };
}

MOTE_EXPORT(bool, CheckMapped, u64, address)
{
	struct vmem_range range;

	return vmem_translate(&vmem_amd64, &ops, NULL, root_of_tables(), address, &range);
}

/* Where a file is, nobody can write, whatever the guest's tables say. */
MOTE_EXPORT(bool, WriteMappedBuffer, u64, address, u64, size)
{
	map_for_use(address, size);
	*(volatile uint8_t *)address = 0x42;
	return true;
}

/* What is there ends with a return. */
MOTE_EXPORT(bool, ExecMappedBuffer, u64, address, u64, size)
{
	map_for_use(address, size);
	((void (*)(void))address)();
	return true;
}

/* Through the library, which maps what is not mapped. */
MOTE_EXPORT(bytes, ReadMapping, u64, address, u64, size)
{
	const void *at = mote_mapping_at(address, size);

	if (!at)
		mote_guest_fail(15, "nothing can be mapped there");
	return (struct mote_guest_bytes){ at, size < 26 ? size : 26 };
}

/* The rest maps nothing. */
MOTE_EXPORT(void, WriteByte, u64, address)
{
	*(volatile uint8_t *)address = 0x42;
}

/* The file has a function without parameters there. */
MOTE_EXPORT(i32, CallAt, u64, address)
{
	return ((int (*)(void))address)();
}
