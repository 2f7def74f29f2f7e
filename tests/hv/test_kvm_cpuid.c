/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPUID guests of KVM get: bit by bit what passes, that nothing else does, that the sizes
 * of vector state fit to what is left, and that no feature is lost that snapshots record.
 */
#include "hv/kvm/kvm_internal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* For its table. */
#include "hv/cpu_features_amd64.c"

#define ALL UINT32_MAX

static union {
	struct kvm_cpuid2 table;
	char room[sizeof(struct kvm_cpuid2) + 128 * sizeof(struct kvm_cpuid_entry2)];
} cpuid;

static void add(uint32_t function, uint32_t index, uint32_t eax, uint32_t ebx, uint32_t ecx,
		uint32_t edx)
{
	assert_true(cpuid.table.nent < 128);
	cpuid.table.entries[cpuid.table.nent++] = (struct kvm_cpuid_entry2){
		.function = function, .index = index, .eax = eax, .ebx = ebx, .ecx = ecx, .edx = edx
	};
}

/* Whatever a processor could have, and more. */
static int offer_everything(void **state)
{
	(void)state;
	memset(&cpuid, 0, sizeof cpuid);
	for (uint32_t function = 0; function <= 0x24; function++)
		if (function != 0xd)
			add(function, 0, ALL, ALL, ALL, ALL);
	add(4, 1, ALL, ALL, ALL, ALL);
	add(7, 1, ALL, ALL, ALL, ALL);
	add(7, 2, ALL, ALL, ALL, ALL);
	add(0xd, 0, ALL, 11008, 11008, ALL);
	add(0xd, 1, ALL, 11008, ALL, ALL);
	add(0xd, 2, 256, 576, ALL, ALL);
	add(0xd, 5, 64, 832, ALL, ALL);
	add(0xd, 6, 512, 896, ALL, ALL);
	add(0xd, 7, 1024, 1408, ALL, ALL);
	add(0xd, 9, 8, 2432, ALL, ALL);     /* PKRU */
	add(0xd, 18, 8192, 2816, ALL, ALL); /* AMX's tiles */
	add(0xd, 66, 64, 11008, ALL, ALL);  /* no bit of XCR0, but 2 modulo 64 */
	add(0x40000000, 0, ALL, ALL, ALL, ALL);
	add(0x40000001, 0, ALL, ALL, ALL, ALL);
	for (uint32_t function = 0x80000000; function <= 0x8000000a; function++)
		add(function, 0, ALL, ALL, ALL, ALL);
	add(0x8000001d, 0, ALL, ALL, ALL, ALL);
	add(0x8000001d, 3, ALL, ALL, ALL, ALL);
	for (uint32_t function = 0x8000001e; function <= 0x80000021; function++)
		add(function, 0, ALL, ALL, ALL, ALL);
	add(0xc0000001, 0, ALL, ALL, ALL, ALL);
	return 0;
}

static const struct kvm_cpuid_entry2 *leaf(uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < cpuid.table.nent; i++)
		if (cpuid.table.entries[i].function == function &&
		    cpuid.table.entries[i].index == index)
			return &cpuid.table.entries[i];
	return NULL;
}

static uint32_t value(const struct kvm_cpuid_entry2 *entry, enum reg reg)
{
	const uint32_t regs[] = { entry->eax, entry->ebx, entry->ecx, entry->edx };

	return regs[reg];
}

