/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots under a lock; whatever takes time happens outside of it.
 */
#define _GNU_SOURCE
#include "soak/world.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The guest's import: what CallFails returns. */
static mote_status return_seven(void *user, const mote_value *args, size_t nargs,
				mote_value *result, mote_error *err)
{
	(void)user, (void)args, (void)nargs, (void)err;
	*result = mote_i32(7);
	return MOTE_OK;
}

static const mote_host_function functions[] = {
	{ .name = "Fails", .fn = return_seven, .result = MOTE_I32 },
};

static void *count_bytes(void *user, void *ptr, size_t old_size, size_t new_size)
{
	struct world *world = user;
	void *now = NULL;

	if (new_size == 0)
		free(ptr);
	else
		now = realloc(ptr, new_size);
	if (now || new_size == 0)
		atomic_fetch_add(&world->allocated, (long long)new_size - (long long)old_size);
	return now;
}

static void find_guest(struct world *world, const char *folder)
{
	static const char *const variants[] = { "musl", "glibc" };

	for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
		snprintf(world->guest, sizeof world->guest, "%s/state-%s", folder, variants[i]);
		if (access(world->guest, R_OK) == 0)
			return;
	}
}

bool world_open(struct world *world, const char *backend, const char *folder, mote_error *err)
{
	*world = (struct world){ .backend = backend };
	for (int i = 0; i < WORLD_SHAPES; i++)
		world->shapes[i] = (mote_sandbox_options){ .size = sizeof world->shapes[i],
							   .functions = functions,
							   .nfunctions = 1,
							   .restore_audit = 5 };
	world->shapes[1].heap_size = 4 << 20;
	world->shapes[1].stack_size = 64 << 10;
	pthread_mutex_init(&world->lock, NULL);
	pthread_rwlock_init(&world->pool_lock, NULL);
	pthread_rwlock_init(&world->store_lock, NULL);
	find_guest(world, folder);
	snprintf(world->store, sizeof world->store, "%s/mote-soak-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(world->store)) {
		snprintf(err->message, sizeof err->message, "cannot make %s", world->store);
		return false;
	}
	return !mote_runtime_new(&world->rt,
				 MOTE_OPTIONS(mote_runtime_options, .backend = backend,
					      .realloc = count_bytes, .realloc_user = world),
				 err) &&
	       !mote_image_load_file(&world->image, world->rt, world->guest, err);
}

static int delete_below(const char *path, const struct stat *file, int type, struct FTW *ftw)
{
	(void)file, (void)type;
	return ftw->level > 0 ? remove(path) : 0;
}

void world_empty_store(struct world *world)
{
	memset(world->saved, 0, sizeof world->saved);
	nftw(world->store, delete_below, 8, FTW_DEPTH | FTW_PHYS);
}

void world_empty(struct world *world)
{
	for (int i = 0; i < WORLD_SANDBOXES; i++)
		mote_sandbox_free(world->sandboxes[i].sb);
	for (int i = 0; i < WORLD_SNAPSHOTS; i++)
		mote_snapshot_unref(world->snapshots[i].snapshot);
	mote_pool_free(world->pool);
	memset(world->sandboxes, 0, sizeof world->sandboxes);
	memset(world->snapshots, 0, sizeof world->snapshots);
	world->pool = NULL;
	world_empty_store(world);
}

void world_close(struct world *world)
{
	world_empty(world);
	rmdir(world->store);
	mote_image_unref(world->image);
	mote_runtime_free(world->rt);
	pthread_rwlock_destroy(&world->store_lock);
	pthread_rwlock_destroy(&world->pool_lock);
	pthread_mutex_destroy(&world->lock);
}

struct tracked world_take(struct world *world, uint64_t random)
{
	struct tracked *slot = &world->sandboxes[random % WORLD_SANDBOXES];

	pthread_mutex_lock(&world->lock);
	struct tracked taken = *slot;
	slot->sb = NULL;
	pthread_mutex_unlock(&world->lock);
	return taken;
}

void world_put(struct world *world, struct tracked tracked)
{
	pthread_mutex_lock(&world->lock);
	for (int i = 0; tracked.sb && i < WORLD_SANDBOXES; i++)
		if (!world->sandboxes[i].sb) {
			world->sandboxes[i] = tracked;
			tracked.sb = NULL;
		}
	pthread_mutex_unlock(&world->lock);
	mote_sandbox_free(tracked.sb);
}

struct kept world_snapshot(struct world *world, uint64_t random)
{
	pthread_mutex_lock(&world->lock);
	struct kept kept = world->snapshots[random % WORLD_SNAPSHOTS];
	if (kept.snapshot)
		mote_snapshot_ref(kept.snapshot);
	pthread_mutex_unlock(&world->lock);
	return kept;
}

void world_keep(struct world *world, uint64_t random, struct kept kept)
{
	struct kept *slot = &world->snapshots[random % WORLD_SNAPSHOTS];

	pthread_mutex_lock(&world->lock);
	mote_snapshot *before = slot->snapshot;
	*slot = kept;
	pthread_mutex_unlock(&world->lock);
	mote_snapshot_unref(before);
}

void world_expose(struct world *world, unsigned thread, mote_interrupt *interrupt)
{
	pthread_mutex_lock(&world->lock);
	world->interrupts[thread] = interrupt;
	pthread_mutex_unlock(&world->lock);
}

void world_kill(struct world *world)
{
	pthread_mutex_lock(&world->lock);
	for (int i = 0; i < WORLD_THREADS; i++)
		if (world->interrupts[i])
			mote_interrupt_kill(world->interrupts[i]);
	pthread_mutex_unlock(&world->lock);
}
