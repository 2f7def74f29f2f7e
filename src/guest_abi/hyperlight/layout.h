/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - where everything is in the memory of a hyperlight guest: the snapshot at the
 * bottom, scratch at the top. abi/hyperlight.h has the picture.
 *
 * A layout is a value; pure functions, any thread.
 */
#ifndef GUEST_ABI_HYPERLIGHT_LAYOUT_H
#define GUEST_ABI_HYPERLIGHT_LAYOUT_H

#include "abi/hyperlight.h"
#include "base/error.h"

#include <stdint.h>

/* What may be chosen. A size that is 0 is the default; no input or output buffer is smaller than
 * HYPERLIGHT_BUFFER_MIN. */
struct hyperlight_sizes {
	uint64_t input;
	uint64_t output;
	uint64_t heap;
	uint64_t scratch;   /* whole pages */
	uint64_t init_data; /* 0: none */
};

struct hyperlight_layout {
	struct hyperlight_sizes sizes; /* as they came to be */

	/* Guest addresses, each the beginning of a page, in the order of the snapshot. */
	uint64_t peb;
	uint64_t heap;
	uint64_t init_data; /* one past the heap where there is none */

	uint64_t data_size;   /* of the snapshot, less its page tables: whole pages */
	uint64_t tables_size; /* of those: they come behind the data, and go to scratch */
};

/*
 * Computes the layout for an image of IMAGE_SIZE bytes, but for the tables. Errors: MOTE_E_INVALID
 * (scratch is not whole pages), MOTE_E_LIMIT (too large, or scratch too small), with the numbers.
 */
mote_status hyperlight_layout_compute(struct hyperlight_layout *layout,
				      const struct hyperlight_sizes *sizes, uint64_t image_size,
				      mote_error *err);

/* Makes room in scratch for TABLES_SIZE bytes of tables. Errors: MOTE_E_LIMIT. */
mote_status hyperlight_layout_set_tables(struct hyperlight_layout *layout, uint64_t tables_size,
					 mote_error *err);

/* Where scratch begins, physical and virtual. */
uint64_t hyperlight_scratch_gpa(const struct hyperlight_layout *layout);
uint64_t hyperlight_scratch_gva(const struct hyperlight_layout *layout);

/* Where in scratch the tables begin; the input buffer is at 0, the output buffer right behind. The
 * root is the first table. */
uint64_t hyperlight_tables_offset(const struct hyperlight_layout *layout);

/* What the PEB says. */
struct hyperlight_peb hyperlight_peb(const struct hyperlight_layout *layout);

#endif
