/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: vmem_walk_next, vmem_translate, vmem_spaces_next, vmem_link, vmem_map, on page
 * tables that a hostile side made, in each of the formats. Input: format and task, a byte each;
 * records that fill a few pages of tables; and what the task wants to know.
 */
#include "abi/vmem_aarch64.h"
#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_i686.h"
#include "abi/vmem_map.h"
#include "abi/vmem_spaces.h"
#include "abi/vmem_walk.h"

#include "fuzz/fuzz.h"

#define PAGE     VMEM_PAGE_SIZE
#define MIB      (UINT64_C(1) << 20)
#define HOSTILE  16 /* pages of tables that the input fills */
#define OURS     256
#define RECORDS  32
#define ITEMS    256
#define ROOTS    4
#define REQUESTS 16
#define RIGHTS   (VMEM_WRITE | VMEM_EXEC | VMEM_USER)

static const struct vmem_format *const formats[] = { &vmem_amd64, &vmem_i686, &vmem_aarch64 };

/* Table memory, exactly as large as it is said to be: a sanitizer sees a byte more. Tables below
 * FROZEN may not be written to. */
struct pool {
	struct vmem_flat flat; /* first: the flat operations work on it */
	uint64_t frozen;
	uint64_t n_looks;
};

static void *pool_table(void *memory, uint64_t pa)
{
	((struct pool *)memory)->n_looks++;
	return vmem_flat_table(memory, pa);
}

static uint64_t pool_move(void *memory, uint64_t pa)
{
	struct pool *pool = memory;

	if (pa - pool->flat.base >= pool->frozen)
		return pa;
	uint64_t copy = vmem_flat_alloc(pool);

	if (copy != VMEM_NO_TABLE)
		memcpy(vmem_flat_table(pool, copy), vmem_flat_table(pool, pa), PAGE);
	return copy;
}

static const struct vmem_ops ops = {
	.table = pool_table,
	.alloc = vmem_flat_alloc,
	.move = pool_move,
};

/* PAGES of *MEMORY, which lives as long as the process: sanitizers are slow to allocate that much.
 * All that is read of it was written in the same run. */
static struct pool pool_new(void **memory, uint64_t base, uint64_t pages)
{
	if (!*memory)
		*memory = malloc(pages * PAGE);
	CHECK(*memory);
	return (struct pool){
		.flat = { .memory = *memory, .base = base, .size = pages * PAGE },
	};
}

static void *hostile_memory, *our_memory;

/* Where a table may be; the last two places are behind the memory and before it. */
static uint64_t take_place(const struct pool *pool, struct input *input)
{
	uint64_t number = take(input, 1) % (HOSTILE + 2);

	return pool->flat.base + (number <= HOSTILE ? number * PAGE : -PAGE);
}

/* Flags that go together. */
static uint32_t take_flags(struct input *input, enum vmem_kind *kind)
{
	uint64_t byte = take(input, 1);

	*kind = byte & 0x80 ? VMEM_COW : VMEM_BASIC;
	return (uint32_t)byte & (*kind == VMEM_COW ? RIGHTS & ~VMEM_WRITE : RIGHTS);
}

/* A leaf for a table of LEVEL, as good as the format can say it. */
static uint64_t take_leaf(const struct vmem_format *format, struct input *input, unsigned level)
{
	enum vmem_kind kind;
	uint32_t flags = take_flags(input, &kind);
	uint64_t pa = take(input, 5) << 12 & (format->physical_size - 1);

	return format->leaf_entry(level, pa & ~(vmem_span(format, level) - 1), flags, kind);
}

