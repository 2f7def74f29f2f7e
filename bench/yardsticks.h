/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yardsticks.h - what a user could do instead of a call in a micro-VM, for struct bench.
 */
#ifndef BENCH_YARDSTICKS_H
#define BENCH_YARDSTICKS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A child process that answers each byte with a byte. */
struct pipe_peer {
	int to, from;
	pid_t child;
};

/* Starts the child; false: it could not be started, and there is nothing to free. */
bool pipe_peer_init(struct pipe_peer *peer);

/* Ends the child and waits for it. */
void pipe_peer_fini(struct pipe_peer *peer);

/* A byte to another process and one back, by pipes; STATE is a struct pipe_peer. */
uint64_t process_pipe_round_trip(void *state, unsigned n);

/* fork, exit and wait; no STATE. */
uint64_t process_spawn(void *state, unsigned n);

/* posix_spawn of /bin/true, and wait; no STATE. */
uint64_t process_spawn_exec(void *state, unsigned n);

/* A page copied between two places in the caches; no STATE. */
uint64_t memcpy_page(void *state, unsigned n);

#endif
