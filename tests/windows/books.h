/* SPDX-License-Identifier: Apache-2.0 */
/*
 * books.h - what the library holds on Windows, besides the memory of kit/held.h: sections and
 * views. For fail_sys_windows.c; any thread.
 */
#ifndef TESTS_WINDOWS_BOOKS_H
#define TESTS_WINDOWS_BOOKS_H

#include <stddef.h>

/* THING was handed out by the call WHO, SIZE bytes long if that matters to who gives it back. */
void books_take(const void *thing, size_t size, const char *who);

/* THING is given back. Ends the test if it was not held, or with another size. */
void books_give_back(const void *thing, size_t size);

#endif
