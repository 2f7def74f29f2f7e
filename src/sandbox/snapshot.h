/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - the inside of a mote_snapshot. Immutable once made; any thread may read it.
 */
#ifndef SANDBOX_SNAPSHOT_H
#define SANDBOX_SNAPSHOT_H

#include "sandbox/sandbox.h"

#include <mote/snapshot.h>

#include <stdatomic.h>

struct mote_snapshot {
	atomic_uint nrefs;
	mote_runtime *rt;
	mote_image *image; /* a reference of its own */
	struct guest_snapshot *guest;
	struct host_functions functions; /* names and types alone */
};

/* Whether a sandbox of RT with OPTIONS, whose functions are FUNCTIONS, can begin at SNAPSHOT.
 * Errors: MOTE_E_SNAPSHOT. */
mote_status snapshot_check_start(const mote_snapshot *snapshot, const mote_runtime *rt,
				 const mote_sandbox_options *options,
				 const struct host_functions *functions, mote_error *err);

#endif
