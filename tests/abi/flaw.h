/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flaw.h - sound messages with one thing made wrong, and what reading must say.
 */
#ifndef TESTS_ABI_FLAW_H
#define TESTS_ABI_FLAW_H

#include "abi/wire.h"
#include "fenced.h"

/* VALUE, of WIDTH bytes, goes to offset AT; then the message is cut to SIZE, if not 0. */
struct flaw {
	const char *what;
	size_t at;
	unsigned width;
	uint32_t value;
	size_t size;
	enum wire_status status;
	enum wire_field field;
	uint32_t index;
};

typedef struct wire_check (*flaw_reader)(const void *from, size_t size);

/* Applies each flaw of ROWS to the message and compares what READ says. */
static inline void check_flaws(const struct flaw *rows, size_t count, const uint8_t *message,
			       size_t size, flaw_reader read)
{
	for (size_t i = 0; i < count; i++) {
		const struct flaw *row = &rows[i];
		uint8_t bytes[512];

		assert_true(size <= sizeof(bytes) && row->at + row->width <= size);
		memcpy(bytes, message, size);
		memcpy(bytes + row->at, &row->value, row->width);
		size_t cut = row->size ? row->size : size;
		struct wire_check got = read(fenced_copy(bytes, cut), cut);
		if (got.status != row->status || got.field != row->field || got.index != row->index)
			fail_msg("%s: got \"%s: %s\" (element %u), want \"%s: %s\" (element %u)",
				 row->what, wire_field_text(got.field),
				 wire_status_text(got.status), got.index,
				 wire_field_text(row->field), wire_status_text(row->status),
				 row->index);
	}
}

#endif
