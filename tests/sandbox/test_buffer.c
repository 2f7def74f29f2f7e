/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bulk data: what goes by buffer and what by message, in place and copied, both ways; all that a
 * guest can say of its spans that is not so; and that nothing of it outlives a restore.
 */
#include "sandbox/sandbox_box.h"

#include "sandbox/snapshot.h"

#include <mote/pool.h>
#include <string.h>

#define PAGE UINT64_C(4096)
#define SIZE (4 * PAGE)

/* Every test runs on both kinds of backend. */
static struct sandbox_box box;
static mote_value result;

/* What the guest saw. */
static struct {
	uint64_t rsi, rax;
	struct mote_span spans[2];
	uint8_t bytes[2][SIZE]; /* of parameters, spans or not */
	size_t sizes[2];
	struct mote_start_block block;
} seen;

/* What it does, and what the host function does. */
static struct {
	const uint8_t *pointer; /* that the host function got */
	mote_value value;       /* what it returns */
	struct mote_span answer[2];
	size_t span_size;
	uint64_t mask, takes_spans;
} plan;

static mote_status echo(void *user, const mote_value *args, size_t nargs, mote_value *out,
			mote_error *err)
{
	mote_buffer *buffer;

	(void)user;
	(void)nargs;
	(void)err;
	plan.pointer = args[0].as.bytes.ptr;
	if (box.sb) /* not from main() */
		assert_int_equal(mote_buffer_new(&buffer, box.sb, 1, NULL), MOTE_E_STATE);
	*out = plan.value.type ? plan.value : args[0];
	return MOTE_OK;
}

static const mote_type two_bytes[] = { MOTE_BYTES, MOTE_BYTES };
static const mote_host_function functions[] = {
	{ .name = "Echo", .fn = echo, .result = MOTE_BYTES, .nparams = 2, .params = two_bytes },
};

/* The tiny image with Mid(bytes, bytes) -> bytes; FEATURES is what its guest library knows. */
static void load_image(uint32_t features)
{
	struct tiny_elf elf;

	mote_image_unref(box.image);
	tiny_elf_init(&elf);
	elf.features = features;
	elf.exports[2].nparams = 2;
	memset(elf.exports[2].params, 0, sizeof elf.exports[2].params);
	memset(elf.exports[2].params, MOTE_BYTES, 2);
	sandbox_box_expect(&box,
			   mote_image_load_memory(&box.image, box.rt, &elf, sizeof elf, &box.err),
			   MOTE_OK, NULL);
}

static mote_sandbox_options options_with(uint64_t buffer_size)
{
	return (mote_sandbox_options){
		.size = sizeof(mote_sandbox_options),
		.functions = functions,
		.nfunctions = 1,
		.buffer_size = buffer_size,
		.restore_audit = 1,
	};
}

static int set_up(const struct hv_backend *backend)
{
	const mote_sandbox_options options = options_with(SIZE);

	sandbox_box_init(&box, backend);
	load_image(MOTE_FEATURE_SPANS);
	sandbox_box_start(&box, &options);
	memset(&seen, 0, sizeof seen);
	memset(&plan, 0, sizeof plan);
	plan.span_size = sizeof plan.answer[0];
	return 0;
}

static int setup_machine(void **state)
{
	(void)state;
	return set_up(&fake_machine);
}

static int setup_process(void **state)
{
	(void)state;
	return set_up(&fake_process);
}

static int teardown(void **state)
{
	(void)state;
	sandbox_box_fini(&box);
	return 0;
}

/* Copies out of the guest's memory, page by page. */
static void peek(struct fake_vm *vm, uint64_t address, uint8_t *to, size_t size)
{
	for (size_t n; size > 0; to += n, address += n, size -= n) {
		n = PAGE - address % PAGE < size ? PAGE - address % PAGE : size;
		memcpy(to, fake_at(vm, address), n);
	}
}

