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

struct loaded_bench {
	struct measured_backend *backend;
	int small, large; /* files: the guest that is measured, and the same with 256 MiB of data */
	mote_image *image; /* of the large one */
};

/* Makes the files and the image; backend->err says what failed. loaded_bench_fini() afterwards,
 * always. */
bool loaded_bench_init(struct loaded_bench *bench, struct measured_backend *backend);
void loaded_bench_fini(struct loaded_bench *bench);

/* From the file to an image; STATE of each is a struct loaded_bench. */
uint64_t load_image_small(void *state, unsigned n);
uint64_t load_image_256mib(void *state, unsigned n);

/* From the large image to where a call could follow. */
uint64_t create_from_image_256mib(void *state, unsigned n);

#endif
