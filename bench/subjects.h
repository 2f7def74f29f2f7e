/* SPDX-License-Identifier: Apache-2.0 */
/*
 * subjects.h - what `mote bench` measures: the library on each backend of this machine, its parts
 * that need none, and the yardsticks beside them.
 *
 * One thread.
 */
#ifndef BENCH_SUBJECTS_H
#define BENCH_SUBJECTS_H

#include "bench/bare_kvm.h"
#include "bench/bench.h"
#include "bench/memory.h"
#include "bench/yardsticks.h"

#include <mote/mote.h>

#define SUBJECTS_MAX          128
#define SUBJECTS_BACKENDS_MAX 8
#define SUBJECTS_COPIES       4

struct bulk_bench;
struct counted;
struct loaded_bench;
struct snapshot_bench;
struct stored_bench;

struct measured_guest;

/* A backend under measurement, with guests of one ABI: a sandbox for calls, an image for new
 * sandboxes. */
struct measured_backend {
	const char *name;
	const char *label;                  /* of its rows */
	const struct measured_guest *guest; /* see library.h */
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	mote_error err; /* of the subject that failed last; code 0 when none did */
};

struct subjects {
	struct bench benches[SUBJECTS_MAX];
	size_t count;
	struct measured_backend backends[SUBJECTS_BACKENDS_MAX];
	size_t nbackends;
	/* For the yardsticks. */
	struct bare_kvm kvm;
	struct bare_exit_state exits;
	bool has_kvm;
	struct pipe_peer peer;
	bool has_peer;
	struct pipe_peer shared_peer;
	bool has_shared_peer;
	struct memory_bench *memory; /* NULL: none of its subjects is wanted */
	struct memory_pair pair;     /* as well */
	struct scattered_copy copies[SUBJECTS_COPIES];
	struct snapshot_bench *snapshots[SUBJECTS_BACKENDS_MAX]; /* as well, on each backend */
	struct bulk_bench *bulk[SUBJECTS_BACKENDS_MAX];          /* as well, on each backend */
	struct counted *counted;                                 /* as well */
	struct stored_bench *stored;                             /* as well, on the first */
	struct loaded_bench *loaded;                             /* as well, on the first */
};

/*
 * Makes ready to measure the subjects with FILTER in their names (NULL: all) on BACKEND (NULL: each
 * one that works here). Subjects point into SUBJECTS. subjects_close() afterwards, always.
 */
mote_status subjects_open(struct subjects *subjects, const char *backend, const char *filter,
			  mote_error *err);

/* Why a subject failed while it was measured: an error whose code is not 0, or NULL. */
const mote_error *subjects_failure(const struct subjects *subjects);

void subjects_close(struct subjects *subjects);

#endif
