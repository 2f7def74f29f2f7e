/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The measuring: batches long enough for the clock, as many samples as fit the time,
 * rounds that take turns, and the order statistics that a noisy machine allows. No mean is
 * ever computed: a single preemption would be in it.
 */
#include "bench/bench.h"

#include <stdlib.h>
#include <time.h>

/* Reading the clock twice takes some 50 ns; 100 times that is 1 % of error. */
#define BATCH_NS    5000
#define BATCH_MAX   4096
#define COUNT_BATCH 100
#define SAMPLES_MIN 3
#define SAMPLES_MAX 20000
#define WARM_UP_NS  UINT64_C(20000000)
#define NS_A_SECOND UINT64_C(1000000000)

uint64_t bench_clock(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_A_SECOND + (uint64_t)now.tv_nsec;
}

/* One sample, not kept. Returns nanoseconds of wall-clock time, or BENCH_FAILED. */
static uint64_t run_once(struct bench *bench, uint64_t *counted)
{
	uint64_t start = bench_clock();
	*counted = bench->run(bench->state, bench->batch);
	if (*counted == BENCH_FAILED) {
		bench->has_failed = true;
		return BENCH_FAILED;
	}
	return bench_clock() - start;
}

/*
 * Finds the batch, by doubling, and how many samples fill a slice. The slice counts wall-clock
 * time, so that an operation with a long clean-up does not hold up the others. The best
 * warm sample decides: others paid for page faults, cold caches and preemption.
 */
static void calibrate(struct bench *bench, uint64_t slice_ns)
{
	uint64_t start = bench_clock();
	uint64_t best = UINT64_MAX;

	bench->batch = bench->is_count ? COUNT_BATCH : 1;
	do {
		uint64_t counted;
		uint64_t wall = run_once(bench, &counted);
		if (bench->has_failed)
			return;
		if (wall < best)
			best = wall;
		if (counted < BATCH_NS && bench->batch < BATCH_MAX && !bench->is_count) {
			bench->batch *= 2;
			best = UINT64_MAX;
		}
	} while (bench_clock() - start < WARM_UP_NS);

	bench->per_round = (size_t)(slice_ns / (best ? best : 1));
	if (bench->per_round < SAMPLES_MIN || bench->is_count)
		bench->per_round = SAMPLES_MIN;
}

static bool make_room(struct bench *bench, unsigned rounds)
{
	if (bench->per_round > SAMPLES_MAX / rounds)
		bench->per_round = SAMPLES_MAX / rounds;
	bench->samples = calloc(rounds * bench->per_round, sizeof bench->samples[0]);
	return bench->samples != NULL;
}

/* A slice may take longer than it did when the machine was quieter, but not much. */
static void measure_slice(struct bench *bench, uint64_t slice_ns)
{
	uint64_t start = bench_clock();

	for (size_t i = 0; i < bench->per_round && !bench->has_failed; i++) {
		uint64_t counted;
		if (run_once(bench, &counted) != BENCH_FAILED)
			bench->samples[bench->nsamples++] = (double)counted / bench->batch;
		if (bench_clock() - start > 2 * slice_ns)
			break;
	}
}

static int compare(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

bool bench_run(struct bench *benches, size_t n, const struct bench_effort *effort)
{
	for (size_t i = 0; i < n; i++) {
		benches[i].samples = NULL;
		benches[i].nsamples = 0;
		benches[i].has_failed = false;
	}
	for (size_t i = 0; i < n; i++) {
		calibrate(&benches[i], effort->slice_ns);
		if (!benches[i].has_failed && !make_room(&benches[i], effort->rounds))
			return false;
	}
	for (unsigned round = 0; round < effort->rounds; round++)
		for (size_t i = 0; i < n; i++)
			measure_slice(&benches[i], effort->slice_ns);
	for (size_t i = 0; i < n; i++)
		if (benches[i].samples)
			qsort(benches[i].samples, benches[i].nsamples, sizeof(double), compare);
	return true;
}

struct bench_result bench_result(const struct bench *bench)
{
	if (bench->has_failed || bench->nsamples == 0)
		return (struct bench_result){ 0 };
	size_t last = bench->nsamples - 1;
	return (struct bench_result){
		.min = bench->samples[0],
		.median = bench->samples[last / 2],
		.p99 = bench->samples[last - last / 100],
		.n = bench->nsamples * bench->batch,
	};
}

static const char *unit_of(const struct bench *bench)
{
	if (!bench->is_count)
		return "ns";
	return bench->unit ? bench->unit : "count";
}

void bench_print_json(FILE *to, const struct bench *benches, size_t n)
{
	const char *separator = "";

	fputs("[", to);
	for (size_t i = 0; i < n; i++) {
		if (benches[i].has_failed)
			continue;
		struct bench_result r = bench_result(&benches[i]);
		fprintf(to,
			"%s\n  {\"name\": \"%s\", \"backend\": \"%s\", \"unit\": \"%s\", "
			"\"min\": %.1f, \"median\": %.1f, \"p99\": %.1f, \"n\": %zu}",
			separator, benches[i].name, benches[i].backend, unit_of(&benches[i]), r.min,
			r.median, r.p99, r.n);
		separator = ",";
	}
	fputs("\n]\n", to);
}

static void print_number(FILE *to, double number, bool is_count)
{
	static const char *const units[] = { "ns", "us", "ms", "s " };
	size_t unit = 0;

	for (; !is_count && number >= 1000 && unit < 3; unit++)
		number /= 1000;
	fprintf(to, " %8.2f %s", number, is_count ? "  " : units[unit]);
}

void bench_print_table(FILE *to, const struct bench *benches, size_t n)
{
	fprintf(to, "%-28s %-10s %11s %11s %11s %9s\n", "", "backend", "min", "median", "p99", "n");
	for (size_t i = 0; i < n; i++) {
		fprintf(to, "%-28s %-10s", benches[i].name, benches[i].backend);
		if (benches[i].has_failed) {
			fputs(" failed\n", to);
			continue;
		}
		struct bench_result r = bench_result(&benches[i]);
		print_number(to, r.min, benches[i].is_count);
		print_number(to, r.median, benches[i].is_count);
		print_number(to, r.p99, benches[i].is_count);
		fprintf(to, " %9zu\n", r.n);
	}
}

void bench_free(struct bench *benches, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(benches[i].samples);
		benches[i].samples = NULL;
		benches[i].nsamples = 0;
	}
}
