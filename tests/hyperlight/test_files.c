/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in the physical memory of hyperlight guests: where they may be, what the guest can do with
 * them, and what snapshots and restores make of them.
 */
#define _GNU_SOURCE
#include "tests/hyperlight/hyper_box.h"

#include "mem/file_mapping.h"
#include "tests/mem/scratch_file.h"

#include <mote/mote.h>
#include <string.h>

#define BASE UINT64_C(0x100000000)

static const char *guest_path;
static const struct guest_start plain = { .scratch_size = 0x100000 };

static mote_value u64(uint64_t number)
{
	return (mote_value){ .type = MOTE_U64, .as.u64 = number };
}

static struct file_mapping *prepare(struct hyper_box *box, const struct scratch_file *file,
				    uint64_t address)
{
	struct file_mapping *mapping;
	mote_error err = { .message = "" };

	if (file_mapping_new(&mapping, &box->host, file->path, NULL, address, "file", &err))
		fail_msg("%s", err.message);
	return mapping;
}

/* Maps FILE in the guest, and has the guest map it. */
static void map(struct hyper_box *box, const struct scratch_file *file, uint64_t address)
{
	struct file_mapping *mapping = prepare(box, file, address);
	const mote_value params[] = { u64(address), u64(mapping->size) };
	mote_error err = { .message = "" };

	if (hyperlight_abi.map_file(box->guest, mapping, &err))
		fail_msg("%s", err.message);
	assert_int_equal(hyper_box_value(box, "Map", 2, params).as.u32, 0);
}

static void check_text(struct hyper_box *box, uint64_t address, const char *text)
{
	const size_t size = strlen(text);
	const mote_value params[] = { u64(address), u64(size), mote_bool(false) };
	const mote_value value = hyper_box_value(box, "ReadMappedBuffer", 3, params);

	assert_int_equal(value.as.bytes.len, size);
	assert_memory_equal(value.as.bytes.ptr, text, size);
}

static void check_letters(struct hyper_box *box, uint64_t address)
{
	check_text(box, address, "abcdefghijklmnopqrstuvwxyz");
}

static void a_guest_reads_and_executes_a_file(void **state)
{
	static struct hyper_box box;
	static const uint8_t code[] = { 0xb8, 42, 0, 0, 0, 0xc3 }; /* mov $42, %eax; ret */
	struct scratch_file file = scratch_file(5000);
	const mote_value address = u64(BASE + 0x100), base = u64(BASE);
	struct region region;
	char text[4];

	(void)state;
	assert_int_equal(pwrite(file.fd, code, sizeof code, 0x100), sizeof code);
	hyper_box_init(&box, guest_path, &plain);
	map(&box, &file, BASE);
	check_letters(&box, BASE);
	assert_int_equal(hyper_box_value(&box, "CallAt", 1, &address).as.i32, 42);
	/* the host sees it too */
	assert_int_equal(hyperlight_abi.read(box.guest, BASE + 3, text, sizeof text, NULL),
			 MOTE_OK);
	assert_memory_equal(text, "defg", 4);
	assert_int_equal(hyperlight_abi.write(box.guest, BASE, text, 1, NULL), MOTE_E_INVALID);
	region = hyper_box_region(&box, BASE);
	assert_int_equal(region.va, BASE);
	assert_int_equal(region.size, 0x2000);
	assert_int_equal(region.kind, REGION_MAPPED_FILE);
	/* and nobody writes to it, whatever the guest's tables say */
	hyper_box_end(&box, "WriteByte", 1, &base, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.address, BASE);
	hyper_box_fini(&box);
	close(file.fd);
}