static void look_at_call(struct fake_vm *vm)
{
	static uint8_t message[64 << 10];
	const struct io_stack input = guest_input(vm);
	struct io_fault fault;
	struct wire_call call;
	const size_t size = io_stack_pop(&input, message, sizeof message, &fault);

	seen.block = guest_start_block(vm);
	assert_int_equal(wire_call_read(message, size, &call).status, WIRE_OK);
	for (size_t i = 0; i < call.nparams; i++) {
		const mote_value *param = &call.params[i];
		seen.sizes[i] = param->as.bytes.len;
		if (!(seen.rsi >> i & 1)) {
			memcpy(seen.bytes[i], param->as.bytes.ptr, param->as.bytes.len);
			continue;
		}
		assert_int_equal(param->as.bytes.len, sizeof seen.spans[i]);
		memcpy(&seen.spans[i], param->as.bytes.ptr, sizeof seen.spans[i]);
		seen.sizes[i] = seen.spans[i].size;
		peek(vm, seen.spans[i].address, seen.bytes[i], seen.spans[i].size);
	}
}

/* Looks at its arguments. */
static bool step_look(struct fake_vm *vm, struct hv_exit *exit)
{
	(void)exit;
	seen.rsi = vm->regs.rsi;
	look_at_call(vm);
	return false;
}

/* Ends with the span, or what it is, of the plan. */
static bool step_answer(struct fake_vm *vm, struct hv_exit *exit)
{
	const mote_value value = mote_bytes(&plan.answer[0], plan.span_size);

	guest_push_result(vm, &(struct wire_result){ .value = value });
	return fake_hypercall(vm, exit, MOTE_HC_DONE, plan.mask, 0, 0);
}

/* Calls the host with the two of the plan. */
static bool step_call(struct fake_vm *vm, struct hv_exit *exit)
{
	struct wire_call call = { .name = "Echo",
				  .name_len = 4,
				  .kind = WIRE_CALL_HOST,
				  .result = MOTE_BYTES,
				  .nparams = 2 };

	for (size_t i = 0; i < 2; i++)
		call.params[i] = mote_bytes(&plan.answer[i], plan.span_size);
	guest_push_call(vm, &call);
	return fake_hypercall(vm, exit, MOTE_HC_HOST_CALL, plan.mask, plan.takes_spans, 0);
}

