/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that does what no guest does: each rule of the protocol broken once, and what the host
 * makes of it. Whatever it was, a restore heals the guest.
 */
#include "tests/hyperlight/hyper_box.h"

#include "abi/vmem_amd64.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct hyper_box box;
static struct guest_snapshot *snapshot;

static int setup(void **state)
{
	const struct guest_start start = { .init_data = NULL };

	(void)state;
	hyper_box_init(&box, guest_path, &start);
	snapshot = hyper_box_take(&box);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	return 0;
}

static mote_value u32(uint32_t number)
{
	return (mote_value){ .type = MOTE_U32, .as.u32 = number };
}

static mote_value u64(uint64_t number)
{
	return (mote_value){ .type = MOTE_U64, .as.u64 = number };
}

static void heal(void)
{
	hyper_box_restore(&box, snapshot);
	assert_int_equal(hyper_box_value(&box, "Alive", 0, NULL).as.i32, 1);
}

static void unknown_ports_end_the_guest(void **state)
{
	static const uint16_t ports[] = { 0x1234, 0, 98, 100, 104, 105, 106, 107, 109, 0xffff };

	(void)state;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		const mote_value params[] = { u32(ports[i]), u32(0) };

		hyper_box_end(&box, "OutbWithPort", 2, params, MOTE_E_GUEST_PROTOCOL);
		assert_non_null(strstr(box.text, "which means nothing"));
		heal();
	}
}

static void reading_ports_ends_the_guest(void **state)
{
	static const uint16_t ports[] = { 0x60, 101, 108 };

	(void)state;
	for (size_t i = 0; i < sizeof ports / sizeof ports[0]; i++) {
		const mote_value port = u32(ports[i]);

		hyper_box_end(&box, "InFromPort", 1, &port, MOTE_E_GUEST_PROTOCOL);
		heal();
	}
}

static void characters_are_printed(void **state)
{
	static const struct {
		uint32_t character;
		const char *text;
	} rows[] = {
		{ 'A', "A" },
		{ 0x7f, "\x7f" },
		{ 0xe4, "\xc3\xa4" },
		{ 0x7ff, "\xdf\xbf" },
		{ 0x20ac, "\xe2\x82\xac" },
		{ 0xd7ff, "\xed\x9f\xbf" },
		{ 0xe000, "\xee\x80\x80" },
		{ 0x1f600, "\xf0\x9f\x98\x80" },
		{ 0x10ffff, "\xf4\x8f\xbf\xbf" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value params[] = { u32(HYPERLIGHT_PORT_PRINT), u32(rows[i].character) };

		box.output[0] = '\0';
		hyper_box_value(&box, "OutbWithPort", 2, params);
		assert_string_equal(box.output, rows[i].text);
	}
	const mote_value byte[] = { u32(HYPERLIGHT_PORT_PRINT), u32(0x12345678) };

	box.output[0] = '\0';
	hyper_box_value(&box, "OutByte", 2, byte);
	assert_string_equal(box.output, "x");
}

static void what_is_no_character_ends_the_guest(void **state)
{
	static const uint32_t characters[] = { 0xd800, 0xdfff, 0x110000, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof characters / sizeof characters[0]; i++) {
		const mote_value params[] = { u32(HYPERLIGHT_PORT_PRINT), u32(characters[i]) };

		hyper_box_end(&box, "OutbWithPort", 2, params, MOTE_E_GUEST_PROTOCOL);
		heal();
	}
}

static void a_guest_gives_up_with_code_and_text(void **state)
{
	static const uint32_t message[] = { 0x684f1903, 0x6f6e2003, 0xff01 };
	const mote_value dwords = mote_bytes((const uint8_t *)message, sizeof message);

	(void)state;
	hyper_box_end(&box, "Abort", 1, &dwords, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, 25);
	assert_string_equal(box.text, "Oh no");
	heal();
}

static void pieces_of_a_message_do_not_leak_into_the_next_call(void **state)
{
	static uint32_t pieces[340];
	static const uint32_t end[] = { 0x000dff02, 0xff0d02 };
	mote_value dwords = mote_bytes((const uint8_t *)pieces, sizeof pieces);

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
		pieces[i] = 0x61616103;
	hyper_box_value(&box, "Abort", 1, &dwords);
	hyper_box_value(&box, "Abort", 1, &dwords);
	dwords = mote_bytes((const uint8_t *)&end[1], sizeof end[1]);
	hyper_box_end(&box, "Abort", 1, &dwords, MOTE_E_GUEST_ABORT);
	assert_int_equal(box.event.code, 13);
	assert_string_equal(box.text, "");
	heal();
}

static void messages_that_are_too_long_end_too(void **state)
{
	static uint32_t pieces[342];
	const mote_value dwords = mote_bytes((const uint8_t *)pieces, sizeof pieces);

	(void)state;
	for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++)
		pieces[i] = 0x61616103;
	hyper_box_end(&box, "Abort", 1, &dwords, MOTE_E_GUEST_ABORT);
	assert_non_null(strstr(box.text, "longer than 1024"));
	heal();
}

