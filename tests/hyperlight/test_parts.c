/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots taken apart and put together again, without a machine to run them: what a file may say,
 * one part after the other, and that a host that fails leaves nothing behind.
 */
#define _GNU_SOURCE
#include "guest_abi/hyperlight/guest_internal.h"

#include "guest_abi/snapshot_parts.h"
#include "image/image_parts.h"
#include "kit/fail.h"
#include "mem/sealed_file.h"
#include "tests/hyperlight/hyper_elf.h"

#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE VMEM_PAGE_SIZE

static const struct hv_segment code = {
	.selector = 8,
	.limit = 0xfff,
	.type = 11,
	.present = true,
	.is_code_or_data = true,
	.is_long = true,
	.is_granular = true,
};
static const struct hv_segment data = {
	.selector = 16,
	.limit = 0xffffffff,
	.type = 3,
	.present = true,
	.is_code_or_data = true,
	.is_default_32 = true,
	.is_granular = true,
};
static const struct hv_segment task = { .selector = 24,
					.limit = 103,
					.type = 11,
					.present = true,
					.base = UINT64_C(0xfffffd0000000040) };

/* What a guest of the library is when it takes calls. */
static struct hv_system good_system(void)
{
	return (struct hv_system){
		.cs = code,
		.ds = data,
		.es = data,
		.fs = data,
		.gs = data,
		.ss = data,
		.tr = task,
		.gdt_base = UINT64_C(0xfffffd0000000000),
		.gdt_limit = 39,
		.idt_base = UINT64_C(0xfffffd0000001000),
		.idt_limit = 4095,
		.cr0 = 0x80050033,
		.cr4 = 0x620,
		.efer = 0xd01,
	};
}

/* A snapshot as of a guest that is ready. NULL: the host failed. */
static struct hyperlight_snapshot *make_taken(const struct host *host, mote_error *err)
{
	const struct hyperlight_start start = { .sizes.heap = 40 * PAGE };
	struct hyperlight_snapshot *snapshot;
	struct hyperlight_image image;
	struct hyper_elf elf;

	hyper_elf_init(&elf);
	assert_int_equal(hyperlight_image_parse(&image, &elf, sizeof elf, NULL), MOTE_OK);
	if (hyperlight_snapshot_new(&snapshot, host, &image, &start, err))
		return NULL;
	snapshot->is_ready = true;
	snapshot->system = good_system();
	snapshot->system.cr2 = 0x123456;
	snapshot->system.cr8 = 3;
	snapshot->system.cr3 = hyperlight_scratch_gpa(&snapshot->layout) +
			       hyperlight_tables_offset(&snapshot->layout);
	snapshot->stack = HYPERLIGHT_STACK_TOP_GVA;
	snapshot->generation = 7;
	snapshot->cpu_features = 5;
	return snapshot;
}

static const mote_segment_info segment = { .address = HYPERLIGHT_BASE, .memory_size = 0x3000 };

static mote_status open_parts(struct snapshot_parts *parts,
			      const struct hyperlight_snapshot *snapshot, mote_error *err)
{
	*parts = (struct snapshot_parts){
		.fd = -1, .guest_version = "0.15.0", .segments = &segment, .nsegments = 1
	};
	return hyperlight_parts_open(parts, &snapshot->base, err);
}

static void close_parts(struct snapshot_parts *parts, const struct host *host)
{
	host_free(host, (void *)(uintptr_t)parts->runs, parts->nruns * sizeof parts->runs[0]);
	sealed_file_unref(parts->pages);
}

/* A copy of the file FROM that the host knows of; -1 if it fails. */
static int copy_file(const struct host *host, int from)
{
	const int fd = host->sys->memfd_create("copy", MFD_CLOEXEC);
	uint8_t bytes[PAGE];
	ssize_t n;

	for (off_t at = 0; fd >= 0 && (n = pread(from, bytes, sizeof bytes, at)) > 0; at += n)
		assert_int_equal(pwrite(fd, bytes, (size_t)n, at), n);
	return fd;
}

