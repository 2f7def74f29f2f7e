/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mapping.h - files for guests, from the words of --map: FILE@ADDRESS[:LABEL].
 */
#ifndef CLI_MAPPING_H
#define CLI_MAPPING_H

#include "options.h"

#include <mote/sandbox.h>

/* A word taken apart; it points into the word. */
struct mapping {
	size_t path_length;
	uint64_t address;
	const char *label; /* NULL: none was given */
};

/* Takes WORD apart. What follows the last @ that an address follows is address and label, so that
 * FILE and LABEL may have an @ in them. False when WORD is no mapping. */
bool mapping_parse(struct mapping *mapping, const char *word);

/* Maps the files of all WORDS, which mapping_parse() took, into SB. */
mote_status mappings_apply(mote_sandbox *sb, const struct word_list *words, mote_error *err);

#endif
