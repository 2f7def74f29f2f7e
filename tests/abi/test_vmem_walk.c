/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walking tables, those of a hostile guest above all: cycles, aliases, entries that
 * lead nowhere, bits that are reserved, and plain noise.
 */
#include "tests/abi/vmem_fixture.h"

#define BASE 0x100000 /* of table memory */

/* An amd64 entry that points to table number N and allows everything. */
#define TABLE(n) ((BASE + (uint64_t)(n)*PAGE) | 0x27)
#define LEAF(pa) ((uint64_t)(pa) | 0x67)

static uint64_t *entry(struct pool *pool, unsigned table, unsigned index)
{
	return (uint64_t *)pool->flat.memory + table * 512 + index;
}

/* N_TABLES empty tables; the root is the first. */
static void pool_of_tables(struct pool *pool, unsigned n_tables)
{
	pool_init(pool, BASE, n_tables);
	while (pool_alloc(pool) != VMEM_NO_TABLE) {
	}
}

/* A chain root -> 1 -> 2 -> 3 in their entries 0. */
static void pool_of_a_chain(struct pool *pool, unsigned n_tables)
{
	pool_of_tables(pool, n_tables);
	for (unsigned i = 0; i < 3; i++)
		*entry(pool, i, 0) = TABLE(i + 1);
}

static void assert_range(const struct vmem_range *got, uint64_t va, uint64_t pa, uint64_t size)
{
	assert_int_equal(got->va, va);
	assert_int_equal(got->pa, pa);
	assert_int_equal(got->size, size);
}

/* The walk of FIRST to LAST finds RANGES, as many as there are with a size, and no more. */
static void assert_finds(const struct instance *vm, struct pool *pool, uint64_t first,
			 uint64_t last, const struct vmem_range *ranges, size_t n)
{
	struct vmem_walk walk;
	struct vmem_range got;

	vm->walk_begin(&walk, pool, BASE, first, last, 1000);
	for (size_t i = 0; i < n && ranges[i].size > 0; i++) {
		assert_int_equal(vm->walk_next(&walk, pool, &got), VMEM_OK);
		assert_range(&got, ranges[i].va, ranges[i].pa, ranges[i].size);
	}
	assert_int_equal(vm->walk_next(&walk, pool, &got), VMEM_END);
	assert_int_equal(vm->walk_next(&walk, pool, &got), VMEM_END);
}

static const struct {
	const char *what;
	uint64_t first, last;
	struct vmem_range want[4]; /* of what clipping_cuts_at_pages() maps */
} clips[] = {
	{ "all",
	  0,
	  UINT64_MAX,
	  { { 0, 0x7000, PAGE, 0, 0 },
	    { 0x1ff000, 0x9000, 4 * PAGE, 0, 0 },
	    { -(128 * TIB), 0xd000, PAGE, 0, 0 },
	    { -PAGE, 0x5000, PAGE, 0, 0 } } },
	{ "the first byte", 0, 0, { { 0, 0x7000, PAGE, 0, 0 } } },
	{ "the last byte of all", UINT64_MAX, UINT64_MAX, { { -PAGE, 0x5000, PAGE, 0, 0 } } },
	{ "the last byte of the first page", 0xfff, 0xfff, { { 0, 0x7000, PAGE, 0, 0 } } },
	{ "between", 0x1000, 0x1fefff, { { 0 } } },
	{ "a byte on both sides",
	  0xfff,
	  0x1ff000,
	  { { 0, 0x7000, PAGE, 0, 0 }, { 0x1ff000, 0x9000, PAGE, 0, 0 } } },
	{ "the middle, over the edge of a table",
	  0x200fff,
	  0x201000,
	  { { 0x200000, 0xa000, 2 * PAGE, 0, 0 } } },
	{ "the hole alone", 128 * TIB, -(128 * TIB) - 1, { { 0 } } },
	{ "from the hole on",
	  200 * TIB,
	  UINT64_MAX,
	  { { -(128 * TIB), 0xd000, PAGE, 0, 0 }, { -PAGE, 0x5000, PAGE, 0, 0 } } },
	{ "up to the hole", 0x201000, 128 * TIB - 1, { { 0x201000, 0xb000, 2 * PAGE, 0, 0 } } },
	{ "into the hole", 0x202000, 128 * TIB, { { 0x202000, 0xc000, PAGE, 0, 0 } } },
	{ "the wrong way round", 0x201000, 0x1000, { { 0 } } },
};

