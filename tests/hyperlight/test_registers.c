/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that guests of the hyperlight ABI start with, and those of each call.
 */
#include "tests/hyperlight/hyper_box.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;

/* The order in which the guest pushes them. */
enum { FLAGS, RAX, RBX, RCX, RDX, RSI, RDI, RBP, R8, R9, R10, R11, R12, R13, R14, R15, NREGISTERS };

#define FLAGS_FIXED UINT64_C(2)
#define FLAGS_ZERO  UINT64_C(0x40)
#define START_STACK UINT64_C(0xffffffffffffefc8)

static void read_pushed(struct hyper_box *box, uint64_t stack, uint64_t registers[NREGISTERS])
{
	for (uint64_t i = 0; i < NREGISTERS; i++)
		assert_int_equal(hyperlight_abi.read(box->guest, stack - 8 * (i + 1), &registers[i],
						     sizeof registers[i], NULL),
				 MOTE_OK);
}

static void a_guest_starts_with_the_registers_of_its_abi(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .init_data = NULL };
	uint64_t now[NREGISTERS], first[NREGISTERS];

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	read_pushed(&box, START_STACK, first);
	assert_int_equal(first[FLAGS], FLAGS_FIXED);
	assert_int_equal(first[RDI], hyper_inside(box.first)->layout.peb);
	assert_int_equal(first[RDX], 4096);
	assert_int_equal(first[RCX], 3); /* information, warnings and errors */
	for (int i = 0; i < NREGISTERS; i++)
		if (i != FLAGS && i != RDI && i != RSI && i != RDX && i != RCX)
			assert_int_equal(first[i], 0);

	/* the seed is another each time */
	hyper_box_restore(&box, box.first);
	hyper_box_run(&box);
	read_pushed(&box, START_STACK, now);
	assert_int_not_equal(now[RSI], first[RSI]);
	hyper_box_fini(&box);
}

static void call(struct hyper_box *box, uint64_t flags)
{
	const uint64_t stack = (START_STACK - NREGISTERS * 8) & ~UINT64_C(15);
	uint64_t now[NREGISTERS], vector[2];
	struct guest_event event;

	assert_int_equal(hyperlight_abi.call(box->guest, 0, 0, NULL), MOTE_OK);
	assert_int_equal(hyperlight_abi.run(box->guest, &event, NULL), MOTE_OK);
	assert_int_equal(event.kind, GUEST_DONE);
	read_pushed(box, stack, now);
	assert_int_equal(now[FLAGS], flags);
	for (int i = RAX; i < NREGISTERS; i++)
		assert_int_equal(now[i], 0);
	assert_int_equal(hyperlight_abi.read(box->guest, stack - NREGISTERS * 8 - sizeof vector,
					     vector, sizeof vector, NULL),
			 MOTE_OK);
	assert_int_equal(vector[0] | vector[1], 0);
}

static bool is_nothing(const struct hv_segment *segment)
{
	return !segment->present && segment->selector == 0 && segment->base == 0;
}

static void check_system(const struct hyper_box *box)
{
	struct hv_system system;

	box->hv->ops->system->get(hyperlight_abi.vm(box->guest), &system);
	assert_int_equal(system.cr0, 0x80050033);
	assert_int_equal(system.cr2, 0);
	assert_int_equal(system.cr3, UINT64_C(0xffffc0000));
	assert_int_equal(system.cr4, 0x620);
	assert_int_equal(system.cr8, 0);
	assert_int_equal(system.efer, 0xd01);
	assert_int_equal(system.gdt_base | system.gdt_limit, 0);
	assert_int_equal(system.idt_base | system.idt_limit, 0);
	assert_true(system.cs.present && system.cs.is_long && system.cs.is_code_or_data);
	assert_int_equal(system.cs.type, 11);
	assert_int_equal(system.cs.selector | system.cs.dpl | system.cs.is_default_32, 0);
	assert_true(system.tr.present && !system.tr.is_code_or_data);
	assert_int_equal(system.tr.type, 11);
	assert_int_equal(system.tr.limit, 0xffff);
	assert_int_equal(system.tr.base | system.tr.selector, 0);
	assert_true(is_nothing(&system.ss) && is_nothing(&system.ds) && is_nothing(&system.es));
	assert_true(is_nothing(&system.fs) && is_nothing(&system.gs) && is_nothing(&system.ldt));
}

static void a_machine_starts_as_its_abi_says(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .init_data = NULL };

	(void)state;
	hyper_box_make(&box, guest_path, &start);
	check_system(&box); /* as it was told to be */
	for (int i = 0; i < 2; i++) {
		hyper_box_run(&box);
		assert_int_equal(box.event.kind, GUEST_READY);
		check_system(&box); /* as it was when the guest ran, which changes nothing */
		hyper_box_restore(&box, box.first);
	}
	hyper_box_fini(&box);
}