/* Looks at what the host gave back, and ends. */
static bool step_take(struct fake_vm *vm, struct hv_exit *exit)
{
	struct wire_result given = guest_pop_result(vm);

	seen.rax = vm->regs.rax;
	assert_false(given.is_error);
	seen.sizes[0] = given.value.as.bytes.len;
	if (seen.rax) {
		memcpy(&seen.spans[0], given.value.as.bytes.ptr, sizeof seen.spans[0]);
		seen.sizes[0] = seen.spans[0].size;
		peek(vm, seen.spans[0].address, seen.bytes[0], seen.spans[0].size);
	}
	guest_push_result(vm, &(struct wire_result){ .value = mote_bytes("", 0) });
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

static mote_status call_mid(mote_value a, mote_value b)
{
	const mote_value args[] = { a, b };

	return sandbox_box_call(&box, "Mid", args, 2, &result);
}

static void pass(mote_value a, mote_value b)
{
	plan.mask = 0;
	SET_STEPS(&box, step_look, step_answer);
	sandbox_box_expect(&box, call_mid(a, b), MOTE_OK, NULL);
}

static const uint8_t *pattern(unsigned start)
{
	static uint8_t bytes[3][2 * SIZE];

	for (size_t i = 0; i < sizeof bytes[0]; i++)
		bytes[start % 3][i] = (uint8_t)(start + i * 7 + i / 251);
	return bytes[start % 3];
}

static mote_buffer *new_buffer(size_t size)
{
	mote_buffer *buffer;

	sandbox_box_expect(&box, mote_buffer_new(&buffer, box.sb, size, &box.err), MOTE_OK, NULL);
	assert_int_equal(mote_buffer_size(buffer), size);
	return buffer;
}

static struct bulk_buffer arguments(void)
{
	return guest_memory_buffer(box_memory(&box), REGION_ARGUMENTS);
}

static struct bulk_buffer results(void)
{
	return guest_memory_buffer(box_memory(&box), REGION_RESULTS);
}

static void long_arguments_go_by_buffer_and_short_ones_by_message(void **state)
{
	(void)state;
	static const struct {
		size_t sizes[2];
		uint64_t spans, offsets[2];
	} rows[] = {
		{ { 0, 0 }, 0, { 0, 0 } },
		{ { PAGE - 1, 16 }, 0, { 0, 0 } },
		{ { PAGE, PAGE - 1 }, 1, { 0, 0 } },
		{ { 1, PAGE }, 2, { 0, 0 } },
		{ { PAGE, PAGE }, 3, { 0, PAGE } },
		{ { PAGE + 1, PAGE }, 3, { 0, PAGE + 64 } },
		{ { SIZE, PAGE }, 1, { 0, 0 } },            /* no room for the second */
		{ { SIZE - PAGE, PAGE + 1 }, 1, { 0, 0 } }, /* nor here */
		{ { SIZE - PAGE, PAGE }, 3, { 0, SIZE - PAGE } },
		{ { SIZE + 1, PAGE }, 2, { 0, 0 } },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		pass(mote_bytes(pattern(1), rows[i].sizes[0]),
		     mote_bytes(pattern(2), rows[i].sizes[1]));
		assert_int_equal(seen.rsi, rows[i].spans);
		for (unsigned k = 0; k < 2; k++) {
			assert_int_equal(seen.sizes[k], rows[i].sizes[k]);
			if (seen.sizes[k] <= SIZE)
				assert_memory_equal(seen.bytes[k], pattern(k + 1), seen.sizes[k]);
			if (rows[i].spans >> k & 1)
				assert_int_equal(seen.spans[k].address,
						 seen.block.arguments_address + rows[i].offsets[k]);
		}
	}
}

static void what_fits_neither_is_refused(void **state)
{
	(void)state;
	static uint8_t large[256 << 10];

	sandbox_box_set(&box, NULL, 0);
	sandbox_box_expect(&box, call_mid(mote_bytes(large, sizeof large), mote_bytes("", 0)),
			   MOTE_E_LIMIT, "raise input_size or buffer_size");
}

static void the_page_tables_say_who_may_write(void **state)
{
	(void)state;
	const struct layout *layout = guest_memory_layout(box_memory(&box));
	const struct region *in = layout_get(layout, REGION_ARGUMENTS);
	const struct region *out = layout_get(layout, REGION_RESULTS);

	assert_int_equal(in->flags, REGION_READ);
	assert_int_equal(out->flags, REGION_READ | REGION_WRITE);
	assert_true(in->is_user && out->is_user);
	assert_true(guest_memory_allows(box_memory(&box), in->va, SIZE, REGION_READ));
	assert_false(guest_memory_allows(box_memory(&box), in->va, 1, REGION_WRITE));
	assert_false(guest_memory_allows(box_memory(&box), out->va, 1, REGION_EXECUTE));
	assert_false(guest_memory_allows(box_memory(&box), out->va, SIZE + 1, REGION_READ));
	assert_string_equal(guest_memory_place(box_memory(&box), in->va - 1),
			    "guard gap below the argument buffer");
	assert_string_equal(guest_memory_place(box_memory(&box), out->va - 1),
			    "guard gap below the result buffer");
}

static void what_is_in_a_buffer_is_passed_in_place(void **state)
{
	(void)state;
	mote_buffer *first = new_buffer(100), *second = new_buffer(PAGE + 1);
	uint8_t *data = mote_buffer_data(second);

	assert_ptr_equal(mote_buffer_data(first), arguments().bytes);
	assert_ptr_equal(data, arguments().bytes + PAGE);
	memcpy(data, pattern(1), PAGE + 1);
	/* all of it, and a part that would be short enough for a message */
	pass(mote_bytes(data, PAGE + 1), mote_bytes(data + 7, 3));
	assert_int_equal(seen.rsi, 3);
	assert_int_equal(seen.spans[0].address, arguments().address + PAGE);
	assert_int_equal(seen.spans[1].address, arguments().address + PAGE + 7);
	assert_memory_equal(seen.bytes[0], pattern(1), PAGE + 1);
	assert_memory_equal(seen.bytes[1], pattern(1) + 7, 3);
	/* others go behind the last, and leave it alone */
	pass(mote_bytes(pattern(2), PAGE), mote_bytes(data, 10));
	assert_int_equal(seen.rsi, 3);
	assert_int_equal(seen.spans[0].address, arguments().address + 3 * PAGE);
	assert_memory_equal(data, pattern(1), PAGE + 1);
	/* nothing of nothing */
	pass(mote_bytes(data, 0), mote_bytes(NULL, 0));
	assert_int_equal(seen.rsi, 0);
	/* in no buffer as a whole: these end where it does, the guard is never touched */
	pass(mote_bytes(arguments().bytes + SIZE - 5, 5), mote_bytes("", 0));
	assert_int_equal(seen.rsi, 1);
}

static void buffers_fill_the_first_gap_that_is_large_enough(void **state)
{
	(void)state;
	mote_buffer *a = new_buffer(PAGE), *b = new_buffer(PAGE + 1), *c = new_buffer(1), *none;

	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, 1, &box.err), MOTE_E_LIMIT,
			   "a buffer of 1 bytes: 0 of 16384 are free in one piece; raise "
			   "buffer_size");
	assert_null(none);
	mote_buffer_free(b);
	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, 2 * PAGE + 1, &box.err),
			   MOTE_E_LIMIT, "8192 of 16384 are free");
	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, SIZE_MAX, &box.err), MOTE_E_LIMIT,
			   "8192 of 16384 are free");
	b = new_buffer(2 * PAGE);
	assert_ptr_equal(mote_buffer_data(b), arguments().bytes + PAGE);
	mote_buffer_free(a);
	a = new_buffer(PAGE);
	assert_ptr_equal(mote_buffer_data(a), arguments().bytes);
	mote_buffer_free(c);
	mote_buffer_free(b);
	mote_buffer_free(a);
	mote_buffer_free(NULL);
	a = new_buffer(SIZE); /* freed with the sandbox */
	assert_ptr_equal(mote_buffer_data(a), arguments().bytes);
	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, 0, &box.err), MOTE_E_INVALID,
			   "0 bytes");
}

