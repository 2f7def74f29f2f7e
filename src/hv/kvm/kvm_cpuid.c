/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which CPUID guests see: of what KVM can virtualise, what a program in ring 3 can use, on one
 * processor that is nobody's in particular. All else is left out, so that what is new in processors
 * or in KVM stays unseen until somebody has thought about it. Features that programs choose code
 * by are those that snapshots record (vm/cpu_features_amd64.c); a test compares the two.
 *
 * Only where the processor's virtualization intercepts CPUID do guests see this; they can
 * use instructions without asking, too. What must be impossible is so by other means.
 */
#include "hv/kvm/kvm_internal.h"

#include <string.h>

/* Leaves above are not answered. */
#define LAST_BASIC    0xdu
#define LAST_EXTENDED 0x8000001du

#define ANY_INDEX UINT32_MAX
#define ALL       UINT32_MAX
#define BIT(n)    (UINT32_C(1) << (n))

/* Leaf 1: family, model and stepping; the line size of CLFLUSH, but no APIC id. */
#define LEAF_1_EBX 0x0000ff00u
/* pni pclmulqdq ssse3 fma cx16 sse4_1 sse4_2 movbe popcnt aes xsave osxsave avx f16c rdrand; not
 * MONITOR, VMX, SMX, PCID, x2APIC, the deadline timer */
#define LEAF_1_ECX                                                                                 \
	(BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) |    \
	 BIT(25) | BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(30))
/* fpu pse tsc msr pae cx8 sep pge cmov pat pse36 clflush mmx fxsr sse sse2; not VME, MCE, APIC,
 * MTRR, debug store, thermal monitor, HTT */
#define LEAF_1_EDX                                                                                 \
	(BIT(0) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(11) | BIT(13) | BIT(15) |       \
	 BIT(16) | BIT(17) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26))
#define HYPERVISOR BIT(31) /* leaf 1, ecx: always set */

/* bmi1 hle avx2 fdp_excptn bmi2 erms rtm zero_fcs avx512f avx512dq rdseed adx avx512ifma clflushopt
 * clwb avx512cd sha_ni avx512bw avx512vl; not FSGSBASE, SMEP, SMAP: CR4 has them off. Not MPX, SGX,
 * PQM, processor trace. */
#define LEAF_7_EBX                                                                                 \
	(BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(11) | BIT(13) | BIT(16) |       \
	 BIT(17) | BIT(18) | BIT(19) | BIT(21) | BIT(23) | BIT(24) | BIT(28) | BIT(29) | BIT(30) | \
	 BIT(31))
/* avx512vbmi avx512_vbmi2 gfni vaes vpclmulqdq avx512_vnni avx512_bitalg avx512_vpopcntdq rdpid
 * movdiri movdir64b; not UMIP, protection keys, WAITPKG, shadow stacks, 5-level paging */
#define LEAF_7_ECX                                                                                 \
	(BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(22) |     \
	 BIT(27) | BIT(28))
/* fsrm; not indirect branch tracking, AMX, and not the controls of speculation, which are MSRs */
#define LEAF_7_EDX BIT(4)
/* avx_vnni avx512_bf16 */
#define LEAF_7_1_EAX (BIT(4) | BIT(5))

/* xsaveopt xsavec xgetbv1; not XSAVES, which is for kernels, nor XFD */
#define LEAF_D_1_EAX (BIT(0) | BIT(1) | BIT(2))
#define ALIGNED      BIT(1) /* leaf 0xd, parts of the state, ecx */

/* How many processors share a cache (bits 14 to 25) and how many there are (26 to 31): one. */
#define CACHE_EAX 0x00003fffu

/* lahf_lm abm 3dnowprefetch xop fma4 topoext; not SVM, IBS, SKINIT, performance counters */
#define EXTENDED_1_ECX (BIT(0) | BIT(5) | BIT(8) | BIT(11) | BIT(16) | BIT(22))
/* What leaf 1 has, where AMD repeats it; syscall nx rdtscp lm */
#define EXTENDED_1_EDX ((LEAF_1_EDX & 0x0183f3ffu) | BIT(11) | BIT(20) | BIT(27) | BIT(29))
#define INVARIANT_TSC  BIT(8) /* leaf 0x80000007, edx */

