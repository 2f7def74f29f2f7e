/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in guests: read, executed and not written to, found by label, there before the
 * first call or after some, refused where they cannot be, and cut by others while a guest
 * uses them: which ends that guest and nothing else.
 */
#define _GNU_SOURCE
#include "integration/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096u
#define HIGH UINT64_C(0x200000000000) /* nothing of the guest's is here */

/* A file that exists in memory only, so that tests need no directory that may be executed from. */
struct scratch {
	int fd;
	char path[32];
};

static struct scratch scratch_new(const void *bytes, size_t size)
{
	struct scratch scratch = { .fd = memfd_create("scratch", MFD_CLOEXEC) };

	assert_true(scratch.fd >= 0);
	assert_int_equal(pwrite(scratch.fd, bytes, size, 0), size);
	snprintf(scratch.path, sizeof scratch.path, "/proc/self/fd/%d", scratch.fd);
	return scratch;
}

/* SIZE bytes: 1, 2, 3, ... */
static struct scratch scratch_of(size_t size)
{
	unsigned char *bytes = malloc(size);

	assert_non_null(bytes);
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(i + 1);
	struct scratch scratch = scratch_new(bytes, size);
	free(bytes);
	return scratch;
}

static uint64_t sum_of(size_t size)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += (unsigned char)(i + 1);
	return sum;
}

static void map(struct guest *g, const struct scratch *file, uint64_t address, const char *label)
{
	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, file->path, address, label, &g->err),
		      MOTE_OK);
}

static void map_fails(struct guest *g, mote_status want, const char *text, const char *path,
		      uint64_t address, const char *label)
{
	EXPECT_STATUS(g, mote_sandbox_map_file(g->sb, path, address, label, &g->err), want);
	EXPECT_MESSAGE(g, text);
}

static void a_guest_finds_and_reads_a_file(struct guest *g)
{
	const size_t size = 3 * PAGE + 100;
	struct scratch file = scratch_of(size);

	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 0);
	assert_string_equal(CALL(g, "Label", MOTE_ARGS(0u)).as.str.ptr, "(none)");
	map(g, &file, HIGH, "numbers");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 1);
	assert_string_equal(CALL(g, "Label", MOTE_ARGS(0u)).as.str.ptr, "numbers");
	assert_true(CALL(g, "AddressOf", MOTE_ARGS("numbers")).as.u64 == HIGH);
	assert_true(CALL(g, "SizeOf", MOTE_ARGS("numbers")).as.u64 == size);
	assert_true(CALL(g, "AddressOf", MOTE_ARGS("number")).as.u64 == 0);
	assert_true(CALL(g, "AddressOf", MOTE_ARGS("")).as.u64 == 0);
	/* to the end of the page: the rest is zero */
	assert_true(CALL(g, "Sum", MOTE_ARGS("numbers")).as.u64 == sum_of(size));
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "read at 0x200000004000 (not mapped)", "ReadAt",
		   MOTE_ARGS(mote_u64(HIGH + 4 * PAGE)));
	close(file.fd);
}

static void a_file_may_be_there_before_the_first_call(struct guest *g)
{
	struct scratch file = scratch_of(10);

	map(g, &file, HIGH, "early");
	close(file.fd); /* nobody needs it any more */
	assert_true(CALL(g, "Sum", MOTE_ARGS("early")).as.u64 == sum_of(10));
	assert_int_equal(CALL(g, "CountCalls", MOTE_NO_ARGS).as.i32, 1);
}

