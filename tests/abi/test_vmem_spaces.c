/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several address spaces with tables in common: what is owned, what is a link, in
 * which order, and that a rebuild from the items maps the same and shares the same.
 */
#include "tests/abi/vmem_fixture.h"

#define BASE    0x100000   /* of the tables that are walked */
#define REBUILT 0x40000000 /* of those that are made from the items */

#define N_SLOTS 4096

#define TABLE(n) ((BASE + (uint64_t)(n)*PAGE) | 0x27)
#define LEAF(pa) ((uint64_t)(pa) | 0x67)

static struct vmem_seen seen[N_SLOTS];

static uint64_t *entry(struct pool *pool, unsigned table, unsigned index)
{
	return (uint64_t *)pool->flat.memory + table * 512 + index;
}

static void pool_of_tables(struct pool *pool, unsigned n_tables)
{
	pool_init(pool, BASE, n_tables);
	while (pool_alloc(pool) != VMEM_NO_TABLE) {
	}
}

/* Reads all items of the spaces of ROOTS into ITEMS; answers how many. */
static size_t collect(const struct instance *vm, struct pool *pool, const uint64_t *roots,
		      size_t n_roots, struct vmem_item *items, size_t max_items)
{
	struct vmem_spaces spaces;
	enum vmem_status status;
	size_t n = 0;

	vm->spaces_begin(&spaces, pool, roots, n_roots, seen, N_SLOTS);
	while ((status = vm->spaces_next(&spaces, pool, &items[n])) == VMEM_OK) {
		n++;
		assert_true(n < max_items);
	}
	assert_int_equal(status, VMEM_END);
	return n;
}

static void assert_range(const struct vmem_item *item, size_t root, uint64_t va, uint64_t pa,
			 uint64_t size)
{
	assert_false(item->is_link);
	assert_int_equal(item->root, root);
	assert_int_equal(item->range.va, va);
	assert_int_equal(item->range.pa, pa);
	assert_int_equal(item->range.size, size);
}

static void assert_link(const struct vmem_item *item, size_t root, unsigned depth, uint64_t va,
			size_t their_root, uint64_t their_va)
{
	assert_true(item->is_link);
	assert_int_equal(item->root, root);
	assert_int_equal(item->link.depth, depth);
	assert_int_equal(item->link.va, va);
	assert_int_equal(item->link.their_root, their_root);
	assert_int_equal(item->link.their_va, their_va);
}

/* Roots 0 and 1; 2 -> 3 -> 4 are a chain with two pages. */
static void two_roots(struct pool *pool)
{
	pool_of_tables(pool, 8);
	*entry(pool, 0, 0) = TABLE(2);
	*entry(pool, 2, 0) = TABLE(3);
	*entry(pool, 3, 0) = TABLE(4);
	*entry(pool, 4, 1) = LEAF(0x5000);
	*entry(pool, 4, 3) = LEAF(0x9000);
}

static const uint64_t roots[] = { BASE, BASE + PAGE };

static void the_first_root_owns_and_the_second_links(void **state)
{
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	/* The same third-level table, elsewhere, between two pages of its own. */
	*entry(&pool, 1, 0) = TABLE(5);
	*entry(&pool, 5, 0) = TABLE(6);
	*entry(&pool, 6, 0) = TABLE(7);
	*entry(&pool, 7, 511) = LEAF(0x1000);
	*entry(&pool, 6, 1) = TABLE(4);
	*entry(&pool, 6, 2) = LEAF(4 * MIB) | VMEM_AMD64_LARGE;
	assert_int_equal(collect(&amd64, &pool, roots, 2, items, COUNT(items)), 5);
	assert_range(&items[0], 0, 0x1000, 0x5000, PAGE);
	assert_range(&items[1], 0, 0x3000, 0x9000, PAGE);
	assert_range(&items[2], 1, 511 * PAGE, 0x1000, PAGE);
	assert_link(&items[3], 1, 3, 2 * MIB, 0, 0);
	assert_range(&items[4], 1, 4 * MIB, 4 * MIB, 2 * MIB);
	pool_fini(&pool);
}

