/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Page tables against a model that knows nothing of tables: an array with an element
 * for each page of a few windows at the awkward places of the address space. Random
 * ranges are mapped and unmapped in both, by pages small and large, with tables that
 * are frozen now and then; walks and look-ups must agree with the model.
 */
#include "tests/abi/vmem_fixture.h"

#include <time.h>

#define WINDOW_PAGES 4096 /* 16 MiB: several large pages of each format */
#define N_WINDOWS    5
#define MAX_TABLES   160
#define PAGE_OPS     1000000

struct page {
	uint64_t pa;
	uint32_t flags;
	enum vmem_kind kind;
};

struct model {
	const struct instance *vm;
	uint64_t start[N_WINDOWS];
	struct page pages[N_WINDOWS][WINDOW_PAGES];
};

static struct model now, then; /* then: when the tables were frozen last */

/* In ascending order, none next to another. */
static void model_init(struct model *model, const struct instance *vm)
{
	static const uint64_t amd64_starts[N_WINDOWS] = {
		0,
		GIB - 8 * MIB,
		128 * TIB - 16 * MIB, /* up to the canonical hole */
		UINT64_C(0xffff800000000000),
		UINT64_C(0xffffffffff000000), /* the last page of all */
	};
	static const uint64_t i686_starts[N_WINDOWS] = {
		0, GIB - 8 * MIB, 2 * GIB - 4 * MIB, 3 * GIB + MIB, 4 * GIB - 16 * MIB,
	};
	static const uint64_t aarch64_starts[N_WINDOWS] = {
		0, GIB - 8 * MIB, 512 * GIB - 3 * MIB, 128 * TIB - 8 * MIB, 256 * TIB - 16 * MIB,
	};

	memset(model, 0, sizeof *model);
	model->vm = vm;
	memcpy(model->start,
	       vm == &amd64  ? amd64_starts
	       : vm == &i686 ? i686_starts
			     : aarch64_starts,
	       sizeof model->start);
}

static void model_map(struct model *model, unsigned window, uint64_t first,
		      const struct vmem_range *range)
{
	for (uint64_t i = 0; i < range->size / PAGE; i++) {
		struct page *page = &model->pages[window][first + i];

		*page = (struct page){ 0, 0, VMEM_UNMAPPED };
		if (range->kind != VMEM_UNMAPPED)
			*page = (struct page){ range->pa + i * PAGE,
					       reported_flags(model->vm->format, range),
					       range->kind };
	}
}

static bool page_matches(const struct model *model, struct pool *pool, uint64_t root, uint64_t va,
			 const struct page *want)
{
	struct vmem_range got;

	if (!model->vm->translate(pool, root, va, &got))
		return want->kind == VMEM_UNMAPPED;
	return want->kind == got.kind && want->pa == got.pa && want->flags == got.flags &&
	       got.va == va && got.size >= PAGE;
}

/* The range of MODEL that begins at or behind (WINDOW, PAGE), as large as can be. */
static bool model_next(const struct model *model, unsigned *window, unsigned *page,
		       struct vmem_range *range)
{
	for (; *window < N_WINDOWS; ++*window, *page = 0) {
		const struct page *pages = model->pages[*window];

		while (*page < WINDOW_PAGES && pages[*page].kind == VMEM_UNMAPPED)
			++*page;
		if (*page == WINDOW_PAGES)
			continue;
		*range = (struct vmem_range){ model->start[*window] + *page * PAGE, pages[*page].pa,
					      0, pages[*page].flags, pages[*page].kind };
		while (*page < WINDOW_PAGES && pages[*page].kind == range->kind &&
		       pages[*page].flags == range->flags &&
		       pages[*page].pa == range->pa + range->size) {
			range->size += PAGE;
			++*page;
		}
		return true;
	}
	return false;
}

static void assert_walk_matches(const struct model *model, struct pool *pool, uint64_t root)
{
	struct vmem_walk walk;
	struct vmem_range got, want;
	unsigned window = 0, page = 0;

	model->vm->walk_begin(&walk, pool, root, 0, UINT64_MAX, MAX_TABLES);
	while (model->vm->walk_next(&walk, pool, &got) == VMEM_OK) {
		if (!model_next(model, &window, &page, &want))
			fail_msg("%s: nothing should be at %" PRIx64, model->vm->format->name,
				 got.va);
		if (got.va != want.va || got.pa != want.pa || got.size != want.size ||
		    got.flags != want.flags || got.kind != want.kind)
			fail_msg("%s: got %" PRIx64 " -> %" PRIx64 " + %" PRIx64 " %x %d, "
				 "want %" PRIx64 " -> %" PRIx64 " + %" PRIx64 " %x %d",
				 model->vm->format->name, got.va, got.pa, got.size, got.flags,
				 got.kind, want.va, want.pa, want.size, want.flags, want.kind);
	}
	assert_false(model_next(model, &window, &page, &want));
	assert_int_equal(model->vm->walk_next(&walk, pool, &got), VMEM_END);
	assert_int_equal(walk.malformed, 0);
}