/* Writes what one record says: any bits, the address of a table, or a run of leaves. */
static void fill_entries(struct pool *pool, const struct vmem_format *format, struct input *input)
{
	unsigned kind = (unsigned)take(input, 1);
	void *table = (char *)pool->flat.memory + take(input, 1) % HOSTILE * PAGE;
	unsigned index = (unsigned)take(input, 2) % vmem_entries(format);
	unsigned level = (kind >> 2) % (format->largest_leaf + 1);
	enum vmem_kind unused;
	uint64_t raw;

	switch (kind & 3) {
	case 0:
		vmem_store(format, table, index, take(input, format->entry_size));
		break;
	case 1:
		raw = take_place(pool, input);
		vmem_store(format, table, index,
			   format->table_entry(raw, take_flags(input, &unused)));
		break;
	default:
		raw = take_leaf(format, input, level);
		for (unsigned n = (unsigned)take(input, 2); index < vmem_entries(format); index++) {
			vmem_store(format, table, index, raw);
			raw += vmem_span(format, level);
			if (n-- == 0)
				break;
		}
		break;
	}
}

static struct pool hostile_tables(const struct vmem_format *format, struct input *input)
{
	struct pool pool = pool_new(&hostile_memory, (take(input, 1) + 1) << 20, HOSTILE);

	memset(pool.flat.memory, 0, pool.flat.size);
	for (uint64_t n = take(input, 1) % RECORDS; n > 0; n--)
		fill_entries(&pool, format, input);
	return pool;
}

/* Whether one byte is mapped alike in two sets of tables. */
static bool agree(const struct vmem_format *format, struct pool *a, uint64_t a_root, struct pool *b,
		  uint64_t b_root, uint64_t va)
{
	struct vmem_range x = { .size = 0 }, y = x;
	bool is_in_a = vmem_translate(format, &ops, a, a_root, va, &x);
	bool is_in_b = vmem_translate(format, &ops, b, b_root, va, &y);

	if (!is_in_a || !is_in_b)
		return is_in_a == is_in_b;
	return x.pa == y.pa && x.flags == y.flags && x.kind == y.kind;
}

/* What RANGE says must be so at VA, a byte of it. */
static void check_byte(const struct vmem_format *format, struct pool *pool, uint64_t root,
		       const struct vmem_range *range, uint64_t va)
{
	struct vmem_range found;

	CHECK(vmem_translate(format, &ops, pool, root, va, &found));
	CHECK(found.va == va && found.size > 0 && found.pa - range->pa == va - range->va);
	CHECK(found.flags == range->flags && found.kind == range->kind);
}

static void check_range(const struct vmem_format *format, const struct vmem_range *range)
{
	CHECK(range->size > 0 && !((range->va | range->pa | range->size) & (PAGE - 1)));
	CHECK(vmem_is_canonical(format, range->va, range->va + (range->size - 1)));
	CHECK(range->size <= format->physical_size &&
	      range->pa <= format->physical_size - range->size);
	CHECK(!(range->flags & ~(uint32_t)RIGHTS));
	CHECK(range->kind == VMEM_BASIC ||
	      (range->kind == VMEM_COW && !(range->flags & VMEM_WRITE)));
}

/* A range must be behind the last one, and not one with it. */
static void check_order(const struct vmem_range *last, const struct vmem_range *range)
{
	if (last->size == 0)
		return;
	CHECK(range->va > last->va && range->va - last->va >= last->size);
	CHECK(range->va - last->va > last->size || range->pa - last->pa != last->size ||
	      range->flags != last->flags || range->kind != last->kind);
}

/* Nothing may be mapped at VA. */
static void check_nothing(const struct vmem_format *format, struct pool *pool, uint64_t root,
			  uint64_t va)
{
	struct vmem_range found;

	CHECK(!vmem_translate(format, &ops, pool, root, va, &found));
}

/* A range of the walk from FIRST to LAST: in its bounds, as each of its bytes says, after a gap. */
static void check_found(const struct vmem_format *format, struct pool *pool, uint64_t root,
			uint64_t first, uint64_t last, const struct vmem_range *before,
			const struct vmem_range *range)
{
	uint64_t gap = before->size ? before->va + before->size : first;
	uint64_t end = range->va + (range->size - 1);

	check_range(format, range);
	check_order(before, range);
	CHECK(range->va >= (first & ~(PAGE - 1)) && end <= (last | (PAGE - 1)));
	check_byte(format, pool, root, range, range->va);
	check_byte(format, pool, root, range, range->va + range->size / 2);
	check_byte(format, pool, root, range, end);
	if (gap < range->va) {
		check_nothing(format, pool, root, gap);
		check_nothing(format, pool, root, range->va - 1);
	}
}

