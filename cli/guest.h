/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest.h - what most commands start with: a runtime, and the guest file loaded into it.
 */
#ifndef CLI_GUEST_H
#define CLI_GUEST_H

#include "options.h"

#include <mote/image.h>
#include <mote/sandbox.h>

struct guest {
	mote_runtime *rt;
	mote_image *image;
	mote_image_info info;
};

/*
 * Opens the backend that OPTIONS name and loads PATH. Where no backend is named and no
 * hypervisor can be used, weaker isolation is accepted; if WILL_RUN, a line on stderr says so. ERR
 * is filled on failure; guest_close() either way.
 */
mote_status guest_open(struct guest *guest, const struct options *options, const char *path,
		       bool will_run, mote_error *err);

void guest_close(struct guest *guest);

/* The sizes that OPTIONS ask for. */
mote_sandbox_options guest_sandbox_options(const struct options *options);

/* A mote_output_fn: the guest's standard output and error both go to stderr. */
void guest_output_to_stderr(void *user, int stream, const void *data, size_t size);

#endif
