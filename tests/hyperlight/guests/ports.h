/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports.h - what guests of the hyperlight ABI that go behind their library's back share: ports,
 * and the memory that they have in common with the host.
 */
#ifndef TESTS_HYPERLIGHT_PORTS_H
#define TESTS_HYPERLIGHT_PORTS_H

#include "abi/hyperlight.h"

static inline void out(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "d"(port) : "memory");
}

/* The word that lies DISTANCE below the end of scratch. */
static inline volatile uint64_t *scratch_word(uint64_t distance)
{
	return (volatile uint64_t *)(SCRATCH_END_GVA - distance);
}

/* Where the output buffer begins, if both buffers have their default sizes. */
static inline volatile uint64_t *output_words(void)
{
	return (volatile uint64_t *)(SCRATCH_END_GVA - *scratch_word(SCRATCH_SIZE) +
				     HYPERLIGHT_BUFFER_DEFAULT);
}

#endif