static void tables_are_shared_at_any_depth(void **state)
{
	(void)state;
	for (unsigned depth = 1; depth <= 3; depth++) {
		const unsigned tables[] = { 1, 5, 6 };
		struct vmem_item items[8];
		struct pool pool;

		two_roots(&pool);
		for (unsigned i = 0; i + 1 < depth; i++)
			*entry(&pool, tables[i], 300) = TABLE(tables[i + 1]);
		*entry(&pool, tables[depth - 1], 300) = TABLE(1 + depth);
		assert_int_equal(collect(&amd64, &pool, roots, 2, items, COUNT(items)), 3);
		uint64_t va = UINT64_C(0xffff960000000000);

		for (unsigned i = 1; i < depth; i++)
			va += UINT64_C(300) << (39 - 9 * i);
		assert_link(&items[2], 1, depth, va, 0, 0);
		pool_fini(&pool);
	}
}

static void one_root_may_link_to_itself(void **state)
{
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	*entry(&pool, 3, 9) = TABLE(4);
	assert_int_equal(collect(&amd64, &pool, roots, 1, items, COUNT(items)), 3);
	assert_link(&items[2], 0, 3, 18 * MIB, 0, 0);
	pool_fini(&pool);
}

static void the_same_root_twice_is_all_links(void **state)
{
	const uint64_t twice[] = { BASE, BASE };
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	assert_int_equal(collect(&amd64, &pool, twice, 2, items, COUNT(items)), 3);
	assert_link(&items[2], 1, 1, 0, 0, 0);
	pool_fini(&pool);
}

/* If the way to a table forbids what another way allows, its pages are not the same pages. */
static void other_rights_make_another_table(void **state)
{
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	*entry(&pool, 1, 0) = TABLE(2) & ~(uint64_t)VMEM_AMD64_WRITE;
	assert_int_equal(collect(&amd64, &pool, roots, 2, items, COUNT(items)), 4);
	assert_range(&items[2], 1, 0x1000, 0x5000, PAGE);
	assert_int_equal(items[2].range.flags, VMEM_USER | VMEM_EXEC);
	assert_int_equal(items[0].range.flags, VMEM_USER | VMEM_EXEC | VMEM_WRITE);
	pool_fini(&pool);
}

/* A table that is met at another level is read in another way. */
static void another_level_makes_another_table(void **state)
{
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	*entry(&pool, 0, 1) = TABLE(3); /* there it is 2's table, here the root's */
	assert_int_equal(collect(&amd64, &pool, roots, 1, items, COUNT(items)), 2);
	assert_range(&items[0], 0, 0x1000, 0x5000, PAGE);
	assert_range(&items[1], 0, 0x3000, 0x9000, PAGE);
	pool_fini(&pool);
}

static void i686_links_at_depth_1(void **state)
{
	struct vmem_range range = { 4 * MIB, 0x7000, 2 * PAGE, VMEM_WRITE, VMEM_COW };
	struct vmem_item items[8];
	struct pool pool;
	uint64_t two[2];

	(void)state;
	pool_init(&pool, BASE, 4);
	two[0] = pool_root(&pool);
	two[1] = pool_root(&pool);
	assert_int_equal(i686.map(&pool, &two[0], &range), VMEM_OK);
	((uint32_t *)pool.flat.memory)[1024 + 5] = ((uint32_t *)pool.flat.memory)[1];
	assert_int_equal(collect(&i686, &pool, two, 2, items, COUNT(items)), 2);
	assert_range(&items[0], 0, 4 * MIB, 0x7000, 2 * PAGE);
	assert_link(&items[1], 1, 1, 20 * MIB, 0, 4 * MIB);
	pool_fini(&pool);
}

