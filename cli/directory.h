/* SPDX-License-Identifier: Apache-2.0 */
/*
 * directory.h - directories for guests, from the words of --dir:
 * HOST:GUEST[:ro|:rw-private[=SIZE]].
 */
#ifndef CLI_DIRECTORY_H
#define CLI_DIRECTORY_H

#include "options.h"

#include <mote/files.h>

/* The directories of all words; LIST and the strings in it are to be freed. */
struct directories {
	mote_directory *list;
	size_t count;
};

/* Whether WORD has the form of one. The library knows which paths are good. */
bool directory_check(const char *word);

/* Takes all WORDS apart, which directory_check() took. Errors: MOTE_E_NOMEM; nothing is to be freed
 * then. */
mote_status directories_make(struct directories *directories, const struct word_list *words,
			     mote_error *err);
void directories_free(struct directories *directories);

#endif
