/* SPDX-License-Identifier: Apache-2.0 */
/*
 * References to snapshots, which are the same for every ABI.
 */
#include "guest_abi/guest_abi.h"

struct guest_snapshot *guest_snapshot_ref(struct guest_snapshot *snapshot)
{
	atomic_fetch_add_explicit(&snapshot->nrefs, 1, memory_order_relaxed);
	return snapshot;
}

void guest_snapshot_unref(struct guest_snapshot *snapshot)
{
	if (snapshot && atomic_fetch_sub_explicit(&snapshot->nrefs, 1, memory_order_acq_rel) == 1)
		snapshot->abi->snapshot_free(snapshot);
}
