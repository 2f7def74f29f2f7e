/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first code of a guest: descriptor tables, so that the first write to a page of the image can
 * fault and be mended, and a stack.
 *
 * Until then nothing of the image can be written to: no variable, only what is mapped here.
 */
#include "guest/hyperlight/boot.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "guest/cow/abort.h"
#include "guest/cow/tables.h"

/* Two pages: the first with GDT and TSS, the second with the IDT. */
#define GDT_OFFSET 0x000
#define TSS_OFFSET 0x040
#define IDT_OFFSET 0x1000

enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TASK = 0x18 };
enum { TSS_SIZE = 0x68, TSS_IST1 = 0x24, GATES = 256, VECTORS_HANDLED = 21 };
#define SECURITY_VECTOR 30

/* Present, ring 0: 64-bit code, data, and where the address of a TSS is added. */
#define DESCRIPTOR_CODE UINT64_C(0x00a09a0000000000)
#define DESCRIPTOR_DATA UINT64_C(0x00c0920000000000)
#define DESCRIPTOR_TASK UINT64_C(0x0000890000000000)
/* Present interrupt gate on interrupt stack 1. */
#define GATE_RIGHTS UINT64_C(0x00008e0100000000)

struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

uint64_t hyperlight_root(void)
{
	uint64_t cr3;

	__asm__ volatile("mov %%cr3, %0" : "=r"(cr3));
	return cr3 & VMEM_AMD64_ADDRESS;
}

void hyperlight_settle(void)
{
	uint64_t cr0;

	__asm__ volatile("mov %%cr0, %0\n\t"
			 "mov %0, %%cr0"
			 : "=r"(cr0)
			 :
			 : "memory");
}

void hyperlight_map_page(uint64_t address)
{
	uint64_t top = hyperlight_root(); /* stays: the tables are in scratch */
	const struct vmem_range page = {
		.va = address,
		.pa = scratch_take_page(),
		.size = VMEM_PAGE_SIZE,
		.flags = VMEM_WRITE,
		.kind = VMEM_BASIC,
	};

	if (vmem_map(&vmem_amd64, &tables_ops, NULL, &top, &page) != VMEM_OK) {
		abort_code(SCRATCH_ABORT_NO_MEMORY);
		abort_text("page tables lead nowhere for ");
		abort_hex(address);
		abort_end();
	}
	hyperlight_settle();
}

static void fill_gdt(volatile uint64_t *gdt)
{
	const uint64_t tss = HYPERLIGHT_DESCRIPTORS_GVA + TSS_OFFSET;

	gdt[SELECTOR_CODE / 8] = DESCRIPTOR_CODE;
	gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
	gdt[SELECTOR_TASK / 8] = DESCRIPTOR_TASK | (TSS_SIZE - 1) | (tss & 0xffffff) << 16 |
				 (tss >> 24 & 0xff) << 56;
	gdt[SELECTOR_TASK / 8 + 1] = tss >> 32;
}

static void fill_idt(volatile uint64_t *idt)
{
	for (unsigned vector = 0; vector <= SECURITY_VECTOR; vector++) {
		const uint64_t stub = (uint64_t)hyperlight_stubs + vector * STUB_SIZE;

		if (vector >= VECTORS_HANDLED && vector != SECURITY_VECTOR)
			continue;
		idt[2 * vector] = (stub & 0xffff) | SELECTOR_CODE << 16 | GATE_RIGHTS |
				  (stub >> 16 & 0xffff) << 48;
		idt[2 * vector + 1] = stub >> 32;
	}
}

static void load_descriptors(void)
{
	const struct table_register gdt = { 5 * 8 - 1, HYPERLIGHT_DESCRIPTORS_GVA + GDT_OFFSET };
	const struct table_register idt = { GATES * 16 - 1,
					    HYPERLIGHT_DESCRIPTORS_GVA + IDT_OFFSET };

	__asm__ volatile("lgdt %0\n\t"
			 "mov %2, %%eax\n\t"
			 "mov %%eax, %%ds\n\t"
			 "mov %%eax, %%es\n\t"
			 "mov %%eax, %%fs\n\t"
			 "mov %%eax, %%gs\n\t"
			 "mov %%eax, %%ss\n\t"
			 "push %3\n\t"
			 "lea 1f(%%rip), %%rax\n\t"
			 "push %%rax\n\t"
			 "lretq\n"
			 "1:\n\t"
			 "mov %4, %%eax\n\t"
			 "ltr %%ax\n\t"
			 "lidt %1"
			 :
			 : "m"(gdt), "m"(idt), "i"(SELECTOR_DATA), "i"(SELECTOR_CODE),
			   "i"(SELECTOR_TASK)
			 : "rax", "memory");
}

void hyperlight_boot(void)
{
	volatile uint64_t *tss_ist =
		(volatile uint64_t *)(HYPERLIGHT_DESCRIPTORS_GVA + TSS_OFFSET + TSS_IST1);

	hyperlight_map_page(HYPERLIGHT_DESCRIPTORS_GVA);
	hyperlight_map_page(HYPERLIGHT_DESCRIPTORS_GVA + IDT_OFFSET);
	fill_gdt((volatile uint64_t *)(HYPERLIGHT_DESCRIPTORS_GVA + GDT_OFFSET));
	fill_idt((volatile uint64_t *)(HYPERLIGHT_DESCRIPTORS_GVA + IDT_OFFSET));
	*tss_ist = SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK;
	load_descriptors();
	hyperlight_map_page(HYPERLIGHT_STACK_TOP_GVA - VMEM_PAGE_SIZE);
}
