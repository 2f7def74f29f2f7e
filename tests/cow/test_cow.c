/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-on-write inside a guest in ring 0: what the first write to a page of the snapshot
 * does to memory and tables, and what ends the guest. The argument is the guest's image,
 * which comes with and without vector registers.
 */
#include "tests/cow/cow_box.h"

#include "abi/vmem_amd64.h"
#include "abi/vmem_walk.h"
#include "hv/kvm/kvm.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Enough for every test that is not about running out. */
#define ROOMY 96

enum { IN_SNAPSHOT = false, IN_SCRATCH = true }; /* the tables */

static const char *guest_path;

static void write_word(struct box *box, uint64_t va, uint64_t word)
{
	assert_int_equal(box_call(box, box->entries.write, va, word), 0);
}

static uint64_t read_word(struct box *box, uint64_t va)
{
	return box_call(box, box->entries.read, va, 0);
}

/* Pages of scratch that the guest took. */
static uint64_t pages_taken(struct box *box)
{
	const struct box_memory *scratch = &box->memory[BOX_SCRATCH];
	uint64_t before;

	memcpy(&before, scratch->before + scratch->size - SCRATCH_NEXT, sizeof before);
	return (*box_word(box, SCRATCH_NEXT) - before) / PAGE;
}

/* Where the snapshot has the heap's byte at VA. */
static uint64_t heap_gpa(const struct box *box, uint64_t va)
{
	return GUEST_BASE + box->image_size + PAGE + (va - BOX_HEAP);
}

static void assert_copied(struct box *box, uint64_t va, uint64_t old_pa, uint32_t more_flags)
{
	struct vmem_range page = box_page(box, va & -PAGE);

	assert_int_equal(page.kind, VMEM_BASIC);
	assert_int_equal(page.flags, VMEM_WRITE | more_flags);
	assert_int_equal(page.size, PAGE);
	assert_true(page.pa >= box->memory[BOX_SCRATCH].gpa);
	assert_ptr_not_equal(box_at(box, page.pa), box_at(box, old_pa & -PAGE));
}

static void assert_shared(struct box *box, uint64_t va, uint64_t old_pa)
{
	struct vmem_range page = box_page(box, va);

	assert_int_equal(page.kind, VMEM_COW);
	assert_int_equal(page.pa, old_pa);
}

static void first_write_copies_exactly_one_page(void **state)
{
	const uint64_t va = BOX_HEAP + 3 * PAGE;
	unsigned char want[PAGE];
	const uint64_t word = 0x1122334455667788;
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SCRATCH);
	write_word(&box, va + 0x238, word);
	assert_int_equal(pages_taken(&box), 1);

	assert_copied(&box, va, heap_gpa(&box, va), 0);
	memcpy(want, box_at(&box, heap_gpa(&box, va)), PAGE);
	memcpy(want + 0x238, &word, sizeof word);
	assert_memory_equal(box_at(&box, box_page(&box, va).pa), want, PAGE);

	assert_shared(&box, va - PAGE, heap_gpa(&box, va - PAGE));
	assert_shared(&box, va + PAGE, heap_gpa(&box, va + PAGE));
	assert_int_equal(read_word(&box, va + 0x238), word);
	box_check_snapshot(&box);
	box_fini(&box);
}

static void reading_copies_nothing(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
	for (uint64_t i = 0; i < BOX_HEAP_PAGES; i++) {
		const uint64_t va = BOX_HEAP + i * PAGE + 8 * i;
		uint64_t word;

		memcpy(&word, box_at(&box, heap_gpa(&box, va)), sizeof word);
		assert_int_equal(read_word(&box, va), word);
	}
	assert_int_equal(pages_taken(&box), 0);
	assert_int_equal(box_root(&box), box.tables.base);
	box_check_snapshot(&box);
	box_fini(&box);
}