static void clipping_cuts_at_pages(void **state)
{
	const struct vmem_range ranges[] = {
		{ 0, 0x7000, PAGE, 0, VMEM_BASIC },
		{ 0x1ff000, 0x9000, 4 * PAGE, 0, VMEM_BASIC },
		{ -(128 * TIB), 0xd000, PAGE, 0, VMEM_BASIC },
		{ -PAGE, 0x5000, PAGE, 0, VMEM_BASIC },
	};
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 20);
	uint64_t root = pool_root(&pool);
	for (size_t i = 0; i < COUNT(ranges); i++)
		assert_int_equal(amd64.map(&pool, &root, &ranges[i]), VMEM_OK);
	for (size_t i = 0; i < COUNT(clips); i++) {
		print_message("%s\n", clips[i].what);
		assert_finds(&amd64, &pool, clips[i].first, clips[i].last, clips[i].want, 4);
	}
	pool_fini(&pool);
}

static void large_leaves_are_clipped_too(void **state)
{
	struct vmem_range range = { GIB, 2 * GIB, GIB, VMEM_HUGE, VMEM_BASIC };
	struct vmem_range want = { GIB + 5 * PAGE, 2 * GIB + 5 * PAGE, PAGE, 0, 0 };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 4);
	uint64_t root = pool_root(&pool);
	assert_int_equal(amd64.map(&pool, &root, &range), VMEM_OK);
	assert_finds(&amd64, &pool, want.va + 7, want.va + 9, &want, 1);
	assert_true(amd64.translate(&pool, root, want.va + 7, &got));
	assert_range(&got, want.va + 7, want.pa + 7, GIB - 5 * PAGE - 7);
	pool_fini(&pool);
}

/* Pages of 4 KiB and large ones that follow each other in all ways are one range. */
static void ranges_are_as_large_as_can_be(void **state)
{
	struct vmem_range want = { GIB - 2 * PAGE, GIB - 2 * PAGE, 2 * GIB + 4 * MIB + 5 * PAGE,
				   VMEM_WRITE, VMEM_BASIC };

	(void)state;
	for (size_t i = 0; i < COUNT(instances); i++) {
		for (uint32_t large = 0; large < 4; large++) {
			struct vmem_range range = want;
			struct pool pool;

			range.flags |= large * VMEM_LARGE;
			pool_init(&pool, BASE, 1100);
			uint64_t root = pool_root(&pool);
			assert_int_equal(instances[i]->map(&pool, &root, &range), VMEM_OK);
			struct vmem_walk walk;
			struct vmem_range got;

			instances[i]->walk_begin(&walk, &pool, root, 0, UINT64_MAX, 1100);
			assert_int_equal(instances[i]->walk_next(&walk, &pool, &got), VMEM_OK);
			assert_range(&got, want.va, want.pa, want.size);
			assert_int_equal(instances[i]->walk_next(&walk, &pool, &got), VMEM_END);
			pool_fini(&pool);
		}
	}
}

/* Pages that follow each other in both spaces, each unlike the one before in one way. */
static void ranges_end_where_anything_differs(void **state)
{
	const struct vmem_range want[] = {
		{ 0x0000, 0x5000, PAGE, VMEM_USER, VMEM_BASIC },
		{ 0x1000, 0x6000, PAGE, VMEM_USER, VMEM_COW },
		{ 0x2000, 0x7000, PAGE, VMEM_USER | VMEM_EXEC, VMEM_COW },
		{ 0x3000, 0x7000, PAGE, VMEM_USER | VMEM_EXEC, VMEM_COW },
		{ 0x5000, 0x8000, PAGE, VMEM_USER | VMEM_EXEC, VMEM_COW },
		{ 0x6000, 0x9000, PAGE, VMEM_EXEC, VMEM_COW },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(instances); i++) {
		struct pool pool;

		pool_init(&pool, BASE, 4);
		uint64_t root = pool_root(&pool);
		for (size_t k = 0; k < COUNT(want); k++)
			assert_int_equal(instances[i]->map(&pool, &root, &want[k]), VMEM_OK);
		/* i686 cannot tell the second page from the third. */
		if (instances[i] != &i686)
			assert_finds(instances[i], &pool, 0, UINT64_MAX, want, COUNT(want));
		else
			assert_finds(&i686, &pool, 0, 0xfff, want, 1);
		pool_fini(&pool);
	}
}

