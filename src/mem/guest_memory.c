/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Builds the memory of a guest: RAM, page tables, image, start block. All of it happens in
 * the exclusive form of the RAM, before any guest can see it. Access afterwards is in
 * guest_memory_access.c.
 */
#include "mem/guest_memory.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_map.h"
#include "mem/file_mapping.h"
#include "mem/guest_memory_internal.h"
#include "mem/page_bitmap.h"

#include <errno.h>
#include <string.h>

enum vmem_status guest_memory_map(struct vmem_flat *tables, uint64_t *root,
				  const struct vmem_range *range)
{
	return vmem_map(&vmem_amd64, &vmem_flat_ops, tables, root, range);
}

struct vmem_flat guest_memory_tables(const struct guest_memory *memory)
{
	const struct layout *layout = &memory->layout;
	const struct region *used = layout_get(layout, REGION_PAGE_TABLES);
	const struct region *spare = layout_get(layout, REGION_SPARE_PAGE_TABLES);

	return (struct vmem_flat){
		.memory = guest_memory_region(memory, used),
		.base = used->gpa,
		.size = used->size + spare->size,
		.used = memory->tables_used,
	};
}

mote_status guest_memory_build_tables(const struct guest_memory *memory, struct vmem_flat *tables,
				      uint64_t *root, mote_error *err)
{
	const struct layout *layout = &memory->layout;
	const struct file_mapping *file;

	*root = vmem_flat_alloc(tables);
	for (size_t i = 0; i < layout->nmapped; i++) {
		const struct region *region = layout_mapped(layout, i);
		struct vmem_range range = layout_range(region);
		enum vmem_status status = guest_memory_map(tables, root, &range);
		if (status != VMEM_OK)
			return error_set(err, MOTE_E_IMAGE, "cannot map the %s: page tables say %d",
					 region_kind_name(region->kind), (int)status);
	}
	/* There were tables enough for them. */
	for (size_t i = 0; (file = guest_memory_file_by_age(memory, i)); i++) {
		struct vmem_range range = guest_memory_file_range(file);
		guest_memory_map(tables, root, &range);
	}
	return MOTE_OK;
}

static mote_status build_tables(struct guest_memory *memory, mote_error *err)
{
	struct vmem_flat tables = guest_memory_tables(memory);
	mote_status status = guest_memory_build_tables(memory, &tables, &memory->root, err);

	memory->tables_used = tables.used;
	return status;
}

static void fill_start_block(struct guest_memory *memory, const struct layout_config *config)
{
	const struct layout *layout = &memory->layout;
	const struct region *input = layout_get(layout, REGION_INPUT);
	const struct region *output = layout_get(layout, REGION_OUTPUT);
	const struct region *heap = layout_get(layout, REGION_HEAP);
	const struct region *stack = layout_get(layout, REGION_STACK);
	const struct region *functions = layout_get(layout, REGION_HOST_FUNCTIONS);
	const struct region *init_data = layout_get(layout, REGION_INIT_DATA);
	const struct region *arguments = layout_get(layout, REGION_ARGUMENTS);
	const struct region *results = layout_get(layout, REGION_RESULTS);
	struct mote_start_block block = {
		.magic = MOTE_START_MAGIC,
		.abi_version = MOTE_ABI_VERSION,
		.input_address = input->va,
		.input_size = input->size,
		.output_address = output->va,
		.output_size = output->size,
		.heap_address = heap->va,
		.heap_size = heap->size,
		.stack_address = stack->va,
		.stack_size = stack->size,
		.mapping_table = layout_get(layout, REGION_MAPPING_TABLE)->va,
		.function_table = functions ? functions->va : 0,
		.init_data_address = init_data ? init_data->va : 0,
		.init_data_size = config->init_data_size,
		.arguments_address = arguments ? arguments->va : 0,
		.results_address = results ? results->va : 0,
		.buffer_size = results ? results->size : 0,
	};

	memcpy(guest_memory_region_of(memory, REGION_START_BLOCK), &block, sizeof block);
}

/* Buffers for bulk data are read and written from end to end, by both sides in turns: what counts
 * is how many pages they have. */
static void prefer_huge(struct guest_memory *memory)
{
	static const enum region_kind kinds[] = { REGION_ARGUMENTS, REGION_RESULTS };

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		const struct region *region = layout_get(&memory->layout, kinds[i]);

		if (region && region->size >= LAYOUT_LARGE_PAGE)
			shared_mem_prefer_huge(memory->ram, region->gpa - memory->layout.ram.gpa,
					       region->size & ~(LAYOUT_LARGE_PAGE - 1));
	}
}

static void init_io(struct guest_memory *memory)
{
	struct io_stack input = guest_memory_input(memory);
	struct io_stack output = guest_memory_output(memory);

	io_stack_init(&input);
	io_stack_init(&output);
}

/* The regions that snapshots keep lie together, with the I/O buffers, behind all others. */
static uint64_t guest_part(const struct layout *layout)
{
	size_t i = 0;

	while (!memory_snapshot_keeps(layout->regions[i].kind))
		i++;
	return layout->regions[i].gpa - layout->ram.gpa;
}

