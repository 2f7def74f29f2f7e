/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapping at the edges: of the address space, of tables, of table memory; large
 * leaves; tables that move; and how many tables a layout needs.
 */
#include "tests/abi/vmem_fixture.h"

#define BASE 0x100000 /* of table memory */

/* Fails unless ROOT maps RANGE at both of its ends, and nothing around it. */
static void assert_maps(const struct instance *vm, struct pool *pool, uint64_t root,
			const struct vmem_range *range)
{
	const uint64_t last = range->va + (range->size - PAGE);
	struct vmem_range got;

	assert_true(vm->translate(pool, root, range->va, &got));
	assert_int_equal(got.pa, range->pa);
	assert_int_equal(got.kind, range->kind);
	assert_int_equal(got.flags, reported_flags(vm->format, range));
	assert_true(vm->translate(pool, root, last, &got));
	assert_int_equal(got.pa, range->pa + (range->size - PAGE));
	assert_false(vm->translate(pool, root, range->va - PAGE, &got));
	assert_false(vm->translate(pool, root, last + PAGE, &got));
}

static const struct {
	const char *what;
	const struct instance *vm;
	uint64_t va, pa, size;
	enum vmem_status want;
} edges[] = {
	{ "page 0 to page 0", &amd64, 0, 0, PAGE, VMEM_OK },
	{ "the last page of the space", &amd64, -PAGE, 0x5000, PAGE, VMEM_OK },
	{ "the last 2 MiB and a page", &amd64, -(2 * MIB) - PAGE, 0x5000, 2 * MIB + PAGE, VMEM_OK },
	{ "past the end", &amd64, -PAGE, 0x5000, 2 * PAGE, VMEM_BAD_RANGE },
	{ "all the space", &amd64, 0, 0, -PAGE, VMEM_BAD_RANGE },
	{ "nothing", &amd64, 0x1000, 0x1000, 0, VMEM_BAD_RANGE },
	{ "up to the hole", &amd64, 128 * TIB - 3 * PAGE, 0, 3 * PAGE, VMEM_OK },
	{ "into the hole", &amd64, 128 * TIB - 3 * PAGE, 0, 4 * PAGE, VMEM_BAD_RANGE },
	{ "in the hole", &amd64, 128 * TIB, 0, PAGE, VMEM_BAD_RANGE },
	{ "out of the hole", &amd64, -(128 * TIB) - PAGE, 0, 2 * PAGE, VMEM_BAD_RANGE },
	{ "from the hole on", &amd64, -(128 * TIB), 0, 2 * PAGE, VMEM_OK },
	{ "over the hole", &amd64, 0x1000, 0, -(2 * PAGE), VMEM_BAD_RANGE },
	{ "an address off by one", &amd64, 0x1001, 0, PAGE, VMEM_BAD_RANGE },
	{ "a physical address off by one", &amd64, 0x1000, 1, PAGE, VMEM_BAD_RANGE },
	{ "a size off by one", &amd64, 0x1000, 0, PAGE + 1, VMEM_BAD_RANGE },
	{ "the last physical page", &amd64, 0x1000, 4096 * TIB - PAGE, PAGE, VMEM_OK },
	{ "past the last physical page", &amd64, 0x1000, 4096 * TIB - PAGE, 2 * PAGE,
	  VMEM_BAD_RANGE },
	{ "no such physical page", &amd64, 0x1000, 4096 * TIB, PAGE, VMEM_BAD_RANGE },
	{ "a physical address that wraps", &amd64, 0x1000, -PAGE, 2 * PAGE, VMEM_BAD_RANGE },
	{ "around 512 GiB", &amd64, 512 * GIB - PAGE, 0x1000, 2 * PAGE, VMEM_OK },

	{ "the last page of the space", &i686, 4 * GIB - PAGE, 4 * GIB - PAGE, PAGE, VMEM_OK },
	{ "past the end", &i686, 4 * GIB - PAGE, 0, 2 * PAGE, VMEM_BAD_RANGE },
	{ "past the end, 64 bits on", &i686, -PAGE, 0, PAGE, VMEM_BAD_RANGE },
	{ "no such physical page", &i686, 0x1000, 4 * GIB, PAGE, VMEM_BAD_RANGE },
	{ "around 4 MiB", &i686, 4 * MIB - PAGE, 0, 2 * PAGE, VMEM_OK },

	{ "up to the hole", &aarch64, 256 * TIB - PAGE, 0, PAGE, VMEM_OK },
	{ "into the hole", &aarch64, 256 * TIB - PAGE, 0, 2 * PAGE, VMEM_BAD_RANGE },
	{ "the high half, in its own tables", &aarch64, -(256 * TIB), 0, 2 * PAGE, VMEM_OK },
	{ "the last page of the high half", &aarch64, -PAGE, 0, PAGE, VMEM_OK },
	{ "the last physical page", &aarch64, 0x1000, 256 * TIB - PAGE, PAGE, VMEM_OK },
	{ "no such physical page", &aarch64, 0x1000, 256 * TIB, PAGE, VMEM_BAD_RANGE },
};

