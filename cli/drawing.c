/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Draws memory. Every row has a line of its own, so that words never meet; what is wider than
 * the column it is in, the columns leave room for: names and notes are short and known.
 */
#include "drawing.h"

#include "drawing_rows.h"
#include "svg.h"

#include <inttypes.h>
#include <string.h>

#define ROW_HEIGHT 26
#define BASELINE   17 /* of a text, from the top of its row */
#define MARGIN     16

/* Columns: addresses end, boxes begin and end, what is right of the boxes begins. */
#define ADDRESS_END 130
#define BOX_START   148
#define BOX_END     476
#define BESIDE      492

/* "64 MiB": sizes are whole pages. */
static void format_size(char text[32], uint64_t size)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	size_t unit = 0;

	for (size /= 1024; unit < 4 && size >= 1024 && size % 1024 == 0; unit++)
		size /= 1024;
	/* of huge gaps the exact number says nothing */
	for (; unit < 4 && size >= 100000; unit++)
		size /= 1024;
	snprintf(text, 32, "%" PRIu64 " %s", size, units[unit]);
}

static const char *class_of(const struct row *row)
{
	if (row->is_gap)
		return "gap";
	if (row->region.executable)
		return "code";
	if (row->region.writable)
		return row->region.readable ? "data" : "door";
	return row->region.readable ? "constant" : "none";
}

static void format_rights(char text[4], const mote_region_info *region)
{
	snprintf(text, 4, "%c%c%c", region->readable ? 'r' : '-', region->writable ? 'w' : '-',
		 region->executable ? 'x' : '-');
}

/* Address, box, name and size: what both drawings have of a row at Y. */
static void draw_row(FILE *to, const struct row *row, int y)
{
	char text[32];

	snprintf(text, sizeof text, "0x%" PRIx64, row->start);
	svg_text(to, "number", SVG_END, ADDRESS_END, y + BASELINE, text);
	svg_box(to, class_of(row), BOX_START, y, BOX_END - BOX_START, ROW_HEIGHT);
	svg_text(to, row->is_gap ? "note" : "name", SVG_START, BOX_START + 10, y + BASELINE,
		 row->region.name);
	format_size(text, row->size);
	svg_text(to, "note", SVG_END, BOX_END - 10, y + BASELINE, text);
}

/* Title, headings and, at the bottom, what holds for all. */
static void draw_frame(FILE *to, int width, int height, const char *title, const char *left,
		       const char *beside)
{
	svg_begin(to, width, height, title);
	svg_text(to, "title", SVG_START, MARGIN, 28, title);
	svg_text(to, "note", SVG_END, ADDRESS_END, 56, left);
	svg_text(to, "note", SVG_START, BESIDE, 56, beside);
	svg_text(to, "note", SVG_START, MARGIN, height - 14,
		 "Rights are those of the guest's own code: r read, w write, x execute. In order, "
		 "not to scale.");
}

#define FRAME_TOP    66
#define FRAME_BOTTOM 44

/* The drawing "guest". */
#define GUEST_WIDTH 900
#define NOTE_START  536

static void draw_guest(FILE *to, const struct rows *rows)
{
	int height = FRAME_TOP + (int)rows->count * ROW_HEIGHT + FRAME_BOTTOM;
	int y = FRAME_TOP;

	draw_frame(to, GUEST_WIDTH, height, "Memory as the guest sees it", "virtual address",
		   "rights");
	for (size_t i = 0; i < rows->count; i++, y += ROW_HEIGHT) {
		const struct row *row = &rows->list[i];
		char rights[4] = "";

		draw_row(to, row, y);
		if (!row->is_gap)
			format_rights(rights, &row->region);
		svg_text(to, "number", SVG_START, BESIDE, y + BASELINE, rights);
		svg_text(to, "note", SVG_START, NOTE_START, y + BASELINE, row->note);
	}
	svg_end(to);
}

/* The drawing "host": between the rows of two slots, one that leaves room for their frames. */
#define HOST_WIDTH 1000
#define SLOT_START (BOX_START - 8)
#define SLOT_END   680
#define HOST_START 724
#define HOST_END   (HOST_WIDTH - MARGIN)

/* What the host has for a slot: up to three lines of text. */
static const struct host_side {
	const char *slot; /* as mote_region_info has it */
	const char *lines[3];
	bool is_guarded;
} host_sides[] = {
	{ "firmware",
	  { "one block", "for all sandboxes of a runtime;", "the guest cannot write" },
	  false },
	{ "RAM",
	  { "one block, this sandbox's own:", "private memory (kvm)", "or a memfd (process)" },
	  true },
	{ "snapshot",
	  { "one block", "for all sandboxes that begin at it;", "the guest cannot write" },
	  true },
	{ "scratch",
	  { "one block, this sandbox's own:", "private memory, zero", "but for the page tables" },
	  true },
};
static const struct host_side files_side = { "a mapped file",
					     { "pages of the file", "mapped privately, to be read",
					       "and executed" },
					     false };

/* A box in the host's memory, with text in its middle. */
static void draw_host_box(FILE *to, const char *class, int y, int height, const char *const *lines,
			  size_t nlines)
{
	int baseline = y + height / 2 + 4 - (int)(nlines - 1) * 8;

	svg_box(to, class, HOST_START, y, HOST_END - HOST_START, height);
	for (size_t i = 0; i < nlines; i++, baseline += 16)
		svg_text(to, i ? "note" : "name", SVG_MIDDLE, (HOST_START + HOST_END) / 2, baseline,
			 lines[i]);
}

