/* SPDX-License-Identifier: Apache-2.0 */
/*
 * programs.h - what `mote bench --suite programs` measures: the same static executable as a
 * process, and in a sandbox on each backend, in turns.
 *
 * One thread.
 */
#ifndef BENCH_PROGRAMS_H
#define BENCH_PROGRAMS_H

#include "bench/bench.h"

#include <mote/mote.h>

#include <sys/types.h>

enum { PROGRAM_WORKS = 12, PROGRAM_BACKENDS_MAX = 8, PROGRAM_ROWS_MAX = 48 };

/* What the programs do, and what mote promises of it on KVM. */
struct program_row {
	const char *name;
	const char *needs; /* Debian's package, without which it is not there; NULL: none */
	double promise;    /* of the speed that it has natively; 0: none */
};
extern const struct program_row program_rows[PROGRAM_WORKS];

/* The process, and what is asked of it. */
struct program_process {
	pid_t pid;
	int to, from;
};

/* The sandbox on one backend, and one that begins each time where a snapshot was taken. */
struct program_box {
	const char *name; /* of the backend */
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb, *clean;
	mote_snapshot *snapshot;
};

struct programs;

/* One work on one side. */
struct program_subject {
	struct programs *programs;
	const struct program_row *row;
	struct program_box *box; /* NULL: natively */
};

struct programs {
	struct bench benches[PROGRAM_ROWS_MAX];
	struct program_subject subjects[PROGRAM_ROWS_MAX];
	size_t count;
	bool is_missing[PROGRAM_WORKS];      /* it was wanted, but built without its library */
	struct program_process processes[2]; /* the other one forks */
	struct program_box boxes[PROGRAM_BACKENDS_MAX];
	size_t nboxes;
	mote_error err; /* of the subject that failed last; code 0 when none did */
};

/*
 * Makes ready to measure the works with FILTER in their names (NULL: all), natively and on BACKEND
 * (NULL: each one that works here). Each is done once on all sides, and must have the same result.
 * programs_close() afterwards, always.
 */
mote_status programs_open(struct programs *programs, const char *backend, const char *filter,
			  mote_error *err);
void programs_close(struct programs *programs);

#endif