static void a_sandbox_without_buffers_has_none(void **state)
{
	(void)state;
	const mote_sandbox_options without = options_with(0), with = options_with(SIZE);
	mote_buffer *none;

	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, &without);
	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, 1, &box.err), MOTE_E_STATE,
			   "the sandbox has no buffers; set buffer_size");
	/* a guest that knows of none, whatever the host wants */
	mote_sandbox_free(box.sb);
	load_image(~MOTE_FEATURE_SPANS);
	sandbox_box_start(&box, &with);
	sandbox_box_expect(&box, mote_buffer_new(&none, box.sb, 1, &box.err), MOTE_E_STATE,
			   "guest library that knows of no buffers; link it anew");
	pass(mote_bytes(pattern(0), SIZE), mote_bytes(pattern(1), SIZE));
	assert_int_equal(seen.rsi, 0);
	assert_int_equal(seen.block.buffer_size, 0);
	/* nor does it mean anything by its registers */
	plan.mask = UINT64_MAX;
	SET_STEPS(&box, step_look, step_answer);
	sandbox_box_expect(&box, call_mid(mote_bytes("", 0), mote_bytes("", 0)), MOTE_OK, NULL);
	assert_int_equal(result.as.bytes.len, sizeof(struct mote_span));
	static uint8_t large[256 << 10];
	sandbox_box_expect(&box, call_mid(mote_bytes(large, sizeof large), mote_bytes("", 0)),
			   MOTE_E_LIMIT, "raise input_size");
	assert_null(strstr(box.err.message, "buffer_size"));
}

/* Ends a call with a span. */
static mote_status answer(uint64_t address, uint64_t size, size_t span_size, uint64_t mask)
{
	plan.answer[0] = (struct mote_span){ address, size };
	plan.span_size = span_size;
	plan.mask = mask;
	SET_STEPS(&box, step_look, step_answer);
	return call_mid(mote_bytes(pattern(1), PAGE), mote_bytes("", 0));
}

static void results_are_read_in_place(void **state)
{
	(void)state;
	const struct bulk_buffer in = arguments(), out = results();
	const struct {
		uint64_t address, size;
		const uint8_t *want;
	} rows[] = {
		{ out.address, SIZE, out.bytes },
		{ out.address, 0, out.bytes },
		{ out.address + SIZE, 0, out.bytes + SIZE },
		{ out.address + 5, 1, out.bytes + 5 },
		{ out.address + SIZE - 1, 1, out.bytes + SIZE - 1 },
		{ in.address + 3, PAGE - 3, in.bytes + 3 }, /* what it was given */
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		sandbox_box_expect(
			&box, answer(rows[i].address, rows[i].size, sizeof(struct mote_span), 1),
			MOTE_OK, NULL);
		assert_int_equal(result.type, MOTE_BYTES);
		assert_ptr_equal(result.as.bytes.ptr, rows[i].want);
		assert_int_equal(result.as.bytes.len, rows[i].size);
	}
	assert_memory_equal(result.as.bytes.ptr, pattern(1) + 3, PAGE - 3);
	/* bytes that look like a span are bytes */
	sandbox_box_expect(&box, answer(out.address, 8, sizeof(struct mote_span), 0), MOTE_OK,
			   NULL);
	assert_int_equal(result.as.bytes.len, sizeof(struct mote_span));
	assert_memory_equal(result.as.bytes.ptr, &plan.answer[0], sizeof(struct mote_span));
}

