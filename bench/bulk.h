/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bulk.h - what it costs to give a guest 1 MiB and to get 1 MiB from it, for struct bench.
 *
 * The guest reads all that it gets, and writes all that it gives. STATE of each is a struct
 * bulk_bench. One thread.
 */
#ifndef BENCH_BULK_H
#define BENCH_BULK_H

#include "bench/subjects.h"

/* What is measured on one backend. Its address must not change. */
struct bulk_bench {
	struct measured_backend *backend;
	mote_sandbox *sb;       /* with buffers */
	mote_sandbox *messages; /* with none, and large messages */
	mote_sandbox *restored; /* begins at SNAPSHOT, time and again */
	mote_snapshot *snapshot;
	mote_buffer *buffer; /* of SB, filled */
	char *data;          /* what else is passed: resident */
};

/* Makes all of it on BACKEND, which must outlive it; backend->err says what failed.
 * bulk_bench_fini() afterwards, always. */
bool bulk_bench_init(struct bulk_bench *bench, struct measured_backend *backend);
void bulk_bench_fini(struct bulk_bench *bench);

/* Bytes of the caller, which the library copies, and a result that is read in place; arguments that
 * are in the buffer already; the same bytes in messages, for a guest without buffers. */
uint64_t call_1mib_in_1mib_out(void *state, unsigned n);
uint64_t call_1mib_in_place(void *state, unsigned n);
uint64_t call_1mib_by_message(void *state, unsigned n);

/* The first of them, and back to the snapshot after it. */
uint64_t call_1mib_with_restore(void *state, unsigned n);

/* The first of them, in units of a call of a function that adds two numbers and two copies of 1
 * MiB: medians, one after the other. Returns N times that number. */
uint64_t call_1mib_ratio(void *state, unsigned n);

#endif
