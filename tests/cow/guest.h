/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - what the test of copy-on-write and the guest that it runs agree on.
 */
#ifndef TESTS_COW_GUEST_H
#define TESTS_COW_GUEST_H

#include <stdint.h>

/* Where the image is linked, and where it is loaded. */
#define GUEST_BASE UINT64_C(0x1000)

/* The image begins with this: addresses of code. To call a function, the host starts the vCPU at
 * START with its address in RAX and arguments in RDI and RSI; the guest then writes to the halt
 * port, with the result in RAX. */
struct guest_entries {
	uint64_t start;
	uint64_t page_fault;
	uint64_t root;          /* (): CR3 */
	uint64_t read;          /* (va): the word there */
	uint64_t write;         /* (va, word): 0, or 1 if that changed a register */
	uint64_t write_pages;   /* (va, count): writes a byte to each of COUNT pages */
	uint64_t count_up;      /* (): increments a variable of the image; its value */
	uint64_t write_vectors; /* (va): see below; 0 in a guest without vector registers */
};

/* What write_vectors stores at VA with 16-byte stores from all 16 vector registers, and then finds
 * unchanged in each of them: the answer is the number of those that differ. */
#define GUEST_VECTOR_BYTES 256

#endif
