/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the ends of guests are called in messages.
 */
#include "guest_abi/mote/machine_box.h"

#include <string.h>

static const struct machine_ways by_port = { WAY_OUT_PORT, SYSCALL_RING0 };

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static struct hv_exit page_fault(uint32_t code, uint64_t address)
{
	struct hv_exit exit = { .kind = HV_EXIT_EXCEPTION };
	exit.u.exception.vector = 14;
	exit.u.exception.error_code = code;
	exit.u.exception.address = address;
	return exit;
}

static void page_faults_are_described_by_access_and_place(void **state)
{
	(void)state;
	struct box box;
	box_init(&box, &fake_machine, by_port, NULL);
	const struct region *stack = layout_get(guest_memory_layout(box.memory), REGION_STACK);
	const struct {
		uint32_t code; /* 1 present, 2 write, 4 user, 16 fetch */
		uint64_t address;
		const char *text;
	} rows[] = {
		{ 4, 0, "page fault: read at 0x0 (not mapped)" },
		{ 6, 0, "page fault: write at 0x0 (not mapped)" },
		{ 0x14, BOX_NOWHERE, "page fault: execute at 0x10000000000 (not mapped)" },
		{ 7, BOX_CODE, "page fault: write at 0x400000 (code)" },
		{ 0x15, BOX_DATA, "page fault: execute at 0x402000 (data)" },
		{ 7, BOX_CONSTANT, "page fault: write at 0x401000 (read-only data)" },
		{ 5, SUPERVISOR_BLOCK, "page fault: read at 0x100000 (supervisor block)" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hv_exit event = page_fault(rows[i].code, rows[i].address);
		assert_string_equal(box_describe(&box, &event), rows[i].text);
	}
	struct hv_exit event = page_fault(6, stack->va - 8);
	assert_non_null(strstr(box_describe(&box, &event),
			       "(guard gap below the stack; raise stack_size)"));
	box_fini(&box);
}

static void exceptions_have_names(void **state)
{
	(void)state;
	static const struct {
		uint8_t vector;
		const char *text;
	} rows[] = {
		{ 0, "divide error" },
		{ 3, "breakpoint" },
		{ 6, "invalid instruction" },
		{ 9, "exception 9" },
		{ 13, "general protection fault" },
		{ 15, "exception 15" },
		{ 17, "misaligned access" },
		{ 19, "SIMD arithmetic error" },
		{ 31, "exception 31" },
		{ 32, "exception 32" },
		{ 255, "exception 255" },
	};
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hv_exit event = { .kind = HV_EXIT_EXCEPTION };
		event.u.exception.vector = rows[i].vector;
		assert_string_equal(box_describe(&box, &event), rows[i].text);
	}
	box_fini(&box);
}

static void other_ends_are_described_with_their_numbers(void **state)
{
	(void)state;
	const uint64_t bell = LAYOUT_DOORBELL_GPA;
	const struct {
		struct hv_exit exit;
		const char *text;
	} rows[] = {
		{ port_exit(0x3f8, 1, true).exit, "write to port 0x3f8, which guests have not" },
		{ port_exit(0xe0, 1, false).exit, "read from port 0xe0, which guests have not" },
		{ mmio_exit(bell + 0x10, 4, true).exit,
		  "store of 4 bytes in the doorbell page, offset 0x10" },
		{ mmio_exit(bell, 8, false).exit,
		  "load of 8 bytes in the doorbell page, offset 0x0" },
		{ { .kind = HV_EXIT_SHUTDOWN }, "triple fault" },
		{ { .kind = HV_EXIT_UNSUPPORTED, .u.detail = 14 },
		  "an instruction that the hypervisor cannot run (detail 14)" },
		{ { .kind = HV_EXIT_NO_MEMORY }, "access to memory that the host cannot provide" },
		{ { .kind = HV_EXIT_DIED, .u.detail = 9 },
		  "the guest's process ended by signal 9" },
		{ { .kind = HV_EXIT_DIED }, "the guest's process ended, nobody knows why" },
		{ { .kind = HV_EXIT_HALT }, "an exit of kind 2 that guests cannot cause" },
		{ { .kind = (enum hv_exit_kind)99 },
		  "an exit of kind 99 that guests cannot cause" },
	};
	struct box box;

	box_init(&box, &fake_machine, by_port, NULL);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_string_equal(box_describe(&box, &rows[i].exit), rows[i].text);
	char small[8];
	machine_describe(&box.machine, &rows[0].exit, small, sizeof small);
	assert_string_equal(small, "write t");
	box_fini(&box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(page_faults_are_described_by_access_and_place, reset),
		cmocka_unit_test_setup(exceptions_have_names, reset),
		cmocka_unit_test_setup(other_ends_are_described_with_their_numbers, reset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