/* Ends a call with a forged output buffer; the sandbox's pop is io_stack's, which has tests of its
 * own. Here: the bytes arrive as they were forged. */
static void a_forged_output_buffer_is_not_believed(void **state)
{
	static const struct {
		const char *text;
		uint64_t pointer, data, back;
		enum io_status status;
	} rows[] = {
		{ "a size prefix that wraps", 24, 0xfffffffd, 8, IO_PREFIX_WRAPS },
		{ "a size prefix larger than its element", 24, 0xfffffffb, 8, IO_PREFIX_TOO_BIG },
		{ "a back pointer to nowhere", 24, 4, 0xdead, IO_BAD_BACK },
		{ "a stack pointer behind the end", 0x4001, 4, 8, IO_BAD_POP_SP },
		{ "a stack pointer that wraps", UINT64_MAX, 4, 8, IO_BAD_POP_SP },
		{ "nothing there", 8, 4, 8, IO_EMPTY },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct wire_call call = {
			.name = "CorruptOutput",
			.name_len = strlen("CorruptOutput"),
			.kind = WIRE_CALL_GUEST,
			.nparams = 3,
			.params = { u64(rows[i].pointer), u64(rows[i].data), u64(rows[i].back) },
		};
		const struct io_stack input = hyperlight_abi.input(box.guest);
		const struct io_stack output = hyperlight_abi.output(box.guest);
		struct guest_event event;
		struct io_fault fault;
		uint8_t message[256];
		const size_t size = wire_call_write(message, sizeof message, &call);

		assert_true(io_stack_push(&input, message, size, &fault));
		assert_int_equal(hyperlight_abi.call(box.guest, 0, 0, NULL), MOTE_OK);
		assert_int_equal(hyperlight_abi.run(box.guest, &event, NULL), MOTE_OK);
		assert_int_equal(event.kind, GUEST_DONE);
		assert_int_equal(io_stack_pop(&output, message, sizeof message, &fault), 0);
		if (fault.status != rows[i].status)
			fail_msg("%s: %d", rows[i].text, (int)fault.status);
		heal();
	}
}

static void a_halt_ends_a_call_too(void **state)
{
	const struct wire_call call = { .name = "EndByHalt",
					.name_len = strlen("EndByHalt"),
					.kind = WIRE_CALL_GUEST };
	const struct io_stack input = hyperlight_abi.input(box.guest);
	struct guest_event event;
	struct io_fault fault;
	uint8_t message[256];
	const size_t size = wire_call_write(message, sizeof message, &call);

	(void)state;
	assert_true(io_stack_push(&input, message, size, &fault));
	assert_int_equal(hyperlight_abi.call(box.guest, 0, 0, NULL), MOTE_OK);
	assert_int_equal(hyperlight_abi.run(box.guest, &event, NULL), MOTE_OK);
	assert_int_equal(event.kind, GUEST_DONE);
	heal();
}

static bool is_same_segment(const struct hv_segment *a, const struct hv_segment *b)
{
	return a->base == b->base && a->limit == b->limit && a->selector == b->selector &&
	       a->type == b->type && a->dpl == b->dpl && a->present == b->present;
}

static void check_system(const struct hv_system *now, const struct hv_system *want)
{
	assert_true(is_same_segment(&now->cs, &want->cs));
	assert_true(is_same_segment(&now->ds, &want->ds));
	assert_true(is_same_segment(&now->es, &want->es));
	assert_true(is_same_segment(&now->fs, &want->fs));
	assert_true(is_same_segment(&now->gs, &want->gs));
	assert_true(is_same_segment(&now->ss, &want->ss));
	assert_true(is_same_segment(&now->tr, &want->tr));
	assert_int_equal(now->gdt_base, want->gdt_base);
	assert_int_equal(now->gdt_limit, want->gdt_limit);
	assert_int_equal(now->idt_base, want->idt_base);
	assert_int_equal(now->idt_limit, want->idt_limit);
	assert_int_equal(now->cr0, want->cr0);
	assert_int_equal(now->cr3, want->cr3);
	assert_int_equal(now->cr4, want->cr4);
	assert_int_equal(now->cr8, want->cr8);
	assert_int_equal(now->efer, want->efer);
}

