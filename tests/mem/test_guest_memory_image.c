/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Large images in guest memory: whole pages of large segments come from the image's own file, the
 * rest is copied; the guest's bytes are the file's either way, and what is written stays in one
 * memory.
 */
#include "mem/guest_memory.h"
#include "mem/memory_snapshot.h"
#include "mem/sealed_file.h"

#include "kit/fail.h"
#include "mem/small_guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE      UINT64_C(4096)
#define MIB       (UINT64_C(1) << 20)
#define CODE      UINT64_C(0x400000)
#define CONSTANTS UINT64_C(0x1000800)
#define VARIABLES UINT64_C(0x2000000)
#define ODD       UINT64_C(0x3000100) /* lies at another offset of its page in the file */
#define LARGE     (MIB + 3 * PAGE + 100)
#define FILE_SIZE (5 * MIB)
#define HEAP_SIZE (400 * MIB)

static const mote_segment_info segments[] = {
	{ .address = CODE,
	  .memory_size = PAGE,
	  .file_size = PAGE,
	  .readable = true,
	  .executable = true },
	{ .address = CONSTANTS,
	  .memory_size = LARGE,
	  .file_size = LARGE,
	  .file_offset = MIB + 0x800,
	  .readable = true },
	{ .address = VARIABLES,
	  .memory_size = LARGE + 5 * PAGE,
	  .file_size = LARGE,
	  .file_offset = 3 * MIB,
	  .readable = true,
	  .writable = true },
	{ .address = ODD,
	  .memory_size = LARGE,
	  .file_size = LARGE,
	  .file_offset = MIB,
	  .readable = true },
};
enum { SEGMENTS = sizeof segments / sizeof segments[0] };

static const enum shared_mem_backing backings[] = { SHARED_MEM_PRIVATE, SHARED_MEM_FILE };

static uint8_t *bytes; /* of the file */

static int setup(void **state)
{
	(void)state;
	bytes = malloc(FILE_SIZE);
	for (size_t i = 0; bytes && i < FILE_SIZE; i++)
		bytes[i] = (uint8_t)(i * 167 + i / PAGE + 1);
	return bytes ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(bytes);
	return 0;
}

static mote_status make_file(struct sealed_file **out, const struct host *host, mote_error *err)
{
	mote_status status = sealed_file_new(out, host, err);

	if (!status)
		status = sealed_file_append(*out, bytes, FILE_SIZE, err);
	return status ? status : sealed_file_seal(*out, err);
}

/* A memory alone has the file afterwards. */
static mote_status make(struct guest_memory **out, const struct host *host,
			enum shared_mem_backing backing, mote_error *err)
{
	struct layout_config config = small_config;
	mote_status status = make_file(&config.file, host, err);

	*out = NULL;
	config.segments = segments;
	config.nsegments = SEGMENTS;
	config.heap_size = HEAP_SIZE;
	if (!status)
		status = guest_memory_new(out, host, &config, config.file->bytes, backing, err);
	sealed_file_unref(config.file);
	return status;
}

static struct guest_memory *make_well(enum shared_mem_backing backing)
{
	struct guest_memory *memory;

	assert_int_equal(make(&memory, fail_host(0, FAIL_ONCE, 0), backing, NULL), MOTE_OK);
	return memory;
}

static void drop(struct guest_memory *memory)
{
	guest_memory_free(memory);
	assert_null(fail_leak());
}

static uint8_t byte_at(struct guest_memory *memory, uint64_t address)
{
	uint8_t byte;

	assert_int_equal(guest_memory_read(memory, address, &byte, 1, REGION_READ, NULL), MOTE_OK);
	return byte;
}

static void put(struct guest_memory *memory, uint64_t address, uint8_t byte)
{
	assert_int_equal(guest_memory_write(memory, address, &byte, 1, 0, NULL), MOTE_OK);
}