static const struct {
	const char *name;
	uint32_t function, index;
	enum reg reg;
	unsigned bit;
	bool is_visible;
} features_of_note[] = {
	{ "the hypervisor's mark", 1, 0, ECX, 31, true },
	{ "OSXSAVE, without which nobody looks at AVX", 1, 0, ECX, 27, true },
	{ "XSAVE", 1, 0, ECX, 26, true },
	{ "MONITOR", 1, 0, ECX, 3, false },
	{ "VMX", 1, 0, ECX, 5, false },
	{ "SMX", 1, 0, ECX, 6, false },
	{ "performance counters", 1, 0, ECX, 15, false },
	{ "x2APIC", 1, 0, ECX, 21, false },
	{ "the APIC's deadline timer", 1, 0, ECX, 24, false },
	{ "the APIC", 1, 0, EDX, 9, false },
	{ "MTRRs", 1, 0, EDX, 12, false },
	{ "the machine check architecture", 1, 0, EDX, 14, false },
	{ "a debug store", 1, 0, EDX, 21, false },
	{ "more than one processor", 1, 0, EDX, 28, false },
	{ "SSE2", 1, 0, EDX, 26, true },
	{ "FSGSBASE, which CR4 has off", 7, 0, EBX, 0, false },
	{ "SGX", 7, 0, EBX, 2, false },
	{ "MPX", 7, 0, EBX, 14, false },
	{ "processor trace", 7, 0, EBX, 25, false },
	{ "protection keys", 7, 0, ECX, 3, false },
	{ "WAITPKG", 7, 0, ECX, 5, false },
	{ "shadow stacks", 7, 0, ECX, 7, false },
	{ "indirect branch tracking", 7, 0, EDX, 20, false },
	{ "AMX", 7, 0, EDX, 24, false },
	{ "SPEC_CTRL", 7, 0, EDX, 26, false },
	{ "ARCH_CAPABILITIES", 7, 0, EDX, 29, false },
	{ "XSAVES", 0xd, 1, EAX, 3, false },
	{ "XSAVEC", 0xd, 1, EAX, 1, true },
	{ "SVM", 0x80000001, 0, ECX, 2, false },
	{ "instruction based sampling", 0x80000001, 0, ECX, 10, false },
	{ "SYSCALL", 0x80000001, 0, EDX, 11, true },
	{ "NX, which EFER needs", 0x80000001, 0, EDX, 20, true },
	{ "RDTSCP", 0x80000001, 0, EDX, 27, true },
	{ "long mode, which EFER needs", 0x80000001, 0, EDX, 29, true },
	{ "the TSC's constant rate", 0x80000007, 0, EDX, 8, true },
};

static void features_are_seen_or_not(void **state)
{
	(void)state;
	kvm_cpuid_curate(&cpuid.table, 0xe7);
	for (size_t i = 0; i < sizeof features_of_note / sizeof features_of_note[0]; i++) {
		const struct kvm_cpuid_entry2 *entry =
			leaf(features_of_note[i].function, features_of_note[i].index);
		assert_non_null(entry);
		bool is_set = value(entry, features_of_note[i].reg) >> features_of_note[i].bit & 1;
		if (is_set != features_of_note[i].is_visible)
			fail_msg("%s: %s", features_of_note[i].name, is_set ? "seen" : "not seen");
	}
}

/* What a snapshot requires of a machine, a guest that goes on from it there must find there. */
static void what_snapshots_record_is_seen(void **state)
{
	(void)state;
	kvm_cpuid_curate(&cpuid.table, 0xe7);
	for (size_t i = 0; i < NFEATURES; i++) {
		const struct kvm_cpuid_entry2 *entry = leaf(features[i].leaf, features[i].subleaf);
		assert_non_null(entry);
		if (!(value(entry, features[i].reg) >> features[i].bit & 1))
			fail_msg("%s is hidden", features[i].name);
	}
}

/* Each bit that passes is in a mask that somebody has thought about: here they are counted. */
static void nothing_else_is_seen(void **state)
{
	(void)state;
	static const struct {
		uint32_t function, index;
		unsigned bits[4]; /* how many are set; 33: any number */
	} rows[] = {
		{ 0, 0, { 33, 33, 33, 33 } },
		{ 1, 0, { 32, 8, 16, 16 } },
		{ 2, 0, { 33, 33, 33, 33 } },
		{ 4, 0, { 14, 32, 32, 32 } },
		{ 4, 1, { 14, 32, 32, 32 } },
		{ 7, 0, { 1, 19, 11, 1 } },
		{ 7, 1, { 2, 0, 0, 0 } },
		{ 0xd, 0, { 6, 33, 33, 0 } },
		{ 0xd, 1, { 3, 33, 0, 0 } },
		{ 0xd, 2, { 33, 33, 1, 0 } },
		{ 0xd, 5, { 33, 33, 1, 0 } },
		{ 0xd, 6, { 33, 33, 1, 0 } },
		{ 0xd, 7, { 33, 33, 1, 0 } },
		{ 0x80000000, 0, { 33, 33, 33, 33 } },
		{ 0x80000001, 0, { 32, 0, 6, 16 } },
		{ 0x80000005, 0, { 33, 33, 33, 33 } },
		{ 0x80000006, 0, { 33, 33, 33, 33 } },
		{ 0x80000007, 0, { 0, 0, 0, 1 } },
		{ 0x80000008, 0, { 16, 0, 0, 0 } },
		{ 0x8000001d, 0, { 14, 32, 32, 32 } },
		{ 0x8000001d, 3, { 14, 32, 32, 32 } },
	};
	enum { NROWS = sizeof rows / sizeof rows[0] };

	kvm_cpuid_curate(&cpuid.table, 0xe7);
	for (size_t i = 0; i < NROWS; i++) {
		const struct kvm_cpuid_entry2 *entry = leaf(rows[i].function, rows[i].index);
		assert_non_null(entry);
		for (enum reg reg = EAX; reg <= EDX; reg++) {
			unsigned bits = (unsigned)__builtin_popcount(value(entry, reg));
			if (rows[i].bits[reg] != 33 && bits != rows[i].bits[reg])
				fail_msg("leaf 0x%x.%u, register %u has %u bits", rows[i].function,
					 rows[i].index, reg, bits);
		}
	}
	assert_int_equal(cpuid.table.nent, NROWS);
}