static void files_come_and_stay_from_call_to_call(struct guest *g)
{
	/* next to each other, far apart, across a 2 MiB and across a 1 GiB boundary */
	static const uint64_t addresses[] = { HIGH,           HIGH + PAGE,    HIGH - PAGE,
					      0x7000001ff000, 0x70003ffff000, 0x7efffffff000 };
	enum { COUNT = sizeof addresses / sizeof addresses[0] };
	char labels[COUNT][16];

	for (size_t i = 0; i < COUNT; i++) {
		size_t size = i < 3 ? 5 + i : PAGE + 5 + i;
		struct scratch file = scratch_of(size);
		snprintf(labels[i], sizeof labels[i], "file %zu", i);
		assert_int_equal(CALL(g, "CountCalls", MOTE_NO_ARGS).as.i32, i + 1);
		map(g, &file, addresses[i], labels[i]);
		close(file.fd);
		for (size_t k = 0; k <= i; k++)
			assert_true(CALL(g, "Sum", MOTE_ARGS(labels[k])).as.u64 ==
				    sum_of(k < 3 ? 5 + k : PAGE + 5 + k));
	}
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, COUNT);
	for (uint32_t i = 0; i < COUNT; i++)
		assert_string_equal(CALL(g, "Label", MOTE_ARGS(i)).as.str.ptr, labels[i]);
}

static void large_files_work_at_both_ends(struct guest *g)
{
	const uint64_t size = (UINT64_C(5) << 20) + PAGE + 1; /* large pages in the middle */
	struct scratch file = scratch_of(1);

	assert_int_equal(ftruncate(file.fd, (off_t)size), 0);
	assert_int_equal(pwrite(file.fd, "\x63", 1, (off_t)size - 1), 1);
	assert_int_equal(pwrite(file.fd, "\x37", 1, 3 << 20), 1);
	map(g, &file, HIGH + 0x1ff000, "large");
	assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + 0x1ff000 + size - 1))).as.u32,
			 0x63);
	assert_true(CALL(g, "Sum", MOTE_ARGS("large")).as.u64 == 1 + 0x63 + 0x37);
	close(file.fd);
}

/* lea 7(%rdi), %eax; ret */
static const unsigned char plus_seven[] = { 0x8d, 0x47, 0x07, 0xc3 };

static void a_file_of_code_can_be_called(struct guest *g)
{
	struct scratch file = scratch_new(plus_seven, sizeof plus_seven);

	map(g, &file, HIGH, "code");
	for (int32_t i = -3; i < 3; i++)
		assert_int_equal(CALL(g, "CallAt", MOTE_ARGS(mote_u64(HIGH), i)).as.i32, i + 7);
	close(file.fd);
}

static void writing_to_a_file_is_a_fault_that_names_it(struct guest *g)
{
	struct scratch file = scratch_of(10);
	char byte;

	map(g, &file, HIGH, "mine");
	CALL_FAILS(g, MOTE_E_GUEST_FAULT,
		   "page fault: write at 0x200000000003 (mapped file \"mine\")", "WriteAt",
		   MOTE_ARGS(mote_u64(HIGH + 3)));
	assert_true(g->err.guest_address == HIGH + 3);
	assert_int_equal(pread(file.fd, &byte, 1, 3), 1);
	assert_int_equal(byte, 4);
	assert_true(mote_sandbox_is_poisoned(g->sb));
	map_fails(g, MOTE_E_STATE, "the sandbox is poisoned: call \"WriteAt\"", file.path,
		  HIGH + PAGE, "more");
	close(file.fd);
}

static void the_host_reads_files_and_writes_to_none(struct guest *g)
{
	struct scratch file = scratch_of(PAGE + 10);
	unsigned char bytes[3 * PAGE];

	map(g, &file, HIGH, "data");
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH, bytes, 2 * PAGE, &g->err), MOTE_OK);
	for (size_t i = 0; i < 2 * PAGE; i++)
		assert_int_equal(bytes[i], i < PAGE + 10 ? (unsigned char)(i + 1) : 0);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH, bytes, 2 * PAGE + 1, &g->err),
		      MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "0x200000002000 is not mapped");
	EXPECT_STATUS(g, mote_sandbox_write(g->sb, HIGH + 1, "x", 1, &g->err), MOTE_E_INVALID);
	EXPECT_MESSAGE(g, "0x200000000001 is in the mapped file \"data\", which nobody may write");
	assert_int_equal(CALL(g, "PrintAt", MOTE_ARGS(mote_u64(HIGH), 20u)).as.i32, 20);
	assert_int_equal(CALL(g, "ReadInto", MOTE_ARGS(mote_u64(HIGH))).as.i32, -EFAULT);
	assert_int_equal(CALL(g, "Protect", MOTE_ARGS(mote_u64(HIGH), mote_u64(PAGE), 5u)).as.i32,
			 0);
	assert_int_equal(CALL(g, "Protect", MOTE_ARGS(mote_u64(HIGH), mote_u64(PAGE), 3u)).as.i32,
			 -EACCES);
	mote_value copy = CALL(g, "CopyOf", MOTE_ARGS(mote_u64(HIGH + PAGE), 10u));
	assert_memory_equal(copy.as.bytes.ptr, bytes + PAGE, 10);
	close(file.fd);
}