/* All but the byte at EXCEPT, if it is one of them. */
static void check_segment(struct guest_memory *memory, const mote_segment_info *segment,
			  uint64_t except)
{
	const size_t size = (size_t)segment->memory_size;
	uint8_t *found = malloc(size);

	assert_non_null(found);
	assert_int_equal(guest_memory_read(memory, segment->address, found, size, 0, NULL),
			 MOTE_OK);
	if (except - segment->address < segment->file_size)
		found[except - segment->address] =
			bytes[segment->file_offset + (except - segment->address)];
	assert_memory_equal(found, bytes + segment->file_offset, (size_t)segment->file_size);
	for (uint64_t i = segment->file_size; i < segment->memory_size; i++)
		assert_int_equal(found[i], 0);
	free(found);
}

static void check_all(struct guest_memory *memory, uint64_t except)
{
	for (size_t i = 0; i < SEGMENTS; i++)
		check_segment(memory, &segments[i], except);
}

static void the_guest_has_the_files_bytes(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct guest_memory *memory = make_well(backings[i]);
		check_all(memory, 0);
		drop(memory);
	}
}

static void others_are_told_where_constants_are(void **state)
{
	(void)state;
	struct guest_memory *memory = make_well(SHARED_MEM_FILE);
	const struct layout *layout = guest_memory_layout(memory);
	size_t cache = 0;
	struct region found = { 0 };

	/* the constants alone: the code is small, variables are written, the odd ones lie otherwise
	 */
	assert_true(guest_memory_elsewhere(memory, 0, &found));
	assert_false(guest_memory_elsewhere(memory, 1, &found));
	const struct region *region = layout_find(layout, CONSTANTS, &cache);
	assert_int_equal(found.gpa, region->gpa + PAGE);
	assert_int_equal(found.size, MIB + 2 * PAGE);
	assert_int_equal(found.flags & REGION_WRITE, 0);
	assert_int_equal(found.host.offset, MIB + PAGE);
	assert_true(found.host.file >= 0);
	assert_true(found.host.file != shared_mem_fd(guest_memory_ram(memory)));
	drop(memory);

	memory = make_well(SHARED_MEM_PRIVATE);
	assert_false(guest_memory_elsewhere(memory, 0, &found));
	drop(memory);
}

/* What another process sees at ADDRESS, from the descriptors that it is given. */
static uint8_t seen_by_others(struct guest_memory *memory, uint64_t address)
{
	const struct layout *layout = guest_memory_layout(memory);
	size_t cache = 0;
	const struct region *region = layout_find(layout, address, &cache);
	const uint64_t gpa = region->gpa + (address - region->va);
	struct region run = { 0 };
	uint8_t byte;
	size_t i = 0;

	while (guest_memory_elsewhere(memory, i++, &run))
		if (gpa - run.gpa < run.size)
			break;
	if (gpa - run.gpa >= run.size) {
		run.host = (struct region_host){ .file = shared_mem_fd(guest_memory_ram(memory)) };
		run.gpa = layout->ram.gpa;
	}
	const uint64_t at = run.host.offset + (gpa - run.gpa);
	assert_int_equal(pread((int)run.host.file, &byte, 1, (off_t)at), 1);
	return byte;
}

/* Where the descriptor of RAM has ADDRESS. */
static off_t place_of(struct guest_memory *memory, uint64_t address)
{
	const struct layout *layout = guest_memory_layout(memory);
	size_t cache = 0;
	const struct region *region = layout_find(layout, address, &cache);

	return (off_t)(region->gpa - layout->ram.gpa + (address - region->va));
}

/* As another process does, which has the descriptor mapped. */
static uint8_t peek(struct guest_memory *memory, uint64_t address)
{
	const int fd = shared_mem_fd(guest_memory_ram(memory));
	uint8_t byte;

	assert_int_equal(pread(fd, &byte, 1, place_of(memory, address)), 1);
	return byte;
}

static void poke(struct guest_memory *memory, uint64_t address, uint8_t byte)
{
	const int fd = shared_mem_fd(guest_memory_ram(memory));

	assert_int_equal(pwrite(fd, &byte, 1, place_of(memory, address)), 1);
}

