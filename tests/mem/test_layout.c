/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts: whatever image and sizes, either everything has a place that breaks no rule, or an
 * error names what is wrong.
 */
#include "mem/layout.h"

#include "mem/small_guest.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define MIB  (UINT64_C(1) << 20)
#define GIB  (UINT64_C(1) << 30)
#define TIB  (UINT64_C(1) << 40)
#define PAGE MOTE_PAGE_SIZE

static bool is_aligned(uint64_t value, uint64_t unit)
{
	return value % unit == 0;
}

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a + a_size <= b || b + b_size <= a;
}

/* The first rule that REGION breaks, as a sentence, or NULL. */
static const char *region_flaw(const struct layout *layout, const struct region *region)
{
	const struct region *slot =
		region->kind == REGION_SUPERVISOR || region->kind == REGION_HYPERCALL
			? &layout->firmware
			: &layout->ram;

	if (region->size == 0 || !is_aligned(region->size | region->gpa | region->va, PAGE))
		return "is not made of whole pages";
	if ((region->flags & REGION_WRITE) && (region->flags & REGION_EXECUTE))
		return "can be written and executed";
	if (region->va + region->size > MOTE_ADDRESS_END || (region->va == 0) != !region->flags)
		return "is where no guest memory may be";
	if (region->kind == REGION_DOORBELL) {
		if (!apart(region->gpa, PAGE, layout->ram.gpa, layout->ram.size) ||
		    !apart(region->gpa, PAGE, layout->firmware.gpa, layout->firmware.size))
			return "is backed by a slot";
		return NULL;
	}
	if (region->gpa < slot->gpa || region->gpa + region->size > slot->gpa + slot->size)
		return "is not in its slot";
	return NULL;
}

/* The first rule that LAYOUT breaks. Quadratic and simple. */
static void check_rules(const char *what, const struct layout *layout)
{
	for (size_t i = 0; i < layout->nregions; i++) {
		const struct region *a = &layout->regions[i];
		const char *name = region_kind_name(a->kind);
		const char *flaw = region_flaw(layout, a);
		if (flaw)
			fail_msg("%s: the %s %s", what, name, flaw);
		for (size_t k = 0; k < i; k++) {
			const struct region *b = &layout->regions[k];
			if (b->gpa + b->size > a->gpa)
				fail_msg("%s: the %s is not behind the %s", what, name,
					 region_kind_name(b->kind));
			if (a->va && b->va && !apart(a->va, a->size, b->va, b->size))
				fail_msg("%s: %s and %s overlap", what, name,
					 region_kind_name(b->kind));
		}
	}
	assert_true(apart(layout->firmware.gpa, layout->firmware.size, layout->ram.gpa,
			  layout->ram.size));
	for (size_t i = 1; i < layout->nmapped; i++)
		assert_true(layout_mapped(layout, i - 1)->va < layout_mapped(layout, i)->va);
	assert_int_equal(layout->nmapped, layout->nregions - 2); /* all but page tables */

	const struct region *heap = layout_get(layout, REGION_HEAP);
	assert_true(is_aligned(heap->va | heap->gpa | heap->size, LAYOUT_LARGE_PAGE));
	static const enum region_kind guarded[] = { REGION_STACK, REGION_INPUT, REGION_OUTPUT };
	for (size_t i = 0; i < 3; i++) {
		uint64_t va = layout_get(layout, guarded[i])->va;
		size_t cache = 0;
		assert_null(layout_find(layout, va - 1, &cache));
		assert_null(layout_find(layout, va - LAYOUT_GUARD_SIZE, &cache));
	}
}