static void second_write_does_not_fault(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
	write_word(&box, BOX_HEAP, 1);
	uint64_t taken = pages_taken(&box);

	box_close_gate(&box);
	write_word(&box, BOX_HEAP, 2);
	write_word(&box, BOX_HEAP + PAGE - 8, 3);
	assert_int_equal(read_word(&box, BOX_HEAP), 2);
	assert_int_equal(read_word(&box, BOX_HEAP + PAGE - 8), 3);
	assert_int_equal(pages_taken(&box), taken);
	box_fini(&box);
}

/* Across the boundary of two tables as well. */
static void write_across_two_pages_copies_both(void **state)
{
	static const uint64_t ends[] = { BOX_HEAP + PAGE, BOX_BOUNDARY };
	const uint64_t word = 0x0102030405060708;
	struct box box;

	(void)state;
	for (size_t i = 0; i < COUNT(ends); i++) {
		const uint64_t va = ends[i] - 3;

		box_init(&box, guest_path, ROOMY, IN_SCRATCH);
		write_word(&box, va, word);
		assert_int_equal(read_word(&box, va), word);
		assert_int_equal(pages_taken(&box), 2);
		assert_copied(&box, va, heap_gpa(&box, va), 0);
		assert_copied(&box, ends[i], heap_gpa(&box, ends[i]), 0);
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

/* Faults have a stack of their own. */
static void stack_may_be_copy_on_write(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
	box.stack = BOX_HEAP + 2 * PAGE;
	write_word(&box, BOX_HEAP + 3 * PAGE, 6);
	assert_copied(&box, BOX_HEAP + PAGE, heap_gpa(&box, BOX_HEAP + PAGE), 0);
	assert_int_equal(read_word(&box, BOX_HEAP + 3 * PAGE), 6);
	box_check_snapshot(&box);
	box_fini(&box);
}

static void code_that_was_written_to_still_runs(void **state)
{
	struct box box;

	(void)state;
	for (int times = 0; times < 2; times++) {
		box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
		assert_int_equal(box_call(&box, box.entries.count_up, 0, 0), 42);
		assert_int_equal(box_call(&box, box.entries.count_up, 0, 0), 43);
		write_word(&box, GUEST_BASE + offsetof(struct guest_entries, start), 5);
		assert_copied(&box, GUEST_BASE, GUEST_BASE, VMEM_EXEC);
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

/* PT, PD, PDPT and PML4 with the first write; then the other PT alone; then none. */
static void tables_in_the_snapshot_move_once(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
	write_word(&box, BOX_BOUNDARY - PAGE, 1);
	assert_int_equal(pages_taken(&box), 1 + 4);
	uint64_t root = box_root(&box);

	assert_true(root >= box.memory[BOX_SCRATCH].gpa);
	write_word(&box, BOX_BOUNDARY - 2 * PAGE, 1);
	assert_int_equal(pages_taken(&box), 2 + 4);
	write_word(&box, BOX_BOUNDARY, 1);
	assert_int_equal(pages_taken(&box), 3 + 5);
	write_word(&box, BOX_BOUNDARY + PAGE, 1);
	assert_int_equal(pages_taken(&box), 4 + 5);
	assert_int_equal(box_root(&box), root);
	box_check_snapshot(&box);
	box_fini(&box);
}

static void tables_in_scratch_stay(void **state)
{
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SCRATCH);
	write_word(&box, BOX_BOUNDARY - PAGE, 1);
	write_word(&box, BOX_BOUNDARY, 1);
	assert_int_equal(pages_taken(&box), 2);
	assert_int_equal(box_root(&box), box.tables.base);
	box_fini(&box);
}

/* One page of 2 MiB is copied; the rest is still shared, through a new table. */
static void write_to_a_large_page_copies_4_kib(void **state)
{
	const uint64_t va = BOX_LARGE + 300 * PAGE;
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SCRATCH);
	uint64_t pa = box_page(&box, va).pa;

	write_word(&box, va + 16, 99);
	assert_int_equal(pages_taken(&box), 2);
	assert_int_equal(read_word(&box, va + 16), 99);
	assert_copied(&box, va, pa, 0);
	assert_shared(&box, va - PAGE, pa - PAGE);
	assert_shared(&box, va + PAGE, pa + PAGE);
	assert_shared(&box, BOX_LARGE, pa - 300 * PAGE);
	box_check_snapshot(&box);
	box_fini(&box);
}

/* Reads the guest's tables as a host does that takes a snapshot. */
static void host_finds_every_page_where_it_should_be(void **state)
{
	bool is_written[BOX_HEAP_PAGES] = { false };
	struct box box;
	struct vmem_walk walk;
	struct vmem_range range;
	uint64_t n_pages = 0;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
	for (uint64_t i = 1; i < BOX_HEAP_PAGES; i += 1 + i % 4) {
		write_word(&box, BOX_HEAP + i * PAGE, i);
		is_written[i] = true;
	}
	vmem_walk_begin(&walk, &vmem_amd64, &box_table_ops, &box, box_root(&box), BOX_HEAP,
			BOX_HEAP + BOX_HEAP_PAGES * PAGE - 1, 64);
	while (vmem_walk_next(&walk, &vmem_amd64, &box_table_ops, &box, &range) == VMEM_OK) {
		for (uint64_t va = range.va; va < range.va + range.size; va += PAGE, n_pages++) {
			uint64_t i = (va - BOX_HEAP) / PAGE;
			uint64_t pa = range.pa + (va - range.va);
			uint64_t word;

			memcpy(&word, box_at(&box, pa), sizeof word);
			assert_int_equal(range.kind, is_written[i] ? VMEM_BASIC : VMEM_COW);
			assert_int_equal(range.flags, is_written[i] ? VMEM_WRITE : 0);
			assert_true(is_written[i] ? word == i : pa == heap_gpa(&box, va));
		}
	}
	assert_int_equal(n_pages, BOX_HEAP_PAGES);
	assert_int_equal(walk.malformed, 0);

	/* And what nobody wrote to is as it was. */
	range = box_page(&box, BOX_CONSTANT);
	assert_int_equal(range.kind, VMEM_BASIC);
	assert_int_equal(range.flags, 0);
	assert_shared(&box, BOX_LARGE, box.memory[BOX_LARGE_PAGE].gpa);
	assert_int_equal(box_page(&box, SCRATCH_END_GVA - PAGE).pa, SCRATCH_END_GPA - PAGE);
	box_fini(&box);
}

static void assert_aborted(const struct box *box, uint8_t code, const char *part)
{
	if (!box->is_aborted)
		fail_msg("the guest went on, instead of saying '%s'", part);
	assert_int_equal(box->code, code);
	if (!strstr(box->message, part))
		fail_msg("the guest said '%s' and not '%s'", box->message, part);
}

static void exhausted_scratch_ends_the_guest(void **state)
{
	const uint64_t free_pages = 20;
	static const unsigned char zeroes[PAGE];
	struct box box;

	(void)state;
	box_init(&box, guest_path, BOX_USED_PAGES + 3 + free_pages, IN_SNAPSHOT);
	assert_true(box_try(&box, box.entries.write_pages, BOX_HEAP, BOX_HEAP_PAGES));
	assert_aborted(&box, SCRATCH_ABORT_NO_MEMORY, "out of scratch memory");
	assert_aborted(&box, SCRATCH_ABORT_NO_MEMORY, "0xfffffd000");
	assert_int_equal(pages_taken(&box), free_pages);
	assert_int_equal(*box_word(&box, SCRATCH_NEXT), SCRATCH_END_GPA - SCRATCH_KEPT);
	assert_memory_equal(box_at(&box, SCRATCH_END_GPA - SCRATCH_KEPT), zeroes, PAGE);
	box_check_snapshot(&box);
	box_fini(&box);
}

/* In the midst of moving tables too: until the last is copied, none is in use. */
static void exhaustion_while_tables_move_changes_no_mapping(void **state)
{
	struct box box;

	(void)state;
	for (uint64_t free_pages = 0; free_pages <= 4; free_pages++) {
		box_init(&box, guest_path, BOX_USED_PAGES + 3 + free_pages, IN_SNAPSHOT);
		assert_true(box_try(&box, box.entries.write, BOX_HEAP, 1));
		assert_aborted(&box, SCRATCH_ABORT_NO_MEMORY, "out of scratch memory");
		assert_int_equal(box_root(&box), box.tables.base);
		assert_shared(&box, BOX_HEAP, heap_gpa(&box, BOX_HEAP));
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

static void other_faults_end_the_guest_and_name_the_address(void **state)
{
	enum { READ, WRITE, RUN };
	static const struct {
		int what;
		uint64_t va;
		const char *says;
	} rows[] = {
		{ WRITE, BOX_CONSTANT + 0x18, "page fault at 0x100018, error code 0x3" },
		{ WRITE, 0x8, "page fault at 0x8, error code 0x2" },
		{ READ, 0x7ff000, "page fault at 0x7ff000, error code 0x0" },
		{ WRITE, BOX_LARGE - 8, "page fault at 0x3ffffff8, error code 0x2" },
		{ WRITE, SNAPSHOT_TABLES_GVA, "page fault at 0xffff800000000000, error code 0x3" },
		{ READ, SCRATCH_END_GVA, "page fault at 0xfffffffffffff000, error code 0x0" },
		{ RUN, BOX_HEAP,
		  "page fault at 0x1f0000, error code 0x11, instruction at 0x1f0000" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct box box;

		box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
		const uint64_t ways[] = { box.entries.read, box.entries.write, rows[i].va };

		assert_true(box_try(&box, ways[rows[i].what], rows[i].va, 1));
		assert_aborted(&box, SCRATCH_ABORT_EXCEPTION, rows[i].says);
		assert_int_equal(box.message[0], 14);
		assert_int_equal(pages_taken(&box), 0);
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

/* Scratch is as it was, but for the word itself and the two stacks. */
static void assert_scratch_untouched(struct box *box)
{
	const struct box_memory *scratch = &box->memory[BOX_SCRATCH];
	const uint64_t stacks = 2 * PAGE;
	const uint64_t from = BOX_USED_PAGES * PAGE;

	assert_memory_equal(scratch->bytes + from, scratch->before + from,
			    scratch->size - from - stacks);
}

static void spoilt_allocator_ends_the_guest_and_writes_nowhere(void **state)
{
	static const uint64_t words[] = {
		0,
		GUEST_BASE,
		SCRATCH_END_GPA - (ROOMY + 1) * PAGE,
		SCRATCH_END_GPA - ROOMY * PAGE + 1,
		SCRATCH_END_GPA - 10 * PAGE - 8,
		SCRATCH_END_GPA - 2 * PAGE,
		SCRATCH_END_GPA - PAGE,
		SCRATCH_END_GPA,
		SCRATCH_END_GPA + PAGE,
		UINT64_C(1) << 63,
		-PAGE,
		UINT64_MAX,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		char says[64];
		struct box box;

		box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
		/* The guest does it itself: scratch is its own. */
		write_word(&box, SCRATCH_END_GVA - SCRATCH_NEXT, words[i]);
		assert_true(box_try(&box, box.entries.write, BOX_HEAP, 1));
		snprintf(says, sizeof says, "outside of it, at 0x%" PRIx64, words[i]);
		assert_aborted(&box, SCRATCH_ABORT_NO_MEMORY, says);
		assert_int_equal(*box_word(&box, SCRATCH_NEXT), words[i]);
		assert_scratch_untouched(&box);
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

/* What the handler then looks for is not mapped, or nowhere: a fault within the fault. */
static void other_spoilt_words_end_the_guest(void **state)
{
	static const struct {
		uint64_t distance, word;
		const char *says;
	} rows[] = {
		{ SCRATCH_TABLES, 0, "page fault at 0xffff8000008" },
		{ SCRATCH_TABLES, UINT64_MAX, "page fault at 0xffff8000008" },
		{ SCRATCH_TABLES, UINT64_C(1) << 63, "page fault at 0x1f0000" },
		{ SCRATCH_SIZE, 0, "outside of it" },
		{ SCRATCH_SIZE, UINT64_MAX, "page fault at 0xffff" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct box box;

		box_init(&box, guest_path, ROOMY, IN_SNAPSHOT);
		write_word(&box, SCRATCH_END_GVA - rows[i].distance, rows[i].word);
		assert_true(box_try(&box, box.entries.write, BOX_HEAP, 1));
		assert_true(box.is_aborted);
		if (!strstr(box.message, rows[i].says))
			fail_msg("row %zu: '%s'", i, box.message);
		assert_scratch_untouched(&box);
		box_check_snapshot(&box);
		box_fini(&box);
	}
}

/* 16 registers, stored across two pages that are to be copied. */
static void vector_registers_outlive_faults(void **state)
{
	const uint64_t va = BOX_HEAP + PAGE - GUEST_VECTOR_BYTES / 2 - 5;
	struct box box;

	(void)state;
	box_init(&box, guest_path, ROOMY, IN_SCRATCH);
	assert_int_equal(box_call(&box, box.entries.write_vectors, va, 0), 0);
	assert_int_equal(pages_taken(&box), 2);
	for (uint64_t i = 0; i < GUEST_VECTOR_BYTES; i += 8)
		assert_int_equal(read_word(&box, va + i),
				 (i / 16 + 1) * UINT64_C(0x0101010101010101));
	box_fini(&box);
}

/* Tells if there is a KVM here whose ring 0 runs this guest; says why not. */
static bool can_run(bool *has_vectors)
{
	struct host host;
	struct hv_check check;
	struct box box;

	host_init(&host);
	hv_kvm.check(&host, &check);
	if (!check.is_available) {
		printf("SKIP: %s\n", check.reason);
		return false;
	}
	box_init(&box, guest_path, ROOMY, IN_SCRATCH);
	*has_vectors = box.entries.write_vectors != 0;

	bool can = !*has_vectors ||
		   box_try(&box, box.entries.write_vectors, SCRATCH_END_GVA - 3 * PAGE, 0);

	box_fini(&box);
	if (!can)
		printf("SKIP: this KVM does not let ring 0 use vector registers; the guest "
		       "without them was tested\n");
	return can;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_write_copies_exactly_one_page),
		cmocka_unit_test(reading_copies_nothing),
		cmocka_unit_test(second_write_does_not_fault),
		cmocka_unit_test(write_across_two_pages_copies_both),
		cmocka_unit_test(stack_may_be_copy_on_write),
		cmocka_unit_test(code_that_was_written_to_still_runs),
		cmocka_unit_test(tables_in_the_snapshot_move_once),
		cmocka_unit_test(tables_in_scratch_stay),
		cmocka_unit_test(write_to_a_large_page_copies_4_kib),
		cmocka_unit_test(host_finds_every_page_where_it_should_be),
		cmocka_unit_test(exhausted_scratch_ends_the_guest),
		cmocka_unit_test(exhaustion_while_tables_move_changes_no_mapping),
		cmocka_unit_test(other_faults_end_the_guest_and_name_the_address),
		cmocka_unit_test(spoilt_allocator_ends_the_guest_and_writes_nowhere),
		cmocka_unit_test(other_spoilt_words_end_the_guest),
	};
	const struct CMUnitTest vector_tests[] = {
		cmocka_unit_test(vector_registers_outlive_faults),
	};

	bool has_vectors;

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	if (!can_run(&has_vectors))
		return 77;

	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	if (has_vectors)
		failed += cmocka_run_group_tests(vector_tests, NULL, NULL);
	return failed;
}