/* Makes a snapshot of PARTS, with a file of its own. */
static mote_status make_from(struct hyperlight_snapshot **out, const struct host *host,
			     const struct snapshot_parts *parts, mote_error *err)
{
	struct mote_image image = { .host = host };
	struct guest_snapshot *base = (struct guest_snapshot *)&image;
	const int fd = copy_file(host, parts->fd);

	*out = NULL;
	if (fd < 0)
		return error_set(err, MOTE_E_OS, "no file");
	const mote_status status = hyperlight_parts_make(&base, &image, parts, fd, err);
	*out = (struct hyperlight_snapshot *)base;
	if (status)
		host->sys->close(fd);
	return status;
}

/* What all tests begin with, on a host that does not fail. */
static const struct host *host;
static struct hyperlight_snapshot *taken;
static struct snapshot_parts parts;
static mote_error err;

static int begin(void **state)
{
	(void)state;
	host = fail_host(0, FAIL_ONCE, 0);
	taken = make_taken(host, &err);
	return !taken || open_parts(&parts, taken, &err) ? -1 : 0;
}

static int end(void **state)
{
	(void)state;
	close_parts(&parts, host);
	guest_snapshot_unref(&taken->base);
	return fail_leak() ? -1 : 0;
}

static void what_was_taken_apart_is_put_together(void **state)
{
	struct hyperlight_snapshot *made;

	(void)state;
	assert_int_equal(make_from(&made, host, &parts, &err), MOTE_OK);
	const uint64_t size = shared_mem_size(taken->blob);
	assert_int_equal(shared_mem_size(made->blob), size);
	assert_int_equal(shared_mem_guest_size(made->blob), taken->layout.data_size);
	assert_memory_equal(shared_mem_contents(made->blob), shared_mem_contents(taken->blob),
			    size);
	assert_memory_equal(&made->layout, &taken->layout, sizeof taken->layout);
	assert_true(made->is_ready);
	assert_int_equal(made->entry, taken->entry);
	assert_int_equal(made->stack, taken->stack);
	assert_int_equal(made->generation, 7);
	assert_int_equal(made->cpu_features, 5);
	/* less what means nothing between calls */
	taken->system.cr2 = taken->system.cr8 = 0;
	assert_memory_equal(&made->system, &taken->system, sizeof made->system);
	guest_snapshot_unref(&made->base);
}

static void pages_of_zeroes_are_not_in_the_file(void **state)
{
	(void)state;
	assert_true(parts.file_size <
		    taken->layout.heap - HYPERLIGHT_BASE + taken->layout.tables_size + 16 * PAGE);
	assert_in_range(parts.nruns, 2, 3);
	assert_int_equal(parts.runs[0].address, HYPERLIGHT_BASE);
	uint64_t pages = 0;
	for (size_t i = 0; i < parts.nruns; i++) {
		assert_int_equal(parts.runs[i].file_page, pages);
		pages += parts.runs[i].count;
	}
	assert_int_equal(parts.file_size, pages * PAGE);
}

/* Every second group of pages with a byte in it: more runs than a file may have. */
static void many_runs_become_fewer(void **state)
{
	enum { GROUPS = 1200, STEP = 20 };
	const uint64_t size = (uint64_t)GROUPS * STEP * PAGE;
	struct hyperlight_snapshot snapshot = *taken, *made;
	struct snapshot_parts many;

	(void)state;
	assert_int_equal(
		shared_mem_new(&snapshot.blob, host, size + PAGE, SHARED_MEM_PRIVATE, &err),
		MOTE_OK);
	for (uint64_t i = 0; i < GROUPS; i++)
		shared_mem_bytes(snapshot.blob)[i * STEP * PAGE + i] = 1;
	shared_mem_bytes(snapshot.blob)[size] = 1;
	assert_int_equal(shared_mem_make_read_only(snapshot.blob, size, &err), MOTE_OK);
	snapshot.layout.data_size = size;
	snapshot.layout.tables_size = PAGE;
	assert_int_equal(open_parts(&many, &snapshot, &err), MOTE_OK);
	assert_in_range(many.nruns, 1, SNAPSHOT_RUNS_MAX);
	assert_int_equal(make_from(&made, host, &many, &err), MOTE_OK);
	assert_memory_equal(shared_mem_contents(made->blob), shared_mem_contents(snapshot.blob),
			    size + PAGE);
	guest_snapshot_unref(&made->base);
	close_parts(&many, host);
	shared_mem_unref(snapshot.blob);
}

