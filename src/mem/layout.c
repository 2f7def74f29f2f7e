/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes layouts, in four steps: the sizes, what goes where in virtual memory, how many
 * page tables that takes, and then physical memory, where the tables come first. Every
 * number is bounded before it is added to another, so that no sum can wrap: virtual
 * addresses stay below 2^47, and all that is added to them below 2^41.
 */
#include "mem/layout.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"

#include <inttypes.h>

enum { HEAP, STACK, INPUT, OUTPUT, BUFFER, NSIZES };

/* The sizes that a caller chooses, as documented in mote/limits.h. */
static const struct size_rule {
	const char *option;
	uint64_t standard;
	uint64_t largest;
	uint64_t unit;
} size_rules[NSIZES] = {
	[HEAP] = { "heap_size", MOTE_DEFAULT_HEAP_SIZE, MOTE_MAX_HEAP_SIZE, LAYOUT_LARGE_PAGE },
	[STACK] = { "stack_size", MOTE_DEFAULT_STACK_SIZE, MOTE_MAX_STACK_SIZE, MOTE_PAGE_SIZE },
	[INPUT] = { "input_size", MOTE_DEFAULT_INPUT_SIZE, MOTE_MAX_INPUT_SIZE, MOTE_PAGE_SIZE },
	[OUTPUT] = { "output_size", MOTE_DEFAULT_OUTPUT_SIZE, MOTE_MAX_OUTPUT_SIZE,
		     MOTE_PAGE_SIZE },
	[BUFFER] = { "buffer_size", 0, MOTE_MAX_BUFFER_SIZE, MOTE_PAGE_SIZE },
};

/* VALUE is small enough not to wrap. */
static uint64_t round_up(uint64_t value, uint64_t unit)
{
	return (value + unit - 1) & ~(unit - 1);
}

static mote_status check_sizes(const struct layout_config *config, uint64_t sizes[NSIZES],
			       mote_error *err)
{
	sizes[HEAP] = config->heap_size;
	sizes[STACK] = config->stack_size;
	sizes[INPUT] = config->input_size;
	sizes[OUTPUT] = config->output_size;
	sizes[BUFFER] = config->buffer_size;

	for (size_t i = 0; i < NSIZES; i++) {
		const struct size_rule *rule = &size_rules[i];
		if (sizes[i] > rule->largest)
			return error_set(err, MOTE_E_INVALID,
					 "%s is %" PRIu64 "; it may be at most %" PRIu64,
					 rule->option, sizes[i], rule->largest);
		sizes[i] = round_up(sizes[i] ? sizes[i] : rule->standard, rule->unit);
	}
	if (!config->knows_buffers)
		sizes[BUFFER] = 0;
	return MOTE_OK;
}

/* What is there only if the guest is given it. */
static mote_status check_gifts(const struct layout_config *config, mote_error *err)
{
	if (config->init_data_size > MOTE_MAX_INIT_DATA_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "init_data_size is %" PRIu64 "; it may be at most %" PRIu64
				 "; map what is larger as a file",
				 config->init_data_size, MOTE_MAX_INIT_DATA_SIZE);
	if (config->init_data_rights == (REGION_WRITE | REGION_EXECUTE))
		return error_set(err, MOTE_E_INVALID,
				 "the init data is to be writable and executable; no memory of a "
				 "guest is both");
	if (config->nfunctions > MOTE_FUNCTIONS_MAX)
		return error_set(err, MOTE_E_INVALID, "nfunctions is %zu; it may be at most %d",
				 config->nfunctions, MOTE_FUNCTIONS_MAX);
	return MOTE_OK;
}

/* A region, in the order of physical addresses; its GPA comes later. */
static struct region *add(struct layout *layout, enum region_kind kind, unsigned rights,
			  bool is_user, uint64_t va, uint64_t size)
{
	struct region *region = &layout->regions[layout->nregions];

	*region = (struct region){
		.va = va,
		.size = size,
		.flags = rights,
		.is_user = is_user,
		.kind = kind,
		.host = REGION_HOST_NONE,
	};
	if (layout->first[kind] == LAYOUT_NONE)
		layout->first[kind] = (uint8_t)layout->nregions;
	layout->nregions++;
	return region;
}