/* What Hyperlight's own guest maps by itself, before each use. */
static void functions_of_hyperlights_guest_map_what_they_use(void **state)
{
	static struct hyper_box box;
	static const uint8_t code[] = { 0x90, 0xc3 }; /* nop; ret */
	struct scratch_file file = scratch_file(0x3000);
	const mote_value base = u64(BASE), second = u64(BASE + 0x2000);
	const mote_value read[] = { base, u64(26), mote_bool(true) };
	const mote_value use[] = { u64(BASE + 0x1000), u64(2) }, write[] = { base, u64(1) };
	mote_error err = { .message = "" };

	(void)state;
	assert_int_equal(pwrite(file.fd, code, sizeof code, 0x1000), sizeof code);
	hyper_box_init(&box, guest_path, &plain);
	if (hyperlight_abi.map_file(box.guest, prepare(&box, &file, BASE), &err))
		fail_msg("%s", err.message);
	assert_false(hyper_box_value(&box, "CheckMapped", 1, &base).as.boolean);
	assert_memory_equal(hyper_box_value(&box, "ReadMappedBuffer", 3, read).as.bytes.ptr,
			    "abcdefghijklmnopqrstuvwxyz", 26);
	assert_true(hyper_box_value(&box, "CheckMapped", 1, &base).as.boolean);
	assert_false(hyper_box_value(&box, "CheckMapped", 1, &second).as.boolean);
	assert_true(hyper_box_value(&box, "ExecMappedBuffer", 2, use).as.boolean);
	assert_true(hyper_box_value(&box, "CheckMapped", 1, &second).as.boolean);
	hyper_box_end(&box, "WriteMappedBuffer", 2, write, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.address, BASE);
	hyper_box_fini(&box);
	close(file.fd);
}

static void check_read(struct hyper_box *box, uint64_t address, uint64_t size)
{
	const mote_value params[] = { u64(address), u64(size) };
	const mote_value value = hyper_box_value(box, "ReadMapping", 2, params);

	assert_memory_equal(value.as.bytes.ptr, "abcdefghijklmnopqrstuvwxyz", value.as.bytes.len);
}

/* The guest library maps files by itself, with no more rights than they have. */
static void the_library_reaches_what_is_mapped(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(0x5000);
	const mote_value base = u64(BASE);
	struct region region;
	mote_error err = { .message = "" };
	uint64_t next;

	(void)state;
	for (off_t at = 0; at < 0x4fe0; at += 26)
		assert_int_equal(pwrite(file.fd, "abcdefghijklmnopqrstuvwxyz", 26, at), 26);
	hyper_box_init(&box, guest_path, &plain);
	if (hyperlight_abi.map_file(box.guest, prepare(&box, &file, BASE), &err))
		fail_msg("%s", err.message);
	check_read(&box, BASE + 26 * 100, 26); /* the middle alone */
	region = hyper_box_region(&box, BASE);
	assert_int_equal(region.va, BASE);
	assert_int_equal(region.size, 0x1000);
	check_read(&box, BASE + 26 * 400, 26);
	/* what is there stays, and what is between comes: but for words, that costs nothing twice */
	assert_int_equal(hyperlight_abi.read(box.guest, SCRATCH_END_GVA - SCRATCH_NEXT, &next,
					     sizeof next, NULL),
			 MOTE_OK);
	for (int i = 0; i < 3; i++) {
		uint64_t now;

		check_read(&box, BASE, 0x5000);
		assert_int_equal(hyperlight_abi.read(box.guest, SCRATCH_END_GVA - SCRATCH_NEXT,
						     &now, sizeof now, NULL),
				 MOTE_OK);
		assert_int_equal(now, next);
	}
	region = hyper_box_region(&box, BASE);
	assert_int_equal(region.size, 0x5000);
	assert_int_equal(region.flags, REGION_READ | REGION_EXECUTE);

	/* a snapshot has a copy, which is found in the file's place */
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	hyper_box_restore(&box, snapshot);
	check_read(&box, BASE, 0x5000);
	hyper_box_end(&box, "WriteByte", 1, &base, MOTE_E_GUEST_FAULT);
	hyper_box_restore(&box, snapshot);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	close(file.fd);
}