/* PARTS with one of them changed must be refused with TEXT. */
static void expect_refused(const struct snapshot_parts *changed, const char *text)
{
	struct hyperlight_snapshot *made;

	err = (mote_error){ .message = "" };
	const mote_status status = make_from(&made, host, changed, &err);
	if (status != MOTE_E_SNAPSHOT || err.code != status || made || !strstr(err.message, text))
		fail_msg("%s, \"%s\" instead of \"%s\"", mote_status_name(status), err.message,
			 text);
}

static void numbers_that_cannot_be_are_refused(void **state)
{
	struct hyperlight_parts *own = &parts.hyperlight;
	const struct {
		uint64_t *number, value;
		const char *text;
	} rows[] = {
		{ &own->image_size, 0, "\"image_size\" is 0x0" },
		{ &own->image_size, PAGE + 1, "\"image_size\" is 0x1001" },
		{ &own->image_size, HYPERLIGHT_MAX_SIZE + PAGE, "\"image_size\"" },
		{ &own->image_size, -PAGE, "\"image_size\"" },
		{ &own->image_size, PAGE, "is outside of an image of 0x1000 bytes" },
		{ &own->data_size, 0, "\"data_size\"" },
		{ &own->data_size, 17, "\"data_size\"" },
		{ &own->data_size, HYPERLIGHT_MAX_SIZE + PAGE, "\"data_size\"" },
		{ &own->data_size, PAGE, "a run of" },
		{ &own->tables_size, 0, "\"tables_size\"" },
		{ &own->tables_size, -PAGE, "\"tables_size\"" },
		{ &own->tables_size, HYPERLIGHT_SCRATCH_DEFAULT, "\"tables_size\" is 0x48000" },
		{ &own->scratch_size, 20 * PAGE, "scratch_size is 0x14000" },
		{ &own->input_size, 0, "is too small" },
		{ &own->input_size, HYPERLIGHT_BUFFER_MIN - 1, "is too small" },
		{ &own->input_size, UINT64_MAX, "input_size is 0xffffffffffffffff" },
		{ &own->output_size, 0, "is too small" },
		{ &own->output_size, HYPERLIGHT_SCRATCH_DEFAULT, "scratch_size is 0x48000" },
		{ &own->heap_size, 0, "is too small" },
		{ &own->heap_size, HYPERLIGHT_MAX_SIZE, "image, heap and init data have" },
		{ &own->init_data_size, UINT64_MAX, "init_data_size" },
		{ &own->scratch_size, 0, "is too small" },
		{ &own->scratch_size, PAGE, "scratch_size is 0x1000" },
		{ &own->scratch_size, HYPERLIGHT_SCRATCH_DEFAULT + 1, "a multiple of 4096" },
		{ &own->dispatch, UINT64_C(1) << 47, "is no address" },
		{ &own->stack, UINT64_C(1) << 47, "is no address" },
		{ &own->stack, 0x1008, "is no address" },
		{ &parts.generation, SNAPSHOT_GENERATION_MAX + 1, "more than anybody counts" },
		{ &parts.file_size, 0, "\"tables_size\"" },
		{ &parts.file_size, own->tables_size - PAGE, "\"tables_size\"" },
		{ &parts.file_size, own->tables_size, "a file that has" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t was = *rows[i].number;

		*rows[i].number = rows[i].value;
		expect_refused(&parts, rows[i].text);
		*rows[i].number = was;
	}
}

/* Tables are copied when a guest begins: a small file could make that much. */
static void tables_are_no_more_than_the_file(void **state)
{
	struct snapshot_parts changed = parts;

	(void)state;
	changed.hyperlight.scratch_size = HYPERLIGHT_MAX_SIZE;
	changed.hyperlight.tables_size = UINT64_C(8) << 30;
	expect_refused(&changed, "\"tables_size\" is 0x200000000");
	changed.hyperlight.tables_size = parts.file_size / PAGE * PAGE + PAGE;
	expect_refused(&changed, "\"tables_size\"");
}

static void segments_and_versions_that_cannot_be_are_refused(void **state)
{
	struct snapshot_parts changed = parts;
	mote_segment_info outside = { .address = HYPERLIGHT_BASE - 1, .memory_size = 1 };

	(void)state;
	changed.segments = &outside;
	expect_refused(&changed, "segment 0 is outside");
	outside = (mote_segment_info){ .address = HYPERLIGHT_BASE, .memory_size = UINT64_MAX };
	expect_refused(&changed, "is outside of an image");
	changed = parts;
	changed.guest_version = "0.14.0";
	expect_refused(&changed, "built for version 0.14.0");
	changed.guest_version = "\033[2J";
	expect_refused(&changed, "built for version \\x1b[2J");
}

static void runs_that_cannot_be_are_refused(void **state)
{
	const uint64_t end = HYPERLIGHT_BASE + taken->layout.data_size + taken->layout.tables_size;
	const uint64_t npages = parts.file_size / PAGE;
	const struct {
		struct snapshot_run runs[2];
		size_t nruns;
	} rows[] = {
		{ { { 0, 1, 0 } }, 1 },
		{ { { HYPERLIGHT_BASE + 1, 1, 0 } }, 1 },
		{ { { end, 1, 0 } }, 1 },
		{ { { end - PAGE, 2, 0 } }, 1 },
		{ { { UINT64_MAX - 4095, 1, 0 } }, 1 },
		{ { { HYPERLIGHT_BASE, UINT64_MAX, 0 } }, 1 },
		{ { { HYPERLIGHT_BASE, npages + 1, 0 } }, 1 },
		{ { { HYPERLIGHT_BASE, 1, 1 } }, 1 },
		{ { { HYPERLIGHT_BASE, 1, UINT64_MAX } }, 1 },
		{ { { HYPERLIGHT_BASE, 1, 0 }, { HYPERLIGHT_BASE, 1, 1 } }, 2 },
		{ { { HYPERLIGHT_BASE, 1, 0 }, { HYPERLIGHT_BASE + PAGE, 1, 0 } }, 2 },
		{ { { HYPERLIGHT_BASE + PAGE, 1, 0 }, { HYPERLIGHT_BASE, 1, 1 } }, 2 },
		{ { { HYPERLIGHT_BASE, npages, 0 }, { end - PAGE, 1, npages } }, 2 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct snapshot_parts changed = parts;

		changed.runs = rows[i].runs;
		changed.nruns = rows[i].nruns;
		expect_refused(&changed, "a run of");
	}
}

static void a_file_that_is_cut_is_an_error(void **state)
{
	struct snapshot_parts changed = parts;
	struct hyperlight_snapshot *made;

	(void)state;
	changed.fd = memfd_create("cut", MFD_CLOEXEC);
	assert_int_equal(ftruncate(changed.fd, (off_t)parts.file_size - 1), 0);
	assert_int_equal(make_from(&made, host, &changed, &err), MOTE_E_OS);
	assert_non_null(strstr(err.message, "of the snapshot's file"));
	close(changed.fd);
}

static void what_could_not_be_loaded_is_not_saved(void **state)
{
	struct snapshot_parts refused;

	(void)state;
	taken->system.cr4 |= UINT64_C(1) << 12;
	assert_int_equal(open_parts(&refused, taken, &err), MOTE_E_SNAPSHOT);
	assert_non_null(strstr(err.message, "\"cr4\" 0x1620"));
	assert_null(refused.runs);
}

/* Pages as a list. */
struct list {
	uint64_t addresses[256];
	size_t n;
};

static void note_page(void *user, uint64_t address, const void *bytes)
{
	struct list *list = user;
	uint8_t any = 0;

	for (size_t i = 0; i < PAGE; i++)
		any |= ((const uint8_t *)bytes)[i];
	assert_true(any);
	assert_true(list->n < 256);
	assert_true(list->n == 0 || address > list->addresses[list->n - 1]);
	list->addresses[list->n++] = address;
}

static void pages_are_listed_by_virtual_address(void **state)
{
	struct list list = { .n = 0 };

	(void)state;
	assert_int_equal(hyperlight_snapshot_pages(&taken->base, note_page, &list, &err), MOTE_OK);
	/* where they are at first, less those of zeroes; and nothing of scratch */
	const uint8_t *bytes = shared_mem_contents(taken->blob);
	size_t n = 0;
	for (uint64_t at = 0; at < taken->layout.data_size; at += PAGE) {
		const uint8_t *byte = bytes + at;
		while (byte < bytes + at + PAGE && !*byte)
			byte++;
		if (byte < bytes + at + PAGE)
			assert_int_equal(list.addresses[n++], HYPERLIGHT_BASE + at);
	}
	assert_int_equal(list.n, n);
	assert_in_range(n, 2, 20);
}

static void ignore_page(void *user, uint64_t address, const void *bytes)
{
	(void)address, (void)bytes;
	++*(uint64_t *)user;
}

/* Tables that an enemy wrote: the work is bounded, whatever they say. */
static void tables_of_an_enemy_are_listed_or_refused(void **state)
{
	const struct hyperlight_layout *layout = &taken->layout;
	const uint64_t root = hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout);
	const uint64_t entries[] = {
		root | 3,                      /* themselves, a level down, 512 times each */
		UINT64_C(0x83),                /* the first GiB as one page */
		HYPERLIGHT_BASE | 3,           /* data as tables */
		UINT64_C(0xffffffffff000) | 3, /* nowhere */
		UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < sizeof entries / sizeof entries[0]; i++) {
		struct hyperlight_snapshot snapshot = *taken;
		uint64_t pages = 0;
		const uint64_t size = layout->data_size + layout->tables_size;
		assert_int_equal(
			shared_mem_new(&snapshot.blob, host, size, SHARED_MEM_PRIVATE, &err),
			MOTE_OK);
		uint8_t *bytes = shared_mem_bytes(snapshot.blob);
		memcpy(bytes, shared_mem_contents(taken->blob), size);
		for (uint64_t at = layout->data_size; at < size; at += sizeof entries[i])
			memcpy(bytes + at, &entries[i], sizeof entries[i]);
		assert_int_equal(shared_mem_make_read_only(snapshot.blob, layout->data_size, &err),
				 MOTE_OK);
		const mote_status status =
			hyperlight_snapshot_pages(&snapshot.base, ignore_page, &pages, &err);
		assert_true(status == MOTE_OK || status == MOTE_E_SNAPSHOT);
		assert_true(i != 0 || status == MOTE_E_SNAPSHOT);
		shared_mem_unref(snapshot.blob);
	}
}

/* For fail_each_operation(): there and back. */
static mote_status there_and_back(const struct host *failing, void *user, mote_error *error)
{
	struct hyperlight_snapshot *made = NULL, *snapshot = make_taken(failing, error);
	struct snapshot_parts opened = { .fd = -1 };
	mote_status status = error->code;

	(void)user;
	if (snapshot)
		status = open_parts(&opened, snapshot, error);
	if (snapshot && !status)
		status = make_from(&made, failing, &opened, error);
	if (made)
		guest_snapshot_unref(&made->base);
	close_parts(&opened, failing);
	if (snapshot)
		guest_snapshot_unref(&snapshot->base);
	return status;
}

static void hosts_that_fail_leave_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(there_and_back, NULL, NULL);
}

