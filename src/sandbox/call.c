/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One call of a guest function. The arguments are checked against the guest's
 * export records, written in place into the input buffer, and the machine starts
 * at the guest's dispatch function; the result is copied out once and checked.
 */
#include "sandbox/receipt.h"

#include "abi/utf8.h"
#include "base/options.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static mote_status check_state(const mote_sandbox *sb, const char *function, mote_error *err)
{
	mote_status status = runtime_check_fork(sb->rt, err);
	if (status)
		return status;
	if (sb->is_running)
		return error_set(
			err, MOTE_E_STATE,
			"call \"%s\": the sandbox is running \"%s\"; a host function cannot "
			"call the guest that called it",
			function, sb->function ? sb->function : "main");
	if (sb->is_poisoned)
		return error_set(err, MOTE_E_STATE, "call \"%s\": the sandbox is poisoned: %s",
				 function, sb->poison);
	return MOTE_OK;
}

static mote_status check_arguments(const mote_function_info *function, const mote_value *args,
				   size_t nargs, mote_error *err)
{
	if (nargs != function->nparams)
		return error_set(err, MOTE_E_SIGNATURE,
				 "call \"%s\": %zu arguments given, the guest wants %" PRIu32,
				 function->name, nargs, function->nparams);
	for (uint32_t i = 0; i < nargs; i++) {
		const char *why;
		if (args[i].type != function->params[i])
			return error_set(
				err, MOTE_E_SIGNATURE,
				"call \"%s\": parameter %" PRIu32 " is %s, the guest wants %s%s",
				function->name, i + 1, mote_type_name(args[i].type),
				mote_type_name(function->params[i]),
				function->params[i] == MOTE_BOOL ? "; pass mote_bool(x)" : "");
		if (!value_is(&args[i], function->params[i], &why))
			return error_set(err, MOTE_E_INVALID,
					 "call \"%s\": parameter %" PRIu32 " %s", function->name,
					 i + 1, why);
	}
	return MOTE_OK;
}

/* Of a guest whose exports only the guest knows: what the arguments say of the function NAME. Such
 * a guest does not look at the type of the result that the caller expects. */
static mote_status describe_unlisted(mote_function_info *function, const char *name,
				     const mote_value *args, size_t nargs, mote_error *err)
{
	const size_t length = strnlen(name, MOTE_NAME_SIZE);

	if (length == 0 || length == MOTE_NAME_SIZE || utf8_check(name, length))
		return error_set(
			err, MOTE_E_NO_FUNCTION,
			"no function has a name that is empty, longer than %d bytes, or not "
			"UTF-8",
			MOTE_MAX_NAME_SIZE);
	if (nargs > MOTE_MAX_PARAMS)
		return error_set(err, MOTE_E_SIGNATURE,
				 "call \"%s\": %zu arguments given; %d is the most", name, nargs,
				 MOTE_MAX_PARAMS);
	*function = (mote_function_info){ .name = name, .nparams = (uint32_t)nargs };
	for (size_t i = 0; i < nargs; i++) {
		if (args[i].type <= MOTE_VOID || args[i].type > MOTE_BYTES)
			return error_set(err, MOTE_E_SIGNATURE,
					 "call \"%s\": parameter %zu has no type", name, i + 1);
		function->params[i] = args[i].type;
	}
	return check_arguments(function, args, nargs, err);
}

/* Finds out what is called, and that it can be called so. UNLISTED is where it is described, if the
 * image does not. */
static mote_status find_function(const mote_function_info **out, const mote_sandbox *sb,
				 const char *name, const mote_value *args, size_t nargs,
				 mote_function_info *unlisted, mote_error *err)
{
	*out = unlisted;
	if (!sb->guest->abi->lists_exports)
		return describe_unlisted(unlisted, name, args, nargs, err);
	*out = mote_image_find_export(sb->image, name);
	if (!*out)
		return error_set(err, MOTE_E_NO_FUNCTION,
				 "%s exports no function \"%s\"; `mote inspect` lists what it has",
				 sb->image->name, name);
	return check_arguments(*out, args, nargs, err);
}

/* After a call that failed: whatever went wrong half-way, what was in the buffers belongs to
 * nobody. */
static void clear_io(mote_sandbox *sb)
{
	struct io_stack input = sb->guest->abi->input(sb->guest);
	struct io_stack output = sb->guest->abi->output(sb->guest);

	io_stack_clear(&input);
	io_stack_clear(&output);
}

/* Writes the call straight into guest memory, and stores which arguments are spans. The buffers are
 * made empty first, so that the call comes alone and its result is the guest's answer to it. */
static mote_status push_call(mote_sandbox *sb, const mote_function_info *function,
			     const mote_value *args, uint64_t *which, mote_error *err)
{
	struct mote_span spans[MOTE_MAX_PARAMS];
	struct io_stack input = sb->guest->abi->input(sb->guest);
	struct io_stack output = sb->guest->abi->output(sb->guest);
	struct wire_call call = {
		.name = function->name,
		.name_len = strlen(function->name),
		.kind = WIRE_CALL_GUEST,
		.result = function->result,
		.nparams = function->nparams,
	};
	if (function->nparams)
		memcpy(call.params, args, function->nparams * sizeof args[0]);
	buffers_begin(sb);
	*which = buffers_send(sb, call.params, call.nparams, spans);

	io_stack_init(&input);
	io_stack_init(&output);
	struct io_fault fault;
	size_t size = wire_call_size(&call);
	void *at = size ? io_stack_reserve(&input, size, &fault) : NULL;
	if (!at)
		return error_set(err, MOTE_E_LIMIT,
				 "call \"%s\": the arguments need %zu bytes, the input buffer has "
				 "%" PRIu64 "; raise input_size%s",
				 function->name, size, input.size,
				 sb->image->features & MOTE_FEATURE_SPANS ? " or buffer_size" : "");
	sandbox_wrote_input(sb, &input, at, size);
	wire_call_write(at, size, &call);
	io_stack_commit(&input, at, size);
	sb->account.bytes_in += size;
	return MOTE_OK;
}