static void the_library_maps_nothing_where_no_file_can_be(void **state)
{
	static struct hyper_box box;
	const uint64_t scratch = SCRATCH_END_GPA - 0x100000;
	const struct {
		uint64_t address, size;
	} rows[] = {
		{ 0, 1 },           { HYPERLIGHT_BASE - 1, 1 }, { scratch, 1 },
		{ scratch - 1, 2 }, { SCRATCH_END_GPA, 1 },     { BASE, UINT64_MAX },
		{ BASE, -BASE },    { UINT64_MAX, 1 },          { HYPERLIGHT_STACK_TOP_GVA, 1 },
	};

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value params[] = { u64(rows[i].address), u64(rows[i].size) };

		assert_int_equal(hyper_box_error(&box, "ReadMapping", 2, params), 15);
		assert_string_equal(box.text, "nothing can be mapped there");
	}
	/* and where one could be, but is not, the guest ends */
	const mote_value params[] = { u64(BASE), u64(1) };

	hyper_box_end(&box, "ReadMapping", 2, params, MOTE_E_GUEST_FAULT);
	hyper_box_fini(&box);
}

static void places_that_are_taken_are_refused(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(0x2000);
	const struct guest_start start = { .scratch_size = 0x100000, .heap_size = 0x400000 };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	const uint64_t end = HYPERLIGHT_BASE + hyper_inside(box.first)->layout.data_size;
	const struct {
		const char *text;
		uint64_t address;
		const char *says;
	} rows[] = {
		{ "the snapshot", 0x200000, "the snapshot" },
		{ "the snapshot's last page", end - 0x1000, "the snapshot" },
		{ "scratch", SCRATCH_END_GPA - 0x100000, "scratch" },
		{ "across the beginning of scratch", SCRATCH_END_GPA - 0x101000, "scratch" },
		{ "across the end of memory", SCRATCH_END_GPA - 0x1000, "ends behind" },
		{ "behind the end of memory", SCRATCH_END_GPA, "ends behind" },
		{ "far behind", UINT64_C(0x7ffff0000000), "ends behind" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct file_mapping *mapping = prepare(&box, &file, rows[i].address);
		mote_error err = { .message = "" };

		if (hyperlight_abi.map_file(box.guest, mapping, &err) != MOTE_E_INVALID ||
		    !strstr(err.message, rows[i].says))
			fail_msg("%s: %s", rows[i].text, err.message);
		file_mapping_unref(mapping);
	}
	map(&box, &file, end);
	map(&box, &file, SCRATCH_END_GPA - 0x102000);
	/* two that share a page */
	struct file_mapping *mapping = prepare(&box, &file, end + 0x1000);
	mote_error err = { .message = "" };

	assert_int_equal(hyperlight_abi.map_file(box.guest, mapping, &err), MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "mapped file \"file\" at 0x"));
	file_mapping_unref(mapping);
	check_letters(&box, end);
	check_letters(&box, SCRATCH_END_GPA - 0x102000);
	hyper_box_fini(&box);
	close(file.fd);
}

static void there_can_be_32_files(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(1);

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	for (uint64_t i = 0; i <= HYPERLIGHT_FILES_MAX; i++) {
		struct file_mapping *mapping = prepare(&box, &file, BASE + i * 0x1000);
		const mote_status status = hyperlight_abi.map_file(box.guest, mapping, NULL);

		assert_int_equal(status, i < HYPERLIGHT_FILES_MAX ? MOTE_OK : MOTE_E_LIMIT);
		if (status)
			file_mapping_unref(mapping);
	}
	hyper_box_fini(&box);
	close(file.fd);
}

static void a_guest_that_runs_gets_no_files(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(1);

	(void)state;
	hyper_box_make(&box, guest_path, &plain);
	struct file_mapping *mapping = prepare(&box, &file, BASE);

	assert_int_equal(hyperlight_abi.map_file(box.guest, mapping, NULL), MOTE_E_STATE);
	file_mapping_unref(mapping);
	hyper_box_fini(&box);
	close(file.fd);
}