/* One root, some of its addresses, a bound on the work. */
static void walk_some(const struct vmem_format *format, struct pool *pool, struct input *input)
{
	uint64_t root = take_place(pool, input);
	uint64_t max_tables = take(input, 1) % (2 * HOSTILE), first = take(input, 8),
		 last = ~take(input, 8);
	struct vmem_range before = { .size = 0 }, range;
	struct vmem_walk walk;
	enum vmem_status status;
	uint64_t n_ranges = 0, n_looks;

	pool->n_looks = 0;
	vmem_walk_begin(&walk, format, &ops, pool, root, first, last, max_tables);
	for (;; before = range) {
		status = vmem_walk_next(&walk, format, &ops, pool, &range);
		/* Asked for: the root, a table for each that may be visited, those that are not
		 * there, and one that is too many. */
		CHECK(pool->n_looks <= 2 + max_tables + walk.malformed);
		if (status != VMEM_OK)
			break;
		CHECK(++n_ranges <= (max_tables + 1) * vmem_entries(format));
		n_looks = pool->n_looks;
		check_found(format, pool, root, first, last, &before, &range);
		pool->n_looks = n_looks;
	}
	CHECK(status == VMEM_END || status == VMEM_LIMIT);
	CHECK(walk.malformed <= (max_tables + 1) * vmem_entries(format) + 1);
	if (status == VMEM_END && n_ranges == 0 && first <= last)
		check_nothing(format, pool, root, first);
	if (status == VMEM_END && n_ranges > 0 && before.va + (before.size - 1) < last)
		check_nothing(format, pool, root, before.va + before.size);
}

/* Several roots, and what becomes of them when they are rebuilt. */
struct spaces {
	const struct vmem_format *format;
	struct pool *pool;
	uint64_t roots[ROOTS];
	size_t n_roots;
	struct vmem_item items[ITEMS];
	size_t n_items;
};

/* A link leads back, to the same depth; ITEM comes behind BEFORE. */
static void check_item(const struct spaces *spaces, const struct vmem_item *before,
		       const struct vmem_item *item)
{
	const struct vmem_format *format = spaces->format;
	const struct vmem_link *link = &item->link;

	CHECK(item->root < spaces->n_roots);
	if (!item->is_link) {
		check_range(format, &item->range);
	} else {
		CHECK(link->depth > 0 && link->depth < format->levels);
		CHECK(link->their_root < item->root ||
		      (link->their_root == item->root && link->their_va < link->va));
		uint64_t span = vmem_span(format, format->levels - link->depth);
		CHECK(!((link->va | link->their_va) & (span - 1)));
		CHECK(vmem_is_canonical(format, link->va, link->va + (span - 1)));
	}
	if (!before || before->root != item->root) {
		CHECK(!before || before->root < item->root);
		return;
	}
	uint64_t va = item->is_link ? item->link.va : item->range.va;

	CHECK(va > (before->is_link ? before->link.va : before->range.va));
	if (!before->is_link && !item->is_link)
		check_order(&before->range, &item->range);
}

/* Collects what is found, up to as much as there is room for. Whether that is all. */
static bool find_items(struct spaces *spaces, struct vmem_seen *seen, size_t n_slots)
{
	const struct vmem_format *format = spaces->format;
	struct vmem_spaces walk;
	enum vmem_status status = VMEM_OK;

	spaces->pool->n_looks = 0;
	vmem_spaces_begin(&walk, format, &ops, spaces->pool, spaces->roots, spaces->n_roots, seen,
			  n_slots);
	while (spaces->n_items < ITEMS) {
		struct vmem_item *item = &spaces->items[spaces->n_items];

		status = vmem_spaces_next(&walk, format, &ops, spaces->pool, item);
		/* Each table is read once, and each of its entries may ask for one. */
		CHECK(walk.n_used <= n_slots / 2);
		CHECK(spaces->pool->n_looks <=
		      (walk.n_used + spaces->n_roots) * (vmem_entries(format) + 1));
		if (status != VMEM_OK)
			break;
		check_item(spaces, spaces->n_items ? item - 1 : NULL, item);
		spaces->n_items++;
	}
	CHECK(status == VMEM_OK || status == VMEM_END || status == VMEM_LIMIT);
	return status == VMEM_END;
}

