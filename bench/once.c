/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `bench-once SUBJECT`: the subject's operation once, in a process that does little else. For
 * tools/check-instructions, which counts what the operation executes. `bench-once`: the compiler
 * that the counts are of.
 */
#include "bench/bench.h"
#include "bench/memory.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t (*run)(void *state, unsigned n);
} rows[] = {
	{ "map_1gib_4k", map_1gib_4k },
	{ "walk_1gib_4k", walk_1gib_4k },
};

#ifdef __clang__
#define COMPILER __VERSION__
#else
#define COMPILER "gcc " __VERSION__
#endif

int main(int argc, char **argv)
{
	if (argc == 1)
		return puts(COMPILER) < 0;
	for (size_t i = 0; argc == 2 && i < sizeof rows / sizeof rows[0]; i++) {
		if (strcmp(argv[1], rows[i].name) != 0)
			continue;
		struct memory_bench *memory = memory_bench_new();
		bool is_done = memory && rows[i].run(memory, 1) != BENCH_FAILED;
		memory_bench_free(memory);
		return is_done ? 0 : 1;
	}
	fputs("usage: bench-once [map_1gib_4k|walk_1gib_4k]\n", stderr);
	return 2;
}
