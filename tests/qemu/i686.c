/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 32-bit image: paging on, with the tables that it was linked with, and accesses of
 * every kind by ring 0 and ring 3. Where a page lies is read from the page.
 */
#include "tests/qemu/probes.h"

#include <stdbool.h>

/* How i686_try() tries; the result if nothing faulted. */
enum { TRY_READ = 0, TRY_WRITE = 1, TRY_EXEC = 2, TRY_IN_RING_3 = 4 };
#define TRY_WORKED 0xffffffffu

#define SERIAL_PORT 0x3f8
#define CR0_WP      (1u << 16)
#define CR0_PG      (1u << 31)
#define CR4_PSE     (1u << 4)

struct __attribute__((packed)) descriptors {
	uint16_t limit;
	uint32_t base;
};

struct gate {
	uint16_t low, selector, type, high;
};

/* From i686_entry.S; see there. */
uint32_t i686_try(unsigned how, uint32_t va, uint32_t *word);
void i686_use(const struct descriptors *gdt, const struct descriptors *idt);
void i686_page_fault(void);
void i686_system_call(void);
void i686_other_vector(void);
extern char i686_fault_stack_end[];

extern const struct probes probes; /* from the linker script */

_Noreturn void i686_main(void);
_Noreturn void i686_unexpected(uint32_t first, uint32_t second);

static struct gate idt[256];
static uint32_t tss[26];
static uint64_t gdt[6] = {
	0,
	UINT64_C(0x00cf9b000000ffff), /* code and data for ring 0 */
	UINT64_C(0x00cf93000000ffff),
	UINT64_C(0x00cffb000000ffff), /* and for ring 3 */
	UINT64_C(0x00cff3000000ffff),
};

void serial_put(char character)
{
	__asm__ volatile("outb %0, %1" : : "a"(character), "d"((uint16_t)SERIAL_PORT));
}

_Noreturn void i686_unexpected(uint32_t first, uint32_t second)
{
	report_unexpected("exception", first, second);
}

static bool try(unsigned how, uint64_t va, uint32_t *word)
{
	return i686_try(how, (uint32_t)va, word) == TRY_WORKED;
}

static unsigned rights(unsigned ring, uint64_t va)
{
	uint32_t word;

	return (try(ring | TRY_READ, va, &word) ? PROBE_READ : 0) |
	       (try(ring | TRY_WRITE, va, &word) ? PROBE_WRITE : 0) |
	       (try(ring | TRY_EXEC, va, &word) ? PROBE_EXEC : 0);
}

unsigned probe(uint64_t va, uint64_t *pa)
{
	uint32_t word;

	if (!try(TRY_READ, va, &word))
		return 0;
	*pa = word;
	return PROBE_MAPPED | rights(0, va) | rights(TRY_IN_RING_3, va) << PROBE_USER_SHIFT;
}

static void set_gate(unsigned vector, void (*entry)(void), uint16_t type)
{
	uint32_t address = (uint32_t)(uintptr_t)entry;

	idt[vector] = (struct gate){ (uint16_t)address, 8, type, (uint16_t)(address >> 16) };
}

static void set_descriptors(void)
{
	const uint64_t base = (uintptr_t)tss;

	for (unsigned vector = 0; vector < 256; vector++)
		set_gate(vector, i686_other_vector, 0x8e00);
	set_gate(14, i686_page_fault, 0x8e00);
	set_gate(0x80, i686_system_call, 0xee00);

	tss[1] = (uint32_t)(uintptr_t)i686_fault_stack_end;
	tss[2] = 0x10;
	gdt[5] = (sizeof tss - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
		 (base >> 24) << 56;

	const struct descriptors use_gdt = { sizeof gdt - 1, (uint32_t)(uintptr_t)gdt };
	const struct descriptors use_idt = { sizeof idt - 1, (uint32_t)(uintptr_t)idt };

	i686_use(&use_gdt, &use_idt);
}

static void mark_pages(void)
{
	for (uint64_t pa = probes.pages; pa < probes.pages_end; pa += 4096) {
		volatile uint8_t *page = (volatile uint8_t *)(uintptr_t)pa;

		*(volatile uint32_t *)page = (uint32_t)pa;
		page[PROBE_RETURN] = 0xc3;
		page[PROBE_SYSTEM_CALL] = 0xcd;
		page[PROBE_SYSTEM_CALL + 1] = 0x80;
	}
}

static void turn_paging_on(void)
{
	uint32_t cr0, cr4;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_PSE));
	__asm__ volatile("mov %0, %%cr3" : : "r"((uint32_t)probes.roots[0]));
	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"(cr0 | CR0_WP | CR0_PG) : "memory");
}

_Noreturn void i686_main(void)
{
	set_descriptors();
	mark_pages();
	turn_paging_on();
	report(&probes);
	for (;;)
		;
}
