/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The harness, on operations whose cost is known: numbers that nobody checks are worse
 * than no numbers.
 */
#include "bench/bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* An operation that claims COSTS[0], COSTS[1], ... nanoseconds, in turn. */
struct scripted {
	const uint64_t *costs;
	size_t ncosts;
	size_t calls;
	unsigned operations;
};

static uint64_t run_scripted(void *state, unsigned n)
{
	struct scripted *script = state;
	uint64_t cost = script->costs[script->calls++ % script->ncosts];

	script->operations += n;
	return cost == BENCH_FAILED ? cost : cost * n;
}

static uint64_t fail_third_time(void *state, unsigned n)
{
	unsigned *calls = state;

	(void)n;
	return ++*calls < 3 ? 1000 : BENCH_FAILED;
}

static const struct bench_effort little = { .rounds = 4, .slice_ns = 100000 };

static void measured_is_what_the_operation_says(void **unused)
{
	(void)unused;
	static const uint64_t costs[] = { 1000000 };
	struct scripted script = { .costs = costs, .ncosts = 1 };
	struct bench bench = { .name = "a", .run = run_scripted, .state = &script };

	assert_true(bench_run(&bench, 1, &little));
	struct bench_result r = bench_result(&bench);
	assert_true(r.min == 1e6 && r.median == 1e6 && r.p99 == 1e6);
	assert_int_equal(bench.batch, 1);
	assert_int_equal(r.n, bench.nsamples);
	bench_free(&bench, 1);
}

static void short_operations_are_batched(void **unused)
{
	(void)unused;
	static const uint64_t costs[] = { 10 };
	struct scripted script = { .costs = costs, .ncosts = 1 };
	struct bench bench = { .name = "a", .run = run_scripted, .state = &script };

	assert_true(bench_run(&bench, 1, &little));
	assert_int_equal(bench.batch, 512); /* 5,120 ns, the first over 5,000 */
	assert_true(bench_result(&bench).median == 10);
	assert_int_equal(bench_result(&bench).n, bench.nsamples * 512);
	bench_free(&bench, 1);
}

static void free_operations_end_too(void **unused)
{
	(void)unused;
	static const uint64_t costs[] = { 0 };
	struct scripted script = { .costs = costs, .ncosts = 1 };
	struct bench bench = { .name = "a", .run = run_scripted, .state = &script };

	assert_true(bench_run(&bench, 1, &little));
	assert_int_equal(bench.batch, 4096);
	bench_free(&bench, 1);
}

static void order_statistics_are_of_all_samples(void **unused)
{
	(void)unused;
	double samples[200];
	struct bench bench = { .batch = 3, .samples = samples, .nsamples = 200 };

	for (int i = 0; i < 200; i++)
		samples[i] = i + 1;
	struct bench_result r = bench_result(&bench);
	assert_true(r.min == 1 && r.median == 100 && r.p99 == 199);
	assert_int_equal(r.n, 600);

	bench.nsamples = 1;
	r = bench_result(&bench);
	assert_true(r.min == 1 && r.median == 1 && r.p99 == 1);
}

static void samples_are_sorted_whatever_their_order(void **unused)
{
	(void)unused;
	static const uint64_t costs[] = { 3000000, 1000000, 2000000 };
	struct scripted script = { .costs = costs, .ncosts = 3 };
	struct bench bench = { .name = "a", .run = run_scripted, .state = &script };

	assert_true(bench_run(&bench, 1, &little));
	for (size_t i = 1; i < bench.nsamples; i++)
		assert_true(bench.samples[i - 1] <= bench.samples[i]);
	assert_true(bench_result(&bench).min == 1e6 && bench_result(&bench).p99 == 3e6);
	bench_free(&bench, 1);
}

static void events_are_told_for_one_operation(void **unused)
{
	(void)unused;
	static const uint64_t counts[] = { 2 };
	struct scripted script = { .costs = counts, .ncosts = 1 };
	struct bench bench = {
		.name = "a", .run = run_scripted, .state = &script, .is_count = true
	};

	assert_true(bench_run(&bench, 1, &little));
	assert_true(bench_result(&bench).min == 2 && bench_result(&bench).p99 == 2);
	bench_free(&bench, 1);
}

