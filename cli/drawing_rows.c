/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rows of a drawing: regions collected from the library, sorted, with a row for each gap, and
 * notes for those who see the names for the first time.
 */
#include "drawing_rows.h"

#include "report.h"

#include <stdlib.h>
#include <string.h>

/* Of the guest ABI: all below is the host's, and one past the highest address. */
#define WINDOW_END  UINT64_C(0x200000)
#define ADDRESS_END UINT64_C(0x7ffffffff000)

/* What lies below stack, buffers and init data. */
#define GUARD_SIZE UINT64_C(0x10000)

static const struct {
	const char *name;
	const char *note;
	const char *slot; /* NULL: of whatever slot */
} notes[] = {
	{ "image", "code and data; a copy of each page that is written to", NULL },
	{ "process environment block", "tells the guest where everything is", NULL },
	{ "heap", "a copy of each page that is written to", "snapshot" },
	{ "page tables", "the guest's own, to change as it likes", NULL },
	{ "scratch", "what the guest takes: copies, stack, tables", NULL },
	{ "exception stack", "and the words at the top of scratch", NULL },
	{ "hypercall page", "calls to the host's code here leave the machine", NULL },
	{ "start block", "tells the guest where everything is", NULL },
	{ "doorbell", "stores leave the machine; no memory", NULL },
	{ "mapping table", "the files that are mapped", NULL },
	{ "host function definitions", "what the guest may call", NULL },
	{ "heap", "brk and mmap; large pages", NULL },
	{ "code", "of the image", NULL },
	{ "read-only data", "of the image", NULL },
	{ "data", "of the image", NULL },
	{ "stack", "its lowest 16 bytes are the guard cookie", NULL },
	{ "input buffer", "messages of the host", NULL },
	{ "output buffer", "messages of the guest", NULL },
	{ "init data", "given with the sandbox", NULL },
	{ "argument buffer", "bulk data of the host", NULL },
	{ "result buffer", "bulk data of the guest", NULL },
};

static const char *note_of(const mote_region_info *region)
{
	for (size_t i = 0; i < sizeof notes / sizeof notes[0]; i++)
		if (strcmp(notes[i].name, region->name) == 0 &&
		    (!notes[i].slot || (region->slot && strcmp(notes[i].slot, region->slot) == 0)))
			return notes[i].note;
	return "";
}

/* What is in a gap of virtual memory from START on. One that goes beyond the addresses of code in
 * ring 3 is in a guest that has ring 0 for itself. */
static const char *gap_note(uint64_t start, uint64_t size)
{
	if (start == 0)
		return "null pointers fault";
	if (start > ADDRESS_END)
		return "never mapped";
	if (size > ADDRESS_END - start)
		return "free: what the guest maps itself, as its stack";
	if (start + size == ADDRESS_END)
		return "free: mapped files, wherever the host wants";
	if (start < WINDOW_END && start + size >= WINDOW_END)
		return "supervisor block, exception stack: the host's";
	return size == GUARD_SIZE ? "guard: an overflow faults" : "";
}

struct collection {
	struct rows *rows;
	bool by_virtual_address;
	bool is_out_of_memory;
};

/* NULL when memory is out. */
static struct row *append(struct rows *rows)
{
	struct row *list = realloc(rows->list, (rows->count + 1) * sizeof *list);

	if (!list)
		return NULL;
	rows->list = list;
	return &list[rows->count++];
}

/* For mote_image_layout(). */
static void collect(void *user, const mote_region_info *region)
{
	struct collection *collection = user;

	if (collection->by_virtual_address && region->address == 0)
		return;
	struct row *row = append(collection->rows);
	if (!row) {
		collection->is_out_of_memory = true;
		return;
	}
	*row = (struct row){
		.start = collection->by_virtual_address ? region->address : region->physical,
		.size = region->size,
		.region = *region,
		.note = note_of(region),
	};
}

static int by_start(const void *a, const void *b)
{
	uint64_t x = ((const struct row *)a)->start, y = ((const struct row *)b)->start;

	return (x > y) - (x < y);
}

/* Between BEFORE and AFTER, either of which may be NULL. */
static struct row gap_between(const struct row *before, const struct row *after,
			      bool by_virtual_address)
{
	struct row gap = { .is_gap = true };
	const char *slot = before ? before->region.slot : NULL;

	gap.start = before ? before->start + before->size : 0;
	/* one past the highest of all addresses is 0 */
	const uint64_t highest = gap.start > ADDRESS_END ? 0 : ADDRESS_END;
	const uint64_t end = after ? after->start : highest;
	gap.size = end - gap.start;
	if (by_virtual_address) {
		gap.region.name = "unmapped";
		gap.note = gap_note(gap.start, gap.size);
		return gap;
	}
	gap.region.name = "nothing";
	gap.note = "";
	if (slot && after && after->region.slot && strcmp(slot, after->region.slot) == 0)
		gap.region.slot = slot;
	return gap;
}

/* Gaps go behind the regions first: sorting brings them where they belong. False when memory is
 * out. */
static bool add_gaps(struct rows *rows, bool by_virtual_address)
{
	size_t n = rows->count;
	/* behind the last physical address there is no end to see */
	size_t ngaps = by_virtual_address ? n + 1 : n;

	for (size_t i = 0; i < ngaps; i++) {
		struct row gap = gap_between(i > 0 ? &rows->list[i - 1] : NULL,
					     i < n ? &rows->list[i] : NULL, by_virtual_address);
		if (gap.size == 0)
			continue;
		struct row *row = append(rows);
		if (!row)
			return false;
		*row = gap;
	}
	qsort(rows->list, rows->count, sizeof rows->list[0], by_start);
	return true;
}

mote_status rows_make(struct rows *rows, bool by_virtual_address, const mote_image *image,
		      const mote_sandbox_options *options, mote_error *err)
{
	struct collection collection = { .rows = rows, .by_virtual_address = by_virtual_address };

	*rows = (struct rows){ .count = 0 };
	mote_status status = mote_image_layout(image, options, collect, &collection, err);
	if (status)
		return status;
	qsort(rows->list, rows->count, sizeof rows->list[0], by_start);
	if (collection.is_out_of_memory || !add_gaps(rows, by_virtual_address))
		return fail(err, MOTE_E_NOMEM, "out of memory");
	return MOTE_OK;
}

void rows_free(struct rows *rows)
{
	free(rows->list);
	*rows = (struct rows){ .count = 0 };
}
