/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a page fault means: the first write to a copy-on-write page, or the end.
 */
#include "guest/cow/page_fault.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "guest/cow/abort.h"
#include "guest/cow/tables.h"

#define VECTOR_PAGE_FAULT 14

/* The error code of the only fault that is mended: a write by ring 0 to a page that is present.
 * Other bits tell of user mode, reserved bits, fetches, keys. */
enum { FAULT_PRESENT = 1 << 0, FAULT_WRITE = 1 << 1 };

static uint64_t read_root(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3;
}

/* Forgets all translations too. */
static void write_root(uint64_t cr3)
{
	__asm__ volatile("mov %0, %%cr3" : : "r"(cr3) : "memory");
}

static void forget_translation(uint64_t va)
{
	__asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static _Noreturn void abort_page_fault(uint64_t address, uint64_t error_code, uint64_t rip)
{
	abort_code(SCRATCH_ABORT_EXCEPTION);
	abort_code(VECTOR_PAGE_FAULT);
	abort_text("page fault at ");
	abort_hex(address);
	abort_text(", error code ");
	abort_hex(error_code);
	abort_text(", instruction at ");
	abort_hex(rip);
	abort_end();
}

/* Finds the page of VA, which must be copy-on-write. */
static bool find_cow_page(uint64_t root, uint64_t va, struct vmem_range *page)
{
	return vmem_translate(&vmem_amd64, &tables_ops, NULL, root, va, page) &&
	       page->kind == VMEM_COW;
}

void cow_page_fault(uint64_t address, uint64_t error_code, uint64_t rip)
{
	const uint64_t cr3 = read_root();
	const uint64_t old_root = cr3 & VMEM_AMD64_ADDRESS;
	uint64_t root = old_root;
	struct vmem_range page;

	if (error_code != (FAULT_PRESENT | FAULT_WRITE) ||
	    !find_cow_page(root, address & -VMEM_PAGE_SIZE, &page))
		abort_page_fault(address, error_code, rip);

	page.pa = scratch_take_page();
	page.size = VMEM_PAGE_SIZE; /* of a large page too only what is written */
	page.kind = VMEM_BASIC;
	page.flags |= VMEM_WRITE;
	scratch_copy_page(scratch_at(page.pa), (const void *)page.va);
	if (vmem_map(&vmem_amd64, &tables_ops, NULL, &root, &page) != VMEM_OK)
		abort_page_fault(address, error_code, rip);

	if (root != old_root)
		write_root(root | (cr3 & ~VMEM_AMD64_ADDRESS));
	forget_translation(page.va);
}
