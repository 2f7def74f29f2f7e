/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that break the rules of messages, of the start, and of their own memory: each once, with
 * what the host makes of it. tests/hyperlight/test_hostile.c has those of ports and of the machine.
 */
#include "tests/hyperlight/hyper_box.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const char *guest_path;
static struct hyper_box box;
static struct guest_snapshot *snapshot;

static const struct guest_start plain = { .init_data = NULL };

static mote_value u64(uint64_t number)
{
	return mote_u64(number);
}

static int open_box(void **state)
{
	(void)state;
	hyper_box_init(&box, guest_path, &plain);
	snapshot = hyper_box_take(&box);
	return 0;
}

static int close_box(void **state)
{
	(void)state;
	guest_snapshot_unref(snapshot);
	hyper_box_fini(&box);
	memset(&box, 0, sizeof box);
	return 0;
}

static void heal(void)
{
	hyper_box_restore(&box, snapshot);
	assert_int_equal(hyper_box_value(&box, "Alive", 0, NULL).as.i32, 1);
}

/* Calls NAME, and runs the guest to its next event, which nobody answers. */
static struct guest_event run_once(const char *name, size_t nparams, const mote_value *params)
{
	struct wire_call call = {
		.name = name, .name_len = strlen(name), .kind = WIRE_CALL_GUEST, .nparams = nparams
	};
	const struct io_stack input = hyperlight_abi.input(box.guest);
	static uint8_t message[1 << 14];
	struct guest_event event = { .kind = GUEST_ENDED };
	struct io_fault fault;
	mote_error err = { .message = "" };

	for (size_t i = 0; i < nparams; i++)
		call.params[i] = params[i];
	const size_t size = wire_call_write(message, sizeof message, &call);

	assert_true(size > 0);
	assert_true(io_stack_push(&input, message, size, &fault));
	if (hyperlight_abi.call(box.guest, 0, 0, &err) ||
	    hyperlight_abi.run(box.guest, &event, &err))
		fail_msg("%s", err.message);
	return event;
}

/* What a message on the output buffer is taken for, by the port that tells of it. */
static enum wire_status read_message(uint32_t port, const uint8_t *message, size_t size)
{
	struct wire_result result;
	struct wire_call call;
	struct wire_log log;

	if (port == HYPERLIGHT_PORT_CALL)
		return wire_call_read(message, size, &call).status;
	if (port == HYPERLIGHT_PORT_LOG)
		return wire_log_read(message, size, &log).status;
	return wire_result_read(message, size, &result).status;
}

/* The ports that tell of a message, and the event that the host sees. */
static const struct {
	uint32_t port;
	enum guest_event_kind kind;
} tellers[] = {
	{ HYPERLIGHT_PORT_CALL, GUEST_HOST_CALL },
	{ HYPERLIGHT_PORT_LOG, GUEST_LOG },
	{ SCRATCH_PORT_HALT, GUEST_DONE },
};
#define NTELLERS (sizeof tellers / sizeof tellers[0])

/* Has the guest forge its output buffer and tell of it; pops what is there. */
static uint64_t pop_forged(size_t teller, const void *image, size_t size, uint8_t *message,
			   size_t capacity, struct io_fault *fault)
{
	const struct io_stack output = hyperlight_abi.output(box.guest);
	const mote_value params[] = { mote_u32(tellers[teller].port), mote_bytes(image, size) };
	const struct guest_event event = run_once("Forge", 2, params);

	assert_int_equal(event.kind, tellers[teller].kind);
	return io_stack_pop(&output, message, capacity, fault);
}

