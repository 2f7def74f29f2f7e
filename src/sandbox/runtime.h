/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - inside a mote_runtime: the host's services and the open backend.
 */
#ifndef SANDBOX_RUNTIME_H
#define SANDBOX_RUNTIME_H

#include "vm/machine.h"

#include <mote/runtime.h>

struct mote_runtime {
	struct host host;
	struct hv *hv;
	struct firmware firmware;
};

/* mote_runtime_new() with other system calls and other backends than the real ones:
 * for tests. BACKENDS ends with NULL. */
mote_status runtime_new(mote_runtime **out, const mote_runtime_options *given,
			const struct sys *sys, const struct hv_backend *const *backends,
			mote_error *err);

#endif
