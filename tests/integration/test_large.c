/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests with gigabytes of address space, of which they use little: all that can be done with a
 * small one can be done with them, and what it takes of the host goes by what they touch.
 */
#include "integration/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

/* Of the area, and between the bytes that are written: 64 of them. */
static uint64_t area, step;

static const mote_sandbox_options four_gib = { .size = sizeof four_gib, .heap_size = 4 * GIB };
static const mote_sandbox_options sixteen_gib = { .size = sizeof sixteen_gib,
						  .heap_size = 16 * GIB };

/* KiB of memory that this process alone has, and what others see of it is not counted. */
static uint64_t private_kib(struct guest *g)
{
	FILE *file = fopen("/proc/self/smaps_rollup", "r");
	unsigned long kib, sum = 0;
	char line[256];

	if (!file)
		skip_row(g, "no /proc/self/smaps_rollup");
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "Private_", 8) == 0) {
			kib = strtoul(strchr(line, ':') + 1, NULL, 10);
			sum += kib;
		}
	fclose(file);
	return sum;
}

/* An area of all but 64 MiB of the heap. */
static void reserve(struct guest *g, uint64_t heap)
{
	area = heap - 64 * MIB;
	step = area / 64;
	assert_true(CALL(g, "Reserve", MOTE_ARGS(mote_u64(area))).as.boolean);
}

static void write_all(struct guest *g, uint32_t value)
{
	CALL(g, "Write", MOTE_ARGS(mote_u64(step), value));
}

static uint64_t sum_all(struct guest *g)
{
	return CALL(g, "Sum", MOTE_ARGS(mote_u64(step))).as.u64;
}

static void use(struct guest *g, uint64_t heap)
{
	reserve(g, heap);
	const uint64_t before = private_kib(g);
	write_all(g, 1);
	const uint64_t sum = sum_all(g);
	assert_in_range(sum, 64, 66);
	/* a page each, and not a huge one */
	assert_in_range(private_kib(g), 0, before + 4096);

	/* the host reads and writes there, too */
	uint64_t last = CALL(g, "Address", NULL, 0).as.u64 + area - 1;
	uint8_t byte = 3;
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, last, &byte, 1, &g->err), MOTE_OK);
	assert_int_equal(sum_all(g), sum + 2);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, last, &byte, 1, &g->err), MOTE_OK);
	assert_int_equal(byte, 3);

	/* all of it is given back, and comes back as zeroes */
	assert_true(CALL(g, "Release", NULL, 0).as.boolean);
	reserve(g, heap);
	assert_int_equal(sum_all(g), 0);
}

static void all_of_4_gib_can_be_used(struct guest *g)
{
	use(g, 4 * GIB);
}

static void all_of_16_gib_can_be_used(struct guest *g)
{
	use(g, 16 * GIB);
}

/* There, back, and from there; and what that takes is no more than for the pages of a small one. */
static void snapshots_of_16_gib_are_of_what_is_in_there(struct guest *g)
{
	mote_snapshot *clean, *other;
	mote_sandbox *first = g->sb;

	reserve(g, 16 * GIB);
	write_all(g, 1);
	const uint64_t sum = sum_all(g), before = private_kib(g);
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 3; i++) {
		write_all(g, 5 + (uint32_t)i);
		assert_int_equal(sum_all(g), (5 + (uint64_t)i) * sum);
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
		assert_int_equal(sum_all(g), sum);
	}
	assert_true(CALL(g, "Release", NULL, 0).as.boolean);
	EXPECT_STATUS(g, mote_snapshot_take(&other, g->sb, &g->err), MOTE_OK);

	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, clean, NULL, &g->err), MOTE_OK);
	assert_int_equal(sum_all(g), sum);
	write_all(g, 2);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, other, &g->err), MOTE_OK);
	reserve(g, 16 * GIB);
	assert_int_equal(sum_all(g), 0);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_int_equal(sum_all(g), sum);
	assert_in_range(private_kib(g), 0, before + 8192);

	mote_sandbox_free(first);
	mote_snapshot_unref(clean);
	mote_snapshot_unref(other);
}

static const struct row rows[] = {
	{ "all of 4 GiB can be used", "large", all_of_4_gib_can_be_used, &four_gib, false },
	{ "all of 16 GiB can be used", "large", all_of_16_gib_can_be_used, &sixteen_gib, false },
	{ "snapshots of 16 GiB are of what is in there", "large",
	  snapshots_of_16_gib_are_of_what_is_in_there, &sixteen_gib, false },
};

int main(void)
{
	/* as a sandbox of them would: some systems count address space */
	void *space =
		mmap(NULL, 64 * GIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (space == MAP_FAILED) {
		printf("SKIP 64 GiB of address space: %s (ulimit -v, vm.overcommit_memory)\n",
		       strerror(errno));
		return 77;
	}
	munmap(space, 64 * GIB);
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
