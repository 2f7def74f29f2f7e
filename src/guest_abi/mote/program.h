/* SPDX-License-Identifier: Apache-2.0 */
/*
 * program.h - what a Linux program finds on its stack when it starts.
 */
#ifndef GUEST_ABI_MOTE_PROGRAM_H
#define GUEST_ABI_MOTE_PROGRAM_H

#include "mem/guest_memory.h"

/* Entries of the auxiliary vector, and bytes of the strings that they point at. */
#define PROGRAM_AUXV_ENTRIES 19
#define PROGRAM_STRINGS_SIZE 64

/* Guest virtual addresses and contents for the start of a program. */
struct program {
	uint64_t entry;
	uint64_t phdr_address; /* of the ELF program headers in memory, 0 when not loaded */
	uint64_t phdr_count;
	uint64_t phdr_size; /* bytes of one */
	size_t argc;
	const char *const *argv;
	size_t envc;
	const char *const *envp;
	bool has_start_block; /* whether the program is to learn that mote runs it */
	bool has_vdso;        /* whether it may tell the time without leaving the machine */
	uint8_t random[16];
};

/*
 * Writes arguments, environment and auxiliary vector to the top of the guest's stack, as the
 * System V ABI for x86-64, section 3.4.1, lays them out, and stores the stack pointer to start
 * with. Errors: MOTE_E_INVALID when the strings need more than a quarter of the stack.
 */
mote_status program_build_stack(struct guest_memory *memory, const struct host *host,
				const struct program *program, uint64_t *rsp, mote_error *err);

#endif
