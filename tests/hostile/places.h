/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places.h - a guest's address space, as the library tells it: where it must not reach, and
 * whether what a neighbour has there changed.
 */
#ifndef TESTS_HOSTILE_PLACES_H
#define TESTS_HOSTILE_PLACES_H

#include "hostile/attacks.h"

#include <mote/mote.h>
#include <stdint.h>

struct places {
	uint64_t addresses[4096];
	size_t count;
};

/* Addresses that a guest of SNAPSHOT lacks that right at: each page below 2 MiB, the first
 * and last bytes of each region and of what is around it, powers of two. */
void places_list(struct places *places, const mote_snapshot *snapshot, enum place place);

/* A copy of all memory that SB's guest can write. To be freed with neighbour_forget(). */
struct neighbour_memory;
struct neighbour_memory *neighbour_remember(mote_sandbox *sb, const mote_snapshot *snapshot);
void neighbour_forget(struct neighbour_memory *memory);

/* How many bytes the guest has, those that it cannot write included. */
uint64_t neighbour_size(const struct neighbour_memory *memory);

/* The first address at which SB's memory is no longer what it was; 0 if there is none. */
uint64_t neighbour_changed(const struct neighbour_memory *memory, mote_sandbox *sb);

#endif
