/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subjects that map and copy memory do what their names say, and the library's copy, which
 * touches each byte once whatever the compiler thinks, costs what a copy costs.
 */
#include "bench/memory.h"

#include "bench/bench.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct memory_bench *memory;

static int setup(void **unused)
{
	(void)unused;
	memory = memory_bench_new();
	return memory ? 0 : -1;
}

static int teardown(void **unused)
{
	(void)unused;
	memory_bench_free(memory);
	return 0;
}

static void every_subject_finds_its_work_done(void **unused)
{
	(void)unused;
	static uint64_t (*const subjects[])(void *state, unsigned n) = {
		map_1gib_4k, walk_1gib_4k, shared_copy_16mib, memcpy_16mib, push_pop_64b,
	};

	for (size_t i = 0; i < sizeof subjects / sizeof subjects[0]; i++) {
		assert_true(subjects[i](memory, 0) < 1000000); /* nothing to do */
		assert_true(subjects[i](memory, 3) != BENCH_FAILED);
		assert_true(subjects[i](memory, 1) > 0);
	}
	/* Mapping begins anew each time, and leaves something to walk. */
	assert_true(walk_1gib_4k(memory, 1) != BENCH_FAILED);
	memory_bench_free(NULL);
}

/* A machine that does other things at the same time slows one or the other: the best of many turns
 * tells what the code can do. */
static void the_guarded_copy_costs_at_most_1_3_of_memcpy(void **unused)
{
	(void)unused;
	double best = 1e9;

	if (IS_SANITIZED)
		skip(); /* each access is checked in the one and none in the other */
	for (int turn = 0; turn < 100 && best > 1.3; turn++) {
		uint64_t ours = shared_copy_16mib(memory, 2);
		uint64_t theirs = memcpy_16mib(memory, 2);
		double ratio = (double)ours / (double)theirs;

		best = ratio < best ? ratio : best;
	}
	print_message("shared_copy_16mib is %.2f x memcpy_16mib\n", best);
	assert_true(best <= 1.3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subject_finds_its_work_done),
		cmocka_unit_test(the_guarded_copy_costs_at_most_1_3_of_memcpy),
	};
	return cmocka_run_group_tests_name("bench/memory", tests, setup, teardown);
}