static void variables_come_when_somebody_looks(void **state)
{
	static const uint64_t elsewhere[] = {
		0, CODE, CONSTANTS + MIB, ODD + MIB, MOTE_START_BLOCK, UINT64_MAX
	};
	(void)state;
	struct guest_memory *memory = make_well(SHARED_MEM_FILE);
	const uint64_t last = VARIABLES + MIB + 2 * PAGE; /* the last whole page */
	struct region run;

	assert_true(guest_memory_missing(memory, 0, &run));
	assert_false(guest_memory_missing(memory, 1, &run));
	assert_int_equal(run.gpa - guest_memory_layout(memory)->ram.gpa,
			 place_of(memory, VARIABLES));
	assert_int_equal(run.size, MIB + 3 * PAGE);
	assert_int_equal(peek(memory, VARIABLES + MIB / 2), 0);
	for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
		assert_false(guest_memory_supply_page(memory, elsewhere[i]));

	/* the guest faults, once; what it writes then stays */
	assert_true(guest_memory_supply_page(memory, VARIABLES + MIB / 2 + 5));
	assert_false(guest_memory_supply_page(memory, VARIABLES + MIB / 2 + 5));
	assert_int_equal(peek(memory, VARIABLES + MIB / 2), bytes[3 * MIB + MIB / 2]);
	poke(memory, VARIABLES + MIB / 2, 99);
	assert_int_equal(byte_at(memory, VARIABLES + MIB / 2), 99);
	check_segment(memory, &segments[2], VARIABLES + MIB / 2);
	assert_int_equal(peek(memory, VARIABLES + MIB / 2), 99);
	assert_int_equal(peek(memory, VARIABLES), bytes[3 * MIB]);
	drop(memory);

	/* what the guest has written behind them, before they came */
	memory = make_well(SHARED_MEM_FILE);
	poke(memory, last + 2 * PAGE, 7);
	poke(memory, last + PAGE + 99, 8);
	assert_int_equal(peek(memory, last), 0);
	put(memory, last + 1, 9);
	assert_int_equal(peek(memory, last), bytes[3 * MIB + MIB + 2 * PAGE]);
	assert_int_equal(peek(memory, last + 1), 9);
	assert_int_equal(peek(memory, last + 2 * PAGE), 7);
	assert_int_equal(byte_at(memory, last + PAGE + 99), 8);
	drop(memory);
}

/* After a restore they are missing again, but for others that cannot be told. */
static void restores_take_variables_away(void **state)
{
	(void)state;
	for (int has_all = 0; has_all < 2; has_all++) {
		struct guest_memory *memory = make_well(SHARED_MEM_FILE);
		struct memory_snapshot *snapshot;
		struct restored restored;
		struct region run;

		if (has_all)
			guest_memory_supply_all(memory);
		const uint8_t want = has_all ? bytes[3 * MIB + MIB / 2] : 0;
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(peek(memory, VARIABLES + MIB / 2), want);
			assert_int_equal(guest_memory_missing(memory, 0, &run), !has_all);
			assert_int_equal(guest_memory_supply_page(memory, VARIABLES + MIB / 2),
					 !has_all);
			poke(memory, VARIABLES + MIB / 2, 1);
			const unsigned views = guest_memory_views(memory);
			guest_memory_note_all(memory);
			assert_int_equal(
				guest_memory_restore(memory, snapshot, false, &restored, NULL),
				MOTE_OK);
			assert_int_equal(guest_memory_views(memory), views);
		}
		check_all(memory, 0);
		assert_int_equal(guest_memory_audit(memory, NULL), MOTE_OK);
		memory_snapshot_unref(snapshot);
		drop(memory);
	}
}

