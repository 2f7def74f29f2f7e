/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots of guests whose page tables are whatever a test writes: nothing runs here. What a
 * hostile guest could point its tables at, and what that may cost.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_flat.h"
#include "abi/vmem_map.h"
#include "abi/vmem_walk.h"
#include "kit/fail.h"
#include "tests/hyperlight/hyper_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define PAGE          VMEM_PAGE_SIZE
#define GUEST_SCRATCH UINT64_C(0x48000)

/* A guest with memory and no machine. */
struct fixture {
	struct host host;
	struct hyperlight_guest guest;
	struct hyperlight_bytes bytes;
	uint64_t next; /* page of scratch that nobody uses, physical */
};

static uint64_t root_of_all;

static void get_system(const struct hv_vm *vm, struct hv_system *out)
{
	(void)vm;
	*out = (struct hv_system){ .cr3 = root_of_all };
}

static const struct hv_system_ops system_ops = { .get = get_system };
static struct hv_vm machine; /* there is one, of which nothing else is asked */

static mote_status make_guest(struct fixture *fixture, const struct host *host, mote_error *err)
{
	const struct hyperlight_start start = { .sizes.scratch = GUEST_SCRATCH };
	struct hyperlight_guest *guest = &fixture->guest;
	struct hyper_elf elf;
	struct hyperlight_image image;

	*guest = (struct hyperlight_guest){ .guest.abi = &hyperlight_abi,
					    .host = host,
					    .system = &system_ops,
					    .vm = &machine,
					    .is_ready = true,
					    .is_idle = true };
	hyper_elf_init(&elf);
	mote_status status = hyperlight_image_parse(&image, &elf, sizeof elf, err);
	if (!status)
		status = hyperlight_snapshot_new(&guest->base, host, &image, &start, err);
	if (!status)
		status = shared_mem_new(&guest->scratch, host, GUEST_SCRATCH, SHARED_MEM_PRIVATE,
					err);
	return status;
}

static void drop_guest(struct fixture *fixture)
{
	shared_mem_unref(fixture->guest.scratch);
	if (fixture->guest.base)
		guest_snapshot_unref(&fixture->guest.base->base);
}

static uint64_t tables_gpa(const struct fixture *fixture)
{
	const struct hyperlight_layout *layout = &fixture->guest.base->layout;

	return hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout);
}

/* Its tables are those that a guest of the image starts with. */
static void setup_fixture(struct fixture *fixture)
{
	mote_error err = { .message = "" };

	host_init(&fixture->host);
	if (make_guest(fixture, &fixture->host, &err))
		fail_msg("%s", err.message);

	struct hyperlight_guest *guest = &fixture->guest;
	const struct hyperlight_layout *layout = &guest->base->layout;

	memcpy(shared_mem_bytes(guest->scratch) + hyperlight_tables_offset(layout),
	       shared_mem_contents(guest->base->blob) + layout->data_size, layout->tables_size);
	assert_int_equal(shared_mem_share(guest->scratch, NULL), MOTE_OK);
	root_of_all = tables_gpa(fixture);
	fixture->next = root_of_all + layout->tables_size;
	assert_int_equal(hyperlight_bytes_open(&fixture->bytes, guest, NULL), MOTE_OK);
	hyperlight_bytes_close(guest); /* nothing runs: the pointers stay good */
}

static uint64_t *table_at(struct fixture *fixture, uint64_t pa)
{
	return hyperlight_bytes_at(&fixture->bytes, pa, PAGE);
}

static uint64_t take_page(void *memory)
{
	struct fixture *fixture = memory;

	fixture->next += PAGE;
	return fixture->next - PAGE;
}

static void *find_table(void *memory, uint64_t pa)
{
	return table_at(memory, pa);
}

static const struct vmem_ops guest_ops = { .table = find_table, .alloc = take_page };

