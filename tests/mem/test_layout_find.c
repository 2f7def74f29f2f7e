/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Looking things up in a layout: right at every border, whatever the cache says.
 */
#include "mem/layout.h"

#include "mem/small_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct layout layout;

static int compute(void **state)
{
	(void)state;
	return layout_compute(&layout, &small_config, NULL) != MOTE_OK;
}

/* By trying all: what layout_find() has to answer. */
static const struct region *find_slowly(uint64_t address)
{
	for (size_t i = 0; i < layout.nregions; i++) {
		const struct region *region = &layout.regions[i];
		if (region->va && address >= region->va && address - region->va < region->size)
			return region;
	}
	return NULL;
}

static void check(uint64_t address)
{
	const struct region *want = find_slowly(address);

	for (size_t cache = 0; cache <= layout.nmapped + 1; cache++) {
		size_t at = cache;
		assert_ptr_equal(layout_find(&layout, address, &at), want);
		if (want)
			assert_ptr_equal(layout_mapped(&layout, at), want);
		/* again, with what it remembered */
		assert_ptr_equal(layout_find(&layout, address, &at), want);
	}
	size_t wild = SIZE_MAX;
	assert_ptr_equal(layout_find(&layout, address, &wild), want);
}

static void every_border_of_every_region_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < layout.nregions; i++) {
		const struct region *region = &layout.regions[i];
		if (region->va == 0)
			continue;
		check(region->va - 1);
		check(region->va);
		check(region->va + region->size / 2);
		check(region->va + region->size - 1);
		check(region->va + region->size);
	}
	check(0);
	check(1);
	check(UINT64_MAX);
	check(UINT64_C(1) << 63);
	check(MOTE_ADDRESS_END);
}

static void a_layout_without_regions_maps_nothing(void **state)
{
	(void)state;
	struct layout empty = { .nregions = 0 };
	size_t cache = 0;
	assert_null(layout_find(&empty, 0, &cache));
	assert_null(layout_find(&empty, 0x400000, &cache));
	assert_null(layout_mapped(&empty, 0));
}

static void kinds_without_a_region_are_not_there(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	struct layout bare;
	config.nsegments = 0;
	assert_int_equal(layout_compute(&bare, &config, NULL), MOTE_OK);
	assert_null(layout_get(&bare, REGION_CODE));
	assert_null(layout_get(&bare, REGION_DATA));
	assert_non_null(layout_get(&bare, REGION_HEAP));
}

struct visits {
	size_t count;
	uint64_t last_physical;
	bool saw_code, saw_supervisor, saw_tables, saw_doorbell;
};

static void visit(void *user, const mote_region_info *info)
{
	struct visits *visits = user;
	const struct region *region = &layout.regions[visits->count];

	assert_string_equal(info->name, region_kind_name(region->kind));
	assert_int_equal(info->physical, region->gpa);
	assert_int_equal(info->size, region->size);
	assert_true(visits->count == 0 || info->physical > visits->last_physical);
	visits->last_physical = info->physical;
	visits->count++;

	if (strcmp(info->name, "code") == 0) {
		visits->saw_code = true;
		assert_int_equal(info->address, SMALL_CODE);
		assert_true(info->readable && info->executable && !info->writable);
		assert_string_equal(info->slot, "RAM");
	} else if (strcmp(info->name, "doorbell") == 0) {
		visits->saw_doorbell = true;
		assert_null(info->slot);
		assert_true(!info->readable && !info->executable && info->writable);
	} else if (strcmp(info->name, "supervisor block") == 0) {
		visits->saw_supervisor = true;
		assert_int_equal(info->address, 0);
		assert_false(info->readable || info->executable || info->writable);
		assert_string_equal(info->slot, "firmware");
	} else if (strcmp(info->name, "page tables") == 0) {
		visits->saw_tables = true;
		assert_int_equal(info->address, 0);
	}
}

static void a_visit_shows_what_the_guest_can_do(void **state)
{
	(void)state;
	struct visits visits = { 0 };
	layout_visit(&layout, visit, &visits);
	assert_int_equal(visits.count, layout.nregions);
	assert_true(visits.saw_code && visits.saw_doorbell && visits.saw_supervisor &&
		    visits.saw_tables);
}

static void ranges_for_page_tables_follow_the_rights(void **state)
{
	(void)state;
	static const struct {
		enum region_kind kind;
		uint32_t flags;
	} rows[] = {
		{ REGION_CODE, VMEM_USER | VMEM_EXEC },
		{ REGION_DATA, VMEM_USER | VMEM_WRITE },
		{ REGION_START_BLOCK, VMEM_USER },
		{ REGION_HEAP, VMEM_USER | VMEM_WRITE | VMEM_LARGE },
		{ REGION_SUPERVISOR, VMEM_EXEC },
		{ REGION_EXCEPTION_STACK, VMEM_WRITE },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct region *region = layout_get(&layout, rows[i].kind);
		struct vmem_range range = layout_range(region);
		assert_int_equal(range.flags, rows[i].flags);
		assert_int_equal(range.kind, VMEM_BASIC);
		assert_int_equal(range.va, region->va);
		assert_int_equal(range.pa, region->gpa);
		assert_int_equal(range.size, region->size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_border_of_every_region_is_found),
		cmocka_unit_test(a_layout_without_regions_maps_nothing),
		cmocka_unit_test(kinds_without_a_region_are_not_there),
		cmocka_unit_test(a_visit_shows_what_the_guest_can_do),
		cmocka_unit_test(ranges_for_page_tables_follow_the_rights),
	};
	return cmocka_run_group_tests(tests, compute, NULL);
}
