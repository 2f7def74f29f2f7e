/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: their names, packing them, overlaps, and the look-up that remembers, against a
 * plain search.
 */
#include "mem/region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGE REGION_PAGE_SIZE

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct region region_at(uint64_t va, uint64_t size)
{
	return (struct region){ .va = va, .size = size };
}

static mote_status push(struct region_builder *builder, uint64_t size, unsigned flags,
			enum region_kind kind, mote_error *err)
{
	const struct region wanted = {
		.va = 0x7000,
		.gpa = 0x123000, /* to be replaced, as is the host's part */
		.size = size,
		.flags = flags,
		.is_user = true,
		.kind = kind,
		.host = { &builder, 1, 2, 3 },
	};

	return region_builder_push(builder, &wanted, err);
}

static void flags_have_a_printed_form(void **state)
{
	static const char *const want[] = {
		"NONE",    "READ",           "WRITE",           "READ | WRITE",
		"EXECUTE", "READ | EXECUTE", "WRITE | EXECUTE", "READ | WRITE | EXECUTE",
	};

	(void)state;
	for (unsigned flags = 0; flags < COUNT(want); flags++) {
		assert_string_equal(region_flags_name(flags), want[flags]);
		assert_string_equal(region_flags_name(flags | 0xfffffff8), want[flags]);
	}
}

static void every_kind_has_its_own_name(void **state)
{
	(void)state;
	for (unsigned a = 0; a < REGION_KIND_COUNT; a++) {
		assert_true(strlen(region_kind_name((enum region_kind)a)) > 2);
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(region_kind_name((enum region_kind)a),
						region_kind_name((enum region_kind)b));
	}
	assert_string_equal(region_kind_name(REGION_CODE), "code");
	assert_string_equal(region_kind_name(REGION_HYPERCALL), "hypercall page");
	assert_string_equal(region_kind_name(REGION_KIND_COUNT), "unknown");
	assert_string_equal(region_kind_name((enum region_kind) - 1), "unknown");
}

static void regions_are_packed_in_whole_pages(void **state)
{
	static char memory[16 * 4096];
	const struct region_host host = { memory, sizeof memory, 0x2000, 7 };
	struct region_builder builder;
	struct region regions[4];

	(void)state;
	region_builder_init(&builder, regions, COUNT(regions), 0x10000, host);
	assert_int_equal(push(&builder, 1, REGION_READ, REGION_CODE, NULL), 0);
	assert_int_equal(push(&builder, 0, REGION_ALL, REGION_PEB, NULL), 0);
	assert_int_equal(push(&builder, PAGE, REGION_WRITE, REGION_HEAP, NULL), 0);
	assert_int_equal(push(&builder, PAGE + 1, 0, REGION_STACK, NULL), 0);
	assert_int_equal(builder.n_regions, 3);
	assert_int_equal(builder.next_gpa, 0x14000);

	const uint64_t want[][2] = { { 0x10000, PAGE }, { 0x11000, PAGE }, { 0x12000, 2 * PAGE } };
	const enum region_kind kinds[] = { REGION_CODE, REGION_HEAP, REGION_STACK };

	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(regions[i].gpa, want[i][0]);
		assert_int_equal(regions[i].size, want[i][1]);
		assert_int_equal(regions[i].kind, kinds[i]);
		assert_ptr_equal(region_bytes(&regions[i]),
				 memory + 0x2000 + (want[i][0] - 0x10000));
		assert_int_equal(regions[i].host.file, 7);
		assert_true(regions[i].va == 0x7000 && regions[i].is_user);
	}
	assert_int_equal(regions[1].flags, REGION_WRITE);
}

static void a_gap_is_one_in_the_mapping_too(void **state)
{
	static char memory[16 * 4096];
	const struct region_host host = { memory, sizeof memory, 0, -1 };
	struct region_builder builder;
	struct region regions[3];

	(void)state;
	region_builder_init(&builder, regions, COUNT(regions), 0x10000, host);
	assert_int_equal(push(&builder, PAGE, 0, REGION_CODE, NULL), MOTE_OK);
	region_builder_skip_to(&builder, 0x10000); /* behind that already */
	assert_int_equal(push(&builder, PAGE, 0, REGION_STACK, NULL), MOTE_OK);
	region_builder_skip_to(&builder, 0x18000);
	assert_int_equal(push(&builder, PAGE, 0, REGION_HEAP, NULL), MOTE_OK);
	assert_int_equal(regions[1].gpa, 0x11000);
	assert_int_equal(regions[2].gpa, 0x18000);
	assert_ptr_equal(region_bytes(&regions[2]), memory + 0x8000);

	region_builder_skip_to(&builder, 0x21000); /* past the mapping */
	builder.n_regions = 0;
	assert_int_equal(push(&builder, 1, 0, REGION_HEAP, NULL), MOTE_E_INVALID);
	region_builder_init(&builder, regions, COUNT(regions), 0, REGION_HOST_NONE);
	region_builder_skip_to(&builder, PAGE);
	assert_int_equal(push(&builder, 1, 0, REGION_HEAP, NULL), MOTE_OK);
	assert_int_equal(regions[0].gpa, PAGE);
	assert_null(region_bytes(&regions[0]));
}

