/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests with gigabytes of address space, of which they use little: all that can be done with a
 * small one can be done with them, and what it takes of the host goes by what they touch.
 */
#include "bench/large_image.h"
#include "integration/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* An area of all but 64 MiB of HEAP. */
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

/* A guest file of 16 MiB that is gone at the end, and an image of it. */
enum { IMAGE_SIZE = (16 << 20) + 1000 };

static uint64_t image_at; /* where the guest has its last segment */

struct large_file {
	char path[64];
	mote_image *image;
};

static void make_file(struct guest *g, struct large_file *file, bool is_writable)
{
	static unsigned char elf[4 << 20];
	FILE *small = fopen(g->path, "rb");

	assert_non_null(small);
	const size_t size = fread(elf, 1, sizeof elf, small);
	fclose(small);
	assert_in_range(size, 1, sizeof elf - 1);
	snprintf(file->path, sizeof file->path, "/tmp/mote-large-XXXXXX");
	int fd = mkstemp(file->path);
	assert_true(fd >= 0);
	close(fd);
	assert_true(large_image_write(file->path, elf, size, IMAGE_SIZE, is_writable));
	EXPECT_STATUS(g, mote_image_load_file(&file->image, g->rt, file->path, &g->err), MOTE_OK);
	/* a static PIE lies elsewhere */
	for (size_t i = 0; mote_image_segment(file->image, i); i++)
		image_at = mote_image_segment(file->image, i)->address;
}

static uint64_t peek(struct guest *g, uint64_t offset)
{
	return CALL(g, "Peek", MOTE_ARGS(mote_u64(image_at + offset))).as.u64;
}

static void poke(struct guest *g, uint64_t offset, uint64_t value)
{
	CALL(g, "Poke", MOTE_ARGS(mote_u64(image_at + offset), mote_u64(value)));
}

/* At both ends, and every quarter of a MiB from FIRST on. */
static bool is_as_written_from(struct guest *g, uint64_t first)
{
	for (uint64_t at = first; at < IMAGE_SIZE; at += 256 << 10)
		if (peek(g, at) != large_image_word(at))
			return false;
	return peek(g, 0) == large_image_word(0) &&
	       peek(g, IMAGE_SIZE - 8) == large_image_word(IMAGE_SIZE - 8);
}

static bool is_as_written(struct guest *g)
{
	return is_as_written_from(g, 8);
}

/* Pages that nobody has touched while the others were looked at. */
static bool is_as_written_elsewhere(struct guest *g)
{
	return is_as_written_from(g, 128 << 10);
}

static void begin(struct guest *g, const struct large_file *file)
{
	g->sb = NULL;
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, file->image, NULL, &g->err), MOTE_OK);
}

/* Whatever becomes of the file, the image stays what was checked. */
static void a_large_image_outlives_its_file(struct guest *g)
{
	struct large_file file;
	char other[4096] = { 1 };

	make_file(g, &file, false);
	begin(g, &file);
	assert_int_equal(peek(g, 16), large_image_word(16));
	FILE *changed = fopen(file.path, "r+b");
	for (int i = 0; i < 1000; i++)
		assert_int_equal(fwrite(other, sizeof other, 1, changed), 1);
	fclose(changed);
	assert_true(is_as_written(g));
	assert_int_equal(truncate(file.path, 5000), 0);
	assert_true(is_as_written(g));
	mote_sandbox_free(g->sb);
	begin(g, &file);
	assert_true(is_as_written(g));
	assert_int_equal(unlink(file.path), 0);
	mote_image_unref(file.image);
}

static void its_data_is_each_sandboxs_own(struct guest *g)
{
	struct large_file file;
	mote_snapshot *clean;

	make_file(g, &file, true);
	begin(g, &file);
	mote_sandbox *first = g->sb;
	poke(g, 4096, 7);
	begin(g, &file);
	assert_true(is_as_written(g));
	assert_int_equal(peek(g, 4096), large_image_word(4096));
	poke(g, 8192, 8);

	/* snapshots have what was never touched, too */
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	poke(g, 8192, 9);
	poke(g, IMAGE_SIZE - 8, 9);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_int_equal(peek(g, 8192), 8);
	assert_true(is_as_written(g) && is_as_written_elsewhere(g));
	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, clean, NULL, &g->err), MOTE_OK);
	assert_int_equal(peek(g, 8192), 8);
	assert_true(is_as_written(g) && is_as_written_elsewhere(g));
	mote_sandbox_free(g->sb);

	/* one that began at the image goes there, and is the same */
	g->sb = first;
	assert_int_equal(peek(g, 4096), 7);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_int_equal(peek(g, 4096), large_image_word(4096));
	assert_int_equal(peek(g, 8192), 8);
	assert_true(is_as_written(g) && is_as_written_elsewhere(g));
	mote_snapshot_unref(clean);
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

