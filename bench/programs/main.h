/* SPDX-License-Identifier: Apache-2.0 */
/*
 * main.h - what the native process of programs/ is asked by pipe, and answers. Both sides are built
 * together.
 */
#ifndef BENCH_PROGRAMS_MAIN_H
#define BENCH_PROGRAMS_MAIN_H

#include <stdbool.h>
#include <stdint.h>

enum program_action {
	PROGRAM_PREPARE, /* once, before anything else */
	PROGRAM_RUN,     /* as often as TIMES says; NS is CPU time */
	PROGRAM_FORK,    /* each in a process forked for it; NS is by the clock on the wall */
};

struct program_request {
	char name[24]; /* of the work, with its NUL */
	uint32_t action;
	uint32_t times;
};

struct program_reply {
	bool is_known; /* false: there is no such work, or no memory to prepare it */
	uint64_t ns;
	uint64_t sum; /* of what the runs returned */
};

#endif