static const struct {
	const char *what;
	uint64_t base;
	uint64_t host_size; /* 0: no host mapping */
	uint64_t size;
	mote_status want;
	const char *message;
} pushes[] = {
	{ "the last page but one of the space", UINT64_MAX - 0x1fff, 0, PAGE, MOTE_OK, "" },
	{ "the last page of the space", UINT64_MAX - 0xfff, 0, 1, MOTE_E_INVALID,
	  "heap of 0x1 bytes at 0xfffffffffffff000 would end past the address space; "
	  "make it smaller" },
	{ "a size that rounds up to 0", 0x1000, 0, UINT64_MAX, MOTE_E_INVALID,
	  "heap of 0xffffffffffffffff bytes at 0x1000 would end past the address space; "
	  "make it smaller" },
	{ "a size that wraps", 0x2000, 0, UINT64_MAX - 0xfff, MOTE_E_INVALID,
	  "heap of 0xfffffffffffff000 bytes at 0x2000 would end past the address space; "
	  "make it smaller" },
	{ "all of the mapping", 0x2000, 0x3000, 0x2001, MOTE_OK, "" },
	{ "more than the mapping", 0x2000, 0x3000, 0x3001, MOTE_E_INVALID,
	  "heap of 0x4000 bytes at 0x2000 does not fit the host's mapping, which has 0x3000 left" },
};

static void what_does_not_fit_is_refused_by_name(void **state)
{
	static char memory[1];

	(void)state;
	for (size_t i = 0; i < COUNT(pushes); i++) {
		struct region_host host = REGION_HOST_NONE;
		struct region_builder builder;
		struct region region = { 0 };
		mote_error err = { 0 };

		if (pushes[i].host_size)
			host = (struct region_host){ memory, pushes[i].host_size, 0, -1 };
		region_builder_init(&builder, &region, 1, pushes[i].base, host);
		mote_status got = push(&builder, pushes[i].size, REGION_READ, REGION_HEAP, &err);

		if (got != pushes[i].want || strcmp(err.message, pushes[i].message) != 0)
			fail_msg("%s: got %d, \"%s\"", pushes[i].what, got, err.message);
		assert_int_equal(builder.n_regions, got == MOTE_OK ? 1 : 0);
		if (got == MOTE_OK)
			continue;
		assert_int_equal(region.size, 0);
		assert_int_equal(builder.next_gpa, pushes[i].base);
	}
}

static void a_full_list_is_refused(void **state)
{
	struct region_builder builder;
	struct region regions[2] = { 0 };
	mote_error err;

	(void)state;
	region_builder_init(&builder, regions, 1, 0, REGION_HOST_NONE);
	assert_int_equal(push(&builder, 1, 0, REGION_CODE, &err), MOTE_OK);
	assert_int_equal(push(&builder, 1, 0, REGION_PEB, &err), MOTE_E_LIMIT);
	assert_string_equal(err.message,
			    "process environment block is one region more than the 1 allowed");
	assert_int_equal(regions[1].size, 0);
	assert_null(region_bytes(&regions[0]));
}

/* A mapping that is used up, even by a caller that miscounted, has no room at all. */
static void an_offset_past_the_mapping_leaves_no_room(void **state)
{
	static char memory[1];
	struct region_builder builder;
	struct region region;

	(void)state;
	region_builder_init(&builder, &region, 1, 0,
			    (struct region_host){ memory, 0x1000, 0x2000, -1 });
	assert_int_equal(push(&builder, 1, 0, REGION_CODE, NULL), MOTE_E_INVALID);
}

static const struct {
	const char *what;
	uint64_t a, a_size, b, b_size;
	bool want;
} pairs[] = {
	{ "the same", 0x1000, 0x1000, 0x1000, 0x1000, true },
	{ "side by side", 0x1000, 0x1000, 0x2000, 0x1000, false },
	{ "a byte in common", 0x1000, 0x1001, 0x2000, 0x1000, true },
	{ "one in the other", 0x1000, 0x9000, 0x2000, 0x1000, true },
	{ "apart", 0x1000, 0x1000, 0x9000, 0x1000, false },
	{ "nothing in something", 0x1000, 0x9000, 0x2000, 0, false },
	{ "nothing twice", 0x1000, 0, 0x1000, 0, false },
	{ "up to the last byte", 0x1000, UINT64_MAX - 0x1000, UINT64_MAX - 1, 1, true },
	{ "the last byte apart", 0x1000, UINT64_MAX - 0x1000, UINT64_MAX, 1, false },
	{ "both at the end", UINT64_MAX - 0xfff, 0x1000, UINT64_MAX, 1, true },
	{ "one that would wrap and one at 0", UINT64_MAX - 0xfff, 0x2000, 0, 0x1000, false },
};

