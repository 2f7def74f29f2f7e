/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config.h - the description of a snapshot as JSON: all of its parts but the pages. The format is
 * described in docs/snapshots-on-disk.md.
 */
#ifndef STORE_CONFIG_H
#define STORE_CONFIG_H

#include "guest_abi/snapshot_parts.h"
#include "store/tree.h"

/* What this library writes, and the newest that it reads: 1 for guests of mote's own ABI, which
 * says no ABI, and 2 for others. */
#define CONFIG_FORMAT_MOTE 1
#define CONFIG_FORMAT      2

/* The text of PARTS, whose pages are in the blob MEMORY; to be freed with text_free(). Errors:
 * MOTE_E_LIMIT (it would be too long), MOTE_E_NOMEM. */
mote_status config_write(const struct snapshot_parts *parts, const struct digest *memory,
			 const struct host *host, struct text *out, mote_error *err);

/* Parts that were read, and the lists that they point to. */
struct config {
	const struct host *host;
	struct tree tree;
	const struct tree_node *snapshot; /* in there: what is ours */
	struct snapshot_parts parts;
};

/* Reads TEXT. Types, bounds of lists, format and architecture are right then; what the numbers mean
 * is up to mote_private_snapshot_make(). Errors: MOTE_E_SNAPSHOT, MOTE_E_NOMEM. */
mote_status config_read(struct config *config, const struct host *host, const struct text *text,
			mote_error *err);
void config_free(struct config *config);

/* The same for what lists show alone: the guest's name and the size of memory. */
mote_status config_read_summary(struct config *config, const struct host *host,
				const struct text *text, mote_error *err);

#endif