/* LAYOUT has the gifts of CONFIG and no others. */
static void check_gifts(const struct layout *layout, const struct layout_config *config)
{
	const struct region *data = layout_get(layout, REGION_INIT_DATA);
	const struct region *functions = layout_get(layout, REGION_HOST_FUNCTIONS);

	assert_true(!data == !config->init_data_size);
	assert_true(!functions == !config->nfunctions);
	if (data) {
		size_t cache = 0;
		assert_true(data->is_user);
		assert_int_equal(data->flags, REGION_READ | config->init_data_rights);
		assert_in_range(data->size, config->init_data_size,
				config->init_data_size + PAGE - 1);
		assert_null(layout_find(layout, data->va - 1, &cache));
		assert_null(layout_find(layout, data->va - LAYOUT_GUARD_SIZE, &cache));
		assert_int_equal(layout_guard(REGION_INIT_DATA), LAYOUT_GUARD_SIZE);
	}
	if (functions) {
		size_t bytes = 8 + 80 * config->nfunctions;
		assert_true(functions->is_user);
		assert_int_equal(functions->flags, REGION_READ);
		assert_int_equal(functions->va, MOTE_FUNCTION_TABLE);
		assert_in_range(functions->size, bytes, bytes + PAGE - 1);
	}
}

static void the_defaults_are_as_documented(void **state)
{
	(void)state;
	struct layout layout;
	assert_int_equal(layout_compute(&layout, &small_config, NULL), MOTE_OK);
	check_rules("defaults", &layout);
	assert_int_equal(layout_get(&layout, REGION_HEAP)->size, 64 * MIB);
	assert_int_equal(layout_get(&layout, REGION_STACK)->size, MIB);
	assert_int_equal(layout_get(&layout, REGION_INPUT)->size, 128 << 10);
	assert_int_equal(layout_get(&layout, REGION_OUTPUT)->size, 128 << 10);
	assert_int_equal(layout_get(&layout, REGION_HEAP)->va, 0x800000);

	/* what the working memory costs: one table */
	uint64_t stack = layout_get(&layout, REGION_STACK)->va;
	const struct region *output = layout_get(&layout, REGION_OUTPUT);
	assert_int_equal(stack / LAYOUT_LARGE_PAGE,
			 (output->va + output->size - 1) / LAYOUT_LARGE_PAGE);

	/* the host's window: addresses that the guest ABI fixes */
	assert_int_equal(layout_get(&layout, REGION_HYPERCALL)->va, MOTE_HYPERCALL_PAGE);
	assert_int_equal(layout_get(&layout, REGION_START_BLOCK)->va, MOTE_START_BLOCK);
	assert_int_equal(layout_get(&layout, REGION_MAPPING_TABLE)->va, MOTE_MAPPING_TABLE);
	assert_int_equal(layout_get(&layout, REGION_DOORBELL)->va, MOTE_DOORBELL_PAGE);
	assert_int_equal(layout_get(&layout, REGION_SUPERVISOR)->va, MOTE_SUPERVISOR_BASE);
	assert_int_equal(layout_get(&layout, REGION_EXCEPTION_STACK)->va,
			 small_config.exception_stack);

	/* the firmware slot is the caller's block with the hypercall page behind it */
	assert_int_equal(layout.firmware.size, small_config.supervisor_size + PAGE);
	assert_int_equal(layout_get(&layout, REGION_HYPERCALL)->gpa,
			 layout.firmware.gpa + small_config.supervisor_size);
	const struct region *tables = layout_get(&layout, REGION_PAGE_TABLES);
	const struct region *spare = layout_get(&layout, REGION_SPARE_PAGE_TABLES);
	assert_int_equal(tables->gpa, layout.ram.gpa);
	assert_int_equal(spare->gpa, tables->gpa + tables->size);
	assert_int_equal(spare->size, LAYOUT_SPARE_TABLES * PAGE);
}

static void rights_are_what_each_region_needs(void **state)
{
	(void)state;
	static const struct {
		enum region_kind kind;
		unsigned rights;
		bool is_user;
	} rows[] = {
		{ REGION_DOORBELL, REGION_WRITE, true },
		{ REGION_SUPERVISOR, REGION_READ | REGION_EXECUTE, false },
		{ REGION_HYPERCALL, REGION_READ | REGION_EXECUTE, true },
		{ REGION_PAGE_TABLES, 0, false },
		{ REGION_SPARE_PAGE_TABLES, 0, false },
		{ REGION_EXCEPTION_STACK, REGION_READ | REGION_WRITE, false },
		{ REGION_START_BLOCK, REGION_READ, true },
		{ REGION_MAPPING_TABLE, REGION_READ, true },
		{ REGION_CODE, REGION_READ | REGION_EXECUTE, true },
		{ REGION_READ_ONLY_DATA, REGION_READ, true },
		{ REGION_DATA, REGION_READ | REGION_WRITE, true },
		{ REGION_STACK, REGION_READ | REGION_WRITE, true },
		{ REGION_INPUT, REGION_READ | REGION_WRITE, true },
		{ REGION_OUTPUT, REGION_READ | REGION_WRITE, true },
		{ REGION_HEAP, REGION_READ | REGION_WRITE, true },
	};
	struct layout layout;
	assert_int_equal(layout_compute(&layout, &small_config, NULL), MOTE_OK);
	assert_int_equal(layout.nregions, sizeof rows / sizeof rows[0]);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct region *region = layout_get(&layout, rows[i].kind);
		assert_int_equal(region->flags, rows[i].rights);
		assert_int_equal(region->is_user, rows[i].is_user);
	}
}

