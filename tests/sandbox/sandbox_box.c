/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the sandboxes of sandbox_box.h, and does what the guest library would do inside.
 */
#include "sandbox/sandbox_box.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take_line(void *user, mote_log_level level, const char *source, const char *message)
{
	struct sandbox_box *box = user;

	if (box->nlines < BOX_LINES) {
		box->lines[box->nlines].level = level;
		snprintf(box->lines[box->nlines].text, sizeof box->lines[0].text, "%s: %s", source,
			 message);
	}
	box->nlines++;
}

static bool next_step(struct fake_vm *vm, struct hv_exit *exit)
{
	struct sandbox_box *box = fake.user;

	if (box->next == box->nsteps)
		fail_msg("the guest goes on when it should not");
	return box->steps[box->next++](vm, exit);
}

void sandbox_box_set(struct sandbox_box *box, const fake_guest *steps, size_t count)
{
	assert_true(count <= BOX_STEPS);
	if (count > 0)
		memcpy(box->steps, steps, count * sizeof steps[0]);
	box->nsteps = count;
	box->next = 0;
}

void sandbox_box_init(struct sandbox_box *box, const struct hv_backend *backend)
{
	const struct hv_backend *const backends[] = { backend, NULL };
	struct tiny_elf elf;

	*box = (struct sandbox_box){ .backend = backend };
	fake_reset();
	fake.guest = next_step;
	fake.user = box;
	const mote_runtime_options *options =
		MOTE_OPTIONS(mote_runtime_options, .backend = backend->name, .log = take_line,
			     .log_user = box, .log_level = MOTE_LOG_TRACE);
	sandbox_box_expect(box, runtime_new(&box->rt, options, &sys_linux, backends, &box->err),
			   MOTE_OK, NULL);
	tiny_elf_init(&elf);
	sandbox_box_expect(
		box, mote_image_load_memory(&box->image, box->rt, &elf, sizeof elf, &box->err),
		MOTE_OK, NULL);
}

void sandbox_box_fini(struct sandbox_box *box)
{
	mote_sandbox_free(box->sb);
	assert_int_equal(fake.nvms, 0);
	mote_image_unref(box->image);
	mote_runtime_free(box->rt);
	assert_int_equal(fake.nopen, 0);
}

void sandbox_box_expect(const struct sandbox_box *box, mote_status status, mote_status want,
			const char *text)
{
	if (status != want)
		fail_msg("status is %s, not %s: %s", mote_status_name(status),
			 mote_status_name(want), box->err.message);
	if (text && !strstr(box->err.message, text))
		fail_msg("message is \"%s\", without \"%s\"", box->err.message, text);
	if (want != MOTE_OK)
		assert_int_equal(box->err.code, want);
}

void sandbox_box_start(struct sandbox_box *box, const mote_sandbox_options *options)
{
	SET_STEPS(box, step_ready);
	sandbox_box_expect(box, mote_sandbox_new(&box->sb, box->image, options, &box->err), MOTE_OK,
			   NULL);
}

mote_status sandbox_box_call(struct sandbox_box *box, const char *function, const mote_value *args,
			     size_t nargs, mote_value *result)
{
	box->err = (mote_error){ .message = "" };
	return mote_call(box->sb, function, args, nargs, result, &box->err);
}

struct mote_start_block guest_start_block(struct fake_vm *vm)
{
	struct mote_start_block block;
	memcpy(&block, fake_at(vm, MOTE_START_BLOCK), sizeof block);
	return block;
}

bool step_ready(struct fake_vm *vm, struct hv_exit *exit)
{
	const struct mote_start_block block = guest_start_block(vm);
	return fake_hypercall(vm, exit, MOTE_HC_READY, GUEST_CODE,
			      block.stack_address + block.stack_size - 64, 0);
}

bool step_done(struct fake_vm *vm, struct hv_exit *exit)
{
	return fake_hypercall(vm, exit, MOTE_HC_DONE, 0, 0, 0);
}

bool step_done_void(struct fake_vm *vm, struct hv_exit *exit)
{
	guest_push_result(vm, &(struct wire_result){ .value = { .type = MOTE_VOID } });
	return step_done(vm, exit);
}

struct io_stack guest_input(struct fake_vm *vm)
{
	const struct mote_start_block block = guest_start_block(vm);
	return (struct io_stack){ fake_at(vm, block.input_address), block.input_size };
}

struct io_stack guest_output(struct fake_vm *vm)
{
	const struct mote_start_block block = guest_start_block(vm);
	return (struct io_stack){ fake_at(vm, block.output_address), block.output_size };
}

void guest_push(struct fake_vm *vm, const void *bytes, size_t size)
{
	const struct io_stack output = guest_output(vm);
	struct io_fault fault;
	assert_true(io_stack_push(&output, bytes, size, &fault));
}

static char message[4096];

void guest_push_result(struct fake_vm *vm, const struct wire_result *result)
{
	guest_push(vm, message, wire_result_write(message, sizeof message, result));
}

void guest_push_call(struct fake_vm *vm, const struct wire_call *call)
{
	guest_push(vm, message, wire_call_write(message, sizeof message, call));
}

void guest_push_log(struct fake_vm *vm, const struct wire_log *log)
{
	guest_push(vm, message, wire_log_write(message, sizeof message, log));
}

struct wire_result guest_pop_result(struct fake_vm *vm)
{
	static char popped[1 << 18];
	const struct io_stack input = guest_input(vm);
	struct io_fault fault;
	struct wire_result result;
	const size_t size = io_stack_pop(&input, popped, sizeof popped, &fault);

	assert_true(size > 0);
	assert_int_equal(wire_result_read(popped, size, &result).status, WIRE_OK);
	return result;
}
