/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The snapshot that a guest starts from: its bytes, its page tables, and that running out of
 * memory leaves nothing behind.
 */
#include "guest_abi/hyperlight/snapshot.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_walk.h"
#include "kit/fail.h"
#include "mem/region.h"
#include "tests/hyperlight/hyper_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct hyperlight_snapshot *make(const struct host *host,
					const struct hyperlight_start *start)
{
	struct hyper_elf elf;
	struct hyperlight_image image;
	struct hyperlight_snapshot *snapshot;
	mote_error err = { .message = "" };

	hyper_elf_init(&elf);
	assert_int_equal(hyperlight_image_parse(&image, &elf, sizeof elf, NULL), MOTE_OK);
	if (hyperlight_snapshot_new(&snapshot, host, &image, start, &err)) {
		assert_null(snapshot);
		assert_true(err.message[0]);
	}
	return snapshot;
}

static const uint8_t *bytes_at(const struct hyperlight_snapshot *snapshot, uint64_t address)
{
	return shared_mem_contents(snapshot->blob) + (address - HYPERLIGHT_BASE);
}

static void it_has_image_peb_and_init_data(void **state)
{
	static const uint8_t init[] = { 0xde, 0xad, 0xbe, 0xef };
	const struct hyperlight_start start = { .sizes.init_data = sizeof init, .init_data = init };
	struct host host;

	(void)state;
	host_init(&host);
	struct hyperlight_snapshot *snapshot = make(&host, &start);
	assert_non_null(snapshot);
	const struct hyperlight_layout *layout = &snapshot->layout;
	const struct hyperlight_peb peb = hyperlight_peb(layout);
	const uint64_t relocated = HYPERLIGHT_BASE + 0x1234;

	assert_memory_equal(bytes_at(snapshot, HYPERLIGHT_BASE + HYPER_DATA_ADDRESS), &relocated,
			    sizeof relocated);
	assert_memory_equal(bytes_at(snapshot, layout->peb), &peb, sizeof peb);
	assert_memory_equal(bytes_at(snapshot, layout->init_data), init, sizeof init);
	assert_int_equal(shared_mem_guest_size(snapshot->blob), layout->data_size);
	assert_int_equal(shared_mem_size(snapshot->blob), layout->data_size + layout->tables_size);
	assert_false(snapshot->is_ready);
	assert_int_equal(snapshot->stack, UINT64_C(0xffffffffffffefc8));
	guest_snapshot_unref(&snapshot->base);
}

static void check_walk(const struct hyperlight_snapshot *snapshot, const struct vmem_range *want,
		       size_t n)
{
	const struct hyperlight_layout *layout = &snapshot->layout;
	struct vmem_flat tables = {
		.memory =
			(void *)(uintptr_t)bytes_at(snapshot, HYPERLIGHT_BASE + layout->data_size),
		.base = hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout),
		.size = layout->tables_size,
	};
	struct vmem_walk walk;
	struct vmem_range found;

	vmem_walk_begin(&walk, &vmem_amd64, &vmem_flat_ops, &tables, tables.base, 0, UINT64_MAX,
			1000);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(
			vmem_walk_next(&walk, &vmem_amd64, &vmem_flat_ops, &tables, &found),
			VMEM_OK);
		assert_int_equal(found.va, want[i].va);
		assert_int_equal(found.pa, want[i].pa);
		assert_int_equal(found.size, want[i].size);
		assert_int_equal(found.flags, want[i].flags);
		assert_int_equal(found.kind, want[i].kind);
	}
	assert_int_equal(vmem_walk_next(&walk, &vmem_amd64, &vmem_flat_ops, &tables, &found),
			 VMEM_END);
	assert_int_equal(walk.malformed, 0);
}

