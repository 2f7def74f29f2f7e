/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmem_fixture.h - what the page-table tests share: table memory in which tables can
 * be frozen, the vmem functions compiled for each format, and random numbers.
 *
 * Everything is static: each test program has its own.
 */
#ifndef TESTS_ABI_VMEM_FIXTURE_H
#define TESTS_ABI_VMEM_FIXTURE_H

#include "abi/vmem_aarch64.h"
#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_i686.h"
#include "abi/vmem_map.h"
#include "abi/vmem_spaces.h"
#include "abi/vmem_walk.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define PAGE VMEM_PAGE_SIZE
#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define TIB  (UINT64_C(1) << 40)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Table memory. The first FROZEN bytes may not be written: tables there must move. */
struct pool {
	struct vmem_flat flat; /* first: the flat operations work on it */
	uint64_t frozen;
	uint64_t n_looks; /* how often a table was asked for */
	uint64_t n_moves;
	uint64_t n_asked; /* how often a table was about to be written */
};

static void *pool_table(void *memory, uint64_t pa)
{
	struct pool *pool = memory;

	pool->n_looks++;
	return vmem_flat_table(&pool->flat, pa);
}

static uint64_t pool_alloc(void *memory)
{
	struct pool *pool = memory;

	return vmem_flat_alloc(&pool->flat);
}

static uint64_t pool_move(void *memory, uint64_t pa)
{
	struct pool *pool = memory;
	uint64_t copy;

	pool->n_asked++;
	if (pa - pool->flat.base >= pool->frozen)
		return pa;
	copy = vmem_flat_alloc(&pool->flat);
	if (copy != VMEM_NO_TABLE)
		memcpy(vmem_flat_table(&pool->flat, copy), vmem_flat_table(&pool->flat, pa), PAGE);
	pool->n_moves++;
	return copy;
}

static const struct vmem_ops pool_ops = { .table = pool_table, .alloc = pool_alloc };
static const struct vmem_ops moving_ops = {
	.table = pool_table,
	.alloc = pool_alloc,
	.move = pool_move,
};

/* Gives POOL room for N_TABLES, at the physical address BASE. */
static inline void pool_init(struct pool *pool, uint64_t base, size_t n_tables)
{
	*pool = (struct pool){ .flat = { .base = base, .size = n_tables * PAGE } };
	pool->flat.memory = aligned_alloc(PAGE, n_tables * PAGE);
	assert_non_null(pool->flat.memory);
	memset(pool->flat.memory, 0xA5, n_tables * PAGE);
}

static inline void pool_fini(struct pool *pool)
{
	free(pool->flat.memory);
}

static inline uint64_t pool_root(struct pool *pool)
{
	uint64_t root = pool_alloc(pool);

	assert_int_not_equal(root, VMEM_NO_TABLE);
	return root;
}

/* The vmem functions as they come out for one format: the compiler knows it. */
struct instance {
	const struct vmem_format *format;
	enum vmem_status (*map)(struct pool *pool, uint64_t *root, const struct vmem_range *range);
	enum vmem_status (*map_moving)(struct pool *pool, uint64_t *root,
				       const struct vmem_range *range);
	bool (*translate)(struct pool *pool, uint64_t root, uint64_t va, struct vmem_range *range);
	void (*walk_begin)(struct vmem_walk *walk, struct pool *pool, uint64_t root, uint64_t first,
			   uint64_t last, uint64_t max_tables);
	enum vmem_status (*walk_next)(struct vmem_walk *walk, struct pool *pool,
				      struct vmem_range *range);
	void (*spaces_begin)(struct vmem_spaces *spaces, struct pool *pool, const uint64_t *roots,
			     size_t n_roots, struct vmem_seen *seen, size_t n_slots);
	enum vmem_status (*spaces_next)(struct vmem_spaces *spaces, struct pool *pool,
					struct vmem_item *item);
	enum vmem_status (*link)(struct pool *pool, uint64_t *root, uint64_t their_root,
				 const struct vmem_link *link);
};

