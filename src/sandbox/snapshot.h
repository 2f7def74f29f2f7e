/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - the inside of a mote_snapshot. Immutable once made; any thread may read it.
 */
#ifndef SANDBOX_SNAPSHOT_H
#define SANDBOX_SNAPSHOT_H

#include "guest_abi/mote/files_state.h"
#include "mem/memory_snapshot.h"
#include "sandbox/sandbox.h"
#include "sandbox/snapshot_parts.h"

#include <mote/snapshot.h>

#include <stdatomic.h>

struct mote_snapshot {
	atomic_uint nrefs;
	mote_runtime *rt;
	mote_image *image; /* a reference of its own */
	struct memory_snapshot *memory;
	struct layout_config config; /* of memories that it fits; its segments are the image's */
	struct arena_state arena;
	struct files_state files;
	struct host_functions functions; /* names and types alone */
	uint64_t dispatch, call_stack, fs_base;
	struct signals signals;
	uint64_t generation;
	bool is_loaded;        /* from disk */
	uint64_t cpu_features; /* if so: of the machine that it was taken on */
};

/* Whether a sandbox of RT with OPTIONS, whose functions are FUNCTIONS, can begin at SNAPSHOT.
 * Errors: MOTE_E_SNAPSHOT. */
mote_status snapshot_check_start(const mote_snapshot *snapshot, const mote_runtime *rt,
				 const mote_sandbox_options *options,
				 const struct host_functions *functions, mote_error *err);

/* Where LAYOUT has what guests have pointers to. */
struct snapshot_places snapshot_places(const struct layout *layout);

#endif
