/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored.h - names of saved snapshots, as words: DIR, DIR:TAG or DIR:DIGEST.
 */
#ifndef CLI_STORED_H
#define CLI_STORED_H

#include <mote/store.h>

#include <stdbool.h>

struct stored {
	char *directory; /* freed by stored_fini() */
	const char *tag; /* a tag or digest; a part of WORD, or "latest" */
};

/* Whether WORD names a snapshot rather than a file: it is a directory with an image layout in
 * it, or what is before the tag is one. */
bool stored_is(const char *word);

/* Takes WORD apart. A directory that has a colon in its name needs a tag behind it, unless it
 * exists. Fails for want of memory alone. */
mote_status stored_parse(struct stored *stored, const char *word, mote_error *err);

void stored_fini(struct stored *stored);

/* What the directory says of STORED, copied. */
struct stored_info {
	bool is_there;
	char digest[80], guest[256], created[32];
	uint64_t memory_size, stored_size;
};

/* Looks STORED up. Errors: as mote_store_list(); that it is not there is none. */
mote_status stored_find(struct stored_info *info, const struct stored *stored, mote_error *err);

/* The same for a WORD. */
mote_status stored_find_word(struct stored_info *info, const char *word, mote_error *err);

#endif