/* All that can be wrong with a span, for results and for parameters of host functions. */
static const struct {
	const char *what;
	enum { OUT, IN, HEAP, NOWHERE } base;
	uint64_t offset, size;
	size_t span_size;
	uint64_t mask;
	const char *text;
} forged_rows[] = {
	{ "a byte before", OUT, UINT64_MAX, 1, 16, 1, "outside of its buffers" },
	{ "from before into it", OUT, UINT64_MAX, PAGE, 16, 1, "outside of its buffers" },
	{ "a byte too many", OUT, 0, SIZE + 1, 16, 1, "16385 bytes at 0x" },
	{ "the byte behind", OUT, SIZE, 1, 16, 1, "outside of its buffers" },
	{ "nothing, but past the end", OUT, SIZE + 1, 0, 16, 1, "outside of its buffers" },
	{ "a size that wraps", OUT, 1, UINT64_MAX, 16, 1, "outside of its buffers" },
	{ "an end that is 0", OUT, 0, 0 - UINT64_C(1), 16, 1, "outside of its buffers" },
	{ "the other buffer's end", IN, SIZE, 1, 16, 1, "outside of its buffers" },
	{ "both buffers", IN, 0, UINT64_C(1) << 22, 16, 1, "outside of its buffers" },
	{ "the heap", HEAP, 0, 16, 16, 1, "outside of its buffers" },
	{ "address 0", NOWHERE, 0, 16, 16, 1, "outside of its buffers" },
	{ "the last address", NOWHERE, UINT64_MAX, 1, 16, 1, "outside of its buffers" },
	{ "half a span", OUT, 0, 1, 8, 1, "does not have the 16 bytes that say where" },
	{ "a byte less", OUT, 0, 1, 15, 1, "does not have the 16 bytes" },
	{ "a byte more", OUT, 0, 1, 17, 1, "does not have the 16 bytes" },
	{ "no bytes at all", OUT, 0, 1, 0, 1, "does not have the 16 bytes" },
	{ "a value that is not there", OUT, 0, 1, 16, 5, "number 3 of" },
	{ "every bit", OUT, 0, 1, 16, UINT64_MAX, "number 64 of" },
};

static uint64_t forged_address(size_t row)
{
	const struct region *heap = layout_get(guest_memory_layout(box_memory(&box)), REGION_HEAP);
	const uint64_t bases[] = { results().address, arguments().address, heap->va, 0 };

	return bases[forged_rows[row].base] + forged_rows[row].offset;
}

static void start_again(void)
{
	const mote_sandbox_options options = options_with(SIZE);

	assert_int_equal(result.type, MOTE_VOID);
	assert_true(mote_sandbox_is_poisoned(box.sb));
	mote_sandbox_free(box.sb);
	sandbox_box_start(&box, &options);
}

static void forged_results_poison_the_sandbox(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forged_rows / sizeof forged_rows[0]; i++) {
		mote_status status = answer(forged_address(i), forged_rows[i].size,
					    forged_rows[i].span_size, forged_rows[i].mask);
		if (status != MOTE_E_GUEST_PROTOCOL)
			fail_msg("%s: %s", forged_rows[i].what, mote_status_name(status));
		sandbox_box_expect(&box, status, MOTE_E_GUEST_PROTOCOL, forged_rows[i].text);
		start_again();
	}
}

static bool step_answer_number(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .value = mote_i32(5) });
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 1, 0, 0);
}

static void a_number_is_no_span(void **state)
{
	(void)state;
	SET_STEPS(&box, step_answer_number);
	const mote_value args[] = { mote_i32(1), mote_i32(2) };
	sandbox_box_expect(&box, sandbox_box_call(&box, "Add", args, 2, &result),
			   MOTE_E_GUEST_PROTOCOL, "does not have the 16 bytes");
}