/* A register each, and a value that no guest has. */
static void registers_that_cannot_be_are_refused(void **state)
{
	struct hv_system s;
	const struct {
		void *at;
		size_t size;
		uint64_t value;
		const char *text;
	} rows[] = {
#define ROW(field, value, text) { &s.field, sizeof s.field, value, text }
		ROW(cr0, 0x80050032, "\"cr0\" 0x80050032"), /* not protected */
		ROW(cr0, 0x00050033, "\"cr0\""),            /* no paging */
		ROW(cr0, 0x80050023, "\"cr0\""),            /* an 80387 that is none */
		ROW(cr0, 0xa0050033, "\"cr0\""),            /* NW without CD */
		ROW(cr0, UINT64_C(0x180050033), "\"cr0\""),
		ROW(cr0, 0x80050073, "\"cr0\""),
		ROW(cr4, 0x600, "\"cr4\" 0x600"), /* no PAE */
		ROW(cr4, 0x1620, "\"cr4\""),      /* five levels */
		ROW(cr4, 0x2620, "\"cr4\""),      /* VMX */
		ROW(cr4, 0x20620, "\"cr4\""),     /* PCID */
		ROW(cr4, 0x100620, "\"cr4\""),    /* SMEP */
		ROW(cr4, UINT64_C(0x100000620), "\"cr4\""),
		ROW(efer, 0x801, "\"efer\" 0x801"), /* 32-bit mode */
		ROW(efer, 0x901, "\"efer\""),       /* wanted, not active */
		ROW(efer, 0x1d01, "\"efer\""),      /* SVM */
		ROW(gdt_base, UINT64_C(1) << 47, "\"gdt\""),
		ROW(idt_base, UINT64_C(0x8000000000000000), "\"idt\""),
		ROW(cs.present, 0, "\"cs\""),
		ROW(cs.is_long, 0, "\"cs\""),
		ROW(cs.is_default_32, 1, "\"cs\""),
		ROW(cs.dpl, 3, "\"cs\""),
		ROW(cs.selector, 11, "\"cs\""),
		ROW(cs.type, 3, "\"cs\""),
		ROW(cs.type, 10, "\"cs\""),
		ROW(cs.is_code_or_data, 0, "\"cs\""),
		ROW(cs.base, UINT64_C(1) << 32, "\"cs\""),
		ROW(cs.limit, 0, "\"cs\""),
		ROW(ss.dpl, 3, "\"ss\""),
		ROW(ss.type, 11, "\"ss\""),
		ROW(ss.type, 1, "\"ss\""),
		ROW(ss.selector, 19, "\"ss\""),
		ROW(ss.is_code_or_data, 0, "\"ss\""),
		ROW(ds.base, UINT64_C(1) << 32, "\"ds\""),
		ROW(ds.type, 9, "\"ds\""),
		ROW(es.type, 2, "\"es\""),
		ROW(es.selector, 19, "\"es\""),
		ROW(fs.base, UINT64_C(1) << 47, "\"fs\""),
		ROW(fs.is_granular, 0, "\"fs\""),
		ROW(gs.base, UINT64_C(0xffff7fffffffffff), "\"gs\""),
		ROW(gs.is_code_or_data, 0, "\"gs\""),
		ROW(tr.present, 0, "\"tr\""),
		ROW(tr.type, 9, "\"tr\""),
		ROW(tr.selector, 28, "\"tr\""),
		ROW(tr.is_code_or_data, 1, "\"tr\""),
		ROW(tr.base, UINT64_C(1) << 47, "\"tr\""),
		ROW(tr.limit, 0x100000, "\"tr\""),
		ROW(ldt.present, 1, "\"ldt\""),
		ROW(ldt.base, UINT64_C(1) << 47, "\"ldt\""),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s = good_system();
		memcpy(rows[i].at, &rows[i].value, rows[i].size);
		err = (mote_error){ .message = "" };
		if (hyperlight_state_check(&s, 0x1000, 0x1000, &err) != MOTE_E_SNAPSHOT ||
		    !strstr(err.message, rows[i].text))
			fail_msg("row %zu: \"%s\", not \"%s\"", i, err.message, rows[i].text);
	}
}