static void ranges_end_where_the_space_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(edges); i++) {
		struct vmem_range range = { edges[i].va, edges[i].pa, edges[i].size, VMEM_WRITE,
					    VMEM_BASIC };
		struct pool pool;
		uint64_t root;

		pool_init(&pool, BASE, 20);
		root = pool_root(&pool);
		print_message("%s: %s\n", edges[i].vm->format->name, edges[i].what);
		assert_int_equal(edges[i].vm->map(&pool, &root, &range), edges[i].want);
		if (edges[i].want == VMEM_OK)
			assert_maps(edges[i].vm, &pool, root, &range);
		else
			assert_int_equal(pool.flat.used, PAGE);
		range.kind = VMEM_UNMAPPED;
		range.pa = 1; /* means nothing */
		if (edges[i].want == VMEM_OK)
			assert_int_equal(edges[i].vm->map(&pool, &root, &range), VMEM_OK);
		assert_false(edges[i].vm->translate(&pool, root, range.va, &range));
		pool_fini(&pool);
	}
}

/* What layouts need. Each list ends with a range of size 0. */
static const struct {
	const char *what;
	const struct instance *vm;
	struct vmem_range ranges[6];
	uint64_t want;
	bool is_bound; /* overlaps or disorder: the count may be too high */
} layouts[] = {
	{ "nothing but the root", &amd64, { { 0 } }, 1, false },
	{ "one page", &amd64, { { .va = 0x1000, .size = PAGE } }, 4, false },
	{ "two in one table",
	  &amd64,
	  { { .va = 0x1000, .size = PAGE }, { .va = 0x9000, .size = PAGE } },
	  4,
	  false },
	{ "two around 2 MiB",
	  &amd64,
	  { { .va = 2 * MIB - PAGE, .size = PAGE }, { .va = 2 * MIB, .size = PAGE } },
	  5,
	  false },
	{ "one around 1 GiB", &amd64, { { .va = GIB - PAGE, .size = 2 * PAGE } }, 6, false },
	{ "one around 512 GiB", &amd64, { { .va = 512 * GIB - PAGE, .size = 2 * PAGE } }, 7, false },
	{ "first and last page",
	  &amd64,
	  { { .va = 0, .size = PAGE }, { .va = -PAGE, .size = PAGE } },
	  7,
	  false },
	{ "16 MiB", &amd64, { { .va = 16 * MIB, .size = 16 * MIB } }, 11, false },
	{ "16 MiB, large",
	  &amd64,
	  { { .va = 16 * MIB, .size = 16 * MIB, .flags = VMEM_LARGE } },
	  3,
	  false },
	{ "16 MiB, large, but not aligned alike",
	  &amd64,
	  { { .va = 16 * MIB, .pa = 0x1000, .size = 16 * MIB, .flags = VMEM_LARGE } },
	  11,
	  false },
	{ "16 MiB, large, with ragged ends",
	  &amd64,
	  { { .va = 16 * MIB - PAGE,
	      .pa = 2 * MIB - PAGE,
	      .size = 16 * MIB + 2 * PAGE,
	      .flags = VMEM_LARGE } },
	  5,
	  false },
	{ "2 MiB, large, around an edge",
	  &amd64,
	  { { .va = 3 * MIB, .pa = MIB, .size = 2 * MIB, .flags = VMEM_LARGE } },
	  5,
	  false },
	{ "a page beside a large page",
	  &amd64,
	  { { .va = 0, .size = 2 * MIB, .flags = VMEM_LARGE }, { .va = 2 * MIB, .size = PAGE } },
	  4,
	  false },
	{ "2 GiB, huge alone",
	  &amd64,
	  { { .va = 2 * GIB, .size = 2 * GIB, .flags = VMEM_HUGE } },
	  2,
	  false },
	{ "1 GiB and 2 MiB, huge alone",
	  &amd64,
	  { { .va = GIB, .size = GIB + 2 * MIB, .flags = VMEM_HUGE } },
	  4,
	  false },
	{ "1 GiB and 2 MiB, large and huge",
	  &amd64,
	  { { .va = GIB, .size = GIB + 2 * MIB, .flags = VMEM_HUGE | VMEM_LARGE } },
	  3,
	  false },
	{ "1 GiB from 2 MiB on, large and huge",
	  &amd64,
	  { { .va = 2 * MIB, .pa = 4 * MIB, .size = GIB, .flags = VMEM_HUGE | VMEM_LARGE } },
	  4,
	  false },
	{ "the same twice",
	  &amd64,
	  { { .va = 0x1000, .size = 4 * MIB }, { .va = 0x1000, .size = 4 * MIB } },
	  6,
	  true },
	{ "descending",
	  &amd64,
	  { { .va = 2 * MIB, .size = PAGE }, { .va = 0x1000, .size = 2 * MIB } },
	  5,
	  true },
	{ "pages in a large page",
	  &amd64,
	  { { .va = 0, .size = 4 * MIB, .flags = VMEM_LARGE }, { .va = 2 * MIB, .size = PAGE } },
	  4,
	  true },
	{ "4 GiB", &i686, { { .va = 0, .size = 4 * GIB } }, 1025, false },
	{ "4 GiB, large", &i686, { { .va = 0, .size = 4 * GIB, .flags = VMEM_LARGE } }, 1, false },
	{ "huge means nothing",
	  &i686,
	  { { .va = 0, .size = 8 * MIB, .flags = VMEM_HUGE } },
	  3,
	  false },
	{ "2 MiB, large", &aarch64, { { .size = 2 * MIB, .flags = VMEM_LARGE } }, 3, false },
};

