/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call of the host, from its arguments to its result. The result lies on the input buffer above
 * the message of the call that is under way; it is taken off at once, and what it points
 * at moves to the call's own memory.
 */
#include "state.h"

#include <string.h>

/* Returns which parameters are spans. */
static uint64_t send_call(const struct mote_guest_record *record,
			  const struct mote_guest_value *args)
{
	struct mote_span spans[MOTE_PARAMS_MAX];
	struct wire_call call = {
		.name = record->name,
		.name_len = strlen(record->name),
		.kind = WIRE_CALL_HOST,
		.result = (mote_type)record->result,
		.nparams = record->nparams,
	};
	struct io_stack output = output_buffer();
	struct io_fault fault;

	for (size_t i = 0; i < record->nparams; i++) {
		const char *flaw =
			value_to_send(&call.params[i], (mote_type)record->params[i], &args[i]);
		if (flaw)
			call_fail_format(WIRE_CODE_GUEST_ERROR, "parameter %lu for %s %s",
					 (unsigned long)i + 1, record->name, flaw);
	}
	uint64_t which = spans_send(call.params, call.nparams, spans);
	size_t size = wire_call_size(&call);
	void *message = io_stack_reserve(&output, size, &fault);
	if (!message)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "the call of %s takes %lu bytes; the output buffer has room for "
				 "%lu, see output_size or buffer_size",
				 record->name, (unsigned long)size, (unsigned long)fault.high);
	wire_call_write(message, size, &call);
	io_stack_commit(&output, message, size);
	return which;
}

/* VALUE with what it points at in memory that lives until the next call. */
static void keep_value(struct mote_guest_value *to, const mote_value *value)
{
	char *copy;

	memcpy(to, value, sizeof(*to));
	if (value->type == MOTE_STRING) {
		copy = mote_alloc(value->as.str.len + 1);
		memcpy(copy, value->as.str.ptr, value->as.str.len + 1);
		to->as.str = copy;
	} else if (value->type == MOTE_BYTES) {
		copy = mote_alloc(value->as.bytes.len);
		memcpy(copy, value->as.bytes.ptr, value->as.bytes.len);
		to->as.bytes.ptr = copy;
	}
}

/* WHICH says whether the result is a span, whose bytes stay where they are. */
static void receive_result(const struct mote_guest_record *record, uint64_t which,
			   struct mote_guest_value *to)
{
	struct io_stack input = input_buffer();
	struct io_fault fault;
	struct wire_result result;
	uint64_t len = 0;
	const void *message = io_stack_peek(&input, &len, &fault);

	if (!message)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "the host left no result of %s: the input buffer's %s is %lu",
				 record->name, io_status_text(fault.status),
				 (unsigned long)fault.found);
	struct wire_check check = wire_result_read(message, len, &result);
	if (check.status != WIRE_OK)
		call_fail_format(WIRE_CODE_GUEST_ERROR, "the host's result of %s: %s: %s",
				 record->name, wire_field_text(check.field),
				 wire_status_text(check.status));
	if (result.is_error)
		call_fail(result.code, result.message, result.message_len);
	if (result.value.type != (mote_type)record->result)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "%s returned a value with type number %lu, the guest wants %lu",
				 record->name, (unsigned long)result.value.type,
				 (unsigned long)record->result);
	if (!spans_receive(&result.value, 1, which))
		call_fail_format(WIRE_CODE_GUEST_ERROR, "the result of %s is a span that is none",
				 record->name);
	if (which)
		memcpy(to, &result.value, sizeof(*to));
	else
		keep_value(to, &result.value);
	io_stack_drop(&input, message);
}

void mote_guest_call_host(const struct mote_guest_record *record,
			  const struct mote_guest_value *args, struct mote_guest_value *result)
{
	if (!start_block())
		call_fail_format(WIRE_CODE_HOST_ERROR,
				 "%s is a function of the host, and there is no host: run this "
				 "program in a sandbox",
				 record->name);
	uint64_t which = send_call(record, args);
	which = hypercall(MOTE_HC_HOST_CALL, which, 1, 0);
	receive_result(record, which, result);
}