static void the_highest_leaves_are_those_that_are_answered(void **state)
{
	(void)state;
	kvm_cpuid_curate(&cpuid.table, 0xe7);
	assert_int_equal(leaf(0, 0)->eax, 0xd);
	assert_int_equal(leaf(7, 0)->eax, 1);
	assert_int_equal(leaf(0x80000000, 0)->eax, 0x8000001d);
	/* and processors that have fewer keep theirs */
	cpuid.table.nent = 0;
	add(0, 0, 7, 1, 2, 3);
	add(7, 0, 0, 1u << 3, 0, 0);
	add(0x80000000, 0, 0x80000008, 0, 0, 0);
	kvm_cpuid_curate(&cpuid.table, 7);
	assert_int_equal(leaf(0, 0)->eax, 7);
	assert_true(leaf(0, 0)->ebx == 1 && leaf(0, 0)->ecx == 2 && leaf(0, 0)->edx == 3);
	assert_int_equal(leaf(7, 0)->eax, 0);
	assert_int_equal(leaf(0x80000000, 0)->eax, 0x80000008);
}

static void vector_state_has_the_room_that_it_needs(void **state)
{
	static const struct {
		uint64_t xcr0;
		uint32_t size;
		unsigned parts;
	} rows[] = {
		{ 0x1, 576, 0 },   { 0x3, 576, 0 },    { 0x7, 832, 1 },
		{ 0xe7, 2432, 4 }, { 0x2e7, 2440, 5 }, { 0x402e7, 11008, 6 },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		offer_everything(state);
		kvm_cpuid_curate(&cpuid.table, rows[i].xcr0);
		assert_int_equal(leaf(0xd, 0)->eax, rows[i].xcr0);
		assert_int_equal(leaf(0xd, 0)->edx, 0);
		assert_int_equal(leaf(0xd, 0)->ebx, rows[i].size);
		assert_int_equal(leaf(0xd, 0)->ecx, rows[i].size);
		unsigned parts = 0;
		for (uint32_t part = 2; part < 64; part++)
			parts += leaf(0xd, part) != NULL;
		assert_int_equal(parts, rows[i].parts);
	}
	offer_everything(state);
	kvm_cpuid_curate(&cpuid.table, UINT64_C(1) << 62 | 3);
	assert_int_equal(leaf(0xd, 0)->edx, 1u << 30);
}

static void leaves_of_zeros_are_left_out(void **state)
{
	(void)state;
	cpuid.table.nent = 0;
	add(2, 0, 0, 0, 0, 0);
	add(7, 0, 0, 1, 0, 1u << 26); /* nothing that may be seen */
	add(1, 0, 0, 0, 0, 0);        /* the hypervisor's mark is */
	kvm_cpuid_curate(&cpuid.table, 1);
	assert_int_equal(cpuid.table.nent, 1);
	assert_int_equal(leaf(1, 0)->ecx, 1u << 31);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, offer_everything)
	const struct CMUnitTest tests[] = {
		TEST(features_are_seen_or_not),
		TEST(what_snapshots_record_is_seen),
		TEST(nothing_else_is_seen),
		TEST(the_highest_leaves_are_those_that_are_answered),
		TEST(vector_state_has_the_room_that_it_needs),
		TEST(leaves_of_zeros_are_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
