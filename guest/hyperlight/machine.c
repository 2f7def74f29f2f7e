/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leaving the machine: what the shared parts of the library call a hypercall is a port here.
 */
#include "guest/src/state.h"

#include "abi/hyperlight.h"

static void out(uint16_t port)
{
	__asm__ volatile("outl %%eax, %%dx" : : "a"(0), "d"(port) : "memory");
}

uint64_t hypercall(enum mote_hypercall operation, uint64_t a, uint64_t b, uint64_t c)
{
	(void)a;
	(void)b;
	(void)c;
	switch (operation) {
	case MOTE_HC_HOST_CALL:
		out(HYPERLIGHT_PORT_CALL);
		break;
	case MOTE_HC_LOG:
		out(HYPERLIGHT_PORT_LOG);
		break;
	default:
		out(SCRATCH_PORT_HALT);
		break;
	}
	return 0;
}

/* The host gives each call the control words of a new processor, and the library has no code of
 * its own for others. */
void fpu_save(void)
{
}

void fpu_restore(void)
{
}