static void registers_that_may_be_are_taken(void **state)
{
	struct hv_system s;
	const struct {
		void *at;
		size_t size;
		uint64_t value;
	} rows[] = {
#define ROW(field, value) { &s.field, sizeof s.field, value }
		ROW(cr0, 0xe005003f),
		ROW(cr0, 0x80000011),
		ROW(cr4, 0x407ff),
		ROW(cr4, 0x20),
		ROW(efer, 0x500),
		ROW(ss.present, 0),
		ROW(ds.present, 0),
		ROW(ds.type, 11),
		ROW(es.type, 1),
		ROW(fs.base, UINT64_C(0xffff800000000000)),
		ROW(gs.base, UINT64_C(0x7fffffffffff)),
		ROW(gs.dpl, 3),
		ROW(gdt_base, 0),
		ROW(cr2, UINT64_MAX),
		ROW(cr3, UINT64_MAX),
		ROW(cr8, UINT64_MAX),
#undef ROW
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		s = good_system();
		memcpy(rows[i].at, &rows[i].value, rows[i].size);
		if (hyperlight_state_check(&s, 0x1000, 0x1000, &err))
			fail_msg("row %zu: \"%s\"", i, err.message);
	}
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(what_was_taken_apart_is_put_together),
		TEST(pages_of_zeroes_are_not_in_the_file),
		TEST(many_runs_become_fewer),
		TEST(numbers_that_cannot_be_are_refused),
		TEST(tables_are_no_more_than_the_file),
		TEST(segments_and_versions_that_cannot_be_are_refused),
		TEST(runs_that_cannot_be_are_refused),
		TEST(a_file_that_is_cut_is_an_error),
		TEST(what_could_not_be_loaded_is_not_saved),
		TEST(pages_are_listed_by_virtual_address),
		TEST(tables_of_an_enemy_are_listed_or_refused),
		cmocka_unit_test(hosts_that_fail_leave_nothing_behind),
		cmocka_unit_test(registers_that_cannot_be_are_refused),
		cmocka_unit_test(registers_that_may_be_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