static void tables_are_counted_before_they_are_made(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(layouts); i++) {
		const struct vmem_range *ranges = layouts[i].ranges;
		struct pool pool;
		uint64_t root, count;
		size_t n = 0;

		print_message("%s: %s\n", layouts[i].vm->format->name, layouts[i].what);
		pool_init(&pool, BASE, 1100);
		root = pool_root(&pool);
		for (; ranges[n].size > 0; n++) {
			struct vmem_range range = ranges[n];

			range.kind = VMEM_BASIC;
			assert_int_equal(layouts[i].vm->map(&pool, &root, &range), VMEM_OK);
		}
		count = vmem_count_tables(layouts[i].vm->format, ranges, n);
		assert_int_equal(pool.flat.used / PAGE, layouts[i].want);
		if (layouts[i].is_bound)
			assert_true(count >= layouts[i].want && count <= layouts[i].want + 3);
		else
			assert_int_equal(count, layouts[i].want);
		pool_fini(&pool);
	}
}

static void the_count_is_exact_for_sorted_ranges(void **state)
{
	uint64_t random = random_seed("count", 20260101);

	(void)state;
	for (int round = 0; round < 300; round++) {
		const struct instance *vm = instances[random_below(&random, 3)];
		struct vmem_range ranges[8];
		struct pool pool;
		uint64_t va = random_below(&random, 1024) * PAGE;

		pool_init(&pool, BASE, 300);
		uint64_t root = pool_root(&pool);
		for (size_t i = 0; i < COUNT(ranges); i++) {
			uint64_t size = (1 + random_below(&random, 4000)) * PAGE;
			uint64_t pa =
				random_below(&random, 2) ? va : random_below(&random, 9999) * PAGE;

			ranges[i] = (struct vmem_range){ va, pa, size,
							 (uint32_t)random_below(&random, 32),
							 VMEM_BASIC };
			assert_int_equal(vm->map(&pool, &root, &ranges[i]), VMEM_OK);
			va += size + random_below(&random, 4) * random_below(&random, 4000) * PAGE;
		}
		assert_int_equal(vmem_count_tables(vm->format, ranges, COUNT(ranges)),
				 pool.flat.used / PAGE);
		pool_fini(&pool);
	}
}

