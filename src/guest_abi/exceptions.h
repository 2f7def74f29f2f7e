/* SPDX-License-Identifier: Apache-2.0 */
/*
 * exceptions.h - what Linux makes of the exceptions of x86-64: guests know its signals, and so do
 * those who read core files.
 *
 * Pure functions; any thread.
 */
#ifndef GUEST_ABI_EXCEPTIONS_H
#define GUEST_ABI_EXCEPTIONS_H

#include <stdbool.h>
#include <stdint.h>

struct exception_meaning {
	uint8_t signal, code; /* of siginfo_t */
	bool has_address;     /* siginfo_t has that of the instruction */
};

/* What Linux makes of the exception VECTOR, whatever number it is. */
struct exception_meaning exception_meaning(unsigned vector);

#endif
