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
		cmocka_unit_test(each_call_has_clean_registers),
		cmocka_unit_test(after_a_restore_the_first_call_drops_translations),
		cmocka_unit_test(a_stack_pointer_that_is_not_aligned_is_refused),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
