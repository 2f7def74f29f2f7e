/* SPDX-License-Identifier: Apache-2.0 */
/*
 * volatile_copy.h - copying while a guest may write to the same bytes.
 *
 * memcpy() may read a byte twice, and a compiler may read the source again instead of the
 * copy. These functions access each guest byte exactly once, in order, in 16-byte steps
 * where the guest side is aligned. Copies of 2, 4 or 8 bytes are a single access where the
 * guest side is aligned to their size; others may be torn or mixed with newer bytes.
 * Whatever arrives in the copy stays as it is. Pure functions; ranges do not overlap.
 */
#ifndef MEM_VOLATILE_COPY_H
#define MEM_VOLATILE_COPY_H

#include <stddef.h>
#include <stdint.h>

/* Copies SIZE bytes of guest memory FROM to private memory TO. */
void volatile_copy_out(void *to, const uint8_t *from, size_t size);

/* Copies SIZE bytes of private memory FROM to guest memory TO. */
void volatile_copy_in(uint8_t *to, const void *from, size_t size);

/* Sets SIZE bytes of guest memory to VALUE. */
void volatile_fill(uint8_t *to, uint8_t value, size_t size);

#endif
