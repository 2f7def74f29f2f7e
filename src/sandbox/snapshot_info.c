/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a snapshot says of itself: its image, its layout, and the pages that it keeps, for programs
 * that compare or show snapshots.
 */
#include "sandbox/snapshot.h"

const mote_image *mote_snapshot_image(const mote_snapshot *snapshot)
{
	return snapshot->image;
}

void mote_snapshot_layout(const mote_snapshot *snapshot,
			  void (*visit)(void *user, const mote_region_info *region), void *user)
{
	snapshot->guest->abi->snapshot_describe(snapshot->guest, visit, user);
}

mote_status mote_snapshot_pages(const mote_snapshot *snapshot,
				void (*visit)(void *user, uint64_t address, const void *bytes),
				void *user, mote_error *err)
{
	return snapshot->guest->abi->snapshot_pages(snapshot->guest, visit, user, err);
}