static void overlaps_are_refused_by_name(struct guest *g)
{
	struct scratch file = scratch_of(2 * PAGE);

	map(g, &file, HIGH, "first");
	map_fails(g, MOTE_E_INVALID,
		  "the mapped file \"second\" at 0x1ffffffff000..0x200000001000 would overlap the "
		  "mapped file \"first\" at 0x200000000000..0x200000002000; addresses from "
		  "0x200000200000 on are free",
		  file.path, HIGH - PAGE, "second");
	map_fails(g, MOTE_E_INVALID, "overlap the mapped file \"first\"", file.path, HIGH + PAGE,
		  "second");
	map_fails(g, MOTE_E_INVALID, "the label \"first\" is that of the file at 0x200000000000",
		  file.path, HIGH + 2 * PAGE, "first");
	map_fails(g, MOTE_E_INVALID, "guests have 0x200000 to 0x7ffffffff000", file.path, 0, "0");
	map_fails(g, MOTE_E_INVALID, "guests have", file.path, 0x1ff000, "window");
	map_fails(g, MOTE_E_INVALID, "no multiple of 4096; 0x200000002000 is", file.path,
		  HIGH + 2 * PAGE + 1, "odd");
	map_fails(g, MOTE_E_OS, "cannot open /does/not/exist: No such file", "/does/not/exist",
		  HIGH + 2 * PAGE, NULL);
	/* none of them left anything behind */
	map(g, &file, HIGH + 2 * PAGE, "second");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 2);
	assert_true(CALL(g, "Sum", MOTE_ARGS("second")).as.u64 == sum_of(2 * PAGE));
	close(file.fd);
}

/* What mote_image_layout() tells of the guest's memory. */
struct refusals {
	struct guest *guest;
	const char *path;
	unsigned count;
};

static void expect_refusal(void *user, const mote_region_info *region)
{
	struct refusals *refusals = user;
	char text[64];

	if (region->address < 0x200000)
		return;
	snprintf(text, sizeof text, "overlap the %s", region->name);
	map_fails(refusals->guest, MOTE_E_INVALID, text, refusals->path, region->address, "x");
	map_fails(refusals->guest, MOTE_E_INVALID, text, refusals->path,
		  region->address + region->size - PAGE, "x");
	refusals->count++;
}

static void no_region_of_the_guest_can_be_covered(struct guest *g)
{
	struct scratch file = scratch_of(1);
	struct refusals refusals = { g, file.path, 0 };

	EXPECT_STATUS(g, mote_image_layout(g->image, NULL, expect_refusal, &refusals, &g->err),
		      MOTE_OK);
	assert_true(refusals.count >= 7); /* segments, heap, stack, input, output */
	close(file.fd);
}

