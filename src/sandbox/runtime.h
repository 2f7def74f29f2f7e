/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runtime.h - inside a mote_runtime: the host's services and the open backend.
 */
#ifndef SANDBOX_RUNTIME_H
#define SANDBOX_RUNTIME_H

#include "debug/libdw.h"
#include "guest_abi/abis.h"

#include <mote/runtime.h>

struct mote_runtime {
	struct host host;
	struct hv *hv;
	struct guest_platform *platforms[GUEST_ABIS_MAX]; /* by the order of guest_abis */
	struct libdw *libdw;                              /* NULL: unwanted, or not to be had */
};

/* mote_runtime_new() with other system calls and other backends than the real ones:
 * for tests. BACKENDS ends with NULL. */
mote_status runtime_new(mote_runtime **out, const mote_runtime_options *given,
			const struct sys *sys, const struct hv_backend *const *backends,
			mote_error *err);

/*
 * MOTE_E_STATE in a process that was forked from the one that made RT: virtual machines stay with
 * the process that made them, so that the child must neither run them nor write to what it shares
 * with its parent. Freeing is harmless there. To be asked before anything else, and whenever code
 * of the embedder's has run. Takes no system call.
 */
mote_status runtime_refuse_fork(mote_error *err);
static inline mote_status runtime_check_fork(const mote_runtime *rt, mote_error *err)
{
	return host_is_forked(&rt->host) ? runtime_refuse_fork(err) : MOTE_OK;
}

/* What guests of ABI share in RT; NULL if they share nothing. */
const struct guest_platform *runtime_platform(const mote_runtime *rt, const struct guest_abi *abi);

#endif