static void large_leaves_are_used_only_where_allowed(void **state)
{
	const struct {
		uint64_t va, pa, size;
		uint32_t flags;
		uint64_t leaf; /* size of the leaf at VA */
	} cases[] = {
		{ 2 * MIB, 4 * MIB, 2 * MIB, VMEM_LARGE, 2 * MIB },
		{ 2 * MIB, 4 * MIB, 2 * MIB, 0, PAGE },
		{ 2 * MIB, 4 * MIB, 2 * MIB - PAGE, VMEM_LARGE, PAGE },
		{ 2 * MIB, 4 * MIB + PAGE, 4 * MIB, VMEM_LARGE, PAGE },
		{ 2 * MIB + PAGE, 4 * MIB + PAGE, 4 * MIB, VMEM_LARGE, PAGE },
		{ GIB, 2 * GIB, GIB, VMEM_LARGE, 2 * MIB },
		{ GIB, 2 * GIB, GIB, VMEM_LARGE | VMEM_HUGE, GIB },
		{ GIB, 2 * GIB, GIB, VMEM_HUGE, GIB },
		{ GIB, 2 * GIB + 2 * MIB, GIB, VMEM_LARGE | VMEM_HUGE, 2 * MIB },
		{ GIB, 2 * GIB, GIB - PAGE, VMEM_LARGE | VMEM_HUGE, 2 * MIB },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct vmem_range range = { cases[i].va, cases[i].pa, cases[i].size, cases[i].flags,
					    VMEM_BASIC };
		struct vmem_range got;
		struct pool pool;

		pool_init(&pool, BASE, 600);
		uint64_t root = pool_root(&pool);
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
		assert_true(amd64.translate(&pool, root, range.va, &got));
		assert_int_equal(got.size, cases[i].leaf);
		assert_maps(&amd64, &pool, root, &range);
		pool_fini(&pool);
	}
}

static void a_large_leaf_in_the_way_is_split(void **state)
{
	const uint32_t flags = VMEM_EXEC | VMEM_USER;
	struct vmem_range range = { GIB, 2 * GIB, GIB, flags | VMEM_HUGE, VMEM_COW };
	struct vmem_range hole = { GIB + 5 * MIB, 0, PAGE, 0, VMEM_UNMAPPED };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 10);
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
	assert_int_equal(pool.flat.used, 2 * PAGE);
	assert_int_equal(amd64.map(&pool, &root, &hole), VMEM_OK);
	assert_int_equal(pool.flat.used, 4 * PAGE);

	assert_false(amd64.translate(&pool, root, hole.va, &got));
	assert_true(amd64.translate(&pool, root, hole.va - 1, &got));
	assert_int_equal(got.pa, 2 * GIB + 5 * MIB - 1);
	assert_int_equal(got.size, 1);
	assert_int_equal(got.flags, flags);
	assert_int_equal(got.kind, VMEM_COW);
	assert_true(amd64.translate(&pool, root, 2 * GIB - 1, &got));
	assert_int_equal(got.pa, 3 * GIB - 1);

	/* Unmapping all of a large leaf takes no table. */
	hole = (struct vmem_range){ GIB + 8 * MIB, 0, 2 * MIB, 0, VMEM_UNMAPPED };
	assert_int_equal(amd64.map(&pool, &root, &hole), VMEM_OK);
	assert_int_equal(pool.flat.used, 4 * PAGE);
	assert_false(amd64.translate(&pool, root, hole.va, &got));
	assert_false(amd64.translate(&pool, root, hole.va + 2 * MIB - 1, &got));
	assert_true(amd64.translate(&pool, root, hole.va + 2 * MIB, &got));
	pool_fini(&pool);
}

static void unmapping_nothing_makes_no_tables(void **state)
{
	struct vmem_range range = { 0, 0, 128 * TIB, 0, VMEM_UNMAPPED };
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 1);
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
	assert_int_equal(pool.flat.used, PAGE);
	pool_fini(&pool);
}

static void what_is_unmapped_is_all_zero(void **state)
{
	struct vmem_range range = { 0x1000, 0x5000, 3 * PAGE, VMEM_WRITE, VMEM_BASIC };
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 4);
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
	range.kind = VMEM_UNMAPPED;
	assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(((uint64_t *)pool.flat.memory)[3 * 512 + i], 0);
	pool_fini(&pool);
}