static void registers_do_not_outlive_a_restore(void **state)
{
	const struct hv_system_ops *ops = box.hv->ops->system;
	const mote_value secret = u64(0x5ec4e7);
	struct hv_system before, after;

	(void)state;
	heal();
	ops->get(hyperlight_abi.vm(box.guest), &before);
	for (int i = 0; i < 3; i++) {
		hyper_box_value(&box, "SetDr0", 1, &secret);
		assert_int_equal(hyper_box_value(&box, "GetDr0", 0, NULL).as.u64, 0x5ec4e7);
		hyper_box_value(&box, "SetCr2", 1, &secret);
		hyper_box_value(&box, "ChangeCr0", 0, NULL);
		ops->get(hyperlight_abi.vm(box.guest), &after);
		assert_int_not_equal(after.cr0, before.cr0);
		heal();
		assert_int_equal(hyper_box_value(&box, "GetDr0", 0, NULL).as.u64, 0);
		ops->get(hyperlight_abi.vm(box.guest), &after);
		assert_int_not_equal(after.cr2, 0x5ec4e7);
		check_system(&after, &before);
	}
}

/* The entry of the guest's page tables for ADDRESS, by the way that the host has there. */
static uint64_t leaf_address(uint64_t address)
{
	struct hv_system system;
	uint64_t table, entry = 0;

	box.hv->ops->system->get(hyperlight_abi.vm(box.guest), &system);
	table = system.cr3;
	for (int level = 3;; level--) {
		entry = table + SCRATCH_END_GVA - SCRATCH_END_GPA +
			(address >> (12 + 9 * level) & 511) * 8;
		if (level == 0)
			return entry;
		assert_int_equal(hyperlight_abi.read(box.guest, entry, &table, sizeof table, NULL),
				 MOTE_OK);
		table &= VMEM_AMD64_ADDRESS;
	}
}

static void the_snapshot_cannot_be_written_to(void **state)
{
	const uint64_t entry = leaf_address(HYPERLIGHT_BASE);
	/* the image's first page, writable by what the guest's own tables say */
	const mote_value forge[] = { u64(entry), u64(HYPERLIGHT_BASE | 0x63) };
	const mote_value page = u64(HYPERLIGHT_BASE);
	const mote_value write[] = { u64(HYPERLIGHT_BASE), u64(0) };

	(void)state;
	hyper_box_value(&box, "WriteAt", 2, forge);
	hyper_box_value(&box, "InvalidatePage", 1, &page);
	hyper_box_end(&box, "WriteAt", 2, write, MOTE_E_GUEST_FAULT);
	assert_int_equal(box.event.address, HYPERLIGHT_BASE);
	assert_memory_equal(shared_mem_contents(hyper_inside(snapshot)->blob), "\177ELF", 4);
	heal();
}

static void memory_that_is_not_there_ends_the_guest(void **state)
{
	/* 64 GiB less scratch and a page: below scratch */
	const uint64_t nowhere = UINT64_C(0x500000000);
	const mote_value forge[] = { u64(leaf_address(HYPERLIGHT_BASE)), u64(nowhere | 0x63) };
	const mote_value page = u64(HYPERLIGHT_BASE);

	(void)state;
	hyper_box_value(&box, "WriteAt", 2, forge);
	hyper_box_value(&box, "InvalidatePage", 1, &page);
	hyper_box_end(&box, "ReadAt", 1, &page, MOTE_E_GUEST_FAULT);
	heal();
}

/* As Hyperlight's test of that name, but where its guests ask their library for a handler, ours
 * write a gate. */
static void exception_handler_installation_and_validation(void **state)
{
	const mote_value vector = { .type = MOTE_I32, .as.i32 = 3 };

	(void)state;
	assert_int_equal(hyper_box_value(&box, "GetExceptionHandlerCallCount", 0, NULL).as.i32, 0);
	hyper_box_value(&box, "InstallHandler", 1, &vector);
	hyper_box_value(&box, "InstallHandler", 1, &vector); /* once more, in its place */
	for (int32_t i = 1; i <= 2; i++) {
		assert_int_equal(hyper_box_value(&box, "TriggerInt3", 0, NULL).as.i32, 0);
		assert_int_equal(
			hyper_box_value(&box, "GetExceptionHandlerCallCount", 0, NULL).as.i32, i);
	}
	heal(); /* to where there was none */
	hyper_box_end(&box, "TriggerInt3", 0, NULL, MOTE_E_GUEST_FAULT);
	heal();
}