static void what_the_host_writes_is_one_memorys(void **state)
{
	static const uint64_t written[] = { CODE,
					    CONSTANTS,
					    CONSTANTS + PAGE,
					    CONSTANTS + MIB,
					    CONSTANTS + LARGE - 1,
					    VARIABLES + MIB,
					    ODD + MIB };
	(void)state;
	for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
		struct guest_memory *memory = make_well(SHARED_MEM_FILE);
		const uint8_t before = byte_at(memory, written[i]);
		const unsigned views = guest_memory_views(memory);
		struct region run = { 0 };
		const bool is_moved = i == 2 || i == 3;

		put(memory, written[i], before ^ 0xff);
		assert_int_equal(byte_at(memory, written[i]), before ^ 0xff);
		assert_int_equal(seen_by_others(memory, written[i]), before ^ 0xff);
		assert_int_equal(seen_by_others(memory, CONSTANTS + MIB / 2),
				 bytes[MIB + 0x800 + MIB / 2]);
		/* pages with the byte are the memory's own now, and others must look there */
		assert_int_equal(guest_memory_elsewhere(memory, 0, &run), !is_moved);
		assert_int_equal(guest_memory_views(memory) != views, is_moved);
		check_all(memory, written[i]);
		drop(memory);
	}
}

static void the_file_stays_as_it_was(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct layout_config config = small_config;
		struct guest_memory *memory, *other;
		struct sealed_file *file;

		assert_int_equal(make_file(&file, host, NULL), MOTE_OK);
		config.segments = segments;
		config.nsegments = SEGMENTS;
		config.file = file;
		assert_int_equal(
			guest_memory_new(&memory, host, &config, file->bytes, backings[i], NULL),
			MOTE_OK);
		put(memory, CONSTANTS + MIB, 1);
		put(memory, VARIABLES + MIB, 1);
		assert_memory_equal(file->bytes, bytes, FILE_SIZE);
		assert_int_equal(
			guest_memory_new(&other, host, &config, file->bytes, backings[i], NULL),
			MOTE_OK);
		check_all(other, 0);
		sealed_file_unref(file);
		guest_memory_free(memory);
		check_all(other, 0);
		drop(other);
	}
}

/* To its own, after which nothing has moved, and to that of another memory, all of whose pages are
 * copies. */
static void restores_bring_all_of_it_back(void **state)
{
	static const uint64_t written[] = { CODE, CONSTANTS + MIB, VARIABLES + 5, VARIABLES + MIB };
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct guest_memory *memory, *other;
		struct memory_snapshot *own, *others;
		struct restored restored;

		assert_int_equal(make(&memory, host, backings[i], NULL), MOTE_OK);
		assert_int_equal(memory_snapshot_take(&own, memory, NULL), MOTE_OK);
		for (size_t k = 0; k < sizeof written / sizeof written[0]; k++) {
			put(memory, written[k], (uint8_t)~byte_at(memory, written[k]));
			assert_int_equal(guest_memory_restore(memory, own, false, &restored, NULL),
					 MOTE_OK);
			assert_false(restored.all_pages);
			check_all(memory, 0);
			assert_int_equal(guest_memory_audit(memory, NULL), MOTE_OK);
		}
		assert_int_equal(make(&other, host, backings[i], NULL), MOTE_OK);
		put(other, CONSTANTS + PAGE, 99);
		put(other, VARIABLES + PAGE, 99);
		assert_int_equal(memory_snapshot_take(&others, other, NULL), MOTE_OK);
		guest_memory_free(other);
		assert_int_equal(guest_memory_restore(memory, others, false, &restored, NULL),
				 MOTE_OK);
		assert_true(restored.all_pages);
		assert_int_equal(byte_at(memory, CONSTANTS + PAGE), 99);
		assert_int_equal(byte_at(memory, VARIABLES + PAGE), 99);
		check_segment(memory, &segments[1], CONSTANTS + PAGE);
		check_segment(memory, &segments[2], VARIABLES + PAGE);
		if (backings[i] == SHARED_MEM_FILE)
			assert_int_equal(seen_by_others(memory, CONSTANTS + PAGE), 99);
		assert_int_equal(guest_memory_audit(memory, NULL), MOTE_OK);
		memory_snapshot_unref(others);
		memory_snapshot_unref(own);
		drop(memory);
	}
}