static void no_roots_or_bad_roots_find_nothing(void **state)
{
	const uint64_t bad[] = { 0, UINT64_MAX, BASE + 64 * PAGE };
	struct vmem_item items[8];
	struct pool pool;

	(void)state;
	two_roots(&pool);
	assert_int_equal(collect(&amd64, &pool, NULL, 0, items, COUNT(items)), 0);
	assert_int_equal(collect(&amd64, &pool, bad, 3, items, COUNT(items)), 0);
	*entry(&pool, 0, 7) = TABLE(8); /* outside, and no link to it either */
	*entry(&pool, 0, 8) = TABLE(8);
	assert_int_equal(collect(&amd64, &pool, roots, 1, items, COUNT(items)), 2);
	pool_fini(&pool);
}

static void cycles_and_aliases_cost_nothing(void **state)
{
	struct vmem_item *items = calloc(10000, sizeof *items);
	struct pool pool;
	size_t n;

	(void)state;
	assert_non_null(items);
	pool_of_tables(&pool, 8);
	for (unsigned table = 0; table < 8; table++) {
		for (unsigned i = 0; i < 512; i++)
			*entry(&pool, table, i) = TABLE((i + table) % 8);
	}
	n = collect(&amd64, &pool, roots, 2, items, 10000);
	/* Eight tables at each of three levels, each visited once; the roots once more. */
	assert_true(pool.n_looks <= 2 + 3 * 8);
	assert_true(n <= (2 + 3 * 8) * 512);
	free(items);
	pool_fini(&pool);
}

static void too_few_slots_are_a_clear_status(void **state)
{
	struct vmem_spaces spaces;
	struct vmem_item item;
	struct pool pool;

	(void)state;
	two_roots(&pool); /* three tables */
	amd64.spaces_begin(&spaces, &pool, roots, 1, seen, 4);
	assert_int_equal(amd64.spaces_next(&spaces, &pool, &item), VMEM_LIMIT);
	assert_int_equal(amd64.spaces_next(&spaces, &pool, &item), VMEM_LIMIT);
	amd64.spaces_begin(&spaces, &pool, roots, 1, seen, 8);
	assert_int_equal(amd64.spaces_next(&spaces, &pool, &item), VMEM_OK);
	assert_int_equal(amd64.spaces_next(&spaces, &pool, &item), VMEM_OK);
	assert_int_equal(amd64.spaces_next(&spaces, &pool, &item), VMEM_END);
	pool_fini(&pool);
}

/* Rebuilds the spaces of OLD_ROOTS in REBUILT, item by item. */
static void rebuild(const struct instance *vm, struct pool *rebuilt, uint64_t *new_roots,
		    const struct vmem_item *items, size_t n, uint32_t large)
{
	for (size_t i = 0; i < n; i++) {
		uint64_t *root = &new_roots[items[i].root];
		struct vmem_range range = items[i].range;

		if (items[i].is_link) {
			/* Only ever back to what is there already. */
			assert_true(items[i].link.their_root <= items[i].root);
			assert_int_equal(vm->link(rebuilt, root,
						  new_roots[items[i].link.their_root],
						  &items[i].link),
					 VMEM_OK);
			continue;
		}
		range.flags |= large;
		assert_int_equal(vm->map(rebuilt, root, &range), VMEM_OK);
	}
}

/* Both spaces map the same; and of aliases neither walk may get enough. */
static void assert_same(const struct instance *vm, struct pool *a, uint64_t a_root, struct pool *b,
			uint64_t b_root)
{
	struct vmem_walk a_walk, b_walk;
	struct vmem_range a_range, b_range;
	enum vmem_status status;

	vm->walk_begin(&a_walk, a, a_root, 0, UINT64_MAX, 100000);
	vm->walk_begin(&b_walk, b, b_root, 0, UINT64_MAX, 100000);
	do {
		status = vm->walk_next(&a_walk, a, &a_range);
		assert_int_equal(status, vm->walk_next(&b_walk, b, &b_range));
		if (status == VMEM_OK)
			assert_memory_equal(&a_range, &b_range, sizeof a_range);
	} while (status == VMEM_OK);
	assert_int_equal(status, VMEM_END);
}

