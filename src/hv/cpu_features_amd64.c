/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What CPUID says to programs, and, for vector registers, what the operating system has
 * enabled. Names are those of Linux's /proc/cpuinfo; entries are only ever added, at the end,
 * because snapshots on disk have the names, and the order is that of bits in memory alone.
 */
#include "hv/cpu_features.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>

enum reg { EAX, EBX, ECX, EDX };

/* XCR0: the registers that must be saved for a feature to be usable. */
#define NO_STATE  0u
#define AVX_STATE 0x6u
#define AVX512    0xe6u

static const struct feature {
	const char *name;
	uint32_t leaf, subleaf;
	enum reg reg;
	unsigned bit;
	uint32_t state;
} features[] = {
	{ "pni", 1, 0, ECX, 0, NO_STATE },
	{ "pclmulqdq", 1, 0, ECX, 1, NO_STATE },
	{ "ssse3", 1, 0, ECX, 9, NO_STATE },
	{ "fma", 1, 0, ECX, 12, AVX_STATE },
	{ "cx16", 1, 0, ECX, 13, NO_STATE },
	{ "sse4_1", 1, 0, ECX, 19, NO_STATE },
	{ "sse4_2", 1, 0, ECX, 20, NO_STATE },
	{ "movbe", 1, 0, ECX, 22, NO_STATE },
	{ "popcnt", 1, 0, ECX, 23, NO_STATE },
	{ "aes", 1, 0, ECX, 25, NO_STATE },
	{ "avx", 1, 0, ECX, 28, AVX_STATE },
	{ "f16c", 1, 0, ECX, 29, AVX_STATE },
	{ "rdrand", 1, 0, ECX, 30, NO_STATE },
	{ "bmi1", 7, 0, EBX, 3, NO_STATE },
	{ "hle", 7, 0, EBX, 4, NO_STATE },
	{ "avx2", 7, 0, EBX, 5, AVX_STATE },
	{ "bmi2", 7, 0, EBX, 8, NO_STATE },
	{ "erms", 7, 0, EBX, 9, NO_STATE },
	{ "rtm", 7, 0, EBX, 11, NO_STATE },
	{ "avx512f", 7, 0, EBX, 16, AVX512 },
	{ "avx512dq", 7, 0, EBX, 17, AVX512 },
	{ "rdseed", 7, 0, EBX, 18, NO_STATE },
	{ "adx", 7, 0, EBX, 19, NO_STATE },
	{ "avx512ifma", 7, 0, EBX, 21, AVX512 },
	{ "clflushopt", 7, 0, EBX, 23, NO_STATE },
	{ "clwb", 7, 0, EBX, 24, NO_STATE },
	{ "avx512cd", 7, 0, EBX, 28, AVX512 },
	{ "sha_ni", 7, 0, EBX, 29, NO_STATE },
	{ "avx512bw", 7, 0, EBX, 30, AVX512 },
	{ "avx512vl", 7, 0, EBX, 31, AVX512 },
	{ "avx512vbmi", 7, 0, ECX, 1, AVX512 },
	{ "avx512_vbmi2", 7, 0, ECX, 6, AVX512 },
	{ "gfni", 7, 0, ECX, 8, NO_STATE },
	{ "vaes", 7, 0, ECX, 9, AVX_STATE },
	{ "vpclmulqdq", 7, 0, ECX, 10, AVX_STATE },
	{ "avx512_vnni", 7, 0, ECX, 11, AVX512 },
	{ "avx512_bitalg", 7, 0, ECX, 12, AVX512 },
	{ "avx512_vpopcntdq", 7, 0, ECX, 14, AVX512 },
	{ "rdpid", 7, 0, ECX, 22, NO_STATE },
	{ "movdiri", 7, 0, ECX, 27, NO_STATE },
	{ "movdir64b", 7, 0, ECX, 28, NO_STATE },
	{ "fsrm", 7, 0, EDX, 4, NO_STATE },
	{ "avx_vnni", 7, 1, EAX, 4, AVX_STATE },
	{ "avx512_bf16", 7, 1, EAX, 5, AVX512 },
	{ "abm", 0x80000001u, 0, ECX, 5, NO_STATE },
	{ "lahf_lm", 0x80000001u, 0, ECX, 0, NO_STATE },
	{ "fma4", 0x80000001u, 0, ECX, 16, AVX_STATE },
	{ "xop", 0x80000001u, 0, ECX, 11, AVX_STATE },
};
enum { NFEATURES = sizeof features / sizeof features[0] };
_Static_assert(NFEATURES <= 64, "a set of features is a 64-bit number");

static uint32_t enabled_state(void)
{
	uint32_t a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return 0;
	__asm__("xgetbv" : "=a"(a), "=d"(d) : "c"(0));
	return a;
}

uint64_t cpu_features(void)
{
	const uint32_t state = enabled_state();
	uint32_t regs[4] = { 0 };
	bool is_known = false;
	uint64_t found = 0;

	for (unsigned i = 0; i < NFEATURES; i++) {
		const struct feature *feature = &features[i];

		/* CPUID is slow in virtual machines: once a leaf */
		if (i == 0 || feature->leaf != feature[-1].leaf ||
		    feature->subleaf != feature[-1].subleaf)
			is_known = __get_cpuid_count(feature->leaf, feature->subleaf, &regs[EAX],
						     &regs[EBX], &regs[ECX], &regs[EDX]);
		if (is_known && (regs[feature->reg] >> feature->bit & 1) &&
		    (feature->state & ~state) == 0)
			found |= UINT64_C(1) << i;
	}
	return found;
}

const char *cpu_feature_name(unsigned bit)
{
	return bit < NFEATURES ? features[bit].name : NULL;
}