/* The host writes where the guest may not, and memory elsewhere still goes back. */
static void hosts_write_to_one_sandbox_of_it(struct guest *g)
{
	struct large_file file;
	mote_snapshot *clean;
	uint64_t word = 12;

	make_file(g, &file, false);
	begin(g, &file);
	mote_sandbox *first = g->sb;
	assert_int_equal(peek(g, 4096), large_image_word(4096));
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, image_at + 4096, &word, sizeof word, &g->err),
		      MOTE_OK);
	assert_int_equal(peek(g, 4096), 12);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_true(is_as_written(g));
	assert_int_equal(peek(g, 4096), large_image_word(4096));
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, image_at + 4096, &word, sizeof word, &g->err),
		      MOTE_OK);
	assert_int_equal(peek(g, 4096), 12);
	mote_snapshot_unref(clean);
	reserve(g, 96 * MIB);
	write_all(g, 1);
	assert_true(CALL(g, "Release", NULL, 0).as.boolean);
	begin(g, &file);
	assert_int_equal(peek(g, 4096), large_image_word(4096));

	/* from one to the other, and back to what the image says */
	mote_snapshot *changed;
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_snapshot_take(&changed, first, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, changed, &g->err), MOTE_OK);
	assert_int_equal(peek(g, 4096), 12);
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	assert_true(is_as_written(g));
	assert_int_equal(peek(g, 4096), large_image_word(4096));
	mote_snapshot_unref(clean);
	mote_snapshot_unref(changed);
	mote_sandbox_free(first);
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

/* What it must not write stays, the sandbox can be healed, and others notice nothing. */
static void guests_cannot_write_to_its_constants(struct guest *g)
{
	static const uint64_t places[] = { 0, 4096, IMAGE_SIZE / 2 & ~7, IMAGE_SIZE - 8 };
	struct large_file file;
	mote_snapshot *clean;
	mote_sandbox *first;

	make_file(g, &file, false);
	begin(g, &file);
	first = g->sb;
	begin(g, &file);
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		CALL_FAILS(g, MOTE_E_GUEST_FAULT, "(read-only data)", "Poke",
			   MOTE_ARGS(mote_u64(image_at + places[i]), mote_u64(1)));
		assert_int_equal(g->err.guest_address, image_at + places[i]);
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
		assert_int_equal(peek(g, places[i]), large_image_word(places[i]));
	}
	assert_true(is_as_written(g));
	mote_sandbox_free(g->sb);
	g->sb = first;
	assert_true(is_as_written(g));
	mote_snapshot_unref(clean);
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

/* The image goes first, then its snapshot, while sandboxes of both go on. */
static void sandboxes_outlive_its_image(struct guest *g, bool is_writable)
{
	struct large_file file;
	mote_snapshot *clean;
	mote_sandbox *first;

	make_file(g, &file, is_writable);
	begin(g, &file);
	mote_image_unref(file.image);
	first = g->sb;
	assert_true(is_as_written(g));
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, clean, NULL, &g->err), MOTE_OK);
	assert_true(is_as_written(g));
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	mote_snapshot_unref(clean);
	assert_true(is_as_written(g) && is_as_written_elsewhere(g));
	mote_sandbox_free(g->sb);
	g->sb = first;
	assert_true(is_as_written(g) && is_as_written_elsewhere(g));
	assert_int_equal(unlink(file.path), 0);
}

static void sandboxes_outlive_an_image_of_variables(struct guest *g)
{
	sandboxes_outlive_its_image(g, true);
}

static void sandboxes_outlive_an_image_of_constants(struct guest *g)
{
	sandboxes_outlive_its_image(g, false);
}