static void segments_lie_at_their_own_addresses(void **state)
{
	(void)state;
	struct layout layout;
	assert_int_equal(layout_compute(&layout, &small_config, NULL), MOTE_OK);
	const struct region *code = layout_get(&layout, REGION_CODE);
	const struct region *data = layout_get(&layout, REGION_DATA);
	assert_int_equal(code->va, SMALL_CODE);
	assert_int_equal(code->size, 0x3000);
	assert_int_equal(data->va, SMALL_DATA);
	assert_int_equal(data->size, 0x6000);
	assert_ptr_equal(data, code + 1);
}

/* One segment and the sizes, with the end of the story. ERROR is part of the message. */
static const struct {
	const char *what;
	uint64_t address, size;
	uint64_t heap, stack, input, output;
	mote_status status;
	const char *error;
} rows[] = {
	{ "no segment", 0, 0, 0, 0, 0, 0, MOTE_OK, NULL },
	{ "lowest address", MOTE_WINDOW_END, 1, 0, 0, 0, 0, MOTE_OK, NULL },
	{ "in the window", MOTE_WINDOW_END - 1, 1, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "across the window's end", MOTE_WINDOW_END - PAGE, 2 * PAGE, 0, 0, 0, 0, MOTE_E_IMAGE,
	  "outside" },
	{ "page 0", 0, PAGE, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "the last page", MOTE_ADDRESS_END - PAGE, PAGE, 0, 0, 0, 0, MOTE_E_IMAGE, "do not fit" },
	{ "behind the last page", MOTE_ADDRESS_END, 1, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "one byte over the end", MOTE_ADDRESS_END - PAGE, PAGE + 1, 0, 0, 0, 0, MOTE_E_IMAGE,
	  "outside" },
	{ "end wraps", MOTE_ADDRESS_END - PAGE, UINT64_MAX, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "the highest address", UINT64_MAX, 1, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "not canonical", UINT64_C(1) << 47, PAGE, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "upper half", UINT64_C(0xffffffff80000000), PAGE, 0, 0, 0, 0, MOTE_E_IMAGE, "outside" },
	{ "as high as all fits", MOTE_ADDRESS_END - 66 * MIB, PAGE, 0, 0, 0, 0, MOTE_OK, NULL },
	{ "a bit too high", MOTE_ADDRESS_END - 65 * MIB, PAGE, 0, 0, 0, 0, MOTE_E_IMAGE,
	  "do not fit" },
	{ "high, all sizes small", MOTE_ADDRESS_END - 6 * MIB, PAGE, 1, 1, 1, 1, MOTE_OK, NULL },
	{ "the very last byte", MOTE_ADDRESS_END - 5 * MIB, PAGE, 1, 0x1cd000, 1, 1, MOTE_OK,
	  NULL },
	{ "a page more", MOTE_ADDRESS_END - 5 * MIB, PAGE, 1, 0x1ce000, 1, 1, MOTE_E_IMAGE,
	  "do not fit" },
	{ "largest image", MOTE_PIE_BASE, MOTE_MAX_IMAGE_SIZE, 0, 0, 0, 0, MOTE_OK, NULL },
	{ "image one byte too large", MOTE_PIE_BASE, MOTE_MAX_IMAGE_SIZE + 1, 0, 0, 0, 0,
	  MOTE_E_IMAGE, "at most 4294967296" },
	{ "absurd image", MOTE_PIE_BASE, 100 * TIB, 0, 0, 0, 0, MOTE_E_IMAGE, "at most" },
	{ "largest sizes", MOTE_PIE_BASE, 1, TIB, GIB, 64 * MIB, 64 * MIB, MOTE_OK, NULL },
	{ "smallest sizes", MOTE_PIE_BASE, 1, 1, 1, 1, 1, MOTE_OK, NULL },
	{ "heap too large", MOTE_PIE_BASE, 1, TIB + 1, 0, 0, 0, MOTE_E_INVALID,
	  "heap_size is 1099511627777; it may be at most 1099511627776" },
	{ "stack too large", MOTE_PIE_BASE, 1, 0, GIB + 1, 0, 0, MOTE_E_INVALID, "stack_size" },
	{ "input too large", MOTE_PIE_BASE, 1, 0, 0, 64 * MIB + 1, 0, MOTE_E_INVALID,
	  "input_size" },
	{ "output too large", MOTE_PIE_BASE, 1, 0, 0, 0, 64 * MIB + 1, MOTE_E_INVALID,
	  "output_size" },
	{ "heap that wraps when rounded", MOTE_PIE_BASE, 1, UINT64_MAX, 0, 0, 0, MOTE_E_INVALID,
	  "heap_size" },
	{ "stack that wraps when rounded", MOTE_PIE_BASE, 1, 0, UINT64_MAX, 0, 0, MOTE_E_INVALID,
	  "stack_size" },
};

