/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_guest.h - `mote bench GUEST FUNCTION [ARG...]`: what that call costs, and its sandbox.
 */
#ifndef CLI_BENCH_GUEST_H
#define CLI_BENCH_GUEST_H

#include "options.h"

#include "bench/bench.h"

/* Measures the call of WORDS, function first, in sandboxes of PATH, and prints the rows. Returns
 * the exit status of the program. */
int bench_guest_call(const struct options *options, const struct bench_effort *effort,
		     const char *path, size_t nwords, const char *const *words);

#endif