/* Builds all of the items in OUR memory. False: that is too small. */
static bool rebuild(const struct spaces *spaces, struct pool *our, uint64_t *roots)
{
	const struct vmem_format *format = spaces->format;
	enum vmem_status status = VMEM_OK;

	for (size_t i = 0; i < spaces->n_roots; i++)
		roots[i] = vmem_flat_alloc(our);
	for (size_t i = 0; i < spaces->n_items && status == VMEM_OK; i++) {
		const struct vmem_item *item = &spaces->items[i];
		struct vmem_range range = item->range;

		if (item->is_link) {
			status = vmem_link(format, &ops, our, &roots[item->root],
					   roots[item->link.their_root], &item->link);
			continue;
		}
		range.flags |= VMEM_LARGE | VMEM_HUGE;
		status = vmem_map(format, &ops, our, &roots[item->root], &range);
	}
	CHECK(status == VMEM_OK || status == VMEM_OUT_OF_TABLES);
	return status == VMEM_OK;
}

/* Both ends of each item, and something inside, are mapped as before. */
static void compare(const struct spaces *spaces, struct pool *our, const uint64_t *roots,
		    struct input *input)
{
	const struct vmem_format *format = spaces->format;
	uint64_t inside = take(input, 8);

	for (size_t i = 0; i < spaces->n_items; i++) {
		const struct vmem_item *item = &spaces->items[i];
		uint64_t va = item->is_link ? item->link.va : item->range.va;
		uint64_t last =
			(item->is_link ? vmem_span(format, format->levels - item->link.depth)
				       : item->range.size) -
			1;
		const uint64_t probes[] = { va, va + last, va + inside % (last + 1), va - 1,
					    va + last + 1 };

		for (size_t k = 0; k < sizeof probes / sizeof probes[0]; k++)
			CHECK(agree(format, spaces->pool, spaces->roots[item->root], our,
				    roots[item->root], probes[k]));
	}
}

static void walk_spaces(const struct vmem_format *format, struct pool *pool, struct input *input)
{
	static struct spaces spaces; /* too large for a stack; used anew each time */
	size_t n_slots = (size_t)1 << take(input, 1) % 8;
	struct vmem_seen *seen = malloc(n_slots * sizeof *seen);
	struct pool our = pool_new(&our_memory, UINT64_C(1) << 30, OURS);
	uint64_t roots[ROOTS];

	spaces = (struct spaces){ .format = format, .pool = pool };
	spaces.n_roots = take(input, 1) % (ROOTS + 1);
	for (size_t i = 0; i < spaces.n_roots; i++)
		spaces.roots[i] = take_place(pool, input);
	if (find_items(&spaces, seen, n_slots) && rebuild(&spaces, &our, roots))
		compare(&spaces, &our, roots, input);
	free(seen);
}

/* Anything up to 16 MiB, pages up to 32 MiB, and what large leaves can map up to 16 GiB: no more
 * than takes a moment. */
static struct vmem_range take_range(const struct vmem_format *format, struct input *input)
{
	enum vmem_kind kind;
	uint64_t how = take(input, 1);
	struct vmem_range range = { .va = take(input, 8), .pa = take(input, 8) };

	range.size = take(input, 3);
	range.flags = take_flags(input, &kind);
	range.kind = how & 4 ? VMEM_UNMAPPED : kind;
	if (how & 1)
		range.flags |= VMEM_LARGE;
	if (how & 2)
		range.flags |= VMEM_HUGE;
	if (how & 8) {
		range.va &= (format->low_half_size - 1) & ~(PAGE - 1);
		range.pa &= (format->physical_size - 1) & ~(PAGE - 1);
		range.size = (range.size % 0x2000 + 1) * PAGE;
	}
	if (how & 16) {
		range.flags |= VMEM_LARGE;
		range.va &= (format->low_half_size - 1) & ~(4 * MIB - 1);
		range.pa &= (format->physical_size - 1) & ~(4 * MIB - 1);
		range.size = (range.size % 0x1000 + 1) * 4 * MIB;
	}
	return range;
}

