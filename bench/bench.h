/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench.h - measures a list of operations and prints a JSON row for each.
 *
 * All operations of a list are measured in turns, a slice of each in every round: a machine
 * that is noisy or slows down does so to all of them, and their ratios stay true.
 *
 * Not thread-safe: the caller measures from one thread.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What an operation returns when it could not be done; it is then measured no more. */
#define BENCH_FAILED UINT64_MAX

struct bench {
	const char *name;
	const char *backend; /* "kvm", "process", or "none" */
	/*
	 * Does the operation N times and returns the nanoseconds of the part that counts, so that
	 * set-up and clean-up of its own may stay out; or BENCH_FAILED. With is_count it returns
	 * how many events there were (exits, ioctls), which the rows tell for one operation.
	 */
	uint64_t (*run)(void *state, unsigned n);
	void *state;
	bool is_count;
	const char *unit; /* of what is counted; NULL: "count" */

	/* The harness's. */
	unsigned batch;   /* operations a sample: enough for the clock not to matter */
	double *samples;  /* nanoseconds, or events, an operation */
	size_t nsamples;  /* taken */
	size_t per_round; /* to be taken in each round */
	bool has_failed;
};

/* How long to measure. */
struct bench_effort {
	unsigned rounds;
	uint64_t slice_ns; /* each operation's share of a round */
};

struct bench_result {
	double min, median, p99; /* nanoseconds or events an operation; all 0 when it failed */
	size_t n;                /* operations measured */
};

/* Nanoseconds of a clock that only goes forward. */
uint64_t bench_clock(void);

/*
 * Warms up and measures the N operations of BENCHES. Returns false when memory for the samples is
 * out; an operation that fails only ends its own row (has_failed). bench_free() afterwards, always.
 */
bool bench_run(struct bench *benches, size_t n, const struct bench_effort *effort);

/* The numbers of one operation, after bench_run(). */
struct bench_result bench_result(const struct bench *bench);

/* Prints the N rows of BENCHES as a JSON array, one line a row, without those that failed. */
void bench_print_json(FILE *to, const struct bench *benches, size_t n);

/* Prints them as a table for people, times in a unit that suits each. */
void bench_print_table(FILE *to, const struct bench *benches, size_t n);

/* Frees the samples. */
void bench_free(struct bench *benches, size_t n);

#endif