/* As the guest would. */
static void map(struct fixture *fixture, struct vmem_range range)
{
	assert_int_equal(vmem_map(&vmem_amd64, &guest_ops, fixture, &root_of_all, &range), VMEM_OK);
}

static struct hyperlight_snapshot *take(struct fixture *fixture, mote_error *err)
{
	struct guest_snapshot *snapshot;
	const mote_status status = hyperlight_take(&snapshot, &fixture->guest.guest, err);

	assert_true(status == MOTE_OK ? snapshot != NULL : snapshot == NULL);
	return (struct hyperlight_snapshot *)snapshot;
}

static void drop(struct hyperlight_snapshot *snapshot)
{
	if (snapshot)
		guest_snapshot_unref(&snapshot->base);
}

/* How SNAPSHOT maps VA. */
static struct vmem_range look(const struct hyperlight_snapshot *snapshot, uint64_t va)
{
	const struct hyperlight_layout *layout = &snapshot->layout;
	const uint8_t *tables = shared_mem_contents(snapshot->blob) + layout->data_size;
	struct vmem_flat flat = { .memory = (void *)(uintptr_t)tables,
				  .base = snapshot->system.cr3,
				  .size = layout->tables_size };
	struct vmem_range range = { .kind = VMEM_UNMAPPED };

	if (!vmem_translate(&vmem_amd64, &vmem_flat_ops, &flat, flat.base, va, &range))
		range = (struct vmem_range){ .kind = VMEM_UNMAPPED };
	return range;
}

static const uint8_t *copy_of(const struct hyperlight_snapshot *snapshot, uint64_t va)
{
	const struct vmem_range range = look(snapshot, va);

	assert_int_not_equal(range.kind, VMEM_UNMAPPED);
	assert_in_range(range.pa, HYPERLIGHT_BASE,
			HYPERLIGHT_BASE + snapshot->layout.data_size - PAGE);
	return shared_mem_contents(snapshot->blob) + (range.pa - HYPERLIGHT_BASE);
}

static void pages_keep_their_places_and_rights(void **state)
{
	static const struct {
		uint64_t va;
		uint32_t flags;
		enum vmem_kind kind, becomes;
	} rows[] = {
		{ UINT64_C(0x40000000), VMEM_WRITE, VMEM_BASIC, VMEM_COW },
		{ UINT64_C(0x40001000), VMEM_WRITE | VMEM_EXEC, VMEM_BASIC, VMEM_COW },
		{ UINT64_C(0x40003000), 0, VMEM_BASIC, VMEM_BASIC },
		{ UINT64_C(0x40004000), VMEM_EXEC, VMEM_BASIC, VMEM_BASIC },
		{ HYPERLIGHT_DESCRIPTORS_GVA, 0, VMEM_COW, VMEM_COW },
		{ HYPERLIGHT_STACK_TOP_GVA - PAGE, VMEM_EXEC, VMEM_COW, VMEM_COW },
		{ UINT64_C(0x7ffffffff000), VMEM_WRITE, VMEM_BASIC, VMEM_COW },
		{ UINT64_C(0xffff810000000000), VMEM_WRITE, VMEM_BASIC, VMEM_COW },
	};
	static struct fixture fixture;

	(void)state;
	setup_fixture(&fixture);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const uint64_t pa = take_page(&fixture);

		memset(table_at(&fixture, pa), (int)i + 1, PAGE);
		map(&fixture,
		    (struct vmem_range){ rows[i].va, pa, PAGE, rows[i].flags, rows[i].kind });
	}
	struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

	assert_non_null(snapshot);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct vmem_range range = look(snapshot, rows[i].va);

		assert_int_equal(range.kind, rows[i].becomes);
		assert_int_equal(range.flags, rows[i].flags & VMEM_EXEC);
		assert_int_equal(copy_of(snapshot, rows[i].va)[0], i + 1);
	}
	/* the image, which nobody wrote to; and scratch where it was */
	assert_memory_equal(copy_of(snapshot, HYPERLIGHT_BASE), "\177ELF", 4);
	assert_int_equal(look(snapshot, SCRATCH_END_GVA - 1).pa, SCRATCH_END_GPA - 1);
	assert_int_equal(look(snapshot, SCRATCH_END_GVA - 1).flags, VMEM_WRITE);
	assert_int_equal(snapshot->layout.data_size, fixture.guest.base->layout.data_size +
							     sizeof rows / sizeof rows[0] * PAGE);
	drop(snapshot);
	drop_guest(&fixture);
}