static mote_status check_supervisor(const struct layout_config *config, mote_error *err)
{
	/* The exception stack comes behind it; in physical memory, the hypercall page. */
	const uint64_t room = MOTE_WINDOW_END - MOTE_SUPERVISOR_BASE - MOTE_PAGE_SIZE;
	uint64_t size = config->supervisor_size;
	uint64_t stack = config->exception_stack;

	if (size == 0 || size % MOTE_PAGE_SIZE || size > room)
		return error_set(err, MOTE_E_INVALID,
				 "a supervisor block of %" PRIu64
				 " bytes; it must be whole pages and at most %" PRIu64 " bytes",
				 size, room);
	if (stack % MOTE_PAGE_SIZE || stack < MOTE_SUPERVISOR_BASE + size ||
	    stack > MOTE_WINDOW_END - MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "an exception stack at 0x%" PRIx64
				 "; its page must lie between the supervisor block and 0x%" PRIx64,
				 stack, MOTE_WINDOW_END);
	return MOTE_OK;
}

/* What the host puts into its window of every guest. */
static void add_window(struct layout *layout, const struct layout_config *config)
{
	add(layout, REGION_DOORBELL, REGION_WRITE, true, MOTE_DOORBELL_PAGE, MOTE_PAGE_SIZE);
	add(layout, REGION_SUPERVISOR, REGION_READ | REGION_EXECUTE, false, MOTE_SUPERVISOR_BASE,
	    config->supervisor_size);
	add(layout, REGION_HYPERCALL, REGION_READ | REGION_EXECUTE, true, MOTE_HYPERCALL_PAGE,
	    MOTE_PAGE_SIZE);
	add(layout, REGION_PAGE_TABLES, 0, false, 0, 0);
	add(layout, REGION_SPARE_PAGE_TABLES, 0, false, 0, LAYOUT_SPARE_TABLES * MOTE_PAGE_SIZE);
	add(layout, REGION_EXCEPTION_STACK, REGION_READ | REGION_WRITE, false,
	    config->exception_stack, MOTE_PAGE_SIZE);
	add(layout, REGION_START_BLOCK, REGION_READ, true, MOTE_START_BLOCK, MOTE_PAGE_SIZE);
	add(layout, REGION_MAPPING_TABLE, REGION_READ, true, MOTE_MAPPING_TABLE, MOTE_PAGE_SIZE);
	if (config->nfunctions > 0)
		add(layout, REGION_HOST_FUNCTIONS, REGION_READ, true, MOTE_FUNCTION_TABLE,
		    round_up(sizeof(struct mote_function_table) +
				     config->nfunctions * sizeof(struct mote_function_record),
			     MOTE_PAGE_SIZE));
}

static mote_status check_segment(const mote_segment_info *segment, size_t index, uint64_t free_from,
				 mote_error *err)
{
	uint64_t address = segment->address;
	uint64_t size = segment->memory_size;

	if (address < MOTE_WINDOW_END || address >= MOTE_ADDRESS_END ||
	    size > MOTE_ADDRESS_END - address)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu, %" PRIu64 " bytes at 0x%" PRIx64
				 ", is outside of what a guest may use, 0x%" PRIx64 " to 0x%" PRIx64
				 "; link it elsewhere",
				 index, size, address, MOTE_WINDOW_END, MOTE_ADDRESS_END);
	if (address < free_from)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at 0x%" PRIx64
				 " overlaps or shares a page with one that ends in the page below "
				 "0x%" PRIx64 "; link them apart",
				 index, address, free_from);
	if (segment->file_size > size)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has %" PRIu64 " bytes in the file and %" PRIu64
				 " in memory; it cannot have more in the file",
				 index, segment->file_size, size);
	if (segment->writable && segment->executable)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at 0x%" PRIx64
				 " is writable and executable; link code and data apart",
				 index, address);
	return MOTE_OK;
}

static void add_segment(struct layout *layout, const mote_segment_info *segment, uint64_t va,
			uint64_t size)
{
	/* Processors have no pages that can be written or executed but not read. */
	if (segment->executable)
		add(layout, REGION_CODE, REGION_READ | REGION_EXECUTE, true, va, size);
	else if (segment->writable)
		add(layout, REGION_DATA, REGION_READ | REGION_WRITE, true, va, size);
	else
		add(layout, REGION_READ_ONLY_DATA, REGION_READ, true, va, size);
}

