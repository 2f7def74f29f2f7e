/* SPDX-License-Identifier: Apache-2.0 */
/*
 * worker.h - a thread of a soak: one random step after the other, each of which must end as what is
 * known of its sandbox says.
 */
#ifndef TESTS_SOAK_WORKER_H
#define TESTS_SOAK_WORKER_H

#include "soak/world.h"

#include <stdatomic.h>

struct worker {
	struct world *world;
	unsigned number;                 /* below WORLD_THREADS, among those of the world */
	uint64_t random;                 /* the generator's state, not 0 */
	atomic_bool *is_over;            /* of all workers; set by the first that has trouble */
	atomic_uint_fast64_t operations; /* so far */
	mote_error err;
	char trouble[MOTE_ERROR_MESSAGE_SIZE + 64]; /* "": none */
	pthread_t thread;
};

/* The body of the thread: goes on until it is over, or something is not as it should be. */
void *worker_run(void *worker);

#endif
