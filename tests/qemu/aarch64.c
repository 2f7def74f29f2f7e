/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 64-bit Arm image: the MMU on, with the tables that it was linked with. What may be
 * read and written is asked of the MMU itself (AT instructions); what may be executed is
 * executed.
 */
#include "tests/qemu/probes.h"

#include <stdbool.h>

#define SERIAL ((volatile uint32_t *)0x09000000)

/* Arm ARM: PAR_EL1, ESR_EL1.EC. */
#define PAR_FAILED   1
#define PAR_ADDRESS  UINT64_C(0x000ffffffffff000)
#define EC_SVC       0x15
#define EC_FETCH_EL0 0x20
#define EC_FETCH_EL1 0x21
#define SPSR_MASKED  (15 << 6) /* no interrupts */
#define SPSR_EL0     0
#define SPSR_EL1     5
#define MAIR_NORMAL  0xff
#define SCTLR_MMU    1
#define CODE_RETURN  0xd65f03c0
#define CODE_SYSTEM  0xd4000001
/* 48 bits of address in both halves, 4 KiB granule, walks cached, inner shareable; 48 bits of
 * physical address. */
#define TCR_HALF_0 (16 | 1 << 8 | 1 << 10 | 3 << 12)
#define TCR_HALF_1 (16 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | UINT64_C(2) << 30)
#define TCR_PA_48  (UINT64_C(5) << 32)

/* From aarch64_entry.S; see there. */
uint64_t aarch64_run(uint64_t va, uint64_t spsr);

extern const struct probes probes; /* from the linker script */

_Noreturn void aarch64_main(void);
_Noreturn void aarch64_unexpected(uint64_t esr, uint64_t elr);

void serial_put(char character)
{
	*SERIAL = (uint8_t)character;
}

_Noreturn void aarch64_unexpected(uint64_t esr, uint64_t elr)
{
	report_unexpected("exception", esr, elr);
}

/* Asks the MMU about VA as OPERATION says; answers PAR_EL1. */
#define TRANSLATE(operation, va)                                                                   \
	({                                                                                         \
		uint64_t par_;                                                                     \
		__asm__ volatile("at " operation ", %1\n\tisb\n\tmrs %0, par_el1"                  \
				 : "=r"(par_)                                                      \
				 : "r"(va)                                                         \
				 : "memory");                                                      \
		par_;                                                                              \
	})

static bool can_execute(uint64_t va, uint64_t level)
{
	bool is_el1 = level == SPSR_EL1;
	uint64_t esr =
		aarch64_run(va + (is_el1 ? PROBE_RETURN : PROBE_SYSTEM_CALL), SPSR_MASKED | level);
	uint64_t class = esr >> 26;

	if (is_el1 ? esr == 0 : class == EC_SVC)
		return true;
	if (class != (is_el1 ? EC_FETCH_EL1 : EC_FETCH_EL0))
		report_unexpected("end of code, ESR", esr, va);
	return false;
}

unsigned probe(uint64_t va, uint64_t *pa)
{
	uint64_t par = TRANSLATE("s1e1r", va);
	unsigned kernel = PROBE_READ;
	unsigned user = 0;

	if (par & PAR_FAILED)
		return 0;
	*pa = par & PAR_ADDRESS;
	if (!(TRANSLATE("s1e1w", va) & PAR_FAILED))
		kernel |= PROBE_WRITE;
	if (!(TRANSLATE("s1e0r", va) & PAR_FAILED))
		user |= PROBE_READ;
	if (!(TRANSLATE("s1e0w", va) & PAR_FAILED))
		user |= PROBE_WRITE;
	if (can_execute(va, SPSR_EL1))
		kernel |= PROBE_EXEC;
	if (can_execute(va, SPSR_EL0))
		user |= PROBE_EXEC;
	return PROBE_MAPPED | kernel | user << PROBE_USER_SHIFT;
}

static void mark_pages(void)
{
	for (uint64_t pa = probes.pages; pa < probes.pages_end; pa += 4096) {
		*(volatile uint32_t *)(pa + PROBE_RETURN) = CODE_RETURN;
		*(volatile uint32_t *)(pa + PROBE_SYSTEM_CALL) = CODE_SYSTEM;
	}
}

#define WRITE_REGISTER(name, value) __asm__ volatile("msr " name ", %0" : : "r"(value) : "memory")

static void turn_mmu_on(void)
{
	uint64_t sctlr;

	WRITE_REGISTER("mair_el1", UINT64_C(MAIR_NORMAL));
	WRITE_REGISTER("tcr_el1", TCR_HALF_0 | TCR_HALF_1 | TCR_PA_48);
	WRITE_REGISTER("ttbr0_el1", probes.roots[0]);
	WRITE_REGISTER("ttbr1_el1", probes.roots[1]);
	__asm__ volatile("dsb sy\n\tic iallu\n\ttlbi vmalle1\n\tdsb sy\n\tisb" : : : "memory");
	__asm__ volatile("mrs %0, sctlr_el1" : "=r"(sctlr));
	WRITE_REGISTER("sctlr_el1", sctlr | SCTLR_MMU);
	__asm__ volatile("isb" : : : "memory");
}

_Noreturn void aarch64_main(void)
{
	mark_pages();
	turn_mmu_on();
	report(&probes);
	for (;;)
		;
}
