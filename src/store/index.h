/* SPDX-License-Identifier: Apache-2.0 */
/*
 * index.h - which snapshots a directory has (index.json), and of which blobs each is made (its
 * manifest). Both are as the OCI image specification says; what others have in their index
 * beside snapshots stays there.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "store/folder.h"
#include "store/tree.h"

struct index {
	struct tree tree;            /* its root is NULL: nothing was read */
	struct tree added;           /* what index_set() has put into it */
	struct tree_node *manifests; /* in there: the list of entries */
	size_t count;
};

/* An entry; strings live as long as the index. */
struct index_entry {
	const char *tag; /* NULL: none */
	struct blob manifest;
	bool is_manifest; /* else another kind of thing, of which we know nothing */
};

/* Reads the index; MAY_BE_MISSING: an empty one if there is none. Errors: MOTE_E_SNAPSHOT,
 * MOTE_E_NOMEM, MOTE_E_OS. */
mote_status index_read(struct index *index, const struct folder *folder, bool may_be_missing,
		       mote_error *err);
void index_free(struct index *index);

/* The first of the entries, whose ->next leads to the others; NULL if there is none. */
const struct tree_node *index_first(const struct index *index);

/* What is in an entry. Errors: MOTE_E_SNAPSHOT. */
mote_status index_entry(const struct tree_node *node, struct index_entry *out, mote_error *err);

/* The manifest that has TAG_OR_DIGEST. Errors: MOTE_E_INVALID (there is none), MOTE_E_SNAPSHOT. */
mote_status index_find(const struct index *index, const char *tag_or_digest, struct blob *out,
		       mote_error *err);

/* Makes TAG stand for MANIFEST, and for nothing else; once in an index's life. Errors:
 * MOTE_E_SNAPSHOT, MOTE_E_LIMIT, MOTE_E_NOMEM. */
mote_status index_set(struct index *index, const char *tag, const struct blob *manifest,
		      mote_error *err);

/* Writes the index. The caller has locked the directory since it was read. */
mote_status index_write(const struct index *index, const struct folder *folder, mote_error *err);

/* What a snapshot is made of. */
struct manifest {
	bool is_ours; /* else none of the rest is known */
	struct blob config, memory;
	char created[32];
};

/* Adds a manifest that says this; CREATED is now. */
mote_status manifest_add(const struct folder *folder, const struct manifest *manifest,
			 const char *name, struct blob *out, mote_error *err);

/* Reads one. Errors: MOTE_E_SNAPSHOT, MOTE_E_NOMEM, MOTE_E_OS. */
mote_status manifest_read(const struct folder *folder, const struct blob *blob,
			  struct manifest *out, mote_error *err);

#endif