/* What is at ADDRESS in SNAPSHOT. */
static uint8_t kept_at(const struct memory_snapshot *snapshot, uint64_t address)
{
	size_t cache = 0;
	const struct region *region = layout_find(&snapshot->layout, address, &cache);
	const uint64_t offset = region->gpa - snapshot->layout.ram.gpa + (address - region->va);
	const uint8_t *page;

	assert_int_equal(memory_snapshot_page(snapshot, offset / PAGE, &page, NULL), MOTE_OK);
	return page ? page[offset % PAGE] : 0;
}

/* Memory like that of make(), but without an image. */
static struct guest_memory *make_blank(const struct host *host, enum shared_mem_backing backing)
{
	struct layout_config config = small_config;
	struct guest_memory *memory;

	config.segments = segments;
	config.nsegments = SEGMENTS;
	config.heap_size = HEAP_SIZE;
	assert_int_equal(guest_memory_new(&memory, host, &config, NULL, backing, NULL), MOTE_OK);
	return memory;
}

static void restore(struct guest_memory *memory, struct memory_snapshot *snapshot)
{
	struct restored restored;

	assert_int_equal(guest_memory_restore(memory, snapshot, false, &restored, NULL), MOTE_OK);
	assert_int_equal(guest_memory_audit(memory, NULL), MOTE_OK);
}

static void write_zeroes(struct guest_memory *memory, uint64_t address, size_t npages)
{
	static const uint8_t zeroes[8 * PAGE];

	assert_int_equal(guest_memory_write(memory, address, zeroes, npages * PAGE, 0, NULL),
			 MOTE_OK);
}

static void snapshots_refer_to_what_nobody_has_changed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct guest_memory *memory = make_well(backings[i]);
		struct memory_snapshot *snapshot;

		/* the odd ones are always copies */
		const uint64_t copied = MIB + 4 * PAGE;
		check_all(memory, 0); /* to look is no change */
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		assert_non_null(snapshot->image);
		assert_int_equal(snapshot->nimage_runs, 2);
		assert_in_range(snapshot->file_size, copied, copied + 16 * PAGE);
		assert_int_equal(kept_at(snapshot, CONSTANTS + MIB), bytes[2 * MIB + 0x800]);
		assert_int_equal(kept_at(snapshot, VARIABLES + MIB), bytes[4 * MIB]);
		assert_int_equal(kept_at(snapshot, VARIABLES + LARGE + PAGE), 0);

		/* and again, from memory that has a snapshot */
		memory_snapshot_unref(snapshot);
		put(memory, VARIABLES + MIB, 1);
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		assert_in_range(snapshot->file_size, copied, copied + 32 * PAGE);
		assert_int_equal(kept_at(snapshot, VARIABLES + MIB), 1);
		assert_int_equal(kept_at(snapshot, VARIABLES + MIB + 1), bytes[4 * MIB + 1]);
		memory_snapshot_unref(snapshot);
		drop(memory);
	}
}

/* Zeroes where the image has others, alone and beside pages that were not written. */
static void snapshots_have_zeroes_that_were_written(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct guest_memory *memory, *other = make_blank(host, backings[i]);
		struct memory_snapshot *snapshot, *whole;

		assert_int_equal(make(&memory, host, backings[i], NULL), MOTE_OK);
		write_zeroes(memory, VARIABLES + 16 * PAGE, 3);
		write_zeroes(memory, VARIABLES + 160 * PAGE, 1);
		write_zeroes(memory, CONSTANTS + 0x800 + 32 * PAGE, 1);
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		assert_int_equal(memory_snapshot_complete(&whole, snapshot, NULL), MOTE_OK);
		guest_memory_free(memory);
		restore(other, snapshot);
		for (int k = 0; k < 2; k++) {
			assert_int_equal(byte_at(other, VARIABLES + 16 * PAGE), 0);
			assert_int_equal(byte_at(other, VARIABLES + 18 * PAGE + 5), 0);
			assert_int_equal(byte_at(other, VARIABLES + 160 * PAGE), 0);
			assert_int_equal(byte_at(other, CONSTANTS + 0x800 + 32 * PAGE), 0);
			assert_int_equal(byte_at(other, VARIABLES + 15 * PAGE),
					 bytes[3 * MIB + 15 * PAGE]);
			assert_int_equal(byte_at(other, VARIABLES + 19 * PAGE),
					 bytes[3 * MIB + 19 * PAGE]);
			put(other, VARIABLES + 160 * PAGE, 1);
			put(other, VARIABLES + 19 * PAGE, 1);
			restore(other, snapshot);
		}
		/* what goes to disk needs no image */
		assert_null(whole->image);
		restore(other, whole);
		assert_int_equal(byte_at(other, VARIABLES + 17 * PAGE), 0);
		assert_int_equal(byte_at(other, VARIABLES + 19 * PAGE), bytes[3 * MIB + 19 * PAGE]);
		check_segment(other, &segments[3], 0);
		memory_snapshot_unref(snapshot);
		memory_snapshot_unref(whole);
		drop(other);
	}
}