static void each_half_of_aarch64_has_its_own_root(void **state)
{
	struct vmem_range low = { 256 * TIB - PAGE, 0x1000, PAGE, 0, VMEM_BASIC };
	struct vmem_range high = { -PAGE, 0x1000, PAGE, 0, VMEM_BASIC };
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 4);
	uint64_t root = pool_root(&pool);
	assert_int_equal(aarch64.map(&pool, &root, &low), VMEM_OK);
	assert_finds(&aarch64, &pool, 0, UINT64_MAX, &low, 1);
	assert_finds(&aarch64, &pool, -(256 * TIB), UINT64_MAX, &high, 1);
	assert_finds(&aarch64, &pool, 300 * TIB, UINT64_MAX, &high, 1);
	pool_fini(&pool);
}

static void i686_ends_at_4_gib(void **state)
{
	struct vmem_range last = { 4 * GIB - PAGE, 0x1000, PAGE, 0, VMEM_BASIC };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 4);
	uint64_t root = pool_root(&pool);
	assert_int_equal(i686.map(&pool, &root, &last), VMEM_OK);
	assert_finds(&i686, &pool, 0, UINT64_MAX, &last, 1);
	assert_finds(&i686, &pool, 0, 4 * GIB - 1, &last, 1);
	assert_finds(&i686, &pool, 4 * GIB, UINT64_MAX, &last, 0);
	assert_finds(&i686, &pool, UINT64_MAX, UINT64_MAX, &last, 0);
	assert_false(i686.translate(&pool, root, 8 * GIB - PAGE, &got));
	assert_false(i686.translate(&pool, root, UINT64_MAX, &got));
	pool_fini(&pool);
}

static const struct {
	const char *what;
	uint64_t upper; /* taken off (or given to) the entry of the root */
	uint64_t leaf;
	uint32_t want;
} rights[] = {
	{ "all", 0x27, 0x67, VMEM_WRITE | VMEM_USER | VMEM_EXEC },
	{ "the root forbids writing", 0x25, 0x67, VMEM_USER | VMEM_EXEC },
	{ "the root forbids user mode", 0x23, 0x67, VMEM_WRITE | VMEM_EXEC },
	{ "the root forbids execution", 0x27 | VMEM_AMD64_NO_EXECUTE, 0x67,
	  VMEM_WRITE | VMEM_USER },
	{ "the leaf forbids all", 0x27, 0x61 | VMEM_AMD64_NO_EXECUTE, 0 },
	{ "each forbids one", 0x25, 0x63 | VMEM_AMD64_NO_EXECUTE, 0 },
};

static void rights_are_those_of_all_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rights); i++) {
		struct vmem_range got;
		struct vmem_walk walk;
		struct pool pool;

		pool_of_a_chain(&pool, 4);
		*entry(&pool, 0, 0) = (BASE + PAGE) | rights[i].upper;
		*entry(&pool, 3, 0) = 0x5000 | rights[i].leaf;
		assert_true(amd64.translate(&pool, BASE, 0, &got));
		assert_int_equal(got.flags, rights[i].want);
		amd64.walk_begin(&walk, &pool, BASE, 0, UINT64_MAX, 4);
		assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_OK);
		assert_int_equal(got.flags, rights[i].want);
		pool_fini(&pool);
	}
}

/* On aarch64 a page that loses user mode on the way is the kernel's to execute, or not. */
static void aarch64_tells_user_code_from_kernel_code(void **state)
{
	struct vmem_range code = { 0, 0x1000, PAGE, VMEM_USER | VMEM_EXEC, VMEM_BASIC };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 4);
	uint64_t root = pool_root(&pool);
	assert_int_equal(aarch64.map(&pool, &root, &code), VMEM_OK);
	assert_true(aarch64.translate(&pool, root, 0, &got));
	assert_int_equal(got.flags, VMEM_USER | VMEM_EXEC);
	*entry(&pool, 0, 0) |= VMEM_AARCH64_BELOW_NO_USER;
	assert_true(aarch64.translate(&pool, root, 0, &got));
	assert_int_equal(got.flags, 0);
	pool_fini(&pool);
}