/* Copies an entry of a random level from somewhere in the roots to somewhere else, as long as that
 * makes no cycle: to the same level, so that the depth stays. */
static void alias_at_random(const struct instance *vm, struct pool *pool, const uint64_t *root,
			    size_t n_roots, uint64_t *random)
{
	const struct vmem_format *format = vm->format;
	unsigned bottom = 1 + (unsigned)random_below(random, format->levels - 1);
	uint64_t from = root[random_below(random, n_roots)];
	uint64_t to = root[random_below(random, n_roots)];
	uint64_t va = random_below(random, 16) * 4 * MIB + random_below(random, 3) * GIB;
	unsigned index = (unsigned)random_below(random, vm == &i686 ? 512 : 256);
	void *from_table = NULL, *to_table = NULL;

	for (unsigned level = format->levels; level-- > bottom;) {
		struct vmem_entry entry;

		from_table = vmem_flat_table(&pool->flat, from);
		to_table = vmem_flat_table(&pool->flat, to);
		if (level == bottom)
			break;
		entry = format->decode(
			level, vmem_load(format, from_table, vmem_index(format, level, va)));
		if (entry.what != VMEM_TABLE)
			return;
		from = entry.pa;
		entry = format->decode(level,
				       vmem_load(format, to_table, vmem_index(format, level, va)));
		if (entry.what != VMEM_TABLE)
			return;
		to = entry.pa;
	}
	vmem_store(format, to_table, index,
		   vmem_load(format, from_table, vmem_index(format, bottom, va)));
}

static void a_rebuild_maps_and_shares_the_same(void **state)
{
	struct vmem_item *items = calloc(100000, sizeof *items);
	uint64_t random = random_seed("spaces", 20260303);
	size_t n_links = 0;

	(void)state;
	assert_non_null(items);
	for (unsigned round = 0; round < 200; round++) {
		const struct instance *vm = instances[round % 3];
		uint64_t old_roots[4], new_roots[4];
		struct pool pool, rebuilt;

		pool_init(&pool, BASE, 600);
		pool_init(&rebuilt, REBUILT, 1500);
		for (size_t i = 0; i < COUNT(old_roots); i++) {
			old_roots[i] = pool_root(&pool);
			new_roots[i] = pool_root(&rebuilt);
			for (int k = 0; k < 6; k++) {
				struct vmem_range range = {
					.va = random_below(&random, 16) * 4 * MIB +
					      random_below(&random, 3) * GIB,
					.pa = random_below(&random, 50) * 2 * MIB,
					.size = (1 + random_below(&random, 1500)) * PAGE,
					.flags = (uint32_t)random_below(&random, 16),
					.kind = VMEM_BASIC + (unsigned)random_below(&random, 2),
				};
				assert_int_equal(vm->map(&pool, &old_roots[i], &range), VMEM_OK);
			}
		}
		for (int k = 0; k < 20; k++)
			alias_at_random(vm, &pool, old_roots, COUNT(old_roots), &random);

		size_t n = collect(vm, &pool, old_roots, COUNT(old_roots), items, 100000);
		uint32_t large = (uint32_t)random_below(&random, 4) * VMEM_LARGE;
		uint64_t n_tables = 0;

		for (size_t i = 0; i < N_SLOTS; i++)
			n_tables += seen[i].key != 0;
		for (size_t i = 0; i < n; i++)
			n_links += items[i].is_link;
		rebuild(vm, &rebuilt, new_roots, items, n, large);
		for (size_t i = 0; i < COUNT(old_roots); i++)
			assert_same(vm, &pool, old_roots[i], &rebuilt, new_roots[i]);
		/* No table more than there were, if large leaves stay large. */
		if (large == (VMEM_LARGE | VMEM_HUGE))
			assert_true(rebuilt.flat.used / PAGE <= n_tables + COUNT(old_roots));
		pool_fini(&pool);
		pool_fini(&rebuilt);
	}
	assert_true(n_links > 1000);
	free(items);
}