/* The frame of a slot from Y on, and beside it what the host has for it. */
static void draw_slot(FILE *to, const struct host_side *side, int y, int height)
{
	static const char *const guard[] = { "guard page, no access" };

	svg_box(to, "slot", SLOT_START, y, SLOT_END - SLOT_START, height);
	svg_line(to, SLOT_END, y, HOST_START, y);
	svg_line(to, SLOT_END, y + height, HOST_START, y + height);
	draw_host_box(to, "host", y, height, side->lines, 3);
	if (!side->is_guarded)
		return;
	draw_host_box(to, "gap", y - ROW_HEIGHT, ROW_HEIGHT, guard, 1);
	draw_host_box(to, "gap", y + height, ROW_HEIGHT, guard, 1);
}

static const struct host_side *side_of(const char *slot)
{
	for (size_t i = 0; i < sizeof host_sides / sizeof host_sides[0]; i++)
		if (slot && strcmp(host_sides[i].slot, slot) == 0)
			return &host_sides[i];
	return NULL;
}

static bool is_same_slot(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

/* Beside a row: where the guest sees it, and how; and that there is no memory if so. */
static void draw_guest_view(FILE *to, const struct row *row, int y)
{
	char text[48], rights[4];

	if (row->is_gap)
		return;
	format_rights(rights, &row->region);
	snprintf(text, sizeof text, "0x%" PRIx64 " %s", row->region.address, rights);
	if (row->region.address)
		svg_text(to, "number", SVG_START, BESIDE, y + BASELINE, text);
	else
		svg_text(to, "note", SVG_START, BESIDE, y + BASELINE, "nowhere");
	if (!row->region.slot)
		svg_text(to, "note", SVG_START, HOST_START, y + BASELINE,
			 "no slot: stores leave the machine");
}

/* Rows from FIRST on that are of one slot, or of none. */
static size_t run_length(const struct rows *rows, size_t first)
{
	const char *slot = rows->list[first].region.slot;
	size_t n = 1;

	while (first + n < rows->count && is_same_slot(rows->list[first + n].region.slot, slot) &&
	       slot)
		n++;
	return n;
}

/* Draws the rows of one slot, or a row without one, from Y on; returns where it ends. TO may be
 * NULL, to measure. */
static int draw_run(FILE *to, const struct rows *rows, size_t first, size_t n, int y)
{
	const struct host_side *side = side_of(rows->list[first].region.slot);
	char text[64];

	if (side && to) {
		snprintf(text, sizeof text, "slot: %s", side->slot);
		svg_text(to, "name", SVG_START, SLOT_START, y + BASELINE, text);
	}
	y += side ? ROW_HEIGHT : 0;
	if (side && to)
		draw_slot(to, side, y, (int)n * ROW_HEIGHT + 16);
	y += side ? 8 : 0;
	for (size_t i = 0; i < n; i++, y += ROW_HEIGHT) {
		if (!to)
			continue;
		draw_row(to, &rows->list[first + i], y);
		draw_guest_view(to, &rows->list[first + i], y);
	}
	return y + (side ? 8 + ROW_HEIGHT : 4);
}

static int draw_runs(FILE *to, const struct rows *rows, int y)
{
	for (size_t i = 0, n; i < rows->count; i += n) {
		n = run_length(rows, i);
		y = draw_run(to, rows, i, n, y);
	}
	return y;
}

/* Behind everything: files are not part of a layout, since they come later. */
static void draw_files(FILE *to, int y)
{
	svg_text(to, "name", SVG_START, SLOT_START, y + BASELINE,
		 "slot: a mapped file, each its own");
	y += ROW_HEIGHT;
	draw_slot(to, &files_side, y, 2 * ROW_HEIGHT + 16);
	svg_box(to, "code", BOX_START, y + 8 + ROW_HEIGHT / 2, BOX_END - BOX_START, ROW_HEIGHT);
	svg_text(to, "name", SVG_START, BOX_START + 10, y + 8 + ROW_HEIGHT / 2 + BASELINE,
		 "mapped file");
	svg_text(to, "number", SVG_START, BESIDE, y + 8 + ROW_HEIGHT / 2 + BASELINE,
		 "where it was mapped r-x");
}

#define FILES_HEIGHT (3 * ROW_HEIGHT + 16)

static void draw_host(FILE *to, const struct rows *rows)
{
	int end = draw_runs(NULL, rows, FRAME_TOP);

	draw_frame(to, HOST_WIDTH, end + FILES_HEIGHT + FRAME_BOTTOM, "Memory as the host has it",
		   "physical address", "where the guest sees it");
	svg_text(to, "note", SVG_START, HOST_START, 56, "in the host's memory");
	draw_files(to, draw_runs(to, rows, FRAME_TOP));
	svg_end(to);
}

bool drawing_is_view(const char *word)
{
	return strcmp(word, "guest") == 0 || strcmp(word, "host") == 0;
}

mote_status drawing_print(FILE *to, const char *view, const mote_image *image,
			  const mote_sandbox_options *options, mote_error *err)
{
	bool is_guests = strcmp(view, "guest") == 0;
	struct rows rows;

	mote_status status = rows_make(&rows, is_guests, image, options, err);
	if (!status && is_guests)
		draw_guest(to, &rows);
	else if (!status)
		draw_host(to, &rows);
	rows_free(&rows);
	return status;
}