static void up_to_32_files_can_be_mapped(struct guest *g)
{
	struct scratch file = scratch_of(7);
	char label[16];

	for (unsigned i = 0; i < 32; i++) {
		snprintf(label, sizeof label, "%u", i);
		/* in no two places with a page table in common */
		map(g, &file, (i + 1) * UINT64_C(0x8000000000) - (i % 2) * PAGE, label);
	}
	map_fails(g, MOTE_E_LIMIT, "33 mapped files are more than max_mappings, 32", file.path,
		  HIGH + PAGE, "x");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 32);
	for (unsigned i = 0; i < 32; i++) {
		snprintf(label, sizeof label, "%u", i);
		assert_true(CALL(g, "Sum", MOTE_ARGS(label)).as.u64 == sum_of(7));
	}
	close(file.fd);
}

/* The option counts files, however they came. */
static void max_mappings_is_the_most(struct guest *g)
{
	struct scratch file = scratch_of(7);
	mote_snapshot *of_two;
	mote_sandbox *other;
	const mote_sandbox_options *one = MOTE_OPTIONS(mote_sandbox_options, .max_mappings = 1);

	map(g, &file, HIGH, "a");
	map(g, &file, HIGH + PAGE, "b");
	EXPECT_STATUS(g, mote_snapshot_take(&of_two, g->sb, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_from_snapshot(&other, g->rt, of_two, one, &g->err),
		      MOTE_E_LIMIT);
	EXPECT_MESSAGE(g, "2 mapped files are more than max_mappings, 1; 32 are possible");
	assert_null(other);

	mote_sandbox_free(g->sb);
	EXPECT_STATUS(g, mote_sandbox_new(&g->sb, g->image, one, &g->err), MOTE_OK);
	map(g, &file, HIGH, "a");
	map_fails(g, MOTE_E_LIMIT, "2 mapped files are more than max_mappings, 1", file.path,
		  HIGH + PAGE, "b");
	EXPECT_STATUS(g, mote_sandbox_restore(g->sb, of_two, &g->err), MOTE_E_LIMIT);
	EXPECT_MESSAGE(g, "2 mapped files are more than max_mappings, 1");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 1);

	EXPECT_STATUS(g,
		      mote_sandbox_from_snapshot(
			      &other, g->rt, of_two,
			      MOTE_OPTIONS(mote_sandbox_options, .max_mappings = 2), &g->err),
		      MOTE_OK);
	mote_sandbox_free(other);
	mote_snapshot_unref(of_two);
	close(file.fd);
}

static void max_mappings_has_a_most(struct guest *g)
{
	static const uint64_t many[] = { MOTE_MAX_MAPPINGS + 1, UINT64_MAX };
	mote_sandbox_options options = { .size = sizeof options };
	mote_sandbox *sb;
	char text[100];

	for (int i = 0; i < 2; i++) {
		options.max_mappings = many[i];
		snprintf(text, sizeof text, "max_mappings is %llu; it may be at most 32",
			 (unsigned long long)many[i]);
		EXPECT_STATUS(g, mote_sandbox_new(&sb, g->image, &options, &g->err),
			      MOTE_E_INVALID);
		EXPECT_MESSAGE(g, text);
	}
	options.max_mappings = MOTE_MAX_MAPPINGS;
	EXPECT_STATUS(g, mote_sandbox_new(&sb, g->image, &options, &g->err), MOTE_OK);
	mote_sandbox_free(sb);
}

static void a_guest_can_have_64_gib_of_files_and_no_end_of_it(struct guest *g)
{
	struct scratch file = scratch_of(1);
	const uint64_t size = UINT64_C(64) << 30;

	assert_int_equal(ftruncate(file.fd, (off_t)size), 0);
	map(g, &file, HIGH + PAGE, "vast");
	assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + PAGE))).as.u32, 1);
	assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + size))).as.u32, 0);

	assert_int_equal(ftruncate(file.fd, (off_t)(size * 4)), 0);
	map_fails(g, MOTE_E_LIMIT, "page tables and", file.path, 2 * HIGH, "too vast");
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 1);
	close(file.fd);
}

