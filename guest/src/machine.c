/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What C cannot say: leaving the machine, floating-point control words.
 */
#include "state.h"

uint64_t hypercall(enum mote_hypercall operation, uint64_t a, uint64_t b, uint64_t c)
{
	/* The host's code keeps to the calling convention, so it is a function to C. */
	typedef uint64_t hypercall_fn(uint64_t, uint64_t, uint64_t, uint64_t);
	hypercall_fn *leave = (hypercall_fn *)(MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY);

	return leave(operation, a, b, c);
}

/* As a process starts, until fpu_save(). */
static struct {
	uint32_t mxcsr;
	uint16_t x87;
} control = { 0x1f80, 0x37f };

void fpu_save(void)
{
	__asm__ volatile("stmxcsr %0\n\t"
			 "fnstcw %1"
			 : "=m"(control.mxcsr), "=m"(control.x87));
}

void fpu_restore(void)
{
	/* fninit empties the register stack, which a call that ended half-way may have filled. */
	__asm__ volatile("fninit\n\t"
			 "fldcw %1\n\t"
			 "ldmxcsr %0"
			 :
			 : "m"(control.mxcsr), "m"(control.x87));
}