/* Adds the image and stores where it ends. */
static mote_status add_image(struct layout *layout, const struct layout_config *config,
			     uint64_t *end, mote_error *err)
{
	uint64_t total = 0;

	*end = MOTE_WINDOW_END;
	if (config->nsegments > MOTE_MAX_SEGMENTS)
		return error_set(err, MOTE_E_IMAGE, "%zu segments; a guest may have at most %d",
				 config->nsegments, MOTE_MAX_SEGMENTS);
	for (size_t i = 0; i < config->nsegments; i++) {
		const mote_segment_info *segment = &config->segments[i];
		if (segment->memory_size == 0)
			continue;
		mote_status status = check_segment(segment, i, *end, err);
		if (status)
			return status;
		uint64_t va = segment->address & ~(MOTE_PAGE_SIZE - 1);

		*end = round_up(segment->address + segment->memory_size, MOTE_PAGE_SIZE);
		total += *end - va;
		add_segment(layout, segment, va, *end - va);
	}
	if (total > MOTE_MAX_IMAGE_SIZE)
		return error_set(err, MOTE_E_IMAGE,
				 "the image needs %" PRIu64 " bytes of memory; at most %" PRIu64
				 " are possible",
				 total, MOTE_MAX_IMAGE_SIZE);
	return MOTE_OK;
}

/* What the guest works with, behind the image. Those that share a page table come together. */
static mote_status add_working_memory(struct layout *layout, const struct layout_config *config,
				      const uint64_t sizes[NSIZES], uint64_t image_end,
				      mote_error *err)
{
	uint64_t heap = round_up(image_end, LAYOUT_LARGE_PAGE);
	uint64_t stack = heap + sizes[HEAP] + LAYOUT_GUARD_SIZE;
	uint64_t input = stack + sizes[STACK] + LAYOUT_GUARD_SIZE;
	uint64_t output = input + sizes[INPUT] + LAYOUT_GUARD_SIZE;
	uint64_t init_data = output + sizes[OUTPUT] + LAYOUT_GUARD_SIZE;
	uint64_t init_data_size = round_up(config->init_data_size, MOTE_PAGE_SIZE);
	uint64_t end = init_data_size ? init_data + init_data_size : output + sizes[OUTPUT];
	uint64_t arguments = round_up(end + LAYOUT_GUARD_SIZE, LAYOUT_LARGE_PAGE);
	uint64_t results =
		round_up(arguments + sizes[BUFFER] + LAYOUT_GUARD_SIZE, LAYOUT_LARGE_PAGE);

	if (sizes[BUFFER] > 0)
		end = results + sizes[BUFFER];
	if (end > MOTE_ADDRESS_END)
		return error_set(err, MOTE_E_IMAGE,
				 "the image ends at 0x%" PRIx64 ", and heap_size %" PRIu64
				 ", stack_size %" PRIu64 ", input_size %" PRIu64
				 ", output_size %" PRIu64 ", init_data_size %" PRIu64
				 " and twice buffer_size %" PRIu64
				 " do not fit between it and 0x%" PRIx64
				 "; link it lower or make them smaller",
				 image_end, sizes[HEAP], sizes[STACK], sizes[INPUT], sizes[OUTPUT],
				 config->init_data_size, sizes[BUFFER], MOTE_ADDRESS_END);

	const unsigned read_write = REGION_READ | REGION_WRITE;

	add(layout, REGION_STACK, read_write, true, stack, sizes[STACK]);
	add(layout, REGION_INPUT, read_write, true, input, sizes[INPUT]);
	add(layout, REGION_OUTPUT, read_write, true, output, sizes[OUTPUT]);
	if (init_data_size > 0)
		add(layout, REGION_INIT_DATA, REGION_READ | config->init_data_rights, true,
		    init_data, init_data_size);
	add(layout, REGION_HEAP, read_write, true, heap, sizes[HEAP]);
	if (sizes[BUFFER] > 0) {
		add(layout, REGION_ARGUMENTS, REGION_READ, true, arguments, sizes[BUFFER]);
		add(layout, REGION_RESULTS, read_write, true, results, sizes[BUFFER]);
	}
	return MOTE_OK;
}

/* Fills by_va: insertion, since most regions are in order already. */
static void sort_by_address(struct layout *layout)
{
	for (size_t i = 0; i < layout->nregions; i++) {
		if (layout->regions[i].va == 0)
			continue;
		size_t at = layout->nmapped++;
		for (; at > 0; at--) {
			uint8_t before = layout->by_va[at - 1];
			if (layout->regions[before].va < layout->regions[i].va)
				break;
			layout->by_va[at] = before;
		}
		layout->by_va[at] = (uint8_t)i;
	}
}

/* Regions of which virtual and physical addresses begin a large page. */
static bool is_large(enum region_kind kind)
{
	return kind == REGION_HEAP || kind == REGION_ARGUMENTS || kind == REGION_RESULTS;
}