static struct vmem_range random_range(const struct model *model, uint64_t *random, unsigned *window,
				      uint64_t *first)
{
	uint64_t limit = random_below(random, 4) ? 40 : WINDOW_PAGES;
	struct vmem_range range = { .kind = (enum vmem_kind)random_below(random, 3) };
	uint64_t count = 1 + random_below(random, limit);

	*window = (unsigned)random_below(random, N_WINDOWS);
	*first = random_below(random, WINDOW_PAGES - count + 1);
	range.va = model->start[*window] + *first * PAGE;
	range.size = count * PAGE;
	range.flags = (uint32_t)random_below(random, 32);
	range.pa =
		random_below(random, (model->vm->format->physical_size - range.size) / PAGE) * PAGE;
	/* Half the time as aligned as the virtual address, so that large leaves are possible. */
	if (random_below(random, 2))
		range.pa = (range.pa & ~(4 * MIB - 1)) | (range.va & (4 * MIB - 1));
	if (range.pa > model->vm->format->physical_size - range.size)
		range.pa = range.va & (4 * MIB - 1);
	return range;
}

/* Without tables left, a first part of RANGE is mapped, the rest as it was. */
static void assert_partly_mapped(struct pool *pool, uint64_t root, unsigned window, uint64_t first,
				 const struct vmem_range *range)
{
	static struct model wanted;
	uint64_t count = range->size / PAGE;
	uint64_t done = 0;

	wanted = now;
	model_map(&wanted, window, first, range);
	while (done < count && page_matches(&wanted, pool, root, range->va + done * PAGE,
					    &wanted.pages[window][first + done]))
		done++;
	for (uint64_t i = done; i < count; i++)
		assert_true(page_matches(&now, pool, root, range->va + i * PAGE,
					 &now.pages[window][first + i]));
}

struct run {
	struct pool pool;
	uint64_t root, old_root;
	unsigned char *frozen_bytes;
	unsigned n_full, n_freezes;
};

static void run_restart(struct run *run, const struct instance *vm)
{
	run->pool.flat.used = run->pool.frozen = 0;
	run->root = pool_root(&run->pool);
	model_init(&now, vm);
}

/* From now on the tables that exist must stay as they are, to the byte. */
static void run_freeze(struct run *run)
{
	run->pool.frozen = run->pool.flat.used;
	memcpy(run->frozen_bytes, run->pool.flat.memory, run->pool.frozen);
	run->old_root = run->root;
	then = now;
	run->n_freezes++;
}

static void run_check(struct run *run)
{
	assert_walk_matches(&now, &run->pool, run->root);
	if (run->pool.frozen == 0)
		return;
	assert_memory_equal(run->frozen_bytes, run->pool.flat.memory, run->pool.frozen);
	assert_walk_matches(&then, &run->pool, run->old_root);
}

static void run_step(struct run *run, uint64_t *random, uint64_t *page_ops)
{
	const struct instance *vm = now.vm;
	unsigned window;
	uint64_t first;
	struct vmem_range range = random_range(&now, random, &window, &first);
	bool moving = run->pool.frozen > 0;
	enum vmem_status status =
		(moving ? vm->map_moving : vm->map)(&run->pool, &run->root, &range);

	*page_ops += range.size / PAGE;
	if (status == VMEM_OUT_OF_TABLES) {
		assert_partly_mapped(&run->pool, run->root, window, first, &range);
		run->n_full++;
		run_restart(run, vm);
		return;
	}
	assert_int_equal(status, VMEM_OK);
	model_map(&now, window, first, &range);
	for (int i = 0; i < 4; i++) {
		uint64_t page = random_below(random, WINDOW_PAGES);

		window = (unsigned)random_below(random, N_WINDOWS);
		assert_true(page_matches(&now, &run->pool, run->root,
					 now.start[window] + page * PAGE,
					 &now.pages[window][page]));
	}
}

static void agrees_with_the_model(const struct instance *vm)
{
	uint64_t random = random_seed(vm->format->name, (uint64_t)time(NULL));
	struct run run = { 0 };
	uint64_t page_ops = 0;

	/* So few that they run out many times. */
	pool_init(&run.pool, 0x40000000, vm == &i686 ? 80 : MAX_TABLES);
	run.frozen_bytes = malloc(MAX_TABLES * PAGE);
	assert_non_null(run.frozen_bytes);
	run_restart(&run, vm);
	while (page_ops < PAGE_OPS) {
		run_step(&run, &random, &page_ops);
		if (random_below(&random, 20) == 0)
			run_check(&run);
		if (random_below(&random, 100) == 0)
			run_freeze(&run);
	}
	run_check(&run);
	print_message("full %u freezes %u moves %lu\n", run.n_full, run.n_freezes,
		      run.pool.n_moves);
	/* The numbers above were chosen so that everything happens. */
	assert_true(run.n_full > 0);
	assert_true(run.n_freezes > 1);
	assert_true(run.pool.n_moves > 0);
	free(run.frozen_bytes);
	pool_fini(&run.pool);
}

static void amd64_agrees_with_the_model(void **state)
{
	(void)state;
	agrees_with_the_model(&amd64);
}

static void i686_agrees_with_the_model(void **state)
{
	(void)state;
	agrees_with_the_model(&i686);
}

static void aarch64_agrees_with_the_model(void **state)
{
	(void)state;
	agrees_with_the_model(&aarch64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(amd64_agrees_with_the_model),
		cmocka_unit_test(i686_agrees_with_the_model),
		cmocka_unit_test(aarch64_agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