static void forged_parameters_poison_the_sandbox(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof forged_rows / sizeof forged_rows[0]; i++) {
		plan.answer[0] = (struct mote_span){ forged_address(i), forged_rows[i].size };
		plan.span_size = forged_rows[i].span_size;
		plan.mask = forged_rows[i].mask;
		plan.pointer = NULL;
		SET_STEPS(&box, step_look, step_call);
		mote_status status = call_mid(mote_bytes("", 0), mote_bytes("", 0));
		if (status != MOTE_E_GUEST_PROTOCOL)
			fail_msg("%s: %s", forged_rows[i].what, mote_status_name(status));
		sandbox_box_expect(&box, status, MOTE_E_GUEST_PROTOCOL, forged_rows[i].text);
		assert_null(plan.pointer); /* the host function was not called */
		start_again();
	}
}

/* A host call with spans in both parameters. */
static void call_host(uint64_t mask, uint64_t takes_spans)
{
	plan.mask = mask;
	plan.takes_spans = takes_spans;
	plan.span_size = sizeof plan.answer[0];
	SET_STEPS(&box, step_look, step_call, step_take);
	sandbox_box_expect(&box, call_mid(mote_bytes(pattern(1), PAGE), mote_bytes("", 0)), MOTE_OK,
			   NULL);
}

static void host_functions_read_in_place_and_answer_by_buffer(void **state)
{
	(void)state;
	/* the same bytes twice: they are the guest's own affair */
	plan.answer[0] = plan.answer[1] = (struct mote_span){ results().address + 8, PAGE };
	memcpy(results().bytes + 8, pattern(2), PAGE);
	call_host(3, 1);
	assert_ptr_equal(plan.pointer, results().bytes + 8);
	assert_int_equal(seen.rax, 1);
	/* behind the argument of the call itself */
	assert_int_equal(seen.spans[0].address, arguments().address + PAGE);
	assert_memory_equal(seen.bytes[0], pattern(2), PAGE);
	assert_memory_equal(arguments().bytes, pattern(1), PAGE);
	/* a guest that cannot take it gets a message */
	call_host(3, 0);
	assert_int_equal(seen.rax, 0);
	assert_int_equal(seen.sizes[0], PAGE);
	/* so does one for which there is no room, and a short one is sent so anyway */
	plan.value = mote_bytes(pattern(0), SIZE);
	call_host(3, 1);
	assert_int_equal(seen.rax, 0);
	assert_int_equal(seen.sizes[0], SIZE);
	plan.value = mote_bytes(pattern(0), PAGE - 1);
	call_host(3, 1);
	assert_int_equal(seen.rax, 0);
}

static void host_functions_answer_in_place(void **state)
{
	(void)state;
	mote_buffer *buffer = new_buffer(100);

	memcpy(mote_buffer_data(buffer), pattern(2), 100);
	plan.value = mote_bytes(mote_buffer_data(buffer), 100);
	plan.answer[0] = plan.answer[1] = (struct mote_span){ results().address, 1 };
	call_host(3, 1);
	assert_int_equal(seen.rax, 1);
	assert_int_equal(seen.spans[0].address, arguments().address);
	assert_memory_equal(seen.bytes[0], pattern(2), 100);
}

static void the_result_of_a_call_can_be_the_next_ones_argument(void **state)
{
	(void)state;
	/* in the argument buffer, where the next call's own arguments would go */
	assert_int_equal(answer(arguments().address, PAGE, sizeof(struct mote_span), 1), MOTE_OK);
	const mote_value last = result;
	pass(mote_bytes(pattern(2), PAGE), last);
	assert_int_equal(seen.rsi, 3);
	assert_int_equal(seen.spans[1].address, arguments().address);
	assert_memory_equal(seen.bytes[0], pattern(2), PAGE);
	assert_memory_equal(seen.bytes[1], pattern(1), PAGE);
	/* in the result buffer, from where it is copied */
	memcpy(results().bytes, pattern(0), PAGE);
	assert_int_equal(answer(results().address, PAGE, sizeof(struct mote_span), 1), MOTE_OK);
	pass(result, mote_bytes("", 0));
	assert_memory_equal(seen.bytes[0], pattern(0), PAGE);
	assert_int_equal(seen.spans[0].address, arguments().address);
}

