/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/pool.h - sandboxes of one snapshot, kept ready: making a virtual machine takes a thousand
 * times as long as restoring one.
 *
 *     mote_pool_acquire(&sb, pool, &err);
 *     mote_call(sb, ...);
 *     mote_pool_release(pool, sb);
 *
 * What is acquired is always as the snapshot has it, whatever was done with it before.
 *
 * Threads: any, at the same time; a sandbox that was acquired is the acquirer's alone.
 */
#ifndef MOTE_POOL_H
#define MOTE_POOL_H

#include <mote/snapshot.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct mote_pool mote_pool;

typedef struct mote_pool_options {
	size_t size;      /* sizeof(mote_pool_options); set by the macro */
	uint32_t minimum; /* sandboxes that are made at once, and kept; 0: none */
	uint32_t maximum; /* that exist at a time, in use or not; 0: 64; at most 65536 */
	/* For each sandbox, as for mote_sandbox_from_snapshot(); NULL: none. The drop_user of its
	 * functions is called once, when the pool goes. */
	const mote_sandbox_options *sandbox;
} mote_pool_options;

typedef struct mote_pool_statistics {
	size_t size;           /* sizeof(mote_pool_statistics), set by the caller */
	uint64_t acquired;     /* so many times */
	uint64_t made;         /* of them with a sandbox that had to be made */
	uint64_t restored;     /* restores: at most one an acquisition */
	uint64_t replaced;     /* sandboxes that could not be restored, and were freed */
	uint32_t idle, in_use; /* now */
} mote_pool_statistics;

/* Makes a pool for SNAPSHOT, which it takes a reference of. Errors: MOTE_E_INVALID (minimum above
 * maximum, maximum out of range), as mote_sandbox_from_snapshot(). */
MOTE_API MOTE_NODISCARD mote_status mote_pool_new(mote_pool **out, mote_runtime *rt,
						  mote_snapshot *snapshot,
						  const mote_pool_options *options,
						  mote_error *err);

/* Frees the pool and its sandboxes. All must have been released. NULL is fine. */
MOTE_API void mote_pool_free(mote_pool *pool);

/*
 * Hands out a sandbox: one that is idle, else a new one. Never waits. Errors: MOTE_E_LIMIT (the
 * maximum is in use; release one), as mote_sandbox_from_snapshot().
 */
MOTE_API MOTE_NODISCARD mote_status mote_pool_acquire(mote_sandbox **out, mote_pool *pool,
						      mote_error *err);

/*
 * Gives SB back, in whatever state. It is restored here, so that what a caller left is gone at
 * once; one that cannot be restored is freed. NULL is fine.
 */
MOTE_API void mote_pool_release(mote_pool *pool, mote_sandbox *sb);

/* Stores what the pool has done so far; fields that an older caller does not know are left out. */
MOTE_API void mote_pool_get_statistics(const mote_pool *pool, mote_pool_statistics *statistics);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_POOL_H */
