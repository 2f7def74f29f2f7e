/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Computes where things are. Every size is bounded before it is added to another, so no sum here
 * can wrap.
 */
#include "guest_abi/hyperlight/layout.h"

#include <mote/limits.h>

#include <inttypes.h>

_Static_assert(HYPERLIGHT_SCRATCH_DEFAULT == MOTE_DEFAULT_SCRATCH_SIZE &&
		       HYPERLIGHT_MAX_SIZE == MOTE_MAX_SCRATCH_SIZE,
	       "mote/limits.h tells users what the ABI allows");

static uint64_t round_up(uint64_t size)
{
	return (size + VMEM_PAGE_SIZE - 1) & -VMEM_PAGE_SIZE;
}

/* The size that was chosen, bounded so that a handful of them can be added up. */
static mote_status choose(uint64_t *to, const char *name, uint64_t size, uint64_t other,
			  uint64_t least, mote_error *err)
{
	*to = size ? size : other;
	if (*to < least)
		*to = least;
	if (*to <= HYPERLIGHT_MAX_SIZE)
		return MOTE_OK;
	return error_set(err, MOTE_E_LIMIT,
			 "%s is 0x%" PRIx64 " bytes; no part of a hyperlight guest is larger than "
			 "0x%" PRIx64,
			 name, *to, HYPERLIGHT_MAX_SIZE);
}

static mote_status choose_all(struct hyperlight_sizes *to, const struct hyperlight_sizes *from,
			      mote_error *err)
{
	mote_status status = choose(&to->input, "input_size", from->input,
				    HYPERLIGHT_BUFFER_DEFAULT, HYPERLIGHT_BUFFER_MIN, err);

	if (!status)
		status = choose(&to->output, "output_size", from->output, HYPERLIGHT_BUFFER_DEFAULT,
				HYPERLIGHT_BUFFER_MIN, err);
	if (!status)
		status =
			choose(&to->heap, "heap_size", from->heap, HYPERLIGHT_HEAP_DEFAULT, 0, err);
	if (!status)
		status = choose(&to->scratch, "scratch_size", from->scratch,
				HYPERLIGHT_SCRATCH_DEFAULT, 0, err);
	if (!status)
		status = choose(&to->init_data, "init_data_size", from->init_data, 0, 0, err);
	if (!status && to->scratch % VMEM_PAGE_SIZE)
		status = error_set(err, MOTE_E_INVALID,
				   "scratch_size is 0x%" PRIx64 "; it must be a multiple of 4096",
				   to->scratch);
	return status;
}

mote_status hyperlight_layout_compute(struct hyperlight_layout *layout,
				      const struct hyperlight_sizes *sizes, uint64_t image_size,
				      mote_error *err)
{
	*layout = (struct hyperlight_layout){ .tables_size = 0 };
	mote_status status = choose_all(&layout->sizes, sizes, err);

	if (status)
		return status;
	layout->peb = HYPERLIGHT_BASE + round_up(image_size);
	layout->heap = layout->peb + round_up(sizeof(struct hyperlight_peb));
	layout->init_data = layout->heap + round_up(layout->sizes.heap);
	layout->data_size = layout->init_data + round_up(layout->sizes.init_data) - HYPERLIGHT_BASE;
	if (layout->data_size > HYPERLIGHT_MAX_SIZE)
		return error_set(err, MOTE_E_LIMIT,
				 "image, heap and init data have 0x%" PRIx64
				 " bytes; a hyperlight guest has at most 0x%" PRIx64,
				 layout->data_size, HYPERLIGHT_MAX_SIZE);
	return hyperlight_layout_set_tables(layout, 0, err);
}

mote_status hyperlight_layout_set_tables(struct hyperlight_layout *layout, uint64_t tables_size,
					 mote_error *err)
{
	const uint64_t least = hyperlight_tables_offset(layout) +
			       HYPERLIGHT_SCRATCH_LEAST_PAGES * VMEM_PAGE_SIZE + tables_size;

	if (layout->sizes.scratch < least)
		return error_set(err, MOTE_E_LIMIT,
				 "scratch_size is 0x%" PRIx64 "; buffers, 0x%" PRIx64
				 " bytes of page tables and the least that a guest needs are "
				 "0x%" PRIx64,
				 layout->sizes.scratch, tables_size, least);
	layout->tables_size = tables_size;
	return MOTE_OK;
}

uint64_t hyperlight_scratch_gpa(const struct hyperlight_layout *layout)
{
	return SCRATCH_END_GPA - layout->sizes.scratch;
}

uint64_t hyperlight_scratch_gva(const struct hyperlight_layout *layout)
{
	return SCRATCH_END_GVA - layout->sizes.scratch;
}

uint64_t hyperlight_tables_offset(const struct hyperlight_layout *layout)
{
	return round_up(layout->sizes.input + layout->sizes.output);
}

struct hyperlight_peb hyperlight_peb(const struct hyperlight_layout *layout)
{
	const struct hyperlight_sizes *sizes = &layout->sizes;
	const uint64_t scratch = hyperlight_scratch_gva(layout);

	return (struct hyperlight_peb){
		.input = { sizes->input, scratch },
		.output = { sizes->output, scratch + sizes->input },
		.init_data = { sizes->init_data, layout->init_data },
		.heap = { sizes->heap, layout->heap },
	};
}