static void images_and_sizes_fit_or_are_refused_with_a_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		mote_segment_info segment = {
			.address = rows[i].address,
			.memory_size = rows[i].size,
			.readable = true,
			.writable = true,
		};
		struct layout_config config = small_config;
		config.segments = &segment;
		config.nsegments = rows[i].size != 0;
		config.heap_size = rows[i].heap;
		config.stack_size = rows[i].stack;
		config.input_size = rows[i].input;
		config.output_size = rows[i].output;

		struct layout layout;
		mote_error err = { .code = MOTE_OK };
		mote_status got = layout_compute(&layout, &config, &err);
		if (got != rows[i].status || err.code != rows[i].status ||
		    (rows[i].error && !strstr(err.message, rows[i].error)))
			fail_msg("%s: got %s, \"%s\"", rows[i].what, mote_status_name(got),
				 err.message);
		if (got == MOTE_OK)
			check_rules(rows[i].what, &layout);
	}
}

static void check_buffers(const struct layout *layout, uint64_t size)
{
	static const struct {
		enum region_kind kind;
		unsigned rights;
	} kinds[] = { { REGION_ARGUMENTS, REGION_READ },
		      { REGION_RESULTS, REGION_READ | REGION_WRITE } };

	for (size_t i = 0; i < 2; i++) {
		const struct region *region = layout_get(layout, kinds[i].kind);
		size_t cache = 0;

		assert_true(!region == !size);
		if (!region)
			continue;
		assert_int_equal(region->flags, kinds[i].rights);
		assert_true(region->is_user);
		assert_int_equal(region->size, size);
		assert_true(is_aligned(region->va | region->gpa, LAYOUT_LARGE_PAGE));
		assert_null(layout_find(layout, region->va - 1, &cache));
		assert_null(layout_find(layout, region->va - LAYOUT_GUARD_SIZE, &cache));
		assert_int_equal(layout_guard(kinds[i].kind), LAYOUT_GUARD_SIZE);
	}
}