static void buffers_that_are_not_sound_are_refused_at_every_port(void **state)
{
	static const struct {
		const char *text;
		uint64_t words[4];
		enum io_status status;
	} rows[] = {
		{ "nothing there", { 8 }, IO_EMPTY },
		{ "a stack pointer of 0", { 0 }, IO_BAD_POP_SP },
		{ "a stack pointer inside of itself", { 7 }, IO_BAD_POP_SP },
		{ "no room for a back pointer", { 15 }, IO_BAD_POP_SP },
		{ "a stack pointer behind the end", { 0x4001 }, IO_BAD_POP_SP },
		{ "a stack pointer that wraps", { UINT64_MAX }, IO_BAD_POP_SP },
		{ "a back pointer in front of the data", { 24, 4, 0 }, IO_BAD_BACK },
		{ "a back pointer behind the data", { 24, 4, 9999 }, IO_BAD_BACK },
		{ "a back pointer into itself", { 24, 4, 17 }, IO_BAD_BACK },
		{ "a back pointer that wraps", { 24, 4, UINT64_MAX - 7 }, IO_BAD_BACK },
		{ "a prefix that wraps", { 24, 0xfffffffd, 8 }, IO_PREFIX_WRAPS },
		{ "a prefix that nearly wraps", { 24, 0xfffffffb, 8 }, IO_PREFIX_TOO_BIG },
		{ "a prefix one too large", { 24, 5, 8 }, IO_PREFIX_TOO_BIG },
	};
	uint8_t message[64];
	struct io_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t t = 0; t < NTELLERS; t++) {
			if (pop_forged(t, rows[i].words, sizeof rows[i].words, message,
				       sizeof message, &fault) != 0 ||
			    fault.status != rows[i].status)
				fail_msg("%s, port %" PRIu32 ": %d", rows[i].text, tellers[t].port,
					 (int)fault.status);
			heal();
		}
}

/* A buffer with one element of SIZE bytes. */
static size_t make_image(uint8_t *image, size_t capacity, const void *message, size_t size)
{
	const struct io_stack stack = { image, capacity };
	struct io_fault fault;

	memset(image, 0, capacity);
	io_stack_init(&stack);
	assert_true(io_stack_push(&stack, message, size, &fault));
	return 8 + size + 8;
}

/* A call, a result and a log record, each where the port says that it is another. */
static void messages_of_another_kind_are_refused(void **state)
{
	const struct wire_call call = { .name = "HostPrint",
					.name_len = 9,
					.kind = WIRE_CALL_HOST,
					.nparams = 1,
					.params = { mote_str("a line") } };
	const struct wire_result result = { .value = mote_i32(1) };
	const struct wire_log log = { .message = { "m", 1 },
				      .source = { "s", 1 },
				      .caller = { "c", 1 },
				      .source_file = { "f", 1 },
				      .level = WIRE_LEVEL_ERROR,
				      .line = 1 };
	uint8_t messages[3][256];
	size_t sizes[3];

	(void)state;
	sizes[0] = wire_call_write(messages[0], sizeof messages[0], &call);
	sizes[1] = wire_log_write(messages[1], sizeof messages[1], &log);
	sizes[2] = wire_result_write(messages[2], sizeof messages[2], &result);
	for (size_t t = 0; t < NTELLERS; t++)
		for (size_t m = 0; m < 3; m++) {
			uint8_t image[512], message[512];
			struct io_fault fault;
			const size_t size = make_image(image, sizeof image, messages[m], sizes[m]);
			const uint64_t got =
				pop_forged(t, image, size, message, sizeof message, &fault);

			assert_int_equal(got, sizes[m]);
			if ((read_message(tellers[t].port, message, got) == WIRE_OK) != (t == m))
				fail_msg("message %zu by port %" PRIu32, m, tellers[t].port);
			heal();
		}
}

static void bytes_that_are_no_message_are_refused(void **state)
{
	static const struct {
		const char *text;
		uint32_t words[8];
	} rows[] = {
		{ "no root", { 4 } },
		{ "zeroes", { 24, 0, 0, 0, 0, 0, 0, 0 } },
		{ "a root far away", { 24, 0x7fffffff } },
		{ "a root that is negative", { 24, 0xfffffff0 } },
		{ "a table whose fields are in front of it", { 24, 8, 0, 0x7fffffff } },
		{ "all ones", { 24, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u, ~0u } },
	};
	uint8_t image[64], message[64];
	struct io_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		for (size_t t = 0; t < NTELLERS; t++) {
			const size_t size = make_image(image, sizeof image, rows[i].words,
						       rows[i].words[0] + 4);
			const uint64_t got =
				pop_forged(t, image, size, message, sizeof message, &fault);

			assert_int_equal(got, rows[i].words[0] + 4);
			if (read_message(tellers[t].port, message, got) == WIRE_OK)
				fail_msg("%s, port %" PRIu32, rows[i].text, tellers[t].port);
			heal();
		}
}