static void a_page_that_is_mapped_often_is_copied_once(void **state)
{
	static struct fixture fixture;

	(void)state;
	setup_fixture(&fixture);
	const uint64_t pa = take_page(&fixture);

	for (uint64_t i = 0; i < 300; i++)
		map(&fixture, (struct vmem_range){ UINT64_C(0x40000000) + i * PAGE, pa, PAGE,
						   VMEM_WRITE, VMEM_BASIC });
	struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

	assert_non_null(snapshot);
	assert_int_equal(snapshot->layout.data_size, fixture.guest.base->layout.data_size + PAGE);
	assert_int_equal(look(snapshot, UINT64_C(0x40000000)).pa,
			 look(snapshot, UINT64_C(0x40000000) + 299 * PAGE).pa);
	drop(snapshot);
	drop_guest(&fixture);
}

static void what_is_not_the_guests_is_left_out(void **state)
{
	static struct fixture fixture;

	(void)state;
	setup_fixture(&fixture);
	const uint64_t pa = take_page(&fixture);

	/* where no memory is, where hosts keep tables, and above scratch */
	map(&fixture, (struct vmem_range){ UINT64_C(0x40000000), UINT64_C(0x500000000), PAGE,
					   VMEM_WRITE, VMEM_BASIC });
	map(&fixture, (struct vmem_range){ UINT64_C(0x40001000), SCRATCH_END_GPA, PAGE, VMEM_WRITE,
					   VMEM_BASIC });
	map(&fixture, (struct vmem_range){ UINT64_C(0x40002000), 0, PAGE, VMEM_WRITE, VMEM_BASIC });
	map(&fixture, (struct vmem_range){ SNAPSHOT_TABLES_GVA, pa, PAGE, VMEM_WRITE, VMEM_BASIC });
	map(&fixture, (struct vmem_range){ SNAPSHOT_TABLES_GVA + SNAPSHOT_TABLES_GVA_SIZE - PAGE,
					   pa, PAGE, VMEM_WRITE, VMEM_BASIC });
	map(&fixture, (struct vmem_range){ SCRATCH_END_GVA, pa, PAGE, VMEM_WRITE, VMEM_BASIC });
	/* what is low is there, too, by the same tables */
	table_at(&fixture, root_of_all)[257] = table_at(&fixture, root_of_all)[0];
	struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

	assert_non_null(snapshot);
	assert_int_equal(snapshot->layout.data_size, fixture.guest.base->layout.data_size);
	assert_int_equal(look(snapshot, UINT64_C(0x40000000)).kind, VMEM_UNMAPPED);
	assert_int_equal(look(snapshot, UINT64_C(0x40001000)).kind, VMEM_UNMAPPED);
	assert_int_equal(look(snapshot, UINT64_C(0x40002000)).kind, VMEM_UNMAPPED);
	assert_int_equal(look(snapshot, SNAPSHOT_TABLES_GVA).kind, VMEM_UNMAPPED);
	assert_int_equal(
		look(snapshot, SNAPSHOT_TABLES_GVA + (UINT64_C(1) << 39) + HYPERLIGHT_BASE).kind,
		VMEM_UNMAPPED);
	assert_int_equal(look(snapshot, SCRATCH_END_GVA).kind, VMEM_UNMAPPED);
	drop(snapshot);
	drop_guest(&fixture);
}