#define INSTANCE(name)                                                                             \
	static enum vmem_status name##_map(struct pool *pool, uint64_t *root,                      \
					   const struct vmem_range *range)                         \
	{                                                                                          \
		return vmem_map(&vmem_##name, &pool_ops, pool, root, range);                       \
	}                                                                                          \
	static enum vmem_status name##_map_moving(struct pool *pool, uint64_t *root,               \
						  const struct vmem_range *range)                  \
	{                                                                                          \
		return vmem_map(&vmem_##name, &moving_ops, pool, root, range);                     \
	}                                                                                          \
	static bool name##_translate(struct pool *pool, uint64_t root, uint64_t va,                \
				     struct vmem_range *range)                                     \
	{                                                                                          \
		return vmem_translate(&vmem_##name, &pool_ops, pool, root, va, range);             \
	}                                                                                          \
	static void name##_walk_begin(struct vmem_walk *walk, struct pool *pool, uint64_t root,    \
				      uint64_t first, uint64_t last, uint64_t max_tables)          \
	{                                                                                          \
		vmem_walk_begin(walk, &vmem_##name, &pool_ops, pool, root, first, last,            \
				max_tables);                                                       \
	}                                                                                          \
	static enum vmem_status name##_walk_next(struct vmem_walk *walk, struct pool *pool,        \
						 struct vmem_range *range)                         \
	{                                                                                          \
		return vmem_walk_next(walk, &vmem_##name, &pool_ops, pool, range);                 \
	}                                                                                          \
	static void name##_spaces_begin(struct vmem_spaces *spaces, struct pool *pool,             \
					const uint64_t *roots, size_t n_roots,                     \
					struct vmem_seen *seen, size_t n_slots)                    \
	{                                                                                          \
		vmem_spaces_begin(spaces, &vmem_##name, &pool_ops, pool, roots, n_roots, seen,     \
				  n_slots);                                                        \
	}                                                                                          \
	static enum vmem_status name##_spaces_next(struct vmem_spaces *spaces, struct pool *pool,  \
						   struct vmem_item *item)                         \
	{                                                                                          \
		return vmem_spaces_next(spaces, &vmem_##name, &pool_ops, pool, item);              \
	}                                                                                          \
	static enum vmem_status name##_link(struct pool *pool, uint64_t *root,                     \
					    uint64_t their_root, const struct vmem_link *link)     \
	{                                                                                          \
		return vmem_link(&vmem_##name, &moving_ops, pool, root, their_root, link);         \
	}                                                                                          \
	static const struct instance name = {                                                      \
		.format = &vmem_##name,                                                            \
		.map = name##_map,                                                                 \
		.map_moving = name##_map_moving,                                                   \
		.translate = name##_translate,                                                     \
		.walk_begin = name##_walk_begin,                                                   \
		.walk_next = name##_walk_next,                                                     \
		.spaces_begin = name##_spaces_begin,                                               \
		.spaces_next = name##_spaces_next,                                                 \
		.link = name##_link,                                                               \
	}

INSTANCE(amd64);
INSTANCE(i686);
INSTANCE(aarch64);

static const struct instance *const instances[] = { &amd64, &i686, &aarch64 };

/* What a walk of FLAGS must report. */
static inline uint32_t reported_flags(const struct vmem_format *format,
				      const struct vmem_range *range)
{
	uint32_t flags = range->flags & (VMEM_WRITE | VMEM_EXEC | VMEM_USER);

	if (range->kind == VMEM_COW)
		flags &= ~(uint32_t)VMEM_WRITE;
	if (format == &vmem_i686)
		flags |= VMEM_EXEC;
	return flags;
}

/* A seed from the environment (MOTE_TEST_SEED) to repeat a run, else WANTED; printed. */
static inline uint64_t random_seed(const char *what, uint64_t wanted)
{
	const char *given = getenv("MOTE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : wanted;

	print_message("%s: MOTE_TEST_SEED=0x%" PRIx64 "\n", what, seed);
	return seed ? seed : 1;
}

/* xorshift64*: good enough, and the same everywhere. */
static inline uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint64_t random_below(uint64_t *state, uint64_t limit)
{
	return (random_next(state) >> 11) % limit;
}

#endif
