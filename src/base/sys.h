/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys.h - every system call that the library makes, as a table.
 *
 * Modules never call the system themselves; they go through the table of the
 * struct host that they were given. So a test can fail any one of them, the
 * N-th time, and see that nothing leaks; and a reader finds on one page what the
 * library asks of an operating system.
 *
 * Each system has a struct sys of its own, and files of its own that use it.
 */
#ifndef BASE_SYS_H
#define BASE_SYS_H

#if defined(_WIN32)
#include "base/sys_windows.h"
#else
#include "base/sys_linux.h"
#endif

/* The real calls of the system that the library was built for. */
extern const struct sys *const sys_native;

#endif
