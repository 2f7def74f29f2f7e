/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stored.h - what it costs to load a snapshot of 256 MiB from disk, for struct bench.
 *
 * One thread.
 */
#ifndef BENCH_STORED_H
#define BENCH_STORED_H

#include "bench/subjects.h"

/* A folder with that snapshot, in $TMPDIR or /tmp. */
struct stored_bench {
	struct measured_backend *backend;
	char folder[256]; /* "": none */
};

/* Makes the folder and what is in it, with BACKEND, which must outlive it: 256 MiB of disk and, for
 * a second or two, twice as much memory. backend->err says what failed. stored_bench_fini()
 * afterwards, always: it removes the folder. */
bool stored_bench_init(struct stored_bench *bench, struct measured_backend *backend);
void stored_bench_fini(struct stored_bench *bench);

/* From the folder to a snapshot that sandboxes can begin at; STATE is a struct stored_bench, and
 * they fail if that has no folder. The snapshot's end is not counted. The second compares all bytes
 * with their digest. */
uint64_t load_snapshot(void *state, unsigned n);
uint64_t load_snapshot_verified(void *state, unsigned n);

#endif
