/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that tells what CPUID tells it, and which features mote's own code finds there.
 */
#include "hv/cpu_features.h"

#include <mote/guest.h>

#include <cpuid.h>

/* 16 bytes: eax, ebx, ecx, edx. */
MOTE_EXPORT(bytes, Cpuid, u32, leaf, u32, index)
{
	static uint32_t regs[4];

	__cpuid_count(leaf, index, regs[0], regs[1], regs[2], regs[3]);
	return (mote_bytes){ (const unsigned char *)regs, sizeof regs };
}

/* As mote's own code has it that writes snapshots. */
MOTE_EXPORT(u64, Features)
{
	return cpu_features();
}

MOTE_EXPORT(u64, Xcr0)
{
	uint32_t low, high;

	__asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return low | (uint64_t)high << 32;
}

int main(void)
{
	return 0;
}
