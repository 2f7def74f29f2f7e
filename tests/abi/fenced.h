/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fenced.h - bytes that end where memory ends. A read or write one byte past
 * them faults, with or without a sanitizer.
 */
#ifndef TESTS_ABI_FENCED_H
#define TESTS_ABI_FENCED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define FENCED_MAX ((size_t)256 * 1024)

/* SIZE bytes in front of an inaccessible page, the same for every call; at most FENCED_MAX. */
static inline uint8_t *fenced_space(size_t size)
{
	static uint8_t *end;

	assert_true(size <= FENCED_MAX);
	if (!end) {
		uint8_t *map = mmap(NULL, FENCED_MAX + 4096, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(map != MAP_FAILED);
		end = map + FENCED_MAX;
		assert_int_equal(mprotect(end, 4096, PROT_NONE), 0);
	}
	return end - size;
}

/* A copy of SIZE bytes there. */
static inline uint8_t *fenced_copy(const void *from, size_t size)
{
	uint8_t *to = fenced_space(size);

	if (size)
		memcpy(to, from, size);
	return to;
}

#endif