/* Behind all others, which stay where they are. */
static void buffers_for_bulk_data_are_there_for_guests_that_know_them(void **state)
{
	(void)state;
	static const struct {
		uint64_t size, init_data, image;
		bool is_known;
		uint64_t want;
		mote_status status;
		const char *error;
	} buffers[] = {
		{ 0, 0, 0, true, 0, MOTE_OK, NULL },
		{ 1, 0, 0, true, PAGE, MOTE_OK, NULL },
		{ PAGE + 1, PAGE, 0, true, 2 * PAGE, MOTE_OK, NULL },
		{ 2 * MIB, 0, 0, true, 2 * MIB, MOTE_OK, NULL },
		{ 3 * MIB, GIB, 0, true, 3 * MIB, MOTE_OK, NULL },
		{ GIB, 0, 0, true, GIB, MOTE_OK, NULL },
		{ GIB, 0, 0, false, 0, MOTE_OK, NULL },
		{ GIB + 1, 0, 0, true, 0, MOTE_E_INVALID,
		  "buffer_size is 1073741825; it may be at most 1073741824" },
		{ GIB + 1, 0, 0, false, 0, MOTE_E_INVALID, "buffer_size is" },
		{ UINT64_MAX, 0, 0, true, 0, MOTE_E_INVALID, "buffer_size is" },
		{ PAGE, 0, MOTE_ADDRESS_END - 72 * MIB, true, PAGE, MOTE_OK, NULL },
		{ PAGE, 0, MOTE_ADDRESS_END - 68 * MIB, true, 0, MOTE_E_IMAGE,
		  "and twice buffer_size 4096 do not fit" },
		{ PAGE, 0, MOTE_ADDRESS_END - 68 * MIB, false, 0, MOTE_OK, NULL },
	};

	for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++) {
		mote_segment_info segment = { .address = buffers[i].image, .memory_size = PAGE };
		struct layout_config config = small_config;
		struct layout layout, bare;
		mote_error err = { .message = "" };

		config.init_data_size = buffers[i].init_data;
		if (buffers[i].image) {
			config.segments = &segment;
			config.nsegments = 1;
		}
		assert_int_equal(layout_compute(&bare, &config, NULL), MOTE_OK);
		config.buffer_size = buffers[i].size;
		config.knows_buffers = buffers[i].is_known;
		mote_status got = layout_compute(&layout, &config, &err);
		if (got != buffers[i].status ||
		    (buffers[i].error && !strstr(err.message, buffers[i].error)))
			fail_msg("row %zu: got %s, \"%s\"", i, mote_status_name(got), err.message);
		if (got)
			continue;
		check_rules("buffers", &layout);
		check_buffers(&layout, buffers[i].want);
		for (size_t k = 0; k < bare.nregions; k++) {
			assert_int_equal(layout.regions[k].kind, bare.regions[k].kind);
			assert_int_equal(layout.regions[k].va, bare.regions[k].va);
		}
	}
}

/* What is there only if the guest is given it: nothing else moves where the guest can see it. */
static void gifts_have_a_place_or_are_refused_with_a_reason(void **state)
{
	(void)state;
	static const struct {
		const char *what;
		uint64_t init_data;
		unsigned rights;
		size_t nfunctions;
		const char *error; /* NULL: fine */
	} gifts[] = {
		{ "none", 0, 0, 0, NULL },
		{ "a byte", 1, 0, 0, NULL },
		{ "a byte to write", 1, REGION_WRITE, 0, NULL },
		{ "a byte to execute", 1, REGION_EXECUTE, 0, NULL },
		{ "the largest", GIB, 0, 0, NULL },
		{ "too large", GIB + 1, 0, 0,
		  "init_data_size is 1073741825; it may be at most 1073741824; map" },
		{ "wraps when rounded", UINT64_MAX, 0, 0, "init_data_size" },
		{ "write and execute", 1, REGION_WRITE | REGION_EXECUTE, 0,
		  "writable and executable" },
		{ "one function", 0, 0, 1, NULL },
		{ "a page of functions", 0, 0, 51, NULL },
		{ "a function more", 0, 0, 52, NULL },
		{ "all functions and data", PAGE + 1, 0, MOTE_FUNCTIONS_MAX, NULL },
		{ "too many functions", 0, 0, MOTE_FUNCTIONS_MAX + 1,
		  "nfunctions is 1025; it may be at most 1024" },
		{ "absurdly many functions", 0, 0, SIZE_MAX,
		  "nfunctions is 18446744073709551615; it may be at most 1024" },
	};
	struct layout bare;

	assert_int_equal(layout_compute(&bare, &small_config, NULL), MOTE_OK);
	for (size_t i = 0; i < sizeof gifts / sizeof gifts[0]; i++) {
		struct layout_config config = small_config;
		struct layout layout;
		mote_error err = { .message = "" };

		config.init_data_size = gifts[i].init_data;
		config.init_data_rights = gifts[i].rights;
		config.nfunctions = gifts[i].nfunctions;
		mote_status got = layout_compute(&layout, &config, &err);
		if (got != (gifts[i].error ? MOTE_E_INVALID : MOTE_OK) ||
		    (gifts[i].error && !strstr(err.message, gifts[i].error)))
			fail_msg("%s: got %s, \"%s\"", gifts[i].what, mote_status_name(got),
				 err.message);
		if (got)
			continue;
		check_rules(gifts[i].what, &layout);
		check_gifts(&layout, &config);
		for (size_t k = 0; k < bare.nmapped; k++) {
			const struct region *was = layout_mapped(&bare, k);
			size_t cache = 0;
			const struct region *is = layout_find(&layout, was->va, &cache);
			assert_true(is && is->va == was->va && is->size == was->size);
		}
	}
}

