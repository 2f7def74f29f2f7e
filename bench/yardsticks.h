/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yardsticks.h - what a user could do instead of a call in a micro-VM, for struct bench.
 */
#ifndef BENCH_YARDSTICKS_H
#define BENCH_YARDSTICKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A child process that answers each byte with a byte; if there is memory that it shares, 1 MiB
 * there and 1 MiB back, it copies the one to the other before. */
struct pipe_peer {
	int to, from;
	pid_t child;
	char *there, *back;
};

/* Starts the child; false: it could not be started, and there is nothing to free. */
bool pipe_peer_init(struct pipe_peer *peer);

/* The same with memory that is shared. */
bool shared_peer_init(struct pipe_peer *peer);

/* Ends the child and waits for it. */
void pipe_peer_fini(struct pipe_peer *peer);

/* A byte to another process and one back, by pipes; STATE is a struct pipe_peer. */
uint64_t process_pipe_round_trip(void *state, unsigned n);

/* 1 MiB copied to a child that copies it, with a byte by pipe each way; STATE is a struct pipe_peer
 * with memory. */
uint64_t process_1mib_in_1mib_out(void *state, unsigned n);

/* fork, exit and wait; no STATE. */
uint64_t process_spawn(void *state, unsigned n);

/* posix_spawn of /bin/true, and wait; no STATE. */
uint64_t process_spawn_exec(void *state, unsigned n);

/* Memory for the rows below: 64 MiB, twice, all of it resident. */
struct memory_pair {
	char *a, *b;
};

/* False: there is too little. */
bool memory_pair_init(struct memory_pair *pair);
void memory_pair_fini(struct memory_pair *pair);

/* N scattered pages, every other one of memory, copied by memcpy; NPAGES of them. */
struct scattered_copy {
	const struct memory_pair *pair;
	unsigned npages;
};
uint64_t memcpy_pages(void *state, unsigned n);

/* What else gives a function a state to begin with each time: all of the memory copied; a process
 * of 64 MiB forked, which writes to 16 pages and ends. STATE is a struct memory_pair. */
uint64_t memory_copy_64mib(void *state, unsigned n);
uint64_t fork_exit_wait(void *state, unsigned n);

/* 1 MiB copied between two places; no STATE. */
uint64_t memcpy_1mib(void *state, unsigned n);

/* A page copied between two places in the caches; no STATE. */
uint64_t memcpy_page(void *state, unsigned n);

#endif