/* The tables say user mode only on the way to a user page. */
static void tables_allow_what_the_leaves_below_need(void **state)
{
	struct vmem_range kernel = { 0x1000, 0x1000, PAGE, VMEM_WRITE, VMEM_BASIC };
	struct vmem_range user = { 0x2000, 0x2000, PAGE, VMEM_USER, VMEM_BASIC };
	struct vmem_range got;
	struct pool pool;
	uint64_t *tables;

	(void)state;
	pool_init(&pool, BASE, 4);
	tables = pool.flat.memory;
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &kernel), VMEM_OK);
	assert_int_equal(tables[0], (BASE + PAGE) | 0x23);
	assert_int_equal(tables[512], (BASE + 2 * PAGE) | 0x23);
	assert_int_equal(tables[1024], (BASE + 3 * PAGE) | 0x23);
	assert_int_equal(amd64.map(&pool, &root, &user), VMEM_OK);
	assert_int_equal(tables[0], (BASE + PAGE) | 0x27);
	assert_int_equal(tables[1024], (BASE + 3 * PAGE) | 0x27);

	/* One that forbids too much, from elsewhere, is opened for what is mapped. */
	tables[512] = (BASE + 2 * PAGE) | 0x01 | VMEM_AMD64_NO_EXECUTE;
	user.flags |= VMEM_EXEC | VMEM_WRITE;
	assert_int_equal(amd64.map(&pool, &root, &user), VMEM_OK);
	assert_true(amd64.translate(&pool, root, user.va, &got));
	assert_int_equal(got.flags, user.flags);
	pool_fini(&pool);
}

static void bad_tables_are_reported_not_followed(void **state)
{
	const uint64_t bad[] = {
		(BASE - PAGE) | 0x23,         /* below table memory */
		(BASE + 10 * PAGE) | 0x23,    /* behind it */
		0x000ffffffffff000 | 0x23,    /* at the end of all memory */
		(BASE + PAGE) | 0x23 | 1 << 7 /* a 512 GiB page */
	};
	struct vmem_range range = { 0x1000, 0x1000, PAGE, 0, VMEM_BASIC };
	struct vmem_range got;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct pool pool;

		pool_init(&pool, BASE, 10);
		uint64_t root = pool_root(&pool);
		*(uint64_t *)pool.flat.memory = bad[i];
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_BAD_TABLE);
		assert_int_equal(amd64.map_moving(&pool, &root, &range), VMEM_BAD_TABLE);
		assert_false(amd64.translate(&pool, root, 0x1000, &got));
		assert_int_equal(pool.flat.used, PAGE);
		root = BASE + 10 * PAGE;
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_BAD_TABLE);
		assert_false(amd64.translate(&pool, root, 0x1000, &got));
		pool_fini(&pool);
	}
}

/* However many table pages there are, up to what is needed: a clean refusal, and the same call
 * works once there is room. */
static void running_out_of_tables_can_be_mended(void **state)
{
	struct vmem_range range = { 512 * GIB - 3 * PAGE, 0x1000, 6 * PAGE, VMEM_WRITE,
				    VMEM_BASIC };

	(void)state;
	for (uint64_t n = 1; n < 7; n++) {
		struct pool pool;

		pool_init(&pool, BASE, 7);
		pool.flat.size = n * PAGE;
		uint64_t root = pool_root(&pool);
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OUT_OF_TABLES);
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OUT_OF_TABLES);
		assert_int_equal(pool.flat.used, n * PAGE);
		pool.flat.size = 7 * PAGE;
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
		assert_maps(&amd64, &pool, root, &range);
		pool_fini(&pool);
	}
}

/* Maps two pages 1 GiB apart, freezes all but the first N_FREE of the tables that were made, and
 * maps a third beside the first. */
static void only_tables_that_must_move_do(void **state)
{
	struct vmem_range first = { 0x1000, 0x1000, PAGE, 0, VMEM_BASIC };
	struct vmem_range second = { GIB, 0x2000, PAGE, 0, VMEM_BASIC };
	struct vmem_range third = { 0x2000, 0x3000, PAGE, 0, VMEM_BASIC };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 20);
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &first), VMEM_OK);
	assert_int_equal(amd64.map(&pool, &root, &second), VMEM_OK);
	assert_int_equal(pool.flat.used, 6 * PAGE);

	/* All four on the way move, the root too; the two of the second page do not. */
	pool.frozen = 6 * PAGE;
	assert_int_equal(amd64.map_moving(&pool, &root, &third), VMEM_OK);
	assert_int_equal(pool.n_moves, 4);
	assert_int_equal(pool.flat.used, 10 * PAGE);
	assert_true(root >= BASE + pool.frozen);
	assert_true(amd64.translate(&pool, root, first.va, &got));
	assert_true(amd64.translate(&pool, root, second.va, &got));
	assert_true(amd64.translate(&pool, root, third.va, &got));
	assert_false(amd64.translate(&pool, BASE, third.va, &got));

	/* A second time nothing moves; for the second page its two do. */
	third.pa = 0x4000;
	pool.n_asked = 0;
	assert_int_equal(amd64.map_moving(&pool, &root, &third), VMEM_OK);
	assert_int_equal(pool.n_moves, 4);
	assert_int_equal(pool.n_asked, 1);
	second.pa = 0x5000;
	assert_int_equal(amd64.map_moving(&pool, &root, &second), VMEM_OK);
	assert_int_equal(pool.n_moves, 6);
	assert_true(amd64.translate(&pool, root, second.va, &got));
	assert_int_equal(got.pa, 0x5000);
	assert_true(amd64.translate(&pool, BASE, second.va, &got));
	assert_int_equal(got.pa, 0x2000);
	pool_fini(&pool);
}

