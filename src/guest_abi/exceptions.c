/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals by exception, as Linux has them on x86-64.
 */
#define _GNU_SOURCE
#include "guest_abi/exceptions.h"

#include <signal.h>

struct exception_meaning exception_meaning(unsigned vector)
{
	static const struct exception_meaning meanings[32] = {
		[0] = { SIGFPE, FPE_INTDIV, true },   [1] = { SIGTRAP, TRAP_TRACE, true },
		[3] = { SIGTRAP, SI_KERNEL, false },  [6] = { SIGILL, ILL_ILLOPN, true },
		[12] = { SIGBUS, SI_KERNEL, false },  [16] = { SIGFPE, FPE_FLTINV, true },
		[17] = { SIGBUS, BUS_ADRALN, false }, [19] = { SIGFPE, FPE_FLTINV, true },
	};

	if (vector < 32 && meanings[vector].signal)
		return meanings[vector];
	return (struct exception_meaning){ SIGSEGV, SI_KERNEL, false };
}
