/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of a snapshot: its image, where everything lies, and the pages that it keeps,
 * compared with the sandbox that it was taken of.
 */
#include "integration/harness.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096

static mote_snapshot *take(struct guest *g)
{
	mote_snapshot *snapshot = NULL;

	EXPECT_STATUS(g, mote_snapshot_take(&snapshot, g->sb, &g->err), MOTE_OK);
	return snapshot;
}

struct regions {
	mote_region_info list[64];
	size_t n;
};

static void note_region(void *user, const mote_region_info *region)
{
	struct regions *regions = user;

	assert_true(regions->n < 64);
	regions->list[regions->n++] = *region;
}

static const mote_sandbox_options sized = {
	.size = sizeof sized,
	.heap_size = 4 << 20,
	.stack_size = 65536,
	.init_data = "data",
	.init_data_size = 4,
};

static void the_layout_is_that_of_its_sandbox(struct guest *g)
{
	struct regions want = { .n = 0 }, found = { .n = 0 };
	mote_snapshot *snapshot = take(g);

	EXPECT_STATUS(g, mote_image_layout(g->image, &sized, note_region, &want, &g->err), MOTE_OK);
	mote_snapshot_layout(snapshot, note_region, &found);
	assert_true(want.n > 5);
	assert_int_equal(found.n, want.n);
	for (size_t i = 0; i < want.n; i++) {
		assert_string_equal(found.list[i].name, want.list[i].name);
		assert_true(found.list[i].address == want.list[i].address);
		assert_true(found.list[i].physical == want.list[i].physical);
		assert_true(found.list[i].size == want.list[i].size);
		assert_true(found.list[i].writable == want.list[i].writable);
	}
	mote_snapshot_unref(snapshot);
}

static void the_image_lives_as_long(struct guest *g)
{
	mote_snapshot *snapshot = take(g);

	mote_sandbox_free(g->sb);
	g->sb = NULL;
	const mote_image *image = mote_snapshot_image(snapshot);
	assert_ptr_equal(image, g->image);
	assert_non_null(mote_image_find_export(image, "Count"));
	mote_snapshot_unref(snapshot);
}

/* Compares the pages with the sandbox, whose guest has not run since. */
struct walk {
	struct guest *g;
	uint64_t next; /* pages before this address were seen or are not kept */
	uint64_t npages;
	unsigned char *heap; /* a byte a page of the heap: whether it was seen */
	uint64_t heap_address, heap_size;
};

static void check_page(void *user, uint64_t address, const void *bytes)
{
	struct walk *walk = user;
	unsigned char now[PAGE];

	assert_true(address % PAGE == 0 && address >= walk->next);
	walk->next = address + PAGE;
	walk->npages++;
	EXPECT_STATUS(walk->g, mote_sandbox_read(walk->g->sb, address, now, PAGE, &walk->g->err),
		      MOTE_OK);
	assert_memory_equal(now, bytes, PAGE);
	if (address - walk->heap_address < walk->heap_size)
		walk->heap[(address - walk->heap_address) / PAGE] = 1;
}

static void find_heap(void *user, const mote_region_info *region)
{
	struct walk *walk = user;

	if (strcmp(region->name, "heap") == 0) {
		walk->heap_address = region->address;
		walk->heap_size = region->size;
	}
}

static void pages_are_those_of_its_sandbox(struct guest *g)
{
	static const unsigned char zeroes[PAGE];
	unsigned char now[PAGE];
	struct walk walk = { .g = g };

	CALL(g, "Keep", MOTE_ARGS(mote_u32(300000), mote_u32(7)));
	CALL(g, "Touch", MOTE_ARGS(mote_u32(20)));
	mote_snapshot *snapshot = take(g);
	mote_snapshot_layout(snapshot, find_heap, &walk);
	assert_true(walk.heap_size == 4 << 20);
	walk.heap = calloc(walk.heap_size / PAGE, 1);
	assert_non_null(walk.heap);
	EXPECT_STATUS(g, mote_snapshot_pages(snapshot, check_page, &walk, &g->err), MOTE_OK);
	assert_true(walk.npages >= 73 + 20);
	for (uint64_t at = 0; at < walk.heap_size; at += PAGE) {
		if (walk.heap[at / PAGE])
			continue;
		EXPECT_STATUS(g,
			      mote_sandbox_read(g->sb, walk.heap_address + at, now, PAGE, &g->err),
			      MOTE_OK);
		assert_memory_equal(now, zeroes, PAGE);
	}
	free(walk.heap);
	mote_snapshot_unref(snapshot);
}

static void find_buffers(void *user, const mote_region_info *region)
{
	struct regions *buffers = user;

	if (strstr(region->name, "buffer"))
		buffers->list[buffers->n++] = *region;
}

/* Right after it was taken, too: nobody writes to them before it is restored. */
static void buffers_are_empty_in_snapshots(struct guest *g)
{
	static unsigned char bytes[128 << 10];
	static const unsigned char empty[128 << 10] = { 8 };
	struct regions buffers = { .n = 0 };

	CALL(g, "Fill", MOTE_ARGS(mote_u64(0), mote_u64(0), mote_u64(UINT64_MAX)));
	mote_snapshot *snapshot = take(g);
	mote_snapshot_layout(snapshot, find_buffers, &buffers);
	assert_int_equal(buffers.n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(buffers.list[i].size, sizeof bytes);
		EXPECT_STATUS(g,
			      mote_sandbox_read(g->sb, buffers.list[i].address, bytes, sizeof bytes,
						&g->err),
			      MOTE_OK);
		assert_memory_equal(bytes, empty, sizeof bytes);
	}
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, snapshot, &g->err), MOTE_OK);
	mote_snapshot_unref(snapshot);
}

int main(void)
{
	static const struct row rows[] = {
		{ .name = "the layout is that of its sandbox",
		  .guest = "state",
		  .test = the_layout_is_that_of_its_sandbox,
		  .options = &sized },
		{ .name = "the image lives as long",
		  .guest = "state",
		  .test = the_image_lives_as_long },
		{ .name = "pages are those of its sandbox",
		  .guest = "state",
		  .test = pages_are_those_of_its_sandbox,
		  .options = &sized },
		{ .name = "buffers are empty in snapshots",
		  .guest = "state",
		  .test = buffers_are_empty_in_snapshots },
	};
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