/* Memory and image are gone, snapshots of theirs and others are restored in turns. */
static void snapshots_have_the_image_for_themselves(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct guest_memory *memory, *other = make_blank(host, backings[i]);
		struct memory_snapshot *blank, *first, *second;
		struct region run;

		assert_int_equal(memory_snapshot_take(&blank, other, NULL), MOTE_OK);
		assert_int_equal(make(&memory, host, backings[i], NULL), MOTE_OK);
		assert_int_equal(memory_snapshot_take(&first, memory, NULL), MOTE_OK);
		put(memory, VARIABLES + 7, 77);
		put(memory, VARIABLES + MIB, 88);
		assert_int_equal(memory_snapshot_take(&second, memory, NULL), MOTE_OK);
		guest_memory_free(memory);
		for (int k = 0; k < 3; k++) {
			restore(other, first);
			check_all(other, 0);
			assert_int_equal(guest_memory_elsewhere(other, 0, &run), i);
			const unsigned views = guest_memory_views(other);
			restore(other, second);
			assert_int_equal(byte_at(other, VARIABLES + 7), 77);
			assert_int_equal(byte_at(other, VARIABLES + MIB), 88);
			assert_int_equal(guest_memory_views(other), views);
			check_segment(other, &segments[1], 0);
			put(other, CONSTANTS + MIB, 9);
			restore(other, blank);
			assert_int_equal(byte_at(other, VARIABLES + 7), 0);
			assert_int_equal(byte_at(other, CONSTANTS + MIB), 0);
			assert_false(guest_memory_elsewhere(other, 0, &run));
		}
		memory_snapshot_unref(first);
		restore(other, second);
		memory_snapshot_unref(second);
		memory_snapshot_unref(blank);
		check_segment(other, &segments[1], 0);
		drop(other);
	}
}

/* More stretches of written pages than a snapshot has room for: it has more than it must, but
 * nothing that others look for in the image's file. */
static void many_pages_in_many_places_are_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct guest_memory *memory, *other = make_blank(host, backings[i]);
		const uint64_t heap = layout_get(guest_memory_layout(other), REGION_HEAP)->va;
		struct memory_snapshot *snapshot;

		assert_int_equal(make(&memory, host, backings[i], NULL), MOTE_OK);
		/* so far from each other that what is between may be more than the constants are */
		for (uint64_t k = 0; k < 300; k++)
			put(memory, heap + k * 300 * PAGE, 5);
		for (uint64_t k = 0; k < MIB / PAGE; k += 100)
			put(memory, VARIABLES + k * PAGE, 6);
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		assert_true(snapshot->nruns + snapshot->nimage_runs <= MEMORY_SNAPSHOT_RUNS_MAX);
		guest_memory_free(memory);
		restore(other, snapshot);
		check_segment(other, &segments[1], 0);
		for (uint64_t k = 0; k < 300; k++)
			assert_int_equal(byte_at(other, heap + k * 300 * PAGE), 5);
		for (uint64_t k = 1; k < MIB / PAGE; k++)
			assert_int_equal(byte_at(other, VARIABLES + k * PAGE),
					 k % 100 ? bytes[3 * MIB + k * PAGE] : 6);
		memory_snapshot_unref(snapshot);
		drop(other);
	}
}