/* Present to a careless eye, yet the processor would fault. */
static void entries_that_fault_map_nothing(void **state)
{
	const struct {
		unsigned table;
		uint64_t raw;
	} bad[] = {
		{ 0, LEAF(0) | VMEM_AMD64_LARGE }, /* 512 GiB */
		{ 1, LEAF(2 * MIB) | VMEM_AMD64_LARGE },
		{ 2, LEAF(2 * PAGE) | VMEM_AMD64_LARGE },
		{ 0, TABLE(4) },
		{ 1, TABLE(-1) },
		{ 2, 0x000ffffffffff027 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct vmem_walk walk;
		struct vmem_range got;
		struct pool pool;

		pool_of_a_chain(&pool, 4);
		*entry(&pool, 3, 0) = LEAF(0x5000);
		*entry(&pool, bad[i].table, 0) = bad[i].raw;
		*entry(&pool, bad[i].table, 511) = bad[i].raw;
		assert_false(amd64.translate(&pool, BASE, 0, &got));
		amd64.walk_begin(&walk, &pool, BASE, 0, UINT64_MAX, 10);
		assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_END);
		assert_int_equal(walk.malformed, 2);
		pool_fini(&pool);
	}
}

static void a_root_outside_memory_maps_nothing(void **state)
{
	struct vmem_walk walk;
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_of_tables(&pool, 1);
	amd64.walk_begin(&walk, &pool, BASE + PAGE, 0, UINT64_MAX, 10);
	assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_END);
	assert_int_equal(walk.malformed, 1);
	assert_false(amd64.translate(&pool, BASE + PAGE, 0, &got));
	pool_fini(&pool);
}

/* Leaves that follow each other until the physical address would carry into the bits beside it. */
static void ranges_stop_at_the_end_of_physical_memory(void **state)
{
	const struct vmem_range want[] = {
		{ 0, 0x000fffffffffe000, 2 * PAGE, 0, 0 },
		{ 2 * PAGE, 0, PAGE, 0, 0 },
	};
	struct pool pool;

	(void)state;
	pool_of_a_chain(&pool, 4);
	for (uint64_t i = 0; i < 3; i++)
		*entry(&pool, 3, (unsigned)i) = LEAF(0x000fffffffffe000 + i * PAGE);
	assert_finds(&amd64, &pool, 0, UINT64_MAX, want, 2);
	pool_fini(&pool);
}

/* The walk must end with VMEM_LIMIT, having looked at no more tables than it may. */
static void assert_gives_up(struct pool *pool, uint64_t max_tables)
{
	struct vmem_walk walk;
	struct vmem_range got;
	enum vmem_status status;
	uint64_t n_ranges = 0;

	pool->n_looks = 0;
	amd64.walk_begin(&walk, pool, BASE, 0, UINT64_MAX, max_tables);
	while ((status = amd64.walk_next(&walk, pool, &got)) == VMEM_OK)
		n_ranges++;
	assert_int_equal(status, VMEM_LIMIT);
	assert_int_equal(amd64.walk_next(&walk, pool, &got), VMEM_LIMIT);
	assert_true(pool->n_looks <= max_tables + 3);
	assert_true(n_ranges <= max_tables * 512);
}

static void a_table_full_of_itself_is_given_up(void **state)
{
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_of_tables(&pool, 1);
	for (unsigned i = 0; i < 512; i++)
		*entry(&pool, 0, i) = TABLE(0);
	/* Once around the root is a page like any other: that is how recursive mappings work. */
	assert_true(amd64.translate(&pool, BASE, UINT64_C(0x123456789abc), &got));
	assert_int_equal(got.pa, BASE + 0xabc);
	assert_false(amd64.translate(&pool, BASE, UINT64_C(0x823456789abc), &got));
	assert_gives_up(&pool, 0);
	assert_gives_up(&pool, 1);
	assert_gives_up(&pool, 1000);
	pool_fini(&pool);
}

static void aliases_by_the_thousand_are_given_up(void **state)
{
	struct pool pool;

	(void)state;
	pool_of_tables(&pool, 4);
	for (unsigned table = 0; table < 3; table++) {
		for (unsigned i = 0; i < 512; i++)
			*entry(&pool, table, i) = TABLE(table + 1);
	}
	for (uint64_t i = 0; i < 512; i++)
		*entry(&pool, 3, (unsigned)i) = LEAF((512 - i) * PAGE);
	assert_gives_up(&pool, 1000);
	pool_fini(&pool);
}

