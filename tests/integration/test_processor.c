/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What guests see of the processor: that of KVM where the processor's virtualization has CPUID
 * intercepted, as on servers and in the metal world, and the real one elsewhere.
 */
#include "integration/harness.h"

#include "hv/cpu_features.h"

#include <cpuid.h>
#include <inttypes.h>
#include <string.h>

enum reg { EAX, EBX, ECX, EDX };

struct leaf {
	uint32_t regs[4];
};

static struct leaf ask(struct guest *g, uint32_t function, uint32_t index)
{
	mote_value r = CALL(g, "Cpuid", MOTE_ARGS(function, index));
	struct leaf leaf;

	assert_int_equal(r.as.bytes.len, sizeof leaf);
	memcpy(&leaf, r.as.bytes.ptr, sizeof leaf);
	return leaf;
}

static struct leaf ask_here(uint32_t function, uint32_t index)
{
	struct leaf leaf;

	__cpuid_count(function, index, leaf.regs[0], leaf.regs[1], leaf.regs[2], leaf.regs[3]);
	return leaf;
}

static bool is_machine(const struct guest *g)
{
	return strcmp(g->backend, "kvm") == 0;
}

/* Skips where what was set for guests does not reach them: they see the processor's name. */
static void require_own_cpuid(struct guest *g)
{
	struct leaf here = ask_here(0x80000002, 0), there = ask(g, 0x80000002, 0);

	if (here.regs[EAX] != 0 && memcmp(&here, &there, sizeof here) == 0)
		skip_row(g, "this KVM does not intercept CPUID: guests see the real processor's");
}

static const struct {
	const char *name;
	uint32_t function, index;
	enum reg reg;
	unsigned bit;
} hidden[] = {
	{ "VMX", 1, 0, ECX, 5 },
	{ "x2APIC", 1, 0, ECX, 21 },
	{ "the deadline timer", 1, 0, ECX, 24 },
	{ "the APIC", 1, 0, EDX, 9 },
	{ "FSGSBASE", 7, 0, EBX, 0 },
	{ "shadow stacks", 7, 0, ECX, 7 },
	{ "protection keys", 7, 0, ECX, 3 },
	{ "indirect branch tracking", 7, 0, EDX, 20 },
	{ "SPEC_CTRL", 7, 0, EDX, 26 },
	{ "XSAVES", 0xd, 1, EAX, 3 },
	{ "SVM", 0x80000001, 0, ECX, 2 },
};

static void only_what_is_virtualised_is_seen(struct guest *g)
{
	if (!is_machine(g))
		return; /* a process sees what processes see */
	require_own_cpuid(g);
	for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++) {
		struct leaf leaf = ask(g, hidden[i].function, hidden[i].index);
		if (leaf.regs[hidden[i].reg] >> hidden[i].bit & 1)
			fail_msg("%s: guests see %s", g->where, hidden[i].name);
	}
	assert_true(ask(g, 1, 0).regs[ECX] >> 31); /* a hypervisor */
	assert_in_range(ask(g, 0, 0).regs[EAX], 1, 0xd);
	/* nobody's processor in particular, and alone */
	assert_int_equal(ask(g, 1, 0).regs[EBX] >> 16, 0);
	assert_int_equal(ask(g, 0x80000002, 0).regs[EAX], 0);
}

static void features_are_those_that_snapshots_record(struct guest *g)
{
	const uint64_t here = cpu_features();
	uint64_t there = CALL(g, "Features", MOTE_NO_ARGS).as.u64;

	for (unsigned bit = 0; cpu_feature_name(bit); bit++)
		if ((there & ~here) >> bit & 1)
			fail_msg("%s: guests have %s, and snapshots do not say so", g->where,
				 cpu_feature_name(bit));
	/* and the C library finds what it chooses by */
	static const char *const needed[] = { "sse4_2", "popcnt", "avx2", "avx512f", "erms" };
	for (unsigned bit = 0; cpu_feature_name(bit); bit++)
		for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++)
			if (strcmp(cpu_feature_name(bit), needed[i]) == 0 &&
			    (here & ~there) >> bit & 1)
				fail_msg("%s: guests do without %s", g->where, needed[i]);
}

/* The C library reserves the room that CPUID tells, and XSAVE takes what XCR0 tells. */
static void vector_state_fits_into_its_room(struct guest *g)
{
	uint64_t xcr0 = CALL(g, "Xcr0", MOTE_NO_ARGS).as.u64;
	struct leaf whole = ask(g, 0xd, 0);
	uint32_t need = 576;

	for (uint32_t part = 2; part < 63; part++) {
		struct leaf leaf = ask(g, 0xd, part);
		if ((xcr0 >> part & 1) && leaf.regs[EAX] + leaf.regs[EBX] > need)
			need = leaf.regs[EAX] + leaf.regs[EBX];
	}
	assert_int_equal(whole.regs[EBX], need);
	assert_true(whole.regs[ECX] >= need);
	if (!is_machine(g))
		return;
	assert_int_equal(xcr0 & ~UINT64_C(0xe7), 0);
	require_own_cpuid(g);
	assert_int_equal(whole.regs[EAX] | (uint64_t)whole.regs[EDX] << 32, xcr0);
	assert_int_equal(whole.regs[ECX], need);
}

static const struct row rows[] = {
	{ "only what is virtualised is seen", "processor", only_what_is_virtualised_is_seen, NULL,
	  false },
	{ "features are those that snapshots record", "processor",
	  features_are_those_that_snapshots_record, NULL, false },
	{ "vector state fits into its room", "processor", vector_state_fits_into_its_room, NULL,
	  false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
