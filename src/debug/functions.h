/* SPDX-License-Identifier: Apache-2.0 */
/*
 * functions.h - which function an address is in, by the image's symbol table.
 *
 * The table is a guest's: it may name anything as it likes. It is read when it is needed, in one
 * pass for all addresses, which takes some 20 us for a small C program and, because the
 * table is cut at MOTE_MAX_SYMBOLS, a fraction of a second for a table made to be slow. Pure
 * functions; any thread.
 */
#ifndef DEBUG_FUNCTIONS_H
#define DEBUG_FUNCTIONS_H

#include "image/elf.h"

/* An address, and what functions_find() found out about it. */
struct function_at {
	uint64_t address; /* in; the rest is all 0 at first */
	/* The symbol that fits best. NAME is NULL if there is none, and not fit to be
	 * printed. */
	struct elf_symbol symbol;
};

/*
 * Looks COUNT addresses up. A symbol that says how large it is wins over the nearest one before
 * that does not (assembly), the one that begins last over those around it, a global name over a
 * local one.
 */
void functions_find(const struct elf *elf, struct function_at *places, size_t count);

#endif