/* What an error of the guest's is to the caller: a guest that knows its exports alone says so, too,
 * when it is called in a way that it cannot be. */
static mote_status status_of(const mote_sandbox *sb, uint64_t code)
{
	if (sb->guest->abi->lists_exports)
		return MOTE_E_GUEST_ERROR;
	switch (code) {
	case WIRE_CODE_NO_SUCH_FUNCTION:
		return MOTE_E_NO_FUNCTION;
	case WIRE_CODE_PARAM_COUNT:
	case WIRE_CODE_PARAM_TYPE:
		return MOTE_E_SIGNATURE;
	default:
		return MOTE_E_GUEST_ERROR;
	}
}

static mote_status guest_error(const mote_sandbox *sb, const char *function,
			       const struct wire_result *result, mote_error *err)
{
	const mote_status status = status_of(sb, result->code);

	if (!err)
		return status;
	char text[MOTE_ERROR_MESSAGE_SIZE];
	text_escape(text, sizeof text, result->message, result->message_len);
	error_set(err, status, "call \"%s\": guest error %" PRIu64 ": %s", function, result->code,
		  text);
	err->guest_code = result->code;
	return status;
}

mote_status sandbox_pop_result(mote_sandbox *sb, const char *function, const mote_type *type,
			       mote_value *value, mote_error *err)
{
	struct wire_result result;
	size_t size = sandbox_pop(sb, "result", err);
	if (!size)
		return MOTE_E_GUEST_PROTOCOL;
	struct wire_check check = wire_result_read(sb->message, size, &result);
	if (check.status)
		return sandbox_bad_message("result", check, err);
	if (result.is_error)
		return guest_error(sb, function, &result, err);
	if (type && result.value.type != *type)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest's result is %s, its record says %s",
				 mote_type_name(result.value.type), mote_type_name(*type));
	mote_status status = buffers_receive(sb, &result.value, 1, sb->done_spans, "result", err);
	if (!status)
		*value = result.value;
	return status;
}

static mote_status run_call(mote_sandbox *sb, const struct time_limits *limits, mote_error *err)
{
	enum run_end end;
	mote_error local;
	if (!err)
		err = &local;
	mote_status status = sandbox_run(sb, limits, &end, err);
	if (status)
		return status;
	if (end != RUN_EXIT)
		return MOTE_OK; /* RUN_DONE: it cannot be ready twice */
	error_set(err, MOTE_E_GUEST_ABORT, "call \"%s\": the guest called exit(%d)", sb->function,
		  sb->exit_status);
	return sandbox_poison(sb, err->code, err);
}

static mote_status call(mote_sandbox *sb, const mote_function_info *function,
			const mote_value *args, const struct time_limits *limits,
			mote_value *result, mote_error *err)
{
	uint64_t which;

	account_begin(&sb->account);
	mote_status status = push_call(sb, function, args, &which, err);
	if (status)
		return status;
	const uint64_t number = sb->guest->abi->lists_exports
					? (uint64_t)(function - sb->image->exports.functions)
					: 0;
	status = sb->guest->abi->call(sb->guest, number, which, err);
	if (status)
		return sandbox_poison(sb, status, err);
	status = run_call(sb, limits, err);
	if (status)
		return status;

	mote_error local;
	if (!err)
		err = &local;
	const bool is_listed = sb->guest->abi->lists_exports;
	status = sandbox_pop_result(sb, function->name, is_listed ? &function->result : NULL,
				    result, err);
	if (mote_status_class(status) != MOTE_CLASS_POISON)
		return status;
	error_prefix(err, "call \"%s\": ", function->name);
	return sandbox_poison(sb, status, err);
}

mote_status mote_call_with(mote_sandbox *sb, const char *name, const mote_value *args, size_t nargs,
			   const mote_call_options *given, mote_value *result, mote_error *err)
{
	mote_call_options options;
	mote_value unwanted;
	if (!result)
		result = &unwanted;
	*result = (mote_value){ .type = MOTE_VOID };

	mote_status status =
		options_copy(&options, sizeof options, given, "mote_call_options", err);
	if (!status && options.receipt)
		status = options_fill(options.receipt, &(mote_receipt){ 0 }, sizeof(mote_receipt),
				      "mote_receipt", err);
	if (!status)
		status = check_state(sb, name, err);
	if (status)
		return status;
	const mote_function_info *function;
	mote_function_info unlisted;
	status = find_function(&function, sb, name, args, nargs, &unlisted, err);
	if (status)
		return status;

	const struct time_limits limits = {
		.timeout_ns = options.timeout_ns,
		.cpu_ns = options.cpu_ns,
		.timeout_name = "timeout_ns",
	};
	struct receipt_start start;
	sb->function = function->name;
	if (options.receipt)
		start = receipt_begin(sb);
	status = call(sb, function, args, &limits, result, err);
	if (options.receipt)
		receipt_end(sb, &start, status, options.receipt);
	if (status && !host_is_forked(&sb->rt->host))
		clear_io(sb);
	sb->function = NULL;
	return status;
}

mote_status mote_call(mote_sandbox *sb, const char *name, const mote_value *args, size_t nargs,
		      mote_value *result, mote_error *err)
{
	return mote_call_with(sb, name, args, nargs, NULL, result, err);
}
