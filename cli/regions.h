/* SPDX-License-Identifier: Apache-2.0 */
/*
 * regions.h - the parts of a snapshot's memory, and the pages that are kept of each.
 */
#ifndef CLI_REGIONS_H
#define CLI_REGIONS_H

#include <mote/snapshot.h>

#include <stddef.h>
#include <stdint.h>

#define REGIONS_PAGE 4096

struct counted_region {
	mote_region_info info;
	uint64_t npages; /* kept */
};

/* By address; only those that the guest has a view of. */
struct regions {
	struct counted_region *list;
	size_t count;
};

/* Reads the layout of SNAPSHOT. Ends the program when memory is out. regions_fini() afterwards. */
void regions_read(struct regions *regions, const mote_snapshot *snapshot);
void regions_fini(struct regions *regions);

/* The region that ADDRESS lies in, or NULL. */
struct counted_region *regions_find(const struct regions *regions, uint64_t address);

/* Counts the pages of SNAPSHOT. Errors: as mote_snapshot_pages(). */
mote_status regions_count(struct regions *regions, const mote_snapshot *snapshot, mote_error *err);

#endif
