/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of system calls, from a table that make-syscall-names makes.
 */
#include "vm/syscall_names.h"

#include <stddef.h>

const char *syscall_name(uint64_t number)
{
	static const char *const names[] = {
#include "vm/syscall_names.inc"
	};

	return number < sizeof names / sizeof names[0] ? names[number] : NULL;
}