/* Changes hostile tables, which may refer to themselves: no more is promised than to stay inside of
 * memory, and to end. */
static void map_hostile(const struct vmem_format *format, struct pool *pool, struct input *input)
{
	uint64_t root = take_place(pool, input);

	pool->flat.used = take(input, 1) % (HOSTILE + 1) * PAGE;
	pool->frozen = take(input, 1) % (HOSTILE + 1) * PAGE;
	for (int i = 0; i < REQUESTS && input->left > 0; i++) {
		struct vmem_range range = take_range(format, input);

		pool->n_looks = 0;
		enum vmem_status status = vmem_map(format, &ops, pool, &root, &range);
		CHECK(status != VMEM_END && status != VMEM_LIMIT);
		/* A way down from the root for each table's worth, and for the ends. */
		CHECK(pool->n_looks <= (range.size / (2 * MIB) + 8) * 40);
	}
}

/* What was asked for last of all that covers VA. */
static void check_requests(const struct vmem_format *format, struct pool *pool, uint64_t root,
			   const struct vmem_range *requests, size_t n, uint64_t va)
{
	while (n-- > 0) {
		struct vmem_range range = requests[n];

		if (va - range.va >= range.size)
			continue;
		if (range.kind == VMEM_UNMAPPED) {
			check_nothing(format, pool, root, va);
			return;
		}
		range.flags &= RIGHTS;
		if (format == &vmem_i686)
			range.flags |= VMEM_EXEC;
		check_byte(format, pool, root, &range, va);
		return;
	}
	check_nothing(format, pool, root, va);
}

/* Where each half has a root of its own, this one's tables are of one half: the same entry stands
 * for an address in either. */
static uint64_t in_half(const struct vmem_format *format, bool is_high, uint64_t va)
{
	if (format->high_half != VMEM_OWN_ROOT)
		return va;
	va &= format->low_half_size - 1;
	return is_high ? va - format->low_half_size : va;
}

/* Changes tables of our own, some of which may have to move: all that succeeded must show. */
static void map_our_own(const struct vmem_format *format, struct input *input, bool is_high)
{
	struct pool pool = pool_new(&our_memory, UINT64_C(1) << 30, OURS);
	uint64_t root = vmem_flat_alloc(&pool);
	struct vmem_range requests[REQUESTS];
	enum vmem_status status = VMEM_OK;
	size_t n = 0;

	while (n < REQUESTS && input->left > 0 && status != VMEM_OUT_OF_TABLES) {
		requests[n] = take_range(format, input);
		requests[n].va = in_half(format, is_high, requests[n].va);
		if (take(input, 1) & 1)
			pool.frozen = pool.flat.used;
		status = vmem_map(format, &ops, &pool, &root, &requests[n]);
		CHECK(status == VMEM_OK || status == VMEM_BAD_RANGE ||
		      status == VMEM_OUT_OF_TABLES);
		n += status == VMEM_OK;
	}
	for (size_t i = 0; i < n && status != VMEM_OUT_OF_TABLES; i++) {
		uint64_t va = requests[i].va, end = va + (requests[i].size - 1);
		const uint64_t probes[] = { va, end, va + requests[i].size / 2, va - 1, end + 1 };

		for (size_t k = 0; k < sizeof probes / sizeof probes[0]; k++)
			check_requests(format, &pool, root, requests, n,
				       in_half(format, is_high, probes[k]));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	const struct vmem_format *format = formats[take(&input, 1) % 3];
	const uint64_t byte = take(&input, 1), task = byte % 4;

	if (task == 3) {
		map_our_own(format, &input, byte & 4);
		return 0;
	}
	struct pool pool = hostile_tables(format, &input);

	if (task == 0)
		walk_some(format, &pool, &input);
	else if (task == 1)
		walk_spaces(format, &pool, &input);
	else
		map_hostile(format, &pool, &input);
	return 0;
}
