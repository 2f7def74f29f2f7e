/* SPDX-License-Identifier: Apache-2.0 */
/*
 * drawing_rows.h - what a drawing of memory shows, from top to bottom: regions in the order of
 * their addresses, and the gaps between them.
 */
#ifndef CLI_DRAWING_ROWS_H
#define CLI_DRAWING_ROWS_H

#include <mote/sandbox.h>

struct row {
	uint64_t start, size;
	bool is_gap;
	mote_region_info region; /* of a gap: name, and slot if it lies in one */
	const char *note;        /* what it is for, in few words; "" for none */
};

struct rows {
	struct row *list;
	size_t count;
};

/* The rows of a sandbox of IMAGE with OPTIONS, by virtual address without what the guest does not
 * see, or by physical address; to be freed by rows_free(), also after a failure. Errors: as
 * mote_image_layout(). */
mote_status rows_make(struct rows *rows, bool by_virtual_address, const mote_image *image,
		      const mote_sandbox_options *options, mote_error *err);
void rows_free(struct rows *rows);

#endif
