/* SPDX-License-Identifier: Apache-2.0 */
/*
 * life.h - real guests on real backends, on a host whose operations can fail (kit/fail.h).
 *
 * A life goes up through its stages, runtime, image, sandbox, snapshot, and down again; at its end
 * nothing may be left of it: no memory, mapping, descriptor or process. The program has to take
 * in orphans, or the processes of the process backend would end unseen.
 */
#ifndef SANDBOX_LIFE_H
#define SANDBOX_LIFE_H

#include "kit/fail.h"
#include "sandbox/sandbox.h"

#include <mote/snapshot.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* At SNAPSHOT the guest, which must be "state" or "cli", has counted and touched pages since. */
enum stage { NOTHING, RUNTIME, IMAGE, SANDBOX, SNAPSHOT };

struct life {
	const struct host *host;
	const struct hv_backend *const *backends; /* that there are; NULL ends */
	bool may_pick;                            /* any of them; else it is the first */
	char path[512];                           /* of the guest */
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb;
	mote_snapshot *clean;
	char line[64];    /* what the guest logged last */
	char output[256]; /* what a program printed to its standard output, its beginning */
	size_t output_size;
	unsigned ngiven, ndropped; /* host functions handed over, and given up */
	unsigned nfiles;           /* that the sandbox has mapped */
};

/* Looks for guests, and takes in orphans from now on: for a test group's setup. */
int life_prepare_program(void **state);

/* Begins a life on a host that does not fail yet. BACKENDS as in runtime_new(). GUEST is "echo",
 * or "cli", which is of the hyperlight ABI. */
void life_begin(struct life *life, const struct hv_backend *const *backends, const char *guest);

/* Each makes one thing. On failure there must be none, or the test ends. */
mote_status life_make_runtime(struct life *life, mote_error *err);
mote_status life_load_image(struct life *life, mote_error *err);
mote_status life_make_sandbox(struct life *life, mote_error *err);

/* The options of its sandboxes: two host functions, whose users are counted when they are dropped. */
void life_options(struct life *life, mote_sandbox_options *options,
		  mote_host_function functions[2]);

/* Makes what is missing up to STAGE, which has to go well. */
void life_reach(struct life *life, enum stage stage);

/* Restores its snapshot, which has to go well: however the last attempt failed. */
void life_heal(struct life *life);

/* Frees what is above STAGE. */
void life_return_to(struct life *life, enum stage stage);

/* Frees all. What is left, as a sentence, or NULL: of the books of kit/fail.h, of host functions'
 * users, of processes. */
const char *life_end(struct life *life);

#endif