/* As Hyperlight's test of the same name: a file that is mapped between two snapshots. */
static void snapshot_restore_handles_remapping_correctly(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(5000);
	const mote_value params[] = { u64(BASE), u64(1), mote_bool(false) };
	char text[26];

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *before = hyper_box_take(&box);

	map(&box, &file, BASE);
	struct guest_snapshot *after = hyper_box_take(&box);

	/* the guest goes on with the file, a restored one with a copy, of which it may write its
	 * own */
	check_letters(&box, BASE);
	hyper_box_restore(&box, after);
	check_letters(&box, BASE);
	hyper_box_value(&box, "WriteByte", 1, params);
	assert_int_equal(hyper_box_value(&box, "ReadMappedBuffer", 3, params).as.bytes.len, 1);
	assert_int_equal(*(const char *)box.result.value.as.bytes.ptr, 0x42);
	assert_int_equal(pread(file.fd, text, sizeof text, 0), sizeof text);
	assert_memory_equal(text, "abcdefghijklmnopqrstuvwxyz", 26);

	hyper_box_restore(&box, before);
	assert_int_equal(hyperlight_abi.read(box.guest, BASE, text, 1, NULL), MOTE_E_INVALID);
	hyper_box_end(&box, "ReadMappedBuffer", 3, params, MOTE_E_GUEST_FAULT);
	/* and again, on a machine that has had it before */
	hyper_box_restore(&box, before);
	map(&box, &file, BASE);
	check_letters(&box, BASE);
	hyper_box_restore(&box, after);
	check_letters(&box, BASE);
	guest_snapshot_unref(after);
	guest_snapshot_unref(before);
	hyper_box_fini(&box);
	close(file.fd);
}

/* By descriptor, memory that the host goes on writing to: the guest sees that, until it is restored
 * to a snapshot, which has a copy. */
static void what_the_host_writes_shows(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(5000);
	struct file_mapping *mapping;
	mote_error err = { .message = "" };
	char *shared = mmap(NULL, 5000, PROT_READ | PROT_WRITE, MAP_SHARED, file.fd, 0);

	(void)state;
	assert_true(shared != MAP_FAILED);
	hyper_box_init(&box, guest_path, &plain);
	const mote_value params[] = { u64(BASE), u64(0x2000) };

	if (file_mapping_new(&mapping, &box.host, "descriptor", &file.fd, BASE, NULL, &err) ||
	    hyperlight_abi.map_file(box.guest, mapping, &err))
		fail_msg("%s", err.message);
	close(file.fd);
	assert_int_equal(hyper_box_value(&box, "Map", 2, params).as.u32, 0);
	check_letters(&box, BASE);
	memcpy(shared, "first", 5);
	memcpy(shared + 0x1000, "page", 4); /* which the guest has not looked at */
	check_text(&box, BASE, "firstfgh");
	check_text(&box, BASE + 0x1000, "page");

	struct guest_snapshot *snapshot = hyper_box_take(&box);

	memcpy(shared, "later", 5);
	check_text(&box, BASE, "laterfgh");
	hyper_box_restore(&box, snapshot);
	check_text(&box, BASE, "firstfgh");
	check_text(&box, BASE + 0x1000, "page");
	memcpy(shared, "never", 5);
	check_text(&box, BASE, "firstfgh");
	/* which it may write to, and nobody else sees it */
	hyper_box_value(&box, "WriteByte", 1, params);
	check_text(&box, BASE, "Birstfgh");
	assert_memory_equal(shared, "neverfgh", 8);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	munmap(shared, 5000);
}

static mote_value read_mapping(mote_sandbox *sb, size_t size)
{
	const mote_value params[] = { u64(BASE), u64(size) };
	mote_value result = { .type = MOTE_VOID };
	mote_error err;

	if (mote_call(sb, "ReadMapping", params, 2, &result, &err))
		fail_msg("%s", err.message);
	return result;
}

