/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.h - what the threads of a soak share on one backend: sandboxes, which move between them,
 * snapshots, which they use at the same time, a pool, and a folder with saved snapshots.
 *
 * Every sandbox's guest is "state", and is known to have counted so far. A thread that takes a
 * sandbox out has it for itself until it puts it back.
 *
 * Threads: all functions but world_open(), world_empty() and world_close(), which need to be alone.
 */
#ifndef TESTS_SOAK_WORLD_H
#define TESTS_SOAK_WORLD_H

#include <mote/mote.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { WORLD_SANDBOXES = 12, WORLD_SNAPSHOTS = 6, WORLD_SHAPES = 2, WORLD_THREADS = 8 };

/* A sandbox that begins there, or one as it is. */
struct state {
	unsigned shape;   /* which of the options its sizes are from */
	int32_t count;    /* the guest's last count */
	bool has_file;    /* mapped */
	bool is_poisoned; /* sandboxes only */
};

struct tracked {
	mote_sandbox *sb; /* NULL: none */
	struct state state;
};

struct kept {
	mote_snapshot *snapshot; /* a reference; NULL: none */
	struct state state;
};

struct world {
	const char *backend;
	char guest[512];        /* its file */
	atomic_llong allocated; /* bytes that the library has, of the heap */
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox_options shapes[WORLD_SHAPES];

	pthread_mutex_t lock; /* of what follows */
	struct tracked sandboxes[WORLD_SANDBOXES];
	struct kept snapshots[WORLD_SNAPSHOTS];
	mote_interrupt *interrupts[WORLD_THREADS]; /* of calls that are to be stopped; NULL: none */

	/* Held for reading by who uses it, for writing by who replaces it. */
	pthread_rwlock_t pool_lock, store_lock;
	mote_pool *pool; /* NULL: none yet */
	struct state pool_state;
	char store[64];
	struct state saved[WORLD_THREADS]; /* each thread's tag; count 0: none */
};

/* Opens BACKEND, with the guest in FOLDER. False, with ERR, if it cannot. */
bool world_open(struct world *world, const char *backend, const char *folder, mote_error *err);

/* Frees all sandboxes, snapshots, the pool and the folder's contents; the world can go on. */
void world_empty(struct world *world);
void world_close(struct world *world);

/* Removes what was saved; store_lock is held for writing. */
void world_empty_store(struct world *world);

/* Takes a sandbox out of a slot chosen by RANDOM; none may be there. */
struct tracked world_take(struct world *world, uint64_t random);

/* Puts it back into an empty slot; frees it if there is none. */
void world_put(struct world *world, struct tracked tracked);

/* A snapshot with a reference of the caller's, which may be none. */
struct kept world_snapshot(struct world *world, uint64_t random);

/* Hands KEPT's reference over to a slot, whose own is dropped. */
void world_keep(struct world *world, uint64_t random, struct kept kept);

/* Somebody else is to stop calls of THREAD's sandbox, by this handle; NULL: no more. */
void world_expose(struct world *world, unsigned thread, mote_interrupt *interrupt);

/* Stops all calls that are to be stopped. */
void world_kill(struct world *world);

#endif
