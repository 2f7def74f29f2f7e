/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshots.h - what it costs to take snapshots, to go back to them and to begin there, for struct
 * bench.
 *
 * One thread.
 */
#ifndef BENCH_SNAPSHOTS_H
#define BENCH_SNAPSHOTS_H

#include "bench/subjects.h"

/* How many pages the rows named after a number dirty. */
enum { DIRTYINGS = 5 };
extern const unsigned dirtied_pages[DIRTYINGS];

/* A sandbox whose calls dirty always the same pages. */
struct dirtying {
	struct measured_backend *backend;
	const mote_snapshot *snapshot; /* to go back to */
	mote_sandbox *sb;
	unsigned npages;
};

/* What is measured on one backend. Its address must not change. */
struct snapshot_bench {
	struct measured_backend *backend;
	mote_sandbox *sb;             /* to take snapshots of */
	mote_snapshot *small, *large; /* of 64 MiB and of 1 GiB of heap */
	mote_snapshot *filled;        /* with pages to be dirtied */
	struct dirtying dirtyings[DIRTYINGS];
	mote_pool *pool;
	mote_sandbox *pooled;
};

/* Makes all of it on BACKEND, which must outlive it; backend->err says what failed.
 * snapshot_bench_fini() afterwards, always. */
bool snapshot_bench_init(struct snapshot_bench *bench, struct measured_backend *backend);
void snapshot_bench_fini(struct snapshot_bench *bench);

/* A snapshot of a guest that waits for its first call; STATE is a struct snapshot_bench. */
uint64_t snapshot_take(void *state, unsigned n);

/* To where a call could follow; STATE is a struct snapshot_bench. Their end is not counted. */
uint64_t sandbox_from_snapshot(void *state, unsigned n);
uint64_t sandbox_from_snapshot_1gib(void *state, unsigned n);

/* A sandbox that has served a call given back to a pool, which restores it, and got again; STATE is
 * a struct snapshot_bench. */
uint64_t pool_acquire(void *state, unsigned n);

/* Back to the snapshot after a call that dirtied pages, with and without the call; STATE is a
 * struct dirtying. */
uint64_t restore(void *state, unsigned n);
uint64_t call_with_restore(void *state, unsigned n);

/* Counted, not timed, and only once: STATE is a struct counted, and the backend's name is all that
 * is used of it. */
struct counted {
	struct measured_backend *backend;
	bool is_known;
	double value;
};

/* Of a call that dirties 256 pages, with its restore, when both have been done many times before:
 * ioctls, and page faults of this process. */
uint64_t ioctls_per_call_restore(void *state, unsigned n);
uint64_t faults_per_call_restore(void *state, unsigned n);

/* KiB of memory that is no other process's and no other sandbox's, for one of 1,000 sandboxes that
 * began at a snapshot of 64 MiB and have served a call. */
uint64_t private_kib_per_sandbox(void *state, unsigned n);

#endif
