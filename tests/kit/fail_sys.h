/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fail_sys.h - between fail.c, which decides what fails, and the file that knows the system
 * calls of one system (fail_sys_linux.c, tests/windows/fail_sys_windows.c). Any thread.
 */
#ifndef KIT_FAIL_SYS_H
#define KIT_FAIL_SYS_H

#include "base/sys.h"

#include <stdbool.h>

/* Counts one operation called NAME. Whether it has to fail; if so, with *ERROR. */
bool fail_count(const char *name, int *error);

/* The real calls, each counted, and entered in the books of held.h. */
extern const struct sys fail_sys;

#endif