struct vmem_range layout_range(const struct region *region)
{
	return (struct vmem_range){
		.va = region->va,
		.pa = region->gpa,
		.size = region->size,
		.flags = (region->flags & REGION_WRITE ? VMEM_WRITE : 0) |
			 (region->flags & REGION_EXECUTE ? VMEM_EXEC : 0) |
			 (region->is_user ? VMEM_USER : 0) |
			 (is_large(region->kind) ? VMEM_LARGE : 0),
		.kind = VMEM_BASIC,
	};
}

static uint64_t page_tables_size(const struct layout *layout)
{
	struct vmem_range ranges[LAYOUT_REGIONS_MAX];

	for (size_t i = 0; i < layout->nmapped; i++) {
		ranges[i] = layout_range(layout_mapped(layout, i));
		ranges[i].pa = ranges[i].va; /* not known yet, but no less aligned */
	}
	return vmem_count_tables(&vmem_amd64, ranges, layout->nmapped) * MOTE_PAGE_SIZE;
}

/* Where a region of KIND begins if the one before it ends at END. */
static uint64_t start_of(enum region_kind kind, uint64_t end)
{
	if (is_large(kind))
		return round_up(end, LAYOUT_LARGE_PAGE);
	switch (kind) {
	case REGION_DOORBELL:
		return LAYOUT_DOORBELL_GPA;
	case REGION_SUPERVISOR:
		return LAYOUT_FIRMWARE_GPA;
	case REGION_PAGE_TABLES:
		return LAYOUT_RAM_GPA;
	default:
		return end;
	}
}

/* Gives every region its physical address, and the slots theirs. */
static mote_status place(struct layout *layout, mote_error *err)
{
	const struct layout wanted = *layout;
	struct region_builder builder;
	mote_status status = MOTE_OK;

	region_builder_init(&builder, layout->regions, LAYOUT_REGIONS_MAX, 0, REGION_HOST_NONE);
	for (size_t i = 0; i < wanted.nregions && !status; i++) {
		struct region region = wanted.regions[i];

		if (region.kind == REGION_PAGE_TABLES)
			region.size = page_tables_size(&wanted);
		region_builder_skip_to(&builder, start_of(region.kind, builder.next_gpa));
		status = region_builder_push(&builder, &region, err);
	}

	const struct region *hypercall = layout_get(layout, REGION_HYPERCALL);

	layout->firmware = (struct region){
		.gpa = LAYOUT_FIRMWARE_GPA,
		.size = hypercall->gpa + hypercall->size - LAYOUT_FIRMWARE_GPA,
		.flags = REGION_READ | REGION_EXECUTE,
		.kind = REGION_FIRMWARE,
		.host = REGION_HOST_NONE,
	};
	layout->ram = (struct region){
		.gpa = LAYOUT_RAM_GPA,
		.size = builder.next_gpa - LAYOUT_RAM_GPA,
		.flags = REGION_ALL,
		.kind = REGION_RAM,
		.host = REGION_HOST_NONE,
	};
	return status;
}

_Static_assert(LAYOUT_DOORBELL_GPA + MOTE_PAGE_SIZE <= LAYOUT_FIRMWARE_GPA,
	       "the doorbell rings only while no slot covers its page");
_Static_assert(LAYOUT_FIRMWARE_GPA + (MOTE_WINDOW_END - MOTE_SUPERVISOR_BASE) <= LAYOUT_RAM_GPA,
	       "the largest supervisor block and the hypercall page must not reach into RAM");
_Static_assert(LAYOUT_RAM_GPA % LAYOUT_LARGE_PAGE == 0,
	       "the heap must be as aligned in the RAM slot as in guest physical memory");

mote_status layout_compute(struct layout *out, const struct layout_config *config, mote_error *err)
{
	uint64_t sizes[NSIZES];
	uint64_t image_end;
	mote_status status = check_sizes(config, sizes, err);

	if (!status)
		status = check_gifts(config, err);
	if (!status)
		status = check_supervisor(config, err);
	if (status)
		return status;

	*out = (struct layout){ 0 };
	for (size_t i = 0; i < REGION_KIND_COUNT; i++)
		out->first[i] = LAYOUT_NONE;
	add_window(out, config);
	status = add_image(out, config, &image_end, err);
	if (!status)
		status = add_working_memory(out, config, sizes, image_end, err);
	if (status)
		return status;
	sort_by_address(out);
	return place(out, err);
}