mote_status guest_memory_new(struct guest_memory **out, const struct host *host,
			     const struct layout_config *config, const void *file,
			     enum shared_mem_backing backing, mote_error *err)
{
	*out = NULL;
	struct guest_memory *memory = host_alloc(host, sizeof *memory);
	if (!memory)
		return error_nomem(err, "the description of a guest's memory", sizeof *memory);
	memory->host = host;

	mote_status status = layout_compute(&memory->layout, config, err);
	memory->next_gpa = guest_memory_first_file_gpa(&memory->layout);
	if (!status)
		status = shared_mem_new(&memory->ram, host, memory->layout.ram.size, backing, err);
	if (!status)
		status = build_tables(memory, err);
	if (!status && file)
		status = guest_memory_load_image(memory, config, file, err);
	if (!status) {
		fill_start_block(memory, config);
		init_io(memory);
		prefer_huge(memory);
		memory->guest_part = guest_part(&memory->layout);
		memory->is_blank = !file;
		status = shared_mem_share(memory->ram, err);
	}
	if (status) {
		guest_memory_free(memory);
		return status;
	}
	*out = memory;
	return MOTE_OK;
}

void guest_memory_free(struct guest_memory *memory)
{
	if (!memory)
		return;
	for (size_t i = 0; i < memory->nfiles; i++)
		file_mapping_unref(memory->files[i]);
	memory_snapshot_unref(memory->base);
	guest_memory_forget_image(memory);
	written_pages_fini(&memory->written);
	shared_mem_unref(memory->ram);
	host_free(memory->host, memory, sizeof *memory);
}

const struct layout *guest_memory_layout(const struct guest_memory *memory)
{
	return &memory->layout;
}

struct shared_mem *guest_memory_ram(struct guest_memory *memory)
{
	return memory->ram;
}

uint64_t guest_memory_root(const struct guest_memory *memory)
{
	return memory->root;
}

uint64_t guest_memory_doorbell_gpa(const struct guest_memory *memory)
{
	return layout_get(&memory->layout, REGION_DOORBELL)->gpa;
}

void guest_memory_set_generation(struct guest_memory *memory, uint64_t generation)
{
	struct mote_start_block *block = (struct mote_start_block *)(void *)guest_memory_region_of(
		memory, REGION_START_BLOCK);

	block->generation = generation;
}

const void *guest_memory_exception_stack(const struct guest_memory *memory)
{
	return guest_memory_region_of(memory, REGION_EXCEPTION_STACK);
}

static struct io_stack io_stack_of(const struct guest_memory *memory, enum region_kind kind)
{
	return (struct io_stack){
		.base = guest_memory_region_of(memory, kind),
		.size = layout_get(&memory->layout, kind)->size,
	};
}

struct io_stack guest_memory_input(const struct guest_memory *memory)
{
	return io_stack_of(memory, REGION_INPUT);
}

struct io_stack guest_memory_output(const struct guest_memory *memory)
{
	return io_stack_of(memory, REGION_OUTPUT);
}

struct bulk_buffer guest_memory_buffer(const struct guest_memory *memory, enum region_kind kind)
{
	const struct region *region = layout_get(&memory->layout, kind);

	if (!region)
		return (struct bulk_buffer){ 0 };
	return (struct bulk_buffer){ guest_memory_region(memory, region), region->va,
				     region->size };
}

static void fill_runs(uint64_t *bits, const struct page_run *runs, size_t count)
{
	for (size_t i = 0; i < count; i++)
		page_bitmap_fill(bits, runs[i].first, runs[i].first + runs[i].count, true);
}

/* Pages that were never touched are zero, or as in what memory was made from. */
mote_status guest_memory_touched(struct guest_memory *memory, uint64_t *bits, mote_error *err)
{
	mote_status status = shared_mem_touched(memory->ram, bits, err);

	if (!status && memory->base)
		fill_runs(bits, memory->base->runs, memory->base->nruns);
	return status;
}

mote_status guest_memory_used(struct guest_memory *memory, uint64_t *bits, mote_error *err)
{
	mote_status status = guest_memory_touched(memory, bits, err);

	if (!status)
		fill_runs(bits, memory->image_runs, memory->nimage_runs);
	return status;
}

mote_status guest_memory_set_stack_guard(struct guest_memory *memory, mote_error *err)
{
	size_t size = sizeof memory->stack_guard;
	uint8_t *guard = memory->stack_guard;
	uint64_t stack = layout_get(&memory->layout, REGION_STACK)->va;

	if (memory->host->sys->getrandom(guard, size, 0) != (ssize_t)size)
		return error_os(err, errno, "cannot get random bytes for the stack guard");
	return guest_memory_write(memory, stack, guard, size, REGION_WRITE, err);
}

mote_status guest_memory_check_stack_guard(struct guest_memory *memory, bool *is_intact,
					   mote_error *err)
{
	uint64_t stack = layout_get(&memory->layout, REGION_STACK)->va;
	uint8_t found[sizeof memory->stack_guard];
	mote_status status =
		guest_memory_read(memory, stack, found, sizeof found, REGION_READ, err);

	*is_intact = !status && memcmp(found, memory->stack_guard, sizeof found) == 0;
	return status;
}
