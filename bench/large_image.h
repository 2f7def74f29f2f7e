/* SPDX-License-Identifier: Apache-2.0 */
/*
 * large_image.h - guests with much data, made of small ones: a file in which a segment was put
 * behind all others. For measuring, and for tests.
 */
#ifndef BENCH_LARGE_IMAGE_H
#define BENCH_LARGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the segment begins: in the middle of a page, as segments may. */
#define LARGE_IMAGE_ADDRESS UINT64_C(0x40000800)

/* The 8 bytes at OFFSET, a multiple of 8, of the segment; never 0. */
static inline uint64_t large_image_word(uint64_t offset)
{
	return (offset + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/*
 * Writes the static executable at ELF to PATH, with a segment of SIZE bytes, a multiple of 8,
 * more, which is writable if IS_WRITABLE. False, and errno says why, if the file cannot be written;
 * also if the executable has no program header to spare (that for the stack is taken).
 */
bool large_image_write(const char *path, const unsigned char *elf, size_t elf_size, uint64_t size,
		       bool is_writable);

#endif