/* As a program has it: host and guest library together. */
static void a_program_lends_its_memory(void **state)
{
	struct scratch_file file = scratch_file(5000);
	mote_runtime *rt;
	mote_image *image;
	mote_sandbox *sb = NULL;
	mote_error err = { .message = "" };

	(void)state;
	if (mote_runtime_new(&rt, MOTE_OPTIONS(mote_runtime_options, .backend = "kvm"), &err)) {
		print_message("SKIP: %s\n", err.message);
		skip();
	}
	if (mote_image_load_file(&image, rt, guest_path, &err) ||
	    mote_sandbox_new(&sb, image, NULL, &err) ||
	    mote_sandbox_map_fd(sb, file.fd, BASE, "board", &err))
		fail_msg("%s", err.message);
	assert_memory_equal(read_mapping(sb, 26).as.bytes.ptr, "abcdef", 6);
	assert_int_equal(pwrite(file.fd, "ABC", 3, 0), 3);
	assert_memory_equal(read_mapping(sb, 26).as.bytes.ptr, "ABCdef", 6);
	assert_int_equal(mote_sandbox_map_fd(sb, file.fd, BASE + 0x1000, "more", &err),
			 MOTE_E_INVALID);
	assert_non_null(strstr(err.message, "the mapped file \"more\" at 0x100001000..0x100003000 "
					    "overlaps mapped file \"board\""));
	mote_sandbox_free(sb);
	mote_image_unref(image);
	mote_runtime_free(rt);
	close(file.fd);
}

static void test_map_file_cow_multi_vm_same_file(void **state)
{
	static struct hyper_box boxes[2];
	struct scratch_file file = scratch_file(5000);

	(void)state;
	for (int i = 0; i < 2; i++) {
		hyper_box_init(&boxes[i], guest_path, &plain);
		map(&boxes[i], &file, BASE + (uint64_t)i * 0x10000);
	}
	for (int i = 0; i < 2; i++)
		check_letters(&boxes[i], BASE + (uint64_t)i * 0x10000);
	hyper_box_fini(&boxes[0]);
	check_letters(&boxes[1], BASE + 0x10000);
	hyper_box_fini(&boxes[1]);
	close(file.fd);
}

static void a_file_that_was_cut_is_an_error_and_no_crash(void **state)
{
	static struct hyper_box box;
	struct scratch_file file = scratch_file(0x3000);
	const mote_value params[] = { u64(BASE + 0x2000), u64(1), mote_bool(false) };
	struct guest_snapshot *snapshot;
	char byte;

	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	struct guest_snapshot *before = hyper_box_take(&box);

	map(&box, &file, BASE);
	assert_int_equal(ftruncate(file.fd, 0x1000), 0);
	assert_int_equal(hyperlight_abi.read(box.guest, BASE, &byte, 1, NULL), MOTE_OK);
	assert_int_equal(hyperlight_abi.read(box.guest, BASE + 0x2000, &byte, 1, NULL), MOTE_E_OS);
	assert_int_equal(hyperlight_abi.snapshot(&snapshot, box.guest, NULL), MOTE_E_OS);
	hyper_box_end(&box, "ReadMappedBuffer", 3, params, MOTE_E_GUEST_FAULT);
	hyper_box_restore(&box, before);
	guest_snapshot_unref(before);
	hyper_box_fini(&box);
	close(file.fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_reads_and_executes_a_file),
		cmocka_unit_test(functions_of_hyperlights_guest_map_what_they_use),
		cmocka_unit_test(the_library_reaches_what_is_mapped),
		cmocka_unit_test(the_library_maps_nothing_where_no_file_can_be),
		cmocka_unit_test(places_that_are_taken_are_refused),
		cmocka_unit_test(there_can_be_32_files),
		cmocka_unit_test(a_guest_that_runs_gets_no_files),
		cmocka_unit_test(snapshot_restore_handles_remapping_correctly),
		cmocka_unit_test(what_the_host_writes_shows),
		cmocka_unit_test(a_program_lends_its_memory),
		cmocka_unit_test(test_map_file_cow_multi_vm_same_file),
		cmocka_unit_test(a_file_that_was_cut_is_an_error_and_no_crash),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
