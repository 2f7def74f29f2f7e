/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - what most commands start with: a runtime, and the guest loaded into it, from a file or
 * from a saved snapshot.
 */
#ifndef CLI_GUEST_H
#define CLI_GUEST_H

#include "crash.h"
#include "options.h"

#include <mote/image.h>
#include <mote/sandbox.h>
#include <mote/snapshot.h>

struct guest {
	mote_runtime *rt;
	mote_image *file;        /* NULL if there is a snapshot */
	mote_snapshot *snapshot; /* NULL if there is a file */
	const mote_image *image; /* of either */
	mote_image_info info;
	struct crash crash;    /* of its last sandbox, or program */
	mote_output_fn output; /* what its sandboxes print; to stderr, if nobody changes that */
};

/*
 * Opens the backend that OPTIONS name and loads PATH. Where no backend is named and no
 * hypervisor can be used, weaker isolation is accepted; if WILL_RUN, a line on stderr says so. ERR
 * is filled on failure; guest_close() either way.
 */
mote_status guest_open(struct guest *guest, const struct options *options, const char *path,
		       bool will_run, mote_error *err);

/* The same for a guest that will run, and PATH may name a saved snapshot as well, see stored.h. */
mote_status guest_open_stored(struct guest *guest, const struct options *options, const char *path,
			      mote_error *err);

/* The same for the saved snapshot PATH, of which nothing will run; all of it is compared with
 * its digests if VERIFY. */
mote_status guest_open_snapshot(struct guest *guest, const struct options *options,
				const char *path, bool verify, mote_error *err);

void guest_close(struct guest *guest);

/* Makes a sandbox: of the file, main() has run then; or of the snapshot. */
mote_status guest_start(mote_sandbox **sb, struct guest *guest, const struct options *options,
			mote_error *err);

/* The sizes that OPTIONS ask for. */
mote_sandbox_options guest_sandbox_options(const struct options *options);

#endif
