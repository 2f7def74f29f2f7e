/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc() and its like in front of the C library's, or of a sanitizer's, which has that one
 * behind itself. Whoever calls from within the program's own code is the test.
 */
#include "tests/kit/fail_malloc.h"

#include "tests/kit/fail_sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define WEAK __attribute__((weak))

/* The C library's own names. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *ptr, size_t size);

/* A sanitizer's, if there is one. */
WEAK void *__interceptor_malloc(size_t size);
WEAK void *__interceptor_calloc(size_t count, size_t size);
WEAK void *__interceptor_realloc(void *ptr, size_t size);

/* The linker's: where the program's code is. */
extern const char __executable_start[], etext[];

static atomic_bool is_counted;

void fail_malloc_count(bool counted)
{
	atomic_store(&is_counted, counted);
}

/* Whether the call that returns to CALLER is one that has to fail. */
static bool fails(const void *caller)
{
	const uintptr_t from = (uintptr_t)caller;
	int error;

	if (!atomic_load(&is_counted))
		return false;
	if (from >= (uintptr_t)__executable_start && from < (uintptr_t)etext)
		return false;
	if (!fail_count("malloc", &error))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_malloc ? __interceptor_malloc(size) : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_calloc ? __interceptor_calloc(count, size)
				    : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
	if (fails(__builtin_return_address(0)))
		return NULL;
	return __interceptor_realloc ? __interceptor_realloc(ptr, size) : __libc_realloc(ptr, size);
}