static void sandboxes_of_it_share_it(struct guest *g)
{
	struct large_file file;
	mote_sandbox *some[4];

	/* two processes cannot share what one of them has changed */
	make_file(g, &file, strcmp(g->backend, "kvm") == 0);
	const uint64_t before = private_kib(g);
	for (int i = 0; i < 4; i++) {
		begin(g, &file);
		assert_true(is_as_written(g));
		some[i] = g->sb;
	}
	assert_in_range(private_kib(g), 0, before + 4 * 2048);
	for (int i = 1; i < 4; i++)
		mote_sandbox_free(some[i]);
	g->sb = some[0];
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

/* Snapshots, and sandboxes that begin at them, take no more of the host than was written. */
static void snapshots_of_it_share_it(struct guest *g)
{
	struct large_file file;
	mote_snapshot *clean;
	mote_sandbox *first, *some[3];

	make_file(g, &file, strcmp(g->backend, "kvm") == 0);
	begin(g, &file);
	first = g->sb;
	const uint64_t before = private_kib(g);
	EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	for (int i = 0; i < 3; i++) {
		EXPECT_STATUS(g, mote_sandbox_from_snapshot(&g->sb, g->rt, clean, NULL, &g->err),
			      MOTE_OK);
		assert_true(is_as_written(g));
		EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
		some[i] = g->sb;
	}
	assert_in_range(private_kib(g), 0, before + 4 * 2048);
	for (int i = 0; i < 3; i++)
		mote_sandbox_free(some[i]);
	mote_snapshot_unref(clean);
	g->sb = first;
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

/* Neither sandboxes nor snapshots take memory for variables that nobody has looked at. */
static void untouched_variables_cost_nothing(struct guest *g)
{
	struct large_file file;
	mote_snapshot *clean;
	mote_sandbox *some[4];

	make_file(g, &file, true);
	const uint64_t before = private_kib(g);
	for (int i = 0; i < 4; i++) {
		if (i < 2)
			begin(g, &file);
		else
			EXPECT_STATUS(
				g, mote_sandbox_from_snapshot(&g->sb, g->rt, clean, NULL, &g->err),
				MOTE_OK);
		some[i] = g->sb;
		poke(g, 8 << 20, (uint64_t)i);
		if (i == 1)
			EXPECT_STATUS(g, mote_snapshot_take(&clean, g->sb, &g->err), MOTE_OK);
	}
	assert_in_range(private_kib(g), 0, before + 5 * 2048);
	for (int i = 0; i < 4; i++) {
		g->sb = some[i];
		assert_int_equal(peek(g, 8 << 20), i);
		assert_int_equal(peek(g, (8 << 20) + 8), large_image_word((8 << 20) + 8));
		assert_true(is_as_written_from(g, (8 << 20) + (256 << 10)));
		if (i < 3)
			mote_sandbox_free(g->sb);
	}
	/* the host sees what the guest has not looked at, and the other way round */
	uint64_t word = 0;
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, image_at + (5 << 20) + 4096, &word, 8, &g->err),
		      MOTE_OK);
	assert_int_equal(word, large_image_word((5 << 20) + 4096));
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, clean, &g->err), MOTE_OK);
	word = 3;
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, image_at + (5 << 20), &word, 8, &g->err),
		      MOTE_OK);
	assert_int_equal(peek(g, 5 << 20), 3);
	assert_int_equal(peek(g, (5 << 20) + 4096), large_image_word((5 << 20) + 4096));
	mote_snapshot_unref(clean);
	mote_image_unref(file.image);
	assert_int_equal(unlink(file.path), 0);
}

static const struct row rows[] = {
	{ "all of 4 GiB can be used", "large", all_of_4_gib_can_be_used, &four_gib, false },
	{ "all of 16 GiB can be used", "large", all_of_16_gib_can_be_used, &sixteen_gib, false },
	{ "snapshots of 16 GiB are of what is in there", "large",
	  snapshots_of_16_gib_are_of_what_is_in_there, &sixteen_gib, false },
	{ "a large image outlives its file", "large", a_large_image_outlives_its_file, NULL, true },
	{ "its data is each sandbox's own", "large", its_data_is_each_sandboxs_own, NULL, true },
	{ "hosts write to one sandbox of it", "large", hosts_write_to_one_sandbox_of_it, NULL,
	  true },
	{ "guests cannot write to its constants", "large", guests_cannot_write_to_its_constants,
	  NULL, true },
	{ "sandboxes outlive an image of variables", "large",
	  sandboxes_outlive_an_image_of_variables, NULL, true },
	{ "sandboxes outlive an image of constants", "large",
	  sandboxes_outlive_an_image_of_constants, NULL, true },
	{ "sandboxes of it share it", "large", sandboxes_of_it_share_it, NULL, true },
	{ "untouched variables cost nothing", "large", untouched_variables_cost_nothing, NULL,
	  true },
	{ "snapshots of it share it", "large", snapshots_of_it_share_it, NULL, true },
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