/* SCRATCH is that of the guest, TABLES how many pages of it are page tables: all that is not said
 * here is zero. */
static void check_scratch(const uint64_t *scratch, uint64_t tables, uint64_t generation)
{
	const uint64_t nwords = HYPERLIGHT_SCRATCH_DEFAULT / 8, first_table = UINT64_C(0xffffc0000);

	assert_int_equal(scratch[0], 8);
	assert_int_equal(scratch[HYPERLIGHT_BUFFER_DEFAULT / 8], 8);
	assert_int_equal(scratch[nwords - 1], HYPERLIGHT_SCRATCH_DEFAULT);
	assert_int_equal(scratch[nwords - 2], first_table + tables * VMEM_PAGE_SIZE);
	assert_int_equal(scratch[nwords - 3], first_table);
	assert_int_equal(scratch[nwords - 4], generation);
	for (uint64_t i = 1; i < nwords - 4; i++)
		if (i != HYPERLIGHT_BUFFER_DEFAULT / 8 && (i < 4096 || i >= 4096 + 512 * tables) &&
		    scratch[i] != 0)
			fail_msg("word %u of scratch is not 0", (unsigned)i);
}

static void read_scratch(const struct hyper_box *box, uint64_t tables, uint64_t generation)
{
	static uint64_t scratch[HYPERLIGHT_SCRATCH_DEFAULT / 8];

	assert_int_equal(hyperlight_abi.read(box->guest, UINT64_C(0xfffffffffffb7000), scratch,
					     sizeof scratch, NULL),
			 MOTE_OK);
	check_scratch(scratch, tables, generation);
}

/* The numbers are those of a guest with one page table for the image, whatever is in there. */
static void scratch_begins_as_its_abi_says(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .init_data = NULL };
	static const uint64_t number = 0x5ec4e7;

	(void)state;
	hyper_box_make(&box, guest_path, &start);
	read_scratch(&box, 7, 0);
	hyper_box_run(&box);
	for (uint64_t generation = 1; generation < 4; generation++) {
		struct guest_snapshot *snapshot = hyper_box_take(&box);

		assert_int_equal(hyperlight_abi.write(box.guest, START_STACK - 2048, &number,
						      sizeof number, NULL),
				 MOTE_OK);
		hyper_box_restore(&box, snapshot);
		read_scratch(&box, 7, generation);
		call(&box, FLAGS_FIXED);
		hyper_box_restore(&box, snapshot);
		read_scratch(&box, 7, generation);
		guest_snapshot_unref(snapshot);
	}
	/* from there on they are counted anew */
	hyper_box_restore(&box, box.first);
	read_scratch(&box, 7, 0);
	hyper_box_run(&box);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	assert_int_equal(hyper_inside(snapshot)->generation, 1);
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void each_call_has_clean_registers(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .init_data = NULL };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	for (int i = 0; i < 3; i++)
		call(&box, FLAGS_FIXED);
	hyper_box_fini(&box);
}

static void after_a_restore_the_first_call_drops_translations(void **state)
{
	static struct hyper_box box;
	const struct guest_start start = { .init_data = NULL };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	call(&box, FLAGS_FIXED);
	struct guest_snapshot *snapshot = hyper_box_take(&box);

	hyper_box_restore(&box, snapshot); /* on a machine of its own */
	call(&box, FLAGS_FIXED);
	for (int i = 0; i < 2; i++) {
		hyper_box_restore(&box, snapshot);
		call(&box, FLAGS_FIXED | FLAGS_ZERO);
		call(&box, FLAGS_FIXED);
	}
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
}

static void a_stack_pointer_that_is_not_aligned_is_refused(void **state)
{
	static const struct {
		uint64_t size;
		enum guest_event_kind kind;
	} rows[] = {
		{ 8, GUEST_ENDED }, { 1, GUEST_ENDED }, { 15, GUEST_ENDED }, { 16, GUEST_READY }
	};
	static const uint8_t bytes[16];

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		static struct hyper_box box;
		const struct guest_start start = { .init_data = bytes,
						   .init_data_size = rows[i].size };

		hyper_box_make(&box, guest_path, &start);
		hyper_box_run(&box);
		assert_int_equal(box.event.kind, rows[i].kind);
		assert_int_equal(hyperlight_abi.is_ready(box.guest), rows[i].kind == GUEST_READY);
		if (rows[i].kind == GUEST_ENDED)
			assert_int_equal(box.event.status, MOTE_E_GUEST_PROTOCOL);
		hyper_box_fini(&box);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_guest_starts_with_the_registers_of_its_abi),
		cmocka_unit_test(a_machine_starts_as_its_abi_says),
		cmocka_unit_test(scratch_begins_as_its_abi_says),
		cmocka_unit_test(each_call_has_clean_registers),
		cmocka_unit_test(after_a_restore_the_first_call_drops_translations),
		cmocka_unit_test(a_stack_pointer_that_is_not_aligned_is_refused),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
