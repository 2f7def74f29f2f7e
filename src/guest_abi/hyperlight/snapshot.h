/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot.h - what a hyperlight guest is made of: an immutable picture of memory and vCPU.
 *
 * The first is made from an image, and its guests start at the entry; later ones are taken
 * of guests that are ready for calls (take.h). Guests see the pages of the picture
 * and cannot change them, so any number of guests share one.
 *
 * Immutable once made: any thread.
 */
#ifndef GUEST_ABI_HYPERLIGHT_SNAPSHOT_H
#define GUEST_ABI_HYPERLIGHT_SNAPSHOT_H

#include "abi/vmem_flat.h"
#include "base/host.h"
#include "guest_abi/guest_abi.h"
#include "guest_abi/hyperlight/image.h"
#include "guest_abi/hyperlight/layout.h"
#include "mem/shared_mem.h"

struct hyperlight_snapshot {
	struct guest_snapshot base;
	const struct host *host; /* outlives the snapshot */
	struct hyperlight_layout layout;
	struct shared_mem *blob; /* read-only: data, then page tables, which guests do not see */

	bool is_ready;           /* taken of a guest that is ready: these are as it left them */
	struct hv_system system; /* CR3 is the root of the tables once they are in scratch */
	uint64_t entry;          /* of the image; of calls if IS_READY */
	uint64_t stack;          /* the stack pointer to start there with */
	uint64_t generation;     /* how many snapshots are between it and the image */
	uint64_t cpu_features;   /* if IS_READY: of where its guest ran, hv/cpu_features.h */
};

/* What the first snapshot has besides the image. */
struct hyperlight_start {
	struct hyperlight_sizes sizes;
	const void *init_data; /* sizes.init_data bytes */
	unsigned init_flags;   /* enum region_flags: what the guest may do with them, and read */
};

/* Computes where everything is in the first snapshot of IMAGE, tables included, without making it.
 * Errors: as hyperlight_layout_compute(). */
mote_status hyperlight_snapshot_layout(struct hyperlight_layout *layout,
				       const struct hyperlight_image *image,
				       const struct hyperlight_start *start, mote_error *err);

/*
 * Makes the first snapshot of IMAGE, which is not needed afterwards; HOST must outlive it. Errors:
 * as hyperlight_layout_compute(), MOTE_E_NOMEM, MOTE_E_OS. *OUT is NULL then.
 */
mote_status hyperlight_snapshot_new(struct hyperlight_snapshot **out, const struct host *host,
				    const struct hyperlight_image *image,
				    const struct hyperlight_start *start, mote_error *err);

/* Maps RANGE, in small pages, in tables that a host builds: vmem_map(), of which each call is a
 * copy.
 */
enum vmem_status hyperlight_map(struct vmem_flat *tables, uint64_t *root,
				const struct vmem_range *range);

/* An empty snapshot with one reference, or NULL. HOST must outlive it. */
struct hyperlight_snapshot *hyperlight_snapshot_alloc(const struct host *host, mote_error *err);

/* Frees any of them, in part or as a whole. */
void hyperlight_snapshot_free(struct guest_snapshot *base);

#endif