static void tables_that_lead_nowhere_are_refused(void **state)
{
	static const struct {
		const char *text;
		unsigned level;
		uint64_t entry;
	} rows[] = {
		{ "a table below memory", 3, 0x23 },
		{ "a table above memory", 3, (UINT64_C(1) << 36) | 0x23 },
		{ "a table between snapshot and scratch", 2, UINT64_C(0x500000000) | 0x23 },
		{ "a page of 1 GiB", 2, 0xe3 },
		{ "a page of 2 MiB", 1, 0xe3 },
		{ "a page of 512 GiB", 3, 0xe3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct fixture fixture;
		mote_error err = { .message = "" };

		setup_fixture(&fixture);
		/* root, directory pointers, directory follow each other in the first tables */
		table_at(&fixture, root_of_all + (3 - rows[i].level) * PAGE)[100] = rows[i].entry;
		if (take(&fixture, &err))
			fail_msg("%s: accepted", rows[i].text);
		assert_int_equal(err.code, MOTE_E_SNAPSHOT);
		drop_guest(&fixture);
	}
}

static void a_root_outside_of_memory_is_refused(void **state)
{
	static const uint64_t roots[] = { 0, UINT64_C(0x500000000), SCRATCH_END_GPA,
					  UINT64_C(0xffffffffff000) };

	(void)state;
	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		static struct fixture fixture;

		setup_fixture(&fixture);
		root_of_all = roots[i];
		assert_null(take(&fixture, NULL));
		drop_guest(&fixture);
	}
}

static void tables_that_contain_themselves_end(void **state)
{
	static struct fixture fixture;

	(void)state;
	setup_fixture(&fixture);
	table_at(&fixture, root_of_all)[200] = root_of_all | 0x23;
	struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

	/* the tables are data there, once */
	assert_non_null(snapshot);
	assert_true(snapshot->layout.data_size <=
		    fixture.guest.base->layout.data_size + GUEST_SCRATCH);
	assert_true(snapshot->layout.tables_size <= 4 * fixture.guest.base->layout.tables_size);
	assert_memory_equal(copy_of(snapshot, HYPERLIGHT_BASE), "\177ELF", 4);
	drop(snapshot);
	drop_guest(&fixture);
}

/* All of the address space mapped to one page by four tables: 2^36 pages. */
static void everything_mapped_to_one_page_is_quick(void **state)
{
	static struct fixture fixture;

	(void)state;
	setup_fixture(&fixture);
	uint64_t below = take_page(&fixture);

	for (unsigned level = 0; level < 4; level++) {
		const uint64_t pa = take_page(&fixture);
		uint64_t *table = table_at(&fixture, pa);

		for (size_t i = 0; i < 512; i++)
			table[i] = below | (level == 0 ? 0x63 : 0x23);
		below = pa;
	}
	root_of_all = below;
	struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

	assert_non_null(snapshot);
	assert_int_equal(snapshot->layout.data_size, PAGE);
	assert_true(snapshot->layout.tables_size <= 16 * PAGE);
	assert_int_equal(look(snapshot, UINT64_C(0x123456789000)).pa, HYPERLIGHT_BASE);
	drop(snapshot);
	drop_guest(&fixture);
}

