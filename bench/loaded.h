/* SPDX-License-Identifier: Apache-2.0 */
/*
 * loaded.h - what large images cost beside small ones, for struct bench. Their files are in memory,
 * as those are that were read before.
 *
 * One thread.
 */
#ifndef BENCH_LOADED_H
#define BENCH_LOADED_H

#include "bench/subjects.h"

/* The guest that is measured, with 256 MiB of data more. */
struct large_guest {
	struct measured_backend *backend;
	int file;
	mote_image *image;
	mote_sandbox *sb; /* NULL until there is need for it, as the snapshot */
	mote_snapshot *snapshot;
};

struct loaded_bench {
	struct measured_backend *backend;
	int small;                    /* a file with that guest as it is */
	struct large_guest variables; /* the data can be written */
	struct large_guest constants; /* it cannot */
};

/* Makes the files and the image; backend->err says what failed. loaded_bench_fini() afterwards,
 * always. */
bool loaded_bench_init(struct loaded_bench *bench, struct measured_backend *backend);
void loaded_bench_fini(struct loaded_bench *bench);

/* From the file to an image; STATE of each is a struct loaded_bench. */
uint64_t load_image_small(void *state, unsigned n);
uint64_t load_image_256mib(void *state, unsigned n);

/* From a large image, or a snapshot of a sandbox of it, to where a call could follow; and taking
 * such a snapshot. STATE of each is a struct large_guest. */
uint64_t create_from_large_image(void *state, unsigned n);
uint64_t large_snapshot_take(void *state, unsigned n);
uint64_t sandbox_from_large_snapshot(void *state, unsigned n);

#endif
