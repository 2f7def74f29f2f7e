/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_snapshot_internal.h - what taking (memory_snapshot.c), loading (memory_snapshot_load.c)
 * and copying (memory_snapshot_complete.c) have in common. SNAPSHOT is half made, and its maker's
 * alone.
 */
#ifndef MEM_MEMORY_SNAPSHOT_INTERNAL_H
#define MEM_MEMORY_SNAPSHOT_INTERNAL_H

#include "mem/memory_snapshot.h"

/* One reference, no pages, no file; NULL if memory is out. */
struct memory_snapshot *memory_snapshot_new(const struct host *host, const struct layout *layout,
					    mote_error *err);

/* Makes an empty file in memory; appends to it; makes it immutable and maps it. Errors: MOTE_E_OS,
 * MOTE_E_NOMEM. */
mote_status memory_snapshot_create_file(struct memory_snapshot *snapshot, mote_error *err);
mote_status memory_snapshot_write(const struct memory_snapshot *snapshot, const uint8_t *bytes,
				  size_t size, mote_error *err);
mote_status memory_snapshot_seal(struct memory_snapshot *snapshot, mote_error *err);

/* The bytes of PAGE of RAM in IMAGE, of which RUNS are; NULL if it is not in there. */
const uint8_t *memory_snapshot_image_page(const struct sealed_file *image,
					  const struct page_run *runs, size_t nruns, uint64_t page);

/* Unmaps what BYTES points to, if anything. */
void memory_snapshot_unmap(struct memory_snapshot *snapshot);

#endif