static void init_data_must_fit_too(void **state)
{
	(void)state;
	struct layout_config config = small_config;
	mote_segment_info segment = { .address = MOTE_ADDRESS_END - GIB, .memory_size = 1 };
	mote_error err;
	struct layout layout;

	config.segments = &segment;
	config.nsegments = 1;
	assert_int_equal(layout_compute(&layout, &config, &err), MOTE_OK);
	config.init_data_size = GIB;
	assert_int_equal(layout_compute(&layout, &config, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "init_data_size 1073741824 and twice"));
}

/* Pairs of segments. FLAGS: 'w' and 'x', one string a segment. */
static const struct {
	const char *what;
	uint64_t address[2];
	uint64_t size[2];
	const char *flags[2];
	const char *error;
} pairs[] = {
	{ "neighbours", { 0x400000, 0x401000 }, { 0x1000, 0x1000 }, { "x", "w" }, NULL },
	{ "far apart", { 0x400000, 0x7f0000000000 }, { 0x1000, 0x1000 }, { "x", "w" }, NULL },
	{ "same page, code and data",
	  { 0x400000, 0x400800 },
	  { 0x800, 0x800 },
	  { "x", "w" },
	  "shares a page" },
	{ "same page, same rights",
	  { 0x400000, 0x400800 },
	  { 0x800, 0x800 },
	  { "w", "w" },
	  "shares a page" },
	{ "overlap", { 0x400000, 0x401000 }, { 0x1001, 0x1000 }, { "x", "w" }, "overlaps" },
	{ "the same twice", { 0x400000, 0x400000 }, { 1, 1 }, { "x", "w" }, "overlaps" },
	{ "descending", { 0x500000, 0x400000 }, { 1, 1 }, { "x", "w" }, "overlaps" },
	{ "an empty one between", { 0x500000, 0x400000 }, { 1, 0 }, { "x", "w" }, NULL },
	{ "write and execute",
	  { 0x400000, 0x500000 },
	  { 1, 1 },
	  { "x", "wx" },
	  "writable and executable" },
	{ "together too large",
	  { 0x400000, 0x200000000 },
	  { 0xc0000000, 0x40001000 },
	  { "", "w" },
	  "at most" },
};

static void segments_that_get_in_each_others_way_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
		mote_segment_info segments[2] = { 0 };
		for (size_t k = 0; k < 2; k++) {
			segments[k].address = pairs[i].address[k];
			segments[k].memory_size = pairs[i].size[k];
			segments[k].writable = strchr(pairs[i].flags[k], 'w') != NULL;
			segments[k].executable = strchr(pairs[i].flags[k], 'x') != NULL;
		}
		struct layout_config config = small_config;
		config.segments = segments;
		config.nsegments = 2;

		struct layout layout;
		mote_error err = { .message = "" };
		mote_status want = pairs[i].error ? MOTE_E_IMAGE : MOTE_OK;
		mote_status got = layout_compute(&layout, &config, &err);
		if (got != want || (want && !strstr(err.message, pairs[i].error)))
			fail_msg("%s: got %s, \"%s\"", pairs[i].what, mote_status_name(got),
				 err.message);
		if (got == MOTE_OK)
			check_rules(pairs[i].what, &layout);
	}
}