static void receipts_count_what_went_by_buffer(void **state)
{
	(void)state;
	mote_receipt receipt = { .size = sizeof receipt };
	const mote_value args[] = { mote_bytes(pattern(1), PAGE), mote_bytes("", 0) };

	plan.answer[0] = (struct mote_span){ results().address, 2 * PAGE };
	plan.mask = 1;
	SET_STEPS(&box, step_look, step_answer);
	sandbox_box_expect(&box,
			   mote_call_with(box.sb, "Mid", args, 2,
					  MOTE_OPTIONS(mote_call_options, .receipt = &receipt),
					  &result, &box.err),
			   MOTE_OK, NULL);
	assert_in_range(receipt.bytes_in, PAGE + 64, PAGE + 512);
	assert_in_range(receipt.bytes_out, 2 * PAGE + 32, 2 * PAGE + 256);
}

static bool is_zero(struct bulk_buffer buffer)
{
	return buffer.bytes[0] == 0 && !memcmp(buffer.bytes, buffer.bytes + 1, buffer.size - 1);
}

/* The guest writes the pages of its result buffer behind the host's back. */
static uint64_t written[SIZE / PAGE];

static void write_results(void)
{
	const struct region *region =
		layout_get(guest_memory_layout(box_memory(&box)), REGION_RESULTS);

	memset(results().bytes, 0x5e, SIZE);
	for (size_t i = 0; i < SIZE / PAGE; i++)
		written[i] = region->gpa + i * PAGE;
	fake.written = written;
	fake.nwritten = SIZE / PAGE;
}

static void expect_clean(const mote_snapshot *snapshot)
{
	sandbox_box_expect(&box, mote_sandbox_restore(box.sb, snapshot, &box.err), MOTE_OK, NULL);
	fake.nwritten = 0;
	assert_true(is_zero(arguments()) && is_zero(results()));
}

static void nothing_outlives_a_restore(void **state)
{
	(void)state;
	mote_snapshot *clean, *later;

	/* what was there when it is taken is of use till the next call, and then goes */
	mote_buffer *buffer = new_buffer(PAGE);
	memcpy(mote_buffer_data(buffer), pattern(0), PAGE);
	memcpy(results().bytes, pattern(2), PAGE);
	assert_int_equal(answer(results().address, PAGE, sizeof(struct mote_span), 1), MOTE_OK);
	assert_int_equal(mote_snapshot_take(&clean, box.sb, NULL), MOTE_OK);
	assert_memory_equal(result.as.bytes.ptr, pattern(2), PAGE);
	assert_memory_equal(mote_buffer_data(buffer), pattern(0), PAGE);
	expect_clean(clean);

	for (int i = 0; i < 3; i++) {
		memcpy(mote_buffer_data(buffer), pattern(0), PAGE);
		pass(mote_bytes(mote_buffer_data(buffer), PAGE), mote_bytes(pattern(1), PAGE));
		assert_int_equal(seen.rsi, 3);
		write_results();
		expect_clean(clean);
	}
	/* filled, and given back; filled, and never passed */
	memcpy(mote_buffer_data(buffer), pattern(0), PAGE);
	mote_buffer_free(buffer);
	expect_clean(clean);
	buffer = new_buffer(2 * PAGE);
	memcpy(mote_buffer_data(buffer), pattern(0), 2 * PAGE);
	expect_clean(clean);
	/* to another snapshot, which replaces all of memory, and when nobody knows what is written */
	assert_int_equal(mote_snapshot_take(&later, box.sb, NULL), MOTE_OK);
	memcpy(mote_buffer_data(buffer), pattern(0), 2 * PAGE);
	write_results();
	expect_clean(clean);
	write_results();
	fake.loses_writes = true;
	expect_clean(clean);
	fake.loses_writes = false;
	/* it is where it was */
	assert_ptr_equal(mote_buffer_data(buffer), arguments().bytes);
	pass(mote_bytes(mote_buffer_data(buffer), PAGE), mote_bytes("", 0));
	assert_int_equal(seen.rsi, 1);
	mote_snapshot_unref(clean);
	mote_snapshot_unref(later);
}