static void its_tables_map_what_a_guest_starts_with(void **state)
{
	static const struct {
		const char *text;
		unsigned init_flags;
		uint32_t flags;
		enum vmem_kind kind;
	} rows[] = {
		{ "init data to read", 0, 0, VMEM_BASIC },
		{ "init data to execute", REGION_EXECUTE, VMEM_EXEC, VMEM_BASIC },
		{ "init data to write", REGION_WRITE, 0, VMEM_COW },
		{ "init data for everything", REGION_ALL, VMEM_EXEC, VMEM_COW },
	};
	static const uint8_t init[0x1001];
	struct host host;

	(void)state;
	host_init(&host);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct hyperlight_start start = { .sizes.init_data = sizeof init,
							.init_data = init,
							.init_flags = rows[i].init_flags };
		struct hyperlight_snapshot *snapshot = make(&host, &start);
		assert_non_null(snapshot);
		const struct hyperlight_layout *layout = &snapshot->layout;
		struct vmem_range want[] = {
			{ 0x1000, 0x1000, layout->peb - 0x1000, VMEM_EXEC, VMEM_COW },
			{ layout->peb, layout->peb, 0x1000, 0, VMEM_BASIC },
			{ layout->heap, layout->heap, 0x20000, 0, VMEM_COW },
			{ layout->init_data, layout->init_data, 0x2000, rows[i].flags,
			  rows[i].kind },
			{ hyperlight_scratch_gva(layout), hyperlight_scratch_gpa(layout), 0x48000,
			  VMEM_WRITE, VMEM_BASIC },
		};
		size_t n = sizeof want / sizeof want[0];

		/* what is alike is one range to a walk */
		if (rows[i].init_flags == REGION_WRITE) {
			want[2].size += want[3].size;
			memmove(&want[3], &want[4], sizeof want[4]);
			n--;
		}
		check_walk(snapshot, want, n);
		guest_snapshot_unref(&snapshot->base);
	}
}

static void its_tables_are_as_many_as_released_hosts_have(void **state)
{
	const struct hyperlight_start start = { .init_data = NULL };
	struct host host;

	(void)state;
	host_init(&host);
	struct hyperlight_snapshot *snapshot = make(&host, &start);
	assert_non_null(snapshot);
	assert_int_equal(snapshot->layout.tables_size, 0x7000);

	/* The root comes first; then directory pointers, directory and table of low memory; then
	 * those of scratch. */
	const uint8_t *tables = bytes_at(snapshot, HYPERLIGHT_BASE + snapshot->layout.data_size);
	const uint64_t base = hyperlight_scratch_gpa(&snapshot->layout) + 0x8000;
	uint64_t first, last;

	memcpy(&first, tables, sizeof first);
	memcpy(&last, tables + 511 * 8, sizeof last);
	assert_int_equal(first, (base + 0x1000) | 0x23);
	assert_int_equal(last, (base + 0x4000) | 0x23);
	guest_snapshot_unref(&snapshot->base);
}

static void scratch_must_hold_the_tables(void **state)
{
	/* 12 pages and the buffers, which would do without tables */
	const struct hyperlight_start start = { .sizes.scratch = 0x14000 };
	struct host host;

	(void)state;
	host_init(&host);
	assert_null(make(&host, &start));
}

static mote_status make_and_drop(const struct host *host, void *user, mote_error *err)
{
	const struct hyperlight_start start = { .init_data = NULL };
	struct hyper_elf elf;
	struct hyperlight_image image;
	struct hyperlight_snapshot *snapshot;

	(void)user;
	hyper_elf_init(&elf);
	mote_status status = hyperlight_image_parse(&image, &elf, sizeof elf, err);
	if (!status)
		status = hyperlight_snapshot_new(&snapshot, host, &image, &start, err);
	if (!status)
		guest_snapshot_unref(guest_snapshot_ref(&snapshot->base));
	if (!status)
		guest_snapshot_unref(&snapshot->base);
	return status;
}

static void every_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_drop, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_has_image_peb_and_init_data),
		cmocka_unit_test(its_tables_map_what_a_guest_starts_with),
		cmocka_unit_test(its_tables_are_as_many_as_released_hosts_have),
		cmocka_unit_test(scratch_must_hold_the_tables),
		cmocka_unit_test(every_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
