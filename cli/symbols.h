/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols.h - the variables of a guest, from the symbol table of its file.
 */
#ifndef CLI_SYMBOLS_H
#define CLI_SYMBOLS_H

#include <mote/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	const char *name; /* of the guest's making: not fit to be printed as it is */
	uint64_t address; /* as the guest sees it */
	uint64_t size;
};

/* By address, then by name; the names lie in BYTES. */
struct symbols {
	struct symbol *list;
	size_t count;
	char *bytes;
};

/*
 * Reads the objects in the symbol table of the x86-64 ELF file PATH, which is loaded at PIE_BASE if
 * it is position-independent. Thread-local ones, which have no address, are left out. Errors:
 * MOTE_E_IMAGE (no such file, malformed, stripped), MOTE_E_OS, MOTE_E_NOMEM. symbols_fini() either
 * way.
 */
mote_status symbols_read(struct symbols *symbols, const char *path, uint64_t pie_base,
			 mote_error *err);

void symbols_fini(struct symbols *symbols);

#endif