/* Each for the first time that a page is written after the snapshot. */
static void what_the_host_writes_is_known(void **state)
{
	(void)state;
	mote_sandbox_options options = options_with(SIZE);
	enum { PASSED, FILLED, FREED, ANSWERED, WAYS };

	options.restore_audit = 0; /* the guest's stack is written behind the hypervisor's back */
	for (int way = 0; way < WAYS; way++) {
		mote_snapshot *clean;
		mote_sandbox_free(box.sb);
		sandbox_box_start(&box, &options);
		mote_buffer *buffer = way == FILLED || way == FREED ? new_buffer(PAGE + 5) : NULL;

		assert_int_equal(mote_snapshot_take(&clean, box.sb, NULL), MOTE_OK);
		plan.answer[0] = plan.answer[1] = (struct mote_span){ results().address, 0 };
		plan.value = mote_bytes(pattern(2), PAGE + 5);
		if (buffer)
			memcpy(mote_buffer_data(buffer), pattern(1), PAGE + 5);
		if (way == PASSED)
			pass(mote_bytes(pattern(1), 2 * PAGE), mote_bytes(pattern(2), 2 * PAGE));
		if (way == FREED)
			mote_buffer_free(buffer);
		if (way == ANSWERED) {
			call_host(3, 1);
			assert_int_equal(seen.rax, 1);
		}
		expect_clean(clean);
		mote_snapshot_unref(clean);
	}
}

static void sandboxes_from_snapshots_have_buffers_of_their_own(void **state)
{
	(void)state;
	const mote_sandbox_options options = options_with(7 * PAGE); /* the snapshot's count */
	mote_sandbox *first = box.sb;
	mote_snapshot *snapshot;

	memcpy(results().bytes, pattern(2), PAGE);
	assert_int_equal(mote_snapshot_take(&snapshot, first, NULL), MOTE_OK);
	sandbox_box_expect(
		&box, mote_sandbox_from_snapshot(&box.sb, box.rt, snapshot, &options, &box.err),
		MOTE_OK, NULL);
	assert_int_equal(results().size, SIZE);
	assert_true(is_zero(results()));
	pass(mote_bytes(pattern(1), PAGE), mote_bytes("", 0));
	assert_int_equal(seen.rsi, 1);
	mote_sandbox_free(box.sb);
	box.sb = first;
	mote_snapshot_unref(snapshot);
}

static void a_pool_takes_back_buffers(void **state)
{
	(void)state;
	const mote_sandbox_options options = options_with(0);
	mote_snapshot *snapshot;
	mote_sandbox *first = box.sb;
	mote_pool *pool;

	assert_int_equal(mote_snapshot_take(&snapshot, first, NULL), MOTE_OK);
	sandbox_box_expect(&box,
			   mote_pool_new(&pool, box.rt, snapshot,
					 MOTE_OPTIONS(mote_pool_options, .minimum = 1, .maximum = 1,
						      .sandbox = &options),
					 &box.err),
			   MOTE_OK, NULL);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(mote_pool_acquire(&box.sb, pool, NULL), MOTE_OK);
		memset(mote_buffer_data(new_buffer(SIZE)), 1, SIZE);
		mote_pool_release(pool, box.sb);
	}
	box.sb = first;
	mote_pool_free(pool);
	mote_snapshot_unref(snapshot);
}

#define ON_BOTH(test)                                                                              \
	{ #test " [machine]", test, setup_machine, teardown, NULL },                               \
	{                                                                                          \
#test " [process]", test, setup_process, teardown, NULL                            \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ON_BOTH(long_arguments_go_by_buffer_and_short_ones_by_message),
		ON_BOTH(what_fits_neither_is_refused),
		ON_BOTH(the_page_tables_say_who_may_write),
		ON_BOTH(what_is_in_a_buffer_is_passed_in_place),
		ON_BOTH(buffers_fill_the_first_gap_that_is_large_enough),
		ON_BOTH(a_sandbox_without_buffers_has_none),
		ON_BOTH(results_are_read_in_place),
		ON_BOTH(forged_results_poison_the_sandbox),
		ON_BOTH(a_number_is_no_span),
		ON_BOTH(forged_parameters_poison_the_sandbox),
		ON_BOTH(host_functions_read_in_place_and_answer_by_buffer),
		ON_BOTH(host_functions_answer_in_place),
		ON_BOTH(the_result_of_a_call_can_be_the_next_ones_argument),
		ON_BOTH(receipts_count_what_went_by_buffer),
		ON_BOTH(nothing_outlives_a_restore),
		ON_BOTH(what_the_host_writes_is_known),
		ON_BOTH(sandboxes_from_snapshots_have_buffers_of_their_own),
		ON_BOTH(a_pool_takes_back_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
