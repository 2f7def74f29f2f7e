/* SPDX-License-Identifier: Apache-2.0 */
/* Loads vector and floating-point state that no processor makes, and leaves errors pending. */
#include "hostile/guests/attack.h"

static unsigned char area[8192] __attribute__((aligned(64)));

static void load(size_t at, unsigned char value)
{
	area[at] = value;
	__asm__ volatile("mov $-1, %%eax; mov $-1, %%edx; xrstor %0" : : "m"(area) : "rax", "rdx");
}

#define WAYS(X)                                                                                    \
	X(zeroes, load(512, 0))                                                                    \
	X(all_components, memset(area + 512, 0xff, 8); load(0, 0))                                 \
	X(unknown_components, load(519, 0x7f))                                                     \
	X(compacted, load(527, 0x80))                                                              \
	X(reserved_header, load(560, 1))                                                           \
	X(control_bits, load(512, 3); load(24, 0xff); load(26, 0xff))                              \
	X(misaligned, ASM("lea 8(%%rsp), %%rax; or $8, %%rax; xrstor (%%rax)"))                    \
	X(from_null, ASM("xor %%ebx, %%ebx; fxrstor (%%rbx)"))                                     \
	X(mxcsr_reserved, ASM("movl $-1, (%%rsp); ldmxcsr (%%rsp)"))                               \
	X(mxcsr_unmasked,                                                                          \
	  ASM("movl $0, (%%rsp); ldmxcsr (%%rsp); xorps %%xmm0, %%xmm0; divps %%xmm0, %%xmm0"))    \
	X(x87_pending, ASM("fninit; movw $0x0300, (%%rsp); fldcw (%%rsp); fldz; fld1; fdivp"))     \
	X(x87_taken,                                                                               \
	  ASM("fninit; movw $0x0300, (%%rsp); fldcw (%%rsp); fldz; fld1; fdivp; fwait"))           \
	X(x87_full, ASM("fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz; fldz"))                   \
	X(mmx_left, ASM("pxor %%mm0, %%mm0"))                                                      \
	X(save_over_code, __asm__ volatile("fxsave (%0)" : : "r"((uintptr_t)attack & -64L)))

ATTACK_LIST(WAYS)