/* As many as a loaded snapshot may have, those of the image among them. */
static void no_snapshot_has_more_runs_than_can_be_loaded(void **state)
{
	(void)state;
	struct guest_memory *memory = make_well(SHARED_MEM_PRIVATE);
	const uint64_t heap = layout_get(guest_memory_layout(memory), REGION_HEAP)->va;

	for (uint64_t k = 0; k < MEMORY_SNAPSHOT_RUNS_MAX + 4; k++) {
		struct memory_snapshot *snapshot;
		put(memory, heap + k * 40 * PAGE, 5);
		if (k < MEMORY_SNAPSHOT_RUNS_MAX - 16)
			continue;
		assert_int_equal(memory_snapshot_take(&snapshot, memory, NULL), MOTE_OK);
		assert_true(snapshot->nruns + snapshot->nimage_runs <= MEMORY_SNAPSHOT_RUNS_MAX);
		memory_snapshot_unref(snapshot);
	}
	drop(memory);
}

/* Two images that differ in nothing but bytes. */
static void restores_tell_images_apart(void **state)
{
	uint8_t *changed[] = { &bytes[2 * MIB + 0x800], &bytes[4 * MIB] };
	(void)state;
	for (int i = 0; i < 2; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct memory_snapshot *snapshot;
		struct guest_memory *memory, *other;

		assert_int_equal(make(&memory, host, backings[i], NULL), MOTE_OK);
		*changed[0] ^= 0xff;
		*changed[1] ^= 0xff;
		assert_int_equal(make(&other, host, backings[i], NULL), MOTE_OK);
		assert_int_equal(memory_snapshot_take(&snapshot, other, NULL), MOTE_OK);
		guest_memory_free(other);
		const unsigned views = guest_memory_views(memory);
		restore(memory, snapshot);
		check_all(memory, 0);
		assert_int_equal(guest_memory_views(memory) != views, i);
		*changed[0] ^= 0xff;
		*changed[1] ^= 0xff;
		memory_snapshot_unref(snapshot);
		drop(memory);
	}
}

static mote_status whole_life(const struct host *host, void *user, mote_error *err)
{
	const enum shared_mem_backing *backing = user;
	struct memory_snapshot *snapshot = NULL, *whole = NULL;
	struct guest_memory *memory;
	struct restored restored;
	mote_status status = make(&memory, host, *backing, err);

	if (!status)
		status = memory_snapshot_take(&snapshot, memory, err);
	if (!status)
		status = memory_snapshot_complete(&whole, snapshot, err);
	memory_snapshot_unref(whole);
	if (!status)
		status = guest_memory_write(memory, CONSTANTS + MIB, "x", 1, 0, err);
	if (!status)
		guest_memory_note_all(memory);
	if (!status)
		status = guest_memory_restore(memory, snapshot, false, &restored, err);
	memory_snapshot_unref(snapshot);
	guest_memory_free(memory);
	return status;
}

/* Without /proc, with pages that cannot be had in one step, or without room for the list of what
 * was written, it takes longer. */
static const char *const benign[] = { "madvise", "open", "pread", "ioctl", "realloc", NULL };

static void each_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++)
		fail_each_operation(whole_life, (void *)(uintptr_t)&backings[i], benign);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_guest_has_the_files_bytes),
		cmocka_unit_test(others_are_told_where_constants_are),
		cmocka_unit_test(variables_come_when_somebody_looks),
		cmocka_unit_test(restores_take_variables_away),
		cmocka_unit_test(what_the_host_writes_is_one_memorys),
		cmocka_unit_test(the_file_stays_as_it_was),
		cmocka_unit_test(restores_bring_all_of_it_back),
		cmocka_unit_test(snapshots_refer_to_what_nobody_has_changed),
		cmocka_unit_test(snapshots_have_zeroes_that_were_written),
		cmocka_unit_test(snapshots_have_the_image_for_themselves),
		cmocka_unit_test(many_pages_in_many_places_are_kept),
		cmocka_unit_test(no_snapshot_has_more_runs_than_can_be_loaded),
		cmocka_unit_test(restores_tell_images_apart),
		cmocka_unit_test(each_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