static void a_removed_file_stays(struct guest *g)
{
	char path[] = "/tmp/mote-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "\x05", 1), 1);
	close(fd);
	mote_status status = mote_sandbox_map_file(g->sb, path, HIGH, NULL, &g->err);
	assert_int_equal(unlink(path), 0);
	if (status == MOTE_E_OS) { /* /tmp may be mounted so */
		EXPECT_MESSAGE(g, "noexec");
		print_message("SKIP: nothing in /tmp may be executed\n");
		return;
	}
	EXPECT_STATUS(g, status, MOTE_OK);
	/* the label is the name */
	assert_true(CALL(g, "Sum", MOTE_ARGS(path + strlen("/tmp/"))).as.u64 == 5);
}

/* Another sandbox with the same file. */
static mote_sandbox *other_with(struct guest *g, const struct scratch *file)
{
	mote_sandbox *other;

	EXPECT_STATUS(g, mote_sandbox_new(&other, g->image, NULL, &g->err), MOTE_OK);
	EXPECT_STATUS(g, mote_sandbox_map_file(other, file->path, HIGH, "cut", &g->err), MOTE_OK);
	return other;
}

static void a_file_that_is_cut_ends_its_guest_alone(struct guest *g)
{
	struct scratch file = scratch_of(3 * PAGE);
	mote_sandbox *other = other_with(g, &file);
	unsigned char bytes[2 * PAGE];
	mote_value result;

	map(g, &file, HIGH, "cut");
	assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + 2 * PAGE))).as.u32, 1);
	assert_int_equal(ftruncate(file.fd, PAGE + 10), 0);

	/* what is left can be read, zeroes behind it; what is gone cannot, and nobody dies */
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH, bytes, 2 * PAGE, &g->err), MOTE_OK);
	assert_int_equal(bytes[PAGE + 9], 10);
	assert_int_equal(bytes[PAGE + 10], 0);
	EXPECT_STATUS(g, mote_sandbox_read(g->sb, HIGH + PAGE + 1, bytes, 2 * PAGE - 1, &g->err),
		      MOTE_E_OS);
	EXPECT_MESSAGE(g, "the mapped file \"cut\" was cut from 12288 to 4106 bytes");
	assert_int_equal(CALL(g, "PrintAt", MOTE_ARGS(mote_u64(HIGH + 2 * PAGE), 5u)).as.i32,
			 -EFAULT);

	assert_int_equal(CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH + PAGE + 9))).as.u32, 10);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "mapped file \"cut\"", "ReadAt",
		   MOTE_ARGS(mote_u64(HIGH + 2 * PAGE)));
	EXPECT_MESSAGE(g, "cut from 12288 to 4106 bytes after it was mapped");
	assert_true(mote_sandbox_is_poisoned(g->sb));

	/* the other has lost the page as well, and does not need it */
	assert_int_equal(mote_call(other, "ReadAt", MOTE_ARGS(mote_u64(HIGH)), &result, NULL),
			 MOTE_OK);
	assert_int_equal(mote_call(other, "CountCalls", MOTE_NO_ARGS, &result, NULL), MOTE_OK);
	assert_int_equal(result.as.i32, 1);
	mote_sandbox_free(other);
	close(file.fd);
}

static void code_that_is_cut_off_cannot_be_executed(struct guest *g)
{
	struct scratch file = scratch_new(plus_seven, sizeof plus_seven);

	assert_int_equal(pwrite(file.fd, plus_seven, sizeof plus_seven, PAGE), sizeof plus_seven);
	map(g, &file, HIGH, "code");
	assert_int_equal(CALL(g, "CallAt", MOTE_ARGS(mote_u64(HIGH + PAGE), 1)).as.i32, 8);
	assert_int_equal(ftruncate(file.fd, PAGE), 0);
	assert_int_equal(CALL(g, "CallAt", MOTE_ARGS(mote_u64(HIGH), 1)).as.i32, 8);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "mapped file \"code\"", "CallAt",
		   MOTE_ARGS(mote_u64(HIGH + PAGE), 1));
	close(file.fd);
}