static void read_guest(uint64_t address, void *to, size_t size)
{
	assert_int_equal(hyperlight_abi.read(box.guest, address, to, size, NULL), MOTE_OK);
}

/* Of the library: a gate for each exception that there is, to code that tells the vector, behind an
 * error code in the place of one that the processor does not push. */
static void the_library_has_a_gate_for_each_exception(void **state)
{
	struct hv_system system;

	(void)state;
	box.hv->ops->system->get(hyperlight_abi.vm(box.guest), &system);
	assert_int_equal(system.idt_limit, 0xfff);
	for (uint8_t vector = 0; vector < 255; vector++) {
		const bool has_code = vector == 8 || (vector >= 10 && vector <= 14) ||
				      vector == 17 || vector == 30;
		const uint8_t pushes[] = { 0x6a, 0, 0x6a, vector };
		uint64_t gate[2];
		uint8_t code[sizeof pushes];

		read_guest(system.idt_base + 16 * vector, gate, sizeof gate);
		if (vector > 20 && vector != 30) {
			assert_int_equal(gate[0] | gate[1], 0);
			continue;
		}
		assert_int_equal(gate[0] >> 16 & 0xffffffff, 0x8e010008);
		read_guest((gate[0] & 0xffff) | (gate[0] >> 48) << 16 | gate[1] << 32, code,
			   sizeof code);
		if (memcmp(code, has_code ? pushes + 2 : pushes, has_code ? 2 : 4) != 0)
			fail_msg("vector %u", vector);
	}
}

static void a_guest_without_handlers_ends(void **state)
{
	(void)state;
	hyper_box_end(&box, "LoadNoIdt", 0, NULL, MOTE_E_GUEST_FAULT);
	heal();
}

/* Where the processor walks tables by itself, it may find nothing for ever: then only time ends the
 * guest. */
static void a_guest_without_tables_ends_or_is_interrupted(void **state)
{
	static const uint64_t roots[] = { 0, UINT64_C(0x500000000), 0x1000 };

	(void)state;
	for (size_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
		struct hv_vm *vm = hyperlight_abi.vm(box.guest);
		const struct wire_call call = { .name = "SetCr3",
						.name_len = strlen("SetCr3"),
						.kind = WIRE_CALL_GUEST,
						.nparams = 1,
						.params = { u64(roots[i]) } };
		mote_error err = { .message = "" };

		if (vm->ops->arm(vm, &err) || vm->ops->set_alarm(vm, 100000000, &err))
			fail_msg("%s", err.message);
		hyper_box_call(&box, &call);
		vm->ops->disarm(vm);
		assert_int_not_equal(box.event.kind, GUEST_DONE);
		heal();
	}
}

static void a_guest_that_does_not_end_is_interrupted(void **state)
{
	struct hv_vm *vm = hyperlight_abi.vm(box.guest);
	const struct wire_call call = { .name = "InfiniteLoop",
					.name_len = strlen("InfiniteLoop"),
					.kind = WIRE_CALL_GUEST };
	struct guest_snapshot *none;
	mote_error err = { .message = "" };

	(void)state;
	if (vm->ops->arm(vm, &err) || vm->ops->set_alarm(vm, 20000000, &err))
		fail_msg("%s", err.message);
	hyper_box_call(&box, &call);
	vm->ops->disarm(vm);
	assert_int_equal(box.event.kind, GUEST_INTERRUPTED);
	assert_int_equal(hyperlight_abi.snapshot(&none, box.guest, NULL), MOTE_E_STATE);
	heal();
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unknown_ports_end_the_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(reading_ports_ends_the_guest, setup, teardown),
		cmocka_unit_test_setup_teardown(characters_are_printed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_no_character_ends_the_guest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_guest_gives_up_with_code_and_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(pieces_of_a_message_do_not_leak_into_the_next_call,
						setup, teardown),
		cmocka_unit_test_setup_teardown(messages_that_are_too_long_end_too, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_forged_output_buffer_is_not_believed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_halt_ends_a_call_too, setup, teardown),
		cmocka_unit_test_setup_teardown(registers_do_not_outlive_a_restore, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_snapshot_cannot_be_written_to, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_that_is_not_there_ends_the_guest, setup,
						teardown),
		cmocka_unit_test_setup_teardown(exception_handler_installation_and_validation,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_library_has_a_gate_for_each_exception, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_guest_without_handlers_ends, setup, teardown),
		cmocka_unit_test_setup_teardown(a_guest_without_tables_ends_or_is_interrupted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_guest_that_does_not_end_is_interrupted, setup,
						teardown),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