static void tables_without_aliases_fit_the_limit(void **state)
{
	const struct vmem_range want = { 0, 0x5000, PAGE, 0, 0 };
	struct vmem_walk walk;
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_of_a_chain(&pool, 4);
	*entry(&pool, 3, 0) = LEAF(0x5000);
	amd64.walk_begin(&walk, &pool, BASE, 0, UINT64_MAX, 3);
	assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_OK);
	assert_range(&got, want.va, want.pa, want.size);
	assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_END);
	amd64.walk_begin(&walk, &pool, BASE, 0, UINT64_MAX, 2);
	assert_int_equal(amd64.walk_next(&walk, &pool, &got), VMEM_LIMIT);
	pool_fini(&pool);
}

/* Noise that is often nearly right: entries of all sizes, many of them into the tables. */
static void fill_with_noise(struct pool *pool, unsigned entry_size, uint64_t *random)
{
	uint64_t n = pool->flat.size / entry_size;

	for (uint64_t i = 0; i < n; i++) {
		uint64_t raw = random_next(random);

		if (random_below(random, 4))
			raw = (raw & UINT64_C(0x8000000000000fff)) |
			      (BASE + random_below(random, pool->flat.size / PAGE + 2) * PAGE);
		if (random_below(random, 8) == 0)
			raw = i * 0x1000 + 0x67;
		if (entry_size == 4)
			((uint32_t *)pool->flat.memory)[i] = (uint32_t)raw;
		else
			((uint64_t *)pool->flat.memory)[i] = raw;
	}
}

/* In order, apart, not to be joined, and what look-ups of their ends say. */
static void assert_sound(const struct instance *vm, struct pool *pool,
			 const struct vmem_range *before, const struct vmem_range *range)
{
	const uint64_t last = range->va + (range->size - 1);
	struct vmem_range got;

	assert_true(range->size > 0);
	assert_int_equal((range->va | range->pa | range->size) & (PAGE - 1), 0);
	if (before->size > 0) {
		assert_true(range->va >= before->va + before->size);
		assert_false(range->va == before->va + before->size &&
			     range->pa == before->pa + before->size &&
			     range->flags == before->flags && range->kind == before->kind);
	}
	assert_true(vm->translate(pool, BASE, range->va, &got));
	assert_int_equal(got.pa, range->pa);
	assert_int_equal(got.flags, range->flags);
	assert_int_equal(got.kind, range->kind);
	assert_true(vm->translate(pool, BASE, last, &got));
	assert_int_equal(got.pa, range->pa + (range->size - 1));
	assert_int_equal(got.flags, range->flags);
}

static void noise_is_walked_soundly(void **state)
{
	uint64_t random = random_seed("noise", 20260202);

	(void)state;
	for (int round = 0; round < 60; round++) {
		const struct instance *vm = instances[round % 3];
		struct vmem_range before = { 0 }, range;
		struct vmem_walk walk;
		struct pool pool;
		enum vmem_status status;
		unsigned n = 0;

		pool_init(&pool, BASE, 8);
		fill_with_noise(&pool, vm->format->entry_size, &random);
		vm->walk_begin(&walk, &pool, BASE, 0, UINT64_MAX, 40);
		while ((status = vm->walk_next(&walk, &pool, &range)) == VMEM_OK) {
			assert_sound(vm, &pool, &before, &range);
			before = range;
			n++;
		}
		assert_true(status == VMEM_LIMIT || status == VMEM_END);
		assert_true(n > 0);
		pool_fini(&pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clipping_cuts_at_pages),
		cmocka_unit_test(large_leaves_are_clipped_too),
		cmocka_unit_test(ranges_are_as_large_as_can_be),
		cmocka_unit_test(ranges_end_where_anything_differs),
		cmocka_unit_test(each_half_of_aarch64_has_its_own_root),
		cmocka_unit_test(i686_ends_at_4_gib),
		cmocka_unit_test(rights_are_those_of_all_levels),
		cmocka_unit_test(aarch64_tells_user_code_from_kernel_code),
		cmocka_unit_test(entries_that_fault_map_nothing),
		cmocka_unit_test(a_root_outside_memory_maps_nothing),
		cmocka_unit_test(ranges_stop_at_the_end_of_physical_memory),
		cmocka_unit_test(a_table_full_of_itself_is_given_up),
		cmocka_unit_test(aliases_by_the_thousand_are_given_up),
		cmocka_unit_test(tables_without_aliases_fit_the_limit),
		cmocka_unit_test(noise_is_walked_soundly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