static void overlap_is_symmetric(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		const struct region a = region_at(pairs[i].a, pairs[i].a_size);
		const struct region b = region_at(pairs[i].b, pairs[i].b_size);

		if (region_overlaps(&a, &b) != pairs[i].want ||
		    region_overlaps(&b, &a) != pairs[i].want)
			fail_msg("%s", pairs[i].what);
	}
}

/* Some side by side, some with gaps between them. */
static const uint64_t places[][2] = {
	{ 0x1000, 0x1000 }, { 0x2000, 0x3000 }, { 0x8000, 0x1000 },  { 0x9000, 0x1000 },
	{ 0xa000, 0x4000 }, { 0xf000, 0x1000 }, { 0x12000, 0x1000 },
};

/* Indices in no order: those of PLACES, backwards; an unseen region is between them. */
static void shuffle(struct region *regions, uint8_t *order)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		size_t at = 2 * (COUNT(places) - 1 - i);

		regions[at] = region_at(places[i][0], places[i][1]);
		regions[at + 1] = region_at(0, PAGE);
		order[i] = (uint8_t)at;
	}
}

/* The place in PLACES, COUNT(places) for none. */
static size_t plain_find(size_t n, uint64_t address)
{
	for (size_t i = 0; i < n; i++) {
		if (address >= places[i][0] && address < places[i][0] + places[i][1])
			return i;
	}
	return COUNT(places);
}

static void lookup_is_right_whatever_is_cached(void **state)
{
	struct region regions[2 * COUNT(places)];
	uint8_t order[COUNT(places)];

	(void)state;
	shuffle(regions, order);
	for (size_t n = 0; n <= COUNT(places); n++) {
		for (size_t cached = 0; cached <= n + 1; cached++) {
			/* The first and the last byte of each page. */
			for (uint64_t va = 0; va < 0x14000; va += va % PAGE ? 1 : PAGE - 1) {
				const size_t want = plain_find(n, va);
				const bool is_there = want < COUNT(places);
				size_t cache = cached;

				assert_ptr_equal(region_find(regions, order, n, va, &cache),
						 is_there ? &regions[order[want]] : NULL);
				assert_int_equal(cache, is_there ? want : cached);
			}
		}
	}
	size_t cache = SIZE_MAX;

	assert_ptr_equal(region_find(regions, order, COUNT(places), 0x8fff, &cache),
			 &regions[order[2]]);
	assert_int_equal(cache, 2);
	assert_null(region_find(regions, order, COUNT(places), UINT64_MAX, &cache));
}

/* A second look, at the same place or the next, must not search: the list it could search in is
 * out of order here, so a search would go wrong. */
static void neighbours_are_found_without_a_search(void **state)
{
	static const uint8_t order[] = { 0, 1, 2, 3, 4 };
	const struct region regions[] = {
		region_at(0x9000, 0x1000), region_at(0x3000, 0x1000), region_at(0x4000, 0x1000),
		region_at(0x1000, 0x1000), region_at(0x0000, 0x1000),
	};
	size_t cache = 0;

	(void)state;
	assert_ptr_equal(region_find(regions, order, 5, 0x9800, &cache), &regions[0]);
	assert_ptr_equal(region_find(regions, order, 5, 0x3000, &cache), &regions[1]);
	assert_int_equal(cache, 1);
	assert_ptr_equal(region_find(regions, order, 5, 0x4000, &cache), &regions[2]);
	assert_ptr_equal(region_find(regions, order, 5, 0x4fff, &cache), &regions[2]);
	assert_int_equal(cache, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_have_a_printed_form),
		cmocka_unit_test(every_kind_has_its_own_name),
		cmocka_unit_test(regions_are_packed_in_whole_pages),
		cmocka_unit_test(a_gap_is_one_in_the_mapping_too),
		cmocka_unit_test(what_does_not_fit_is_refused_by_name),
		cmocka_unit_test(a_full_list_is_refused),
		cmocka_unit_test(an_offset_past_the_mapping_leaves_no_room),
		cmocka_unit_test(overlap_is_symmetric),
		cmocka_unit_test(lookup_is_right_whatever_is_cached),
		cmocka_unit_test(neighbours_are_found_without_a_search),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
