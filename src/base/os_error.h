/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os_error.h - what the operating system's error numbers mean: the part of error.c that differs
 * between systems. Any thread; nothing here fails.
 */
#ifndef BASE_OS_ERROR_H
#define BASE_OS_ERROR_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the system's text for OS_ERROR to OUT, cut to SIZE; "error 123" if it has none. */
void os_error_text(int os_error, char *out, size_t size);

/* Whether OS_ERROR says that memory is out. */
bool os_error_is_nomem(int os_error);

#endif