static void a_link_into_frozen_tables_moves_them(void **state)
{
	struct vmem_range range = { 0x1000, 0x5000, PAGE, VMEM_USER, VMEM_BASIC };
	struct vmem_range other = { GIB, 0x6000, PAGE, 0, VMEM_BASIC };
	const struct vmem_link link = { 3, GIB + 2 * MIB, 0, 0 };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 12);
	uint64_t theirs = pool_root(&pool);
	uint64_t ours = pool_root(&pool);
	const uint64_t before = ours;

	assert_int_equal(amd64.map(&pool, &theirs, &range), VMEM_OK);
	assert_int_equal(amd64.map(&pool, &ours, &other), VMEM_OK);
	pool.frozen = pool.flat.used;
	assert_int_equal(amd64.link(&pool, &ours, theirs, &link), VMEM_OK);
	assert_int_not_equal(ours, before);
	assert_int_equal(pool.n_moves, 3);
	assert_true(amd64.translate(&pool, ours, GIB + 2 * MIB + 0x1000, &got));
	assert_int_equal(got.pa, 0x5000);
	assert_int_equal(got.flags, VMEM_USER);
	assert_false(amd64.translate(&pool, before, GIB + 2 * MIB + 0x1000, &got));

	pool_fini(&pool);
}

static void what_is_not_there_is_not_linked(void **state)
{
	const struct vmem_link link = { 2, 600 * GIB, 0, 77 * GIB };
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 12);
	uint64_t theirs = pool_root(&pool);
	uint64_t ours = pool_root(&pool);

	assert_int_equal(amd64.link(&pool, &ours, theirs, &link), VMEM_OK);
	assert_int_equal(pool.flat.used, 2 * PAGE);
	assert_int_equal(amd64.link(&pool, &ours, BASE + 64 * PAGE, &link), VMEM_BAD_TABLE);
	pool_fini(&pool);
}

/* The owner's rebuild may have a larger leaf where the link means a table below it. */
static void a_link_into_a_large_leaf_copies_its_part(void **state)
{
	const struct vmem_range huge = { GIB, 4 * GIB, GIB, VMEM_HUGE | VMEM_WRITE, VMEM_BASIC };
	const struct vmem_link link = { 3, 2 * MIB, 0, GIB + 6 * MIB };
	struct vmem_range got;
	struct pool pool;

	(void)state;
	pool_init(&pool, BASE, 12);
	uint64_t theirs = pool_root(&pool);
	uint64_t ours = pool_root(&pool);

	assert_int_equal(amd64.map(&pool, &theirs, &huge), VMEM_OK);
	assert_int_equal(amd64.link(&pool, &ours, theirs, &link), VMEM_OK);
	assert_true(amd64.translate(&pool, ours, 2 * MIB, &got));
	assert_int_equal(got.pa, 4 * GIB + 6 * MIB);
	assert_int_equal(got.size, 2 * MIB);
	assert_int_equal(got.flags, VMEM_WRITE);
	pool_fini(&pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_root_owns_and_the_second_links),
		cmocka_unit_test(tables_are_shared_at_any_depth),
		cmocka_unit_test(one_root_may_link_to_itself),
		cmocka_unit_test(the_same_root_twice_is_all_links),
		cmocka_unit_test(other_rights_make_another_table),
		cmocka_unit_test(another_level_makes_another_table),
		cmocka_unit_test(i686_links_at_depth_1),
		cmocka_unit_test(no_roots_or_bad_roots_find_nothing),
		cmocka_unit_test(cycles_and_aliases_cost_nothing),
		cmocka_unit_test(too_few_slots_are_a_clear_status),
		cmocka_unit_test(a_rebuild_maps_and_shares_the_same),
		cmocka_unit_test(a_link_into_frozen_tables_moves_them),
		cmocka_unit_test(what_is_not_there_is_not_linked),
		cmocka_unit_test(a_link_into_a_large_leaf_copies_its_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
