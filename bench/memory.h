/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory.h - the parts of the library that move and map guest memory, without a guest.
 *
 * The one part of bench/ that looks inside the library instead of at include/mote: what these
 * cost can be seen in no call alone. STATE of each subject is a struct memory_bench.
 *
 * One thread.
 */
#ifndef BENCH_MEMORY_H
#define BENCH_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct memory_bench;

/* Gets the memory and maps the gigabyte that walk_1gib_4k walks. NULL: there is too little. */
struct memory_bench *memory_bench_new(void);

/* NULL is fine. */
void memory_bench_free(struct memory_bench *memory);

/* A gigabyte in pages of 4 KiB: fresh amd64 page tables for it, all 515 of them; and finding in
 * those that it is one range. */
uint64_t map_1gib_4k(void *state, unsigned n);
uint64_t walk_1gib_4k(void *state, unsigned n);

/* 16 MiB out of or, every other time, into memory that a guest may be writing to; and the same by
 * memcpy, between the same places. */
uint64_t shared_copy_16mib(void *state, unsigned n);
uint64_t memcpy_16mib(void *state, unsigned n);

/* A message of 64 bytes onto an I/O stack and off again, checked as one of a guest. */
uint64_t push_pop_64b(void *state, unsigned n);

#endif