static void as_many_segments_as_there_may_be(void **state)
{
	(void)state;
	static mote_segment_info segments[MOTE_MAX_SEGMENTS + 1];
	for (size_t i = 0; i <= MOTE_MAX_SEGMENTS; i++)
		segments[i] = (mote_segment_info){
			.address = 0x400000 + i * 0x40000000, /* tables of their own, each */
			.memory_size = i % 7 * 1000 + 1,
			.writable = i % 3 == 1,
			.executable = i % 3 == 2,
		};
	struct layout_config config = small_config;
	struct layout layout;
	mote_error err;
	config.segments = segments;
	config.nsegments = MOTE_MAX_SEGMENTS;
	assert_int_equal(layout_compute(&layout, &config, &err), MOTE_OK);
	check_rules("64 segments", &layout);

	config.nsegments = MOTE_MAX_SEGMENTS + 1;
	assert_int_equal(layout_compute(&layout, &config, &err), MOTE_E_IMAGE);
	assert_string_equal(err.message, "65 segments; a guest may have at most 64");
}

static void more_bytes_in_the_file_than_in_memory_are_refused(void **state)
{
	(void)state;
	mote_segment_info segment = { .address = 0x400000, .memory_size = 9, .file_size = 10 };
	struct layout_config config = small_config;
	struct layout layout;
	mote_error err;
	config.segments = &segment;
	config.nsegments = 1;
	assert_int_equal(layout_compute(&layout, &config, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "10 bytes in the file and 9 in memory"));
}

static const struct {
	const char *what;
	uint64_t size, stack;
	mote_status status;
} supervisors[] = {
	{ "smallest", PAGE, MOTE_SUPERVISOR_BASE + PAGE, MOTE_OK },
	{ "largest", 0xff000, MOTE_WINDOW_END - PAGE, MOTE_OK },
	{ "no block", 0, MOTE_SUPERVISOR_BASE + PAGE, MOTE_E_INVALID },
	{ "part of a page", 100, MOTE_SUPERVISOR_BASE + PAGE, MOTE_E_INVALID },
	{ "too large", 0x100000, MOTE_WINDOW_END - PAGE, MOTE_E_INVALID },
	{ "huge", UINT64_MAX - PAGE + 1, MOTE_WINDOW_END - PAGE, MOTE_E_INVALID },
	{ "stack in the block", 0x4000, MOTE_SUPERVISOR_BASE + 0x3000, MOTE_E_INVALID },
	{ "stack below it", 0x4000, MOTE_SUPERVISOR_BASE - PAGE, MOTE_E_INVALID },
	{ "stack past the window", 0x4000, MOTE_WINDOW_END, MOTE_E_INVALID },
	{ "stack in the middle of a page", 0x4000, MOTE_SUPERVISOR_BASE + 0x8010, MOTE_E_INVALID },
	{ "stack at the highest page", 0x4000, UINT64_MAX - PAGE + 1, MOTE_E_INVALID },
};

static void supervisor_blocks_stay_in_the_window(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof supervisors / sizeof supervisors[0]; i++) {
		struct layout_config config = small_config;
		struct layout layout;
		config.supervisor_size = supervisors[i].size;
		config.exception_stack = supervisors[i].stack;
		mote_status got = layout_compute(&layout, &config, NULL);
		if (got != supervisors[i].status)
			fail_msg("%s: got %s", supervisors[i].what, mote_status_name(got));
		if (got == MOTE_OK)
			check_rules(supervisors[i].what, &layout);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_defaults_are_as_documented),
		cmocka_unit_test(rights_are_what_each_region_needs),
		cmocka_unit_test(segments_lie_at_their_own_addresses),
		cmocka_unit_test(images_and_sizes_fit_or_are_refused_with_a_reason),
		cmocka_unit_test(buffers_for_bulk_data_are_there_for_guests_that_know_them),
		cmocka_unit_test(gifts_have_a_place_or_are_refused_with_a_reason),
		cmocka_unit_test(init_data_must_fit_too),
		cmocka_unit_test(segments_that_get_in_each_others_way_are_refused),
		cmocka_unit_test(as_many_segments_as_there_may_be),
		cmocka_unit_test(more_bytes_in_the_file_than_in_memory_are_refused),
		cmocka_unit_test(supervisor_blocks_stay_in_the_window),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