/* While there is no room for a copy, the tables stay whole and the root stays where it is. */
static void a_move_that_fails_changes_nothing(void **state)
{
	struct vmem_range range = { 0x1000, 0x1000, PAGE, 0, VMEM_BASIC };
	struct vmem_range other = { 0x1000, 0x2000, PAGE, 0, VMEM_BASIC };
	struct vmem_range got;

	(void)state;
	for (uint64_t room = 0; room < 4; room++) {
		struct pool pool;

		pool_init(&pool, BASE, 4 + room);
		uint64_t root = pool_root(&pool);
		assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
		pool.frozen = pool.flat.used;
		assert_int_equal(amd64.map_moving(&pool, &root, &other), VMEM_OUT_OF_TABLES);
		assert_int_equal(root, BASE);
		assert_true(amd64.translate(&pool, root, 0x1000, &got));
		assert_int_equal(got.pa, 0x1000);
		pool_fini(&pool);
	}
}

static void the_flat_window_is_checked_at_both_ends(void **state)
{
	static unsigned char bytes[2 * 4096];
	struct vmem_flat flat = { bytes, 0x10000, sizeof bytes, 0 };

	(void)state;
	assert_ptr_equal(vmem_flat_table(&flat, 0x10000), bytes);
	assert_ptr_equal(vmem_flat_table(&flat, 0x11000), bytes + PAGE);
	assert_null(vmem_flat_table(&flat, 0x11001));
	assert_null(vmem_flat_table(&flat, 0x12000));
	assert_null(vmem_flat_table(&flat, 0xf000));
	assert_null(vmem_flat_table(&flat, 0));
	assert_null(vmem_flat_table(&flat, UINT64_MAX));
	flat.size = PAGE - 1;
	assert_null(vmem_flat_table(&flat, 0x10000));
	assert_int_equal(vmem_flat_alloc(&flat), VMEM_NO_TABLE);
	flat.used = PAGE;
	assert_int_equal(vmem_flat_alloc(&flat), VMEM_NO_TABLE);

	memset(bytes, 0xff, sizeof bytes);
	flat = (struct vmem_flat){ bytes, 0x10000, sizeof bytes, PAGE };
	assert_int_equal(vmem_flat_alloc(&flat), 0x11000);
	for (size_t i = 0; i < sizeof bytes; i++)
		assert_int_equal(bytes[i], i < PAGE ? 0xff : 0);
	assert_int_equal(vmem_flat_alloc(&flat), VMEM_NO_TABLE);
	assert_int_equal(flat.used, 2 * PAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges_end_where_the_space_does),
		cmocka_unit_test(tables_are_counted_before_they_are_made),
		cmocka_unit_test(the_count_is_exact_for_sorted_ranges),
		cmocka_unit_test(large_leaves_are_used_only_where_allowed),
		cmocka_unit_test(a_large_leaf_in_the_way_is_split),
		cmocka_unit_test(unmapping_nothing_makes_no_tables),
		cmocka_unit_test(what_is_unmapped_is_all_zero),
		cmocka_unit_test(tables_allow_what_the_leaves_below_need),
		cmocka_unit_test(bad_tables_are_reported_not_followed),
		cmocka_unit_test(running_out_of_tables_can_be_mended),
		cmocka_unit_test(only_tables_that_must_move_do),
		cmocka_unit_test(a_move_that_fails_changes_nothing),
		cmocka_unit_test(the_flat_window_is_checked_at_both_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