static void a_file_cut_before_its_first_use_is_no_different(struct guest *g)
{
	struct scratch file = scratch_of(2 * PAGE);

	map(g, &file, HIGH, "never used");
	assert_int_equal(ftruncate(file.fd, 0), 0);
	CALL_FAILS(g, MOTE_E_GUEST_FAULT, "mapped file \"never used\"", "Sum",
		   MOTE_ARGS("never used"));
	EXPECT_MESSAGE(g, "cut from 8192 to 0 bytes after it was mapped");
	close(file.fd);
}

static void changes_of_others_may_show(struct guest *g)
{
	struct scratch file = scratch_of(2);

	map(g, &file, HIGH, "shared");
	assert_int_equal(pwrite(file.fd, "\x09", 1, 0), 1);
	uint32_t seen = CALL(g, "ReadAt", MOTE_ARGS(mote_u64(HIGH))).as.u32;
	assert_true(seen == 1 || seen == 9);
	close(file.fd);
}

/* A host function that maps into the sandbox at USER, which is running it. */
static mote_status map_now(void *user, const mote_value *args, size_t nargs, mote_value *result,
			   mote_error *err)
{
	mote_sandbox *sb = *(mote_sandbox **)user;

	(void)args;
	(void)nargs;
	(void)err;
	*result = mote_i32((int32_t)mote_sandbox_map_file(sb, "/proc/self/exe", HIGH, "x", NULL));
	return MOTE_OK;
}

static void no_file_can_be_mapped_during_a_call(struct guest *g)
{
	const mote_host_function function = {
		.name = "MapNow",
		.fn = map_now,
		.user = &g->sb,
		.result = MOTE_I32,
	};

	EXPECT_STATUS(g,
		      mote_sandbox_new(&g->sb, g->image,
				       MOTE_OPTIONS(mote_sandbox_options, .functions = &function,
						    .nfunctions = 1),
				       &g->err),
		      MOTE_OK);
	assert_int_equal(CALL(g, "MapDuringCall", MOTE_NO_ARGS).as.i32, MOTE_E_STATE);
	assert_int_equal(CALL(g, "Count", MOTE_NO_ARGS).as.u32, 0);
}

static const struct row rows[] = {
	{ "a guest finds and reads a file", "files", a_guest_finds_and_reads_a_file, NULL, false },
	{ "a file before the first call", "files", a_file_may_be_there_before_the_first_call, NULL,
	  false },
	{ "files come and stay", "files", files_come_and_stay_from_call_to_call, NULL, false },
	{ "large files", "files", large_files_work_at_both_ends, NULL, false },
	{ "a file of code", "files", a_file_of_code_can_be_called, NULL, false },
	{ "writing to a file", "files", writing_to_a_file_is_a_fault_that_names_it, NULL, false },
	{ "the host reads files", "files", the_host_reads_files_and_writes_to_none, NULL, false },
	{ "overlaps are refused by name", "files", overlaps_are_refused_by_name, NULL, false },
	{ "no region can be covered", "files", no_region_of_the_guest_can_be_covered, NULL, false },
	{ "up to 32 files", "files", up_to_32_files_can_be_mapped, NULL, false },
	{ "max_mappings is the most", "files", max_mappings_is_the_most, NULL, false },
	{ "max_mappings has a most", "files", max_mappings_has_a_most, NULL, false },
	{ "64 GiB of files", "files", a_guest_can_have_64_gib_of_files_and_no_end_of_it, NULL,
	  false },
	{ "a removed file stays", "files", a_removed_file_stays, NULL, false },
	{ "a file that is cut", "files", a_file_that_is_cut_ends_its_guest_alone, NULL, false },
	{ "code that is cut off", "files", code_that_is_cut_off_cannot_be_executed, NULL, false },
	{ "a file cut before its first use", "files",
	  a_file_cut_before_its_first_use_is_no_different, NULL, false },
	{ "changes of others", "files", changes_of_others_may_show, NULL, false },
	{ "no file during a call", "files", no_file_can_be_mapped_during_a_call, NULL, true },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
