/* SPDX-License-Identifier: Apache-2.0 */
/*
 * work.h - what `mote bench --suite programs` has programs do, natively and in sandboxes.
 *
 * Each file of this folder that is linked in brings its works along; those whose libraries were
 * not there when this was built are missing.
 */
#ifndef BENCH_PROGRAMS_WORK_H
#define BENCH_PROGRAMS_WORK_H

#include <stdbool.h>
#include <stdint.h>

struct work {
	const char *name;
	/* Once, before the first run: brings about what runs begin with. False: there is no memory.
	 */
	bool (*prepare)(void);
	/* A few milliseconds of work; returns a number that depends on all that was done, and that
	 * is the same for every first run, every second one, and so on. */
	uint64_t (*run)(void);
};

/* Makes a work known: WORK(lua_fib, prepare, run). */
#define WORK(name_, prepare_, run_)                                                                \
	static const struct work name_##_work = { #name_, prepare_, run_ };                        \
	static const struct work *const name_##_entry                                              \
		__attribute__((used, section("bench_works"))) = &name_##_work;

/* A number that does not look as if it came from SEED. */
static inline uint64_t work_scramble(uint64_t seed)
{
	seed = (seed ^ seed >> 31) * UINT64_C(0x7fb5d329728ea185);
	seed = (seed ^ seed >> 27) * UINT64_C(0x81dadef4bc2dd44d);
	return seed ^ seed >> 33;
}

#endif
