/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call by the host, from its message to its result.
 *
 * The call message stays on the input buffer while the function runs, which uses its strings
 * in place; a result may point into it as well. So it goes last, in call_end().
 */
#include "state.h"

#include "abi/utf8.h"

#include <string.h>

_Static_assert(sizeof(struct mote_guest_record) == sizeof(struct mote_record) &&
		       offsetof(struct mote_guest_record, params) ==
			       offsetof(struct mote_record, params) &&
		       offsetof(struct mote_guest_record, name) ==
			       offsetof(struct mote_record, name),
	       "mote/guest.h spells the record of the guest ABI out once more");
_Static_assert(sizeof(struct mote_guest_value) == sizeof(mote_value) &&
		       offsetof(struct mote_guest_value, as) == offsetof(mote_value, as),
	       "mote/guest.h spells mote_value out once more; values are copied as they are");

const char *current_function;

static void check_params(const struct mote_guest_record *record, const struct wire_call *call)
{
	if (call->nparams != record->nparams)
		call_fail_format(WIRE_CODE_PARAM_COUNT, "%s takes %lu parameters, the call has %lu",
				 record->name, (unsigned long)record->nparams,
				 (unsigned long)call->nparams);
	for (size_t i = 0; i < call->nparams; i++)
		if (call->params[i].type != (mote_type)record->params[i])
			call_fail_format(WIRE_CODE_PARAM_TYPE,
					 "%s: parameter %lu has type number %lu, the call's is %lu",
					 record->name, (unsigned long)i + 1,
					 (unsigned long)record->params[i],
					 (unsigned long)call->params[i].type);
}

/* Reads the call on the input buffer, with spans for parameters by the bits of WHICH; returns the
 * record that it is for, which the host chose by INDEX. */
static const struct mote_guest_record *receive_call(uint64_t index, uint64_t which,
						    struct wire_call *call)
{
	struct io_stack input = input_buffer();
	struct io_fault fault;
	uint64_t len = 0;
	const void *message = io_stack_peek(&input, &len, &fault);

	if (!message)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "there is no call on the input buffer: its %s is %lu",
				 io_status_text(fault.status), (unsigned long)fault.found);
	struct wire_check check = wire_call_read(message, len, call);
	if (check.status != WIRE_OK)
		call_fail_format(WIRE_CODE_GUEST_ERROR, "the call's %s is not sound: %s",
				 wire_field_text(check.field), wire_status_text(check.status));
	const struct mote_guest_record *record = export_find(index, call->name);
	check_params(record, call);
	if (!spans_receive(call->params, call->nparams, which))
		call_fail_format(WIRE_CODE_GUEST_ERROR, "the call of %s has spans that are none",
				 call->name);
	return record;
}

void dispatch(uint64_t index, uint64_t which)
{
	struct wire_call call;
	struct mote_guest_value args[MOTE_PARAMS_MAX];
	struct mote_guest_value returned = { .reserved = 0 };
	struct wire_result result = { .is_error = false };

	current_function = "";
	fpu_restore();
	arena_reset();
	spans_reset();
	const struct mote_guest_record *record = receive_call(index, which, &call);
	current_function = record->name;
	restore_notice();
	memcpy(args, call.params, record->nparams * sizeof(*args));
	record->entry(args, &returned);
	const char *flaw = value_to_send(&result.value, (mote_type)record->result, &returned);
	if (flaw)
		call_fail_format(WIRE_CODE_GUEST_ERROR, "the result of %s %s", record->name, flaw);
	call_end(&result);
}

/* All of the result buffer is for a result that is not in there yet. */
static uint64_t send_result(struct wire_result *result, struct mote_span *span)
{
	spans_reset();
	return spans_send(&result->value, 1, span);
}

void call_end(const struct wire_result *result)
{
	struct io_stack input = input_buffer();
	struct io_stack output = output_buffer();
	struct wire_result sent = *result;
	struct mote_span span;
	struct io_fault fault;
	uint64_t which = 0;

	/* Whatever a half-made message left there, an error must fit. */
	if (result->is_error)
		io_stack_init(&output);
	else
		which = send_result(&sent, &span);
	size_t size = wire_result_size(&sent);
	void *message = io_stack_reserve(&output, size, &fault);

	if (!message && !result->is_error)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "the result of %s takes %lu bytes; the output buffer has room for "
				 "%lu, see output_size or buffer_size",
				 current_function, (unsigned long)size, (unsigned long)fault.high);
	if (!message)
		__builtin_trap(); /* the buffer is tiny; the host sees the fault */
	wire_result_write(message, size, &sent);
	io_stack_commit(&output, message, size);
	io_stack_init(&input);
	hypercall(MOTE_HC_DONE, which, 0, 0);
	__builtin_trap();
}

const char *value_to_send(mote_value *to, mote_type type, const struct mote_guest_value *from)
{
	memcpy(to, from, sizeof(*to));
	to->type = type;
	to->reserved = 0;
	if (type == MOTE_BYTES && !to->as.bytes.ptr && to->as.bytes.len != 0)
		return "is NULL";
	if (type != MOTE_STRING)
		return NULL;
	if (!to->as.str.ptr)
		return "is NULL";
	to->as.str.len = strlen(to->as.str.ptr);
	return utf8_check(to->as.str.ptr, to->as.str.len) == UTF8_TEXT ? NULL : "is not UTF-8";
}