/* The host's next message finds no place. */
static void an_input_buffer_that_is_not_sound_takes_no_message(void **state)
{
	static const struct {
		uint64_t pointer;
		enum io_status status;
	} rows[] = {
		{ 0, IO_BAD_SP },          { 7, IO_BAD_SP },        { 0x4001, IO_BAD_SP },
		{ UINT64_MAX, IO_BAD_SP }, { 0x4000, IO_NO_SPACE }, { 0x3ff1, IO_NO_SPACE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct io_stack input = hyperlight_abi.input(box.guest);
		const mote_value pointer = u64(rows[i].pointer);
		struct io_fault fault;

		assert_int_equal(run_once("CorruptInput", 1, &pointer).kind, GUEST_DONE);
		assert_false(io_stack_push(&input, "12345678", 8, &fault));
		assert_int_equal(fault.status, rows[i].status);
		heal();
	}
}

/* Each way in which main() can fail: the guest is never ready, and its image begins anew. */
static void a_start_that_fails_has_a_reason(void **state)
{
	static const struct {
		const char *way;
		mote_status status;
		uint64_t code;
		const char *text;
	} rows[] = {
		{ "x", MOTE_E_GUEST_FAULT, 15, "invalid opcode: Exception vector: 6" },
		{ "g", MOTE_E_GUEST_ABORT, 25, "Oh no" },
		{ "f", MOTE_E_GUEST_ABORT, 8, "not here" },
		{ "h", MOTE_E_GUEST_ABORT, 8, "HostFunction HostError was not found" },
		{ "r", MOTE_E_GUEST_ABORT, 8, "main() did not return 0" },
		{ "p", MOTE_E_GUEST_PROTOCOL, 0, "port 0x1234, which means nothing" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct guest_start start = { .init_data = rows[i].way, .init_data_size = 1 };
		struct guest_snapshot *none;

		hyper_box_make(&box, guest_path, &start);
		for (int again = 0; again < 2; again++) {
			hyper_box_run(&box);
			if (box.event.kind != GUEST_ENDED || box.event.status != rows[i].status ||
			    box.event.code != rows[i].code || !strstr(box.text, rows[i].text))
				fail_msg("%s: event %d, code %" PRIu64 ": %s", rows[i].way,
					 (int)box.event.kind, box.event.code, box.text);
			assert_false(hyperlight_abi.is_ready(box.guest));
			assert_int_equal(hyperlight_abi.snapshot(&none, box.guest, NULL),
					 MOTE_E_STATE);
			hyper_box_restore(&box, box.first);
		}
		hyper_box_fini(&box);
		memset(&box, 0, sizeof box);
	}
}

static void a_start_that_does_not_end_is_interrupted(void **state)
{
	const struct guest_start start = { .init_data = "l", .init_data_size = 1 };
	mote_error err = { .message = "" };

	(void)state;
	hyper_box_make(&box, guest_path, &start);
	struct hv_vm *vm = hyperlight_abi.vm(box.guest);

	if (vm->ops->arm(vm, &err) || vm->ops->set_alarm(vm, 20000000, &err))
		fail_msg("%s", err.message);
	hyper_box_run(&box);
	vm->ops->disarm(vm);
	assert_int_equal(box.event.kind, GUEST_INTERRUPTED);
	assert_false(hyperlight_abi.is_ready(box.guest));
	hyper_box_fini(&box);
	memset(&box, 0, sizeof box);
}

/* The host believes where calls begin, since the guest harms but itself. */
static void calls_that_begin_nowhere_end_the_guest(void **state)
{
	static const char *const ways[] = { "n", "c", "w" };

	(void)state;
	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
		const struct guest_start start = { .init_data = ways[i], .init_data_size = 1 };

		hyper_box_init(&box, guest_path, &start);
		for (int again = 0; again < 2; again++) {
			hyper_box_end(&box, "Alive", 0, NULL, MOTE_E_GUEST_FAULT);
			hyper_box_restore(&box, box.first);
			hyper_box_run(&box);
			assert_int_equal(box.event.kind, GUEST_READY);
		}
		hyper_box_fini(&box);
		memset(&box, 0, sizeof box);
	}
}

static void exceptions_of_every_kind_end_the_guest(void **state)
{
	const mote_value msr = mote_u32(0xc0000082), peb = u64(hyper_inside(snapshot)->layout.peb);
	const mote_value no_address = u64(UINT64_C(0x800000000000));
	const mote_value to_peb[] = { peb, u64(0) };
	const struct {
		const char *name;
		size_t nparams;
		const mote_value *params;
		const char *text;
	} rows[] = {
		{ "Divide", 0, NULL, "divide by zero: Exception vector: 0" },
		{ "WriteMsr", 1, &msr, "general protection fault: Exception vector: 13" },
		{ "ReadAt", 1, &no_address, "general protection fault: Exception vector: 13" },
		{ "WriteAt", 2, to_peb, "page fault: page fault at 0x" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		hyper_box_end(&box, rows[i].name, rows[i].nparams, rows[i].params,
			      MOTE_E_GUEST_FAULT);
		if (!strstr(box.text, rows[i].text))
			fail_msg("%s: %s", rows[i].name, box.text);
		heal();
	}
}

/* Where the gate is missing, processors say so; hypervisors that interpret ring 0 may stop. */
static void an_interrupt_without_a_gate_ends_the_guest(void **state)
{
	(void)state;
	hyper_box_end(&box, "Interrupt", 0, NULL, MOTE_E_GUEST_FAULT);
	heal();
}

/* The words at the top of scratch are the guest's own: lies in them end it, at the latest when it
 * needs a page. */
static void a_guest_that_spoils_its_words_harms_itself(void **state)
{
	static const struct {
		const char *text;
		uint64_t word, value;
	} rows[] = {
		{ "a next page behind the end", SCRATCH_NEXT, SCRATCH_END_GPA },
		{ "a next page far behind", SCRATCH_NEXT, UINT64_MAX - 0xfff },
		{ "a next page in the snapshot", SCRATCH_NEXT, HYPERLIGHT_BASE },
		{ "a next page that is none", SCRATCH_NEXT, SCRATCH_END_GPA - 0x8001 },
		{ "no page left", SCRATCH_NEXT, SCRATCH_END_GPA - SCRATCH_KEPT },
		{ "a scratch without size", SCRATCH_SIZE, 0 },
	};
	/* the first write to the image's first page needs a page */
	const mote_value first_page[] = { u64(HYPERLIGHT_BASE), u64(0) };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const mote_value params[] = { u64(SCRATCH_END_GVA - rows[i].word),
					      u64(rows[i].value) };

		if (rows[i].word == SCRATCH_SIZE) { /* where its buffers are, it knows already */
			hyper_box_value(&box, "WriteAt", 2, params);
			hyper_box_end(&box, "WriteAt", 2, first_page, MOTE_E_GUEST_FAULT);
		} else {
			hyper_box_value(&box, "WriteAt", 2, params);
			hyper_box_end(&box, "WriteAt", 2, first_page, MOTE_E_GUEST_ABORT);
			assert_int_equal(box.event.code, 13);
		}
		heal();
	}
}

/* Bytes in a row to one port: the host sees writes like others, or the guest ends. */
static void strings_to_ports_are_writes(void **state)
{
	static const uint8_t text[] = "abc";
	mote_value params[] = { mote_u32(0x1234), mote_bytes(text, 3) };

	(void)state;
	hyper_box_end(&box, "OutString", 2, params, MOTE_E_GUEST_PROTOCOL);
	heal();
	params[0] = mote_u32(HYPERLIGHT_PORT_PRINT);
	struct guest_event event = run_once("OutString", 2, params);

	assert_true(event.kind == GUEST_OUTPUT || event.kind == GUEST_ENDED);
	heal();
}

#define WITH_BOX(name) cmocka_unit_test_setup_teardown(name, open_box, close_box)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		WITH_BOX(buffers_that_are_not_sound_are_refused_at_every_port),
		WITH_BOX(messages_of_another_kind_are_refused),
		WITH_BOX(bytes_that_are_no_message_are_refused),
		WITH_BOX(an_input_buffer_that_is_not_sound_takes_no_message),
		cmocka_unit_test(a_start_that_fails_has_a_reason),
		cmocka_unit_test(a_start_that_does_not_end_is_interrupted),
		cmocka_unit_test(calls_that_begin_nowhere_end_the_guest),
		WITH_BOX(exceptions_of_every_kind_end_the_guest),
		WITH_BOX(an_interrupt_without_a_gate_ends_the_guest),
		WITH_BOX(a_guest_that_spoils_its_words_harms_itself),
		WITH_BOX(strings_to_ports_are_writes),
	};

	if (argc != 2)
		return 2;
	guest_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
