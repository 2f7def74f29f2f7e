/* SPDX-License-Identifier: Apache-2.0 */
/*
 * parts.h - what saving and loading snapshots of mote guests have in common.
 */
#ifndef GUEST_ABI_MOTE_PARTS_H
#define GUEST_ABI_MOTE_PARTS_H

#include "guest_abi/mote/guest.h"
#include "guest_abi/snapshot_parts.h"

/* Where LAYOUT has what guests have pointers to. */
struct snapshot_places snapshot_places(const struct layout *layout);

#endif