/* xorshift, so that a failure comes again. */
static uint64_t random_number(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

/* Every page of scratch is a table, with entries that point at random pages with random rights. */
static void any_tables_cost_what_the_memory_is_large(void **state)
{
	uint64_t seed = 42;
	unsigned taken = 0;

	(void)state;
	for (unsigned round = 0; round < 60; round++) {
		static struct fixture fixture;
		const uint64_t npages = GUEST_SCRATCH / PAGE;
		/* few entries, or many; in the low half of the rounds none that is wrong */
		const uint64_t density = random_number(&seed) % 64 + 1;

		setup_fixture(&fixture);
		for (uint64_t *word = (uint64_t *)(void *)fixture.bytes.scratch;
		     word < (uint64_t *)(void *)(fixture.bytes.scratch + GUEST_SCRATCH); word++) {
			const uint64_t number = random_number(&seed);
			const uint64_t page = fixture.bytes.scratch_gpa + number % npages * PAGE;
			const uint64_t bits = round < 30 ? 0x23 : number >> 40 & 0xfff;

			*word = number >> 32 & 63 ? 0 : page | bits;
			if (number >> 20 & density)
				*word = 0;
		}
		root_of_all = fixture.bytes.scratch_gpa;
		struct hyperlight_snapshot *snapshot = take(&fixture, NULL);

		if (snapshot) {
			taken++;
			assert_true(snapshot->layout.data_size <=
				    GUEST_SCRATCH + fixture.guest.base->layout.data_size);
			assert_true(snapshot->layout.tables_size <= 2 * GUEST_SCRATCH);
		}
		drop(snapshot);
		drop_guest(&fixture);
	}
	print_message("%u of 60 could be taken\n", taken);
}

static void more_tables_than_scratch_has_room_for_are_refused(void **state)
{
	static struct fixture fixture;
	mote_error err;

	(void)state;
	setup_fixture(&fixture);
	const uint64_t pa = take_page(&fixture);

	/* a table for each page: with the 12 pages that stay free, and the buffers, too many */
	for (uint64_t i = 0; i < 16; i++)
		map(&fixture, (struct vmem_range){ UINT64_C(0x8000000000) * (i + 2), pa, PAGE,
						   VMEM_WRITE, VMEM_BASIC });
	assert_null(take(&fixture, &err));
	assert_int_equal(err.code, MOTE_E_LIMIT);
	assert_non_null(strstr(err.message, "bytes of page tables"));
	drop_guest(&fixture);
}

static void a_guest_that_maps_nothing_is_refused(void **state)
{
	static struct fixture fixture;
	mote_error err;

	(void)state;
	setup_fixture(&fixture);
	memset(table_at(&fixture, root_of_all), 0, PAGE);
	assert_null(take(&fixture, &err));
	assert_int_equal(err.code, MOTE_E_LIMIT);
	drop_guest(&fixture);
}

static mote_status make_and_take(const struct host *host, void *user, mote_error *err)
{
	static struct fixture fixture;
	struct guest_snapshot *snapshot = NULL;
	mote_status status = make_guest(&fixture, host, err);

	(void)user;
	if (!status) {
		const struct hyperlight_layout *layout = &fixture.guest.base->layout;

		memcpy(shared_mem_bytes(fixture.guest.scratch) + hyperlight_tables_offset(layout),
		       shared_mem_contents(fixture.guest.base->blob) + layout->data_size,
		       layout->tables_size);
		root_of_all = tables_gpa(&fixture);
		status = shared_mem_share(fixture.guest.scratch, err);
	}
	if (!status)
		status = hyperlight_take(&snapshot, &fixture.guest.guest, err);
	guest_snapshot_unref(snapshot);
	drop_guest(&fixture);
	return status;
}

static void every_failure_leaves_nothing_behind(void **state)
{
	(void)state;
	fail_each_operation(make_and_take, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_keep_their_places_and_rights),
		cmocka_unit_test(a_page_that_is_mapped_often_is_copied_once),
		cmocka_unit_test(what_is_not_the_guests_is_left_out),
		cmocka_unit_test(tables_that_lead_nowhere_are_refused),
		cmocka_unit_test(a_root_outside_of_memory_is_refused),
		cmocka_unit_test(tables_that_contain_themselves_end),
		cmocka_unit_test(everything_mapped_to_one_page_is_quick),
		cmocka_unit_test(any_tables_cost_what_the_memory_is_large),
		cmocka_unit_test(more_tables_than_scratch_has_room_for_are_refused),
		cmocka_unit_test(a_guest_that_maps_nothing_is_refused),
		cmocka_unit_test(every_failure_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