static void a_failure_ends_its_own_row_only(void **unused)
{
	(void)unused;
	static const uint64_t costs[] = { 1000000 }, none[] = { BENCH_FAILED };
	struct scripted good = { .costs = costs, .ncosts = 1 };
	struct scripted bad = { .costs = none, .ncosts = 1 };
	unsigned calls = 0;
	struct bench benches[] = {
		{ .name = "bad", .backend = "none", .run = run_scripted, .state = &bad },
		{ .name = "later", .backend = "none", .run = fail_third_time, .state = &calls },
		{ .name = "good", .backend = "none", .run = run_scripted, .state = &good },
	};

	assert_true(bench_run(benches, 3, &little));
	assert_true(benches[0].has_failed && benches[1].has_failed && !benches[2].has_failed);
	assert_int_equal(bad.calls, 1);
	assert_int_equal(calls, 3);
	assert_int_equal(bench_result(&benches[1]).n, 0);
	assert_true(bench_result(&benches[2]).median == 1e6);
	bench_free(benches, 3);
}

/* Calls PRINT on BENCHES and returns what it wrote, to be freed. */
static char *printed(void (*print)(FILE *, const struct bench *, size_t),
		     const struct bench *benches, size_t n)
{
	char *text = NULL;
	size_t size = 0;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	print(to, benches, n);
	fclose(to);
	return text;
}

static void rows_are_json_without_those_that_failed(void **unused)
{
	(void)unused;
	double samples[] = { 1.5, 2, 4.25 };
	const struct bench benches[] = {
		{ .name = "x", .backend = "kvm", .has_failed = true },
		{ .name = "a", .backend = "kvm", .batch = 2, .samples = samples, .nsamples = 3 },
		{ .name = "b",
		  .backend = "none",
		  .batch = 1,
		  .samples = samples,
		  .nsamples = 1,
		  .is_count = true },
		{ .name = "c",
		  .backend = "none",
		  .batch = 1,
		  .samples = samples,
		  .nsamples = 2,
		  .is_count = true,
		  .unit = "KiB" },
	};
	char *text = printed(bench_print_json, benches, 4);

	assert_string_equal(text, "[\n  {\"name\": \"a\", \"backend\": \"kvm\", \"unit\": \"ns\", "
				  "\"min\": 1.5, \"median\": 2.0, \"p99\": 4.2, \"n\": 6},\n"
				  "  {\"name\": \"b\", \"backend\": \"none\", \"unit\": \"count\", "
				  "\"min\": 1.5, \"median\": 1.5, \"p99\": 1.5, \"n\": 1},\n"
				  "  {\"name\": \"c\", \"backend\": \"none\", \"unit\": \"KiB\", "
				  "\"min\": 1.5, \"median\": 1.5, \"p99\": 2.0, \"n\": 2}\n]\n");
	free(text);
}

static void the_table_picks_units(void **unused)
{
	(void)unused;
	double samples[] = { 999, 24500, 3100000 };
	const struct bench benches[] = {
		{ .name = "a", .backend = "kvm", .batch = 1, .samples = samples, .nsamples = 3 },
		{ .name = "b", .backend = "kvm", .has_failed = true },
	};
	char *text = printed(bench_print_table, benches, 2);

	assert_non_null(strstr(text, "999.00 ns"));
	assert_non_null(strstr(text, "24.50 us"));
	assert_non_null(strstr(text, "3.10 ms"));
	assert_non_null(strstr(text, "failed"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measured_is_what_the_operation_says),
		cmocka_unit_test(short_operations_are_batched),
		cmocka_unit_test(free_operations_end_too),
		cmocka_unit_test(order_statistics_are_of_all_samples),
		cmocka_unit_test(samples_are_sorted_whatever_their_order),
		cmocka_unit_test(events_are_told_for_one_operation),
		cmocka_unit_test(a_failure_ends_its_own_row_only),
		cmocka_unit_test(rows_are_json_without_those_that_failed),
		cmocka_unit_test(the_table_picks_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
