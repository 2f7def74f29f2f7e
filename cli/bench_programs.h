/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_programs.h - `mote bench --suite programs`.
 */
#ifndef CLI_BENCH_PROGRAMS_H
#define CLI_BENCH_PROGRAMS_H

#include "command.h"

#include "bench/bench.h"

/* Measures and prints; returns the exit status. */
int bench_programs_suite(const struct options *options, const struct bench_effort *effort);

#endif
