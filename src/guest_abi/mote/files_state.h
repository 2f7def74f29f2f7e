/* SPDX-License-Identifier: Apache-2.0 */
/*
 * files_state.h - a guest's files at one moment, for snapshots: which are open, by path and
 * offset, and what the guest has changed. The host's files are not kept: they are as they are.
 *
 * A state is immutable once made; any thread may read it.
 */
#ifndef GUEST_ABI_MOTE_FILES_STATE_H
#define GUEST_ABI_MOTE_FILES_STATE_H

#include "guest_abi/mote/files.h"

struct files_state {
	bool is_fresh; /* of a guest that has touched nothing; all else is empty */
	struct saved_mount {
		char *path; /* as struct mount has it */
		bool is_writable, has_host, is_system;
		struct file_tree tree; /* what the guest had changed */
	} * mounts;
	size_t nmounts;
	struct saved_file {
		char *path;
		int flags;
		uint64_t offset;
		bool is_folder;
	} * open;
	size_t nopen;
	struct saved_descriptor {
		uint32_t file; /* 0: closed; 1 to 3: a stream; from 4 on: of OPEN */
		bool closes_on_exec;
	} * table;
	size_t ntable;
	char *folder;  /* NULL: "/" */
	char *changed; /* the path of something that the guest had changed; NULL: nothing */
	uint32_t mask;
};

/* The state of files that nobody has touched. Nothing is to be freed, though it may. */
void files_state_init(struct files_state *state);

/* Saves the state of FILES. Errors: MOTE_E_STATE (the guest has a file open that has no name, or
 * that the embedder serves: the path is in the message), MOTE_E_NOMEM. files_state_fini() either
 * way. */
mote_status files_save(struct files_state *state, const struct files *files, mote_error *err);
void files_state_fini(struct files_state *state, const struct host *host);

/* What of STATE, but for what is CHANGED, differs from files that nobody has touched: a path, or
 * words; NULL: nothing. */
const char *files_state_difference(const struct files_state *state);

/* Whether FILES have the directories that STATE was saved with, with room for the changes. Errors:
 * MOTE_E_SNAPSHOT. */
mote_status files_check(const struct files *files, const struct files_state *state,
			mote_error *err);

/*
 * Makes FILES, which files_check() found good, what they were: changes, descriptors and offsets are
 * those of STATE. IS_BASE: STATE is the one that was saved from, or restored to,
 * FILES last; then what is still open stays open. Errors: MOTE_E_SNAPSHOT (a file cannot be
 * opened again), MOTE_E_NOMEM; some descriptors are closed then.
 */
mote_status files_restore(struct files *files, const struct files_state *state, bool is_base,
			  mote_error *err);

#endif
