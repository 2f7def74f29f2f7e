/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch_file.h - files that exist in memory only, with a path to open them by.
 */
#ifndef TESTS_MEM_SCRATCH_FILE_H
#define TESTS_MEM_SCRATCH_FILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct scratch_file {
	int fd;
	char path[32];
};

/* A file of SIZE bytes that begins with the letters from a to z and has zeroes behind them. Needs
 * _GNU_SOURCE; close FD when done. */
static inline struct scratch_file scratch_file(uint64_t size)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
	struct scratch_file file = { .fd = memfd_create("scratch", MFD_CLOEXEC) };
	size_t n = size < 26 ? (size_t)size : 26;

	assert_true(file.fd >= 0);
	assert_int_equal(pwrite(file.fd, letters, n, 0), n);
	assert_int_equal(ftruncate(file.fd, (off_t)size), 0);
	snprintf(file.path, sizeof file.path, "/proc/self/fd/%d", file.fd);
	return file;
}

#endif
