/* SPDX-License-Identifier: Apache-2.0 */
/*
 * symbols.h - the variables of a guest, from the symbol table of its file.
 */
#ifndef CLI_SYMBOLS_H
#define CLI_SYMBOLS_H

#include <mote/crash.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct symbol {
	const char *name; /* of the guest's making: not fit to be printed as it is */
	uint64_t address; /* as the guest sees it */
	uint64_t size;
};

/* By address, then by name; the names lie in IMAGE. */
struct symbols {
	struct symbol *list;
	size_t count;
	mote_image *image;
};

/*
 * Reads the variables in the symbol table of the guest file PATH. Thread-local ones, which have no
 * address, are left out. Ends the program when memory is out. Errors: as mote_image_load_file(),
 * mote_image_symbols(). symbols_fini() either way.
 */
mote_status symbols_read(struct symbols *symbols, mote_runtime *rt, const char *path,
			 mote_error *err);

void symbols_fini(struct symbols *symbols);

#endif