/* What passes of each register of a leaf. Leaf 0xd is not here: its numbers depend on each other. */
static const struct rule {
	uint32_t function, index;
	uint32_t eax, ebx, ecx, edx;
} rules[] = {
	{ 0, 0, ALL, ALL, ALL, ALL },
	{ 1, 0, ALL, LEAF_1_EBX, LEAF_1_ECX, LEAF_1_EDX },
	{ 2, ANY_INDEX, ALL, ALL, ALL, ALL }, /* caches, as older Intel processors tell */
	{ 4, ANY_INDEX, CACHE_EAX, ALL, ALL, ALL },
	{ 7, 0, ALL, LEAF_7_EBX, LEAF_7_ECX, LEAF_7_EDX },
	{ 7, 1, LEAF_7_1_EAX, 0, 0, 0 },
	{ 0x80000000, 0, ALL, ALL, ALL, ALL },
	{ 0x80000001, 0, ALL, 0, EXTENDED_1_ECX, EXTENDED_1_EDX },
	{ 0x80000005, 0, ALL, ALL, ALL, ALL }, /* caches, as AMD's tell */
	{ 0x80000006, 0, ALL, ALL, ALL, ALL },
	{ 0x80000007, 0, 0, 0, 0, INVARIANT_TSC },
	{ 0x80000008, 0, 0xffff, 0, 0, 0 }, /* widths of addresses, but not how many cores */
	{ 0x8000001d, ANY_INDEX, CACHE_EAX, ALL, ALL, ALL },
};

static const struct rule *find_rule(const struct kvm_cpuid_entry2 *entry)
{
	for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
		if (rules[i].function == entry->function &&
		    (rules[i].index == ANY_INDEX || rules[i].index == entry->index))
			return &rules[i];
	return NULL;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void apply(const struct rule *rule, struct kvm_cpuid_entry2 *entry)
{
	entry->eax &= rule->eax;
	entry->ebx &= rule->ebx;
	entry->ecx &= rule->ecx;
	entry->edx &= rule->edx;
	if (entry->function == 0)
		entry->eax = least(entry->eax, LAST_BASIC);
	else if (entry->function == 0x80000000)
		entry->eax = least(entry->eax, LAST_EXTENDED);
	else if (entry->function == 7 && entry->index == 0)
		entry->eax = least(entry->eax, 1); /* the highest index */
	else if (entry->function == 1)
		entry->ecx |= HYPERVISOR;
}

/* A part of the vector state: whether guests have it. */
static bool curate_state_part(struct kvm_cpuid_entry2 *entry, uint64_t xcr0)
{
	if (entry->index > 63 || !(xcr0 >> entry->index & 1))
		return false;
	entry->ecx &= ALIGNED;
	entry->edx = 0;
	return true;
}

static bool curate_state(struct kvm_cpuid_entry2 *entry, uint64_t xcr0)
{
	if (entry->index >= 2)
		return curate_state_part(entry, xcr0);
	if (entry->index == 1) {
		/* How much room the state takes when it is compacted, KVM fills in. */
		entry->eax &= LEAF_D_1_EAX;
		entry->ecx = entry->edx = 0;
		return true;
	}
	entry->eax = (uint32_t)xcr0;
	entry->edx = (uint32_t)(xcr0 >> 32);
	return true;
}

static bool curate_entry(struct kvm_cpuid_entry2 *entry, uint64_t xcr0)
{
	if (entry->function == 0xd)
		return curate_state(entry, xcr0);
	const struct rule *rule = find_rule(entry);
	if (!rule)
		return false;
	apply(rule, entry);
	return true;
}

static struct kvm_cpuid_entry2 *find(struct kvm_cpuid2 *table, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < table->nent; i++)
		if (table->entries[i].function == function && table->entries[i].index == index)
			return &table->entries[i];
	return NULL;
}

/* The room that XSAVE needs for all that is left: programs reserve so much. */
static void set_state_size(struct kvm_cpuid2 *table)
{
	enum { LEGACY_AND_HEADER = 576 };
	struct kvm_cpuid_entry2 *whole = find(table, 0xd, 0);
	uint32_t size = LEGACY_AND_HEADER;

	if (!whole)
		return;
	for (uint32_t i = 0; i < table->nent; i++) {
		const struct kvm_cpuid_entry2 *part = &table->entries[i];
		if (part->function == 0xd && part->index >= 2 && part->ebx + part->eax > size)
			size = part->ebx + part->eax; /* where it begins, and its size */
	}
	whole->ebx = whole->ecx = size;
}

void kvm_cpuid_curate(struct kvm_cpuid2 *table, uint64_t xcr0)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < table->nent; i++) {
		struct kvm_cpuid_entry2 entry = table->entries[i];
		if (!curate_entry(&entry, xcr0))
			continue;
		/* Leaves that are not there are answered with zeros. */
		if (entry.eax | entry.ebx | entry.ecx | entry.edx)
			table->entries[kept++] = entry;
	}
	table->nent = kept;
	set_state_size(table);
}

void kvm_cpuid_set_physical(struct kvm_cpuid2 *table, uint8_t bits)
{
	struct kvm_cpuid_entry2 *sizes = find(table, 0x80000008, 0);

	if (sizes)
		sizes->eax = (sizes->eax & ~UINT32_C(0xff)) | bits;
}
