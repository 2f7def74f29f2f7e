/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of the host that a guest may call: registered with explicit types,
 * looked up by name, called with arguments that were checked against those types.
 */
#include "sandbox/sandbox.h"

#include "abi/utf8.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct host_function *)a)->name,
		      ((const struct host_function *)b)->name);
}

static bool is_type(mote_type type)
{
	return type >= MOTE_VOID && type <= MOTE_BYTES;
}

static mote_status check_function(const mote_host_function *given, size_t index, mote_error *err)
{
	if (!given->name || !given->fn)
		return error_set(err, MOTE_E_INVALID, "host function %zu has no %s", index,
				 given->name ? "fn" : "name");
	size_t length = strnlen(given->name, MOTE_NAME_SIZE);
	if (length == 0 || length == MOTE_NAME_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "host function %zu: the name has %s; it must have 1 to %d bytes",
				 index, length ? "64 bytes or more" : "none", MOTE_MAX_NAME_SIZE);
	if (utf8_check(given->name, length))
		return error_set(err, MOTE_E_INVALID, "host function %zu: the name is not UTF-8",
				 index);
	if (given->nparams > MOTE_MAX_PARAMS)
		return error_set(err, MOTE_E_INVALID,
				 "host function \"%s\" has %" PRIu32 " parameters; %d is the most",
				 given->name, given->nparams, MOTE_MAX_PARAMS);
	if (given->nparams && !given->params)
		return error_set(err, MOTE_E_INVALID, "host function \"%s\": params is NULL",
				 given->name);
	for (uint32_t i = 0; i < given->nparams; i++)
		if (!is_type(given->params[i]) || given->params[i] == MOTE_VOID)
			return error_set(err, MOTE_E_INVALID,
					 "host function \"%s\": parameter %" PRIu32
					 " has no type that a parameter can have (%d)",
					 given->name, i + 1, (int)given->params[i]);
	if (!is_type(given->result))
		return error_set(err, MOTE_E_INVALID,
				 "host function \"%s\": result type %d is none", given->name,
				 (int)given->result);
	return MOTE_OK;
}

static void copy_function(struct host_function *to, const mote_host_function *given)
{
	*to = (struct host_function){
		.fn = given->fn,
		.user = given->user,
		.drop_user = given->drop_user,
		.result = given->result,
		.nparams = given->nparams,
	};
	memcpy(to->name, given->name, strlen(given->name) + 1);
	if (given->nparams)
		memcpy(to->params, given->params, given->nparams * sizeof to->params[0]);
}

static mote_status check_duplicates(const struct host_functions *functions, mote_error *err)
{
	for (size_t i = 1; i < functions->count; i++)
		if (by_name(&functions->list[i - 1], &functions->list[i]) == 0)
			return error_set(err, MOTE_E_INVALID,
					 "host function \"%s\" is given twice; names must differ",
					 functions->list[i].name);
	return MOTE_OK;
}

static void free_list(struct host_functions *functions, const struct host *host)
{
	host_free(host, functions->list, functions->count * sizeof functions->list[0]);
	*functions = (struct host_functions){ 0 };
}

mote_status host_functions_init(struct host_functions *functions, const struct host *host,
				const mote_host_function *given, size_t count, mote_error *err)
{
	*functions = (struct host_functions){ 0 };
	if (count == 0)
		return MOTE_OK;
	if (count > MOTE_MAX_HOST_FUNCTIONS)
		return error_set(err, MOTE_E_INVALID, "nfunctions is %zu; it may be at most %d",
				 count, MOTE_MAX_HOST_FUNCTIONS);
	if (!given)
		return error_set(err, MOTE_E_INVALID, "functions is NULL and nfunctions %zu",
				 count);
	for (size_t i = 0; i < count; i++) {
		mote_status status = check_function(&given[i], i, err);
		if (status)
			return status;
	}

	functions->list = host_alloc_array(host, count, sizeof functions->list[0]);
	if (!functions->list)
		return error_nomem(err, "host functions", count * sizeof functions->list[0]);
	functions->count = count;
	for (size_t i = 0; i < count; i++)
		copy_function(&functions->list[i], &given[i]);
	qsort(functions->list, count, sizeof functions->list[0], by_name);
	mote_status status = check_duplicates(functions, err);
	if (status)
		free_list(functions, host);
	return status;
}

void host_functions_fini(struct host_functions *functions, const struct host *host)
{
	for (size_t i = 0; i < functions->count; i++)
		if (functions->list[i].drop_user)
			functions->list[i].drop_user(functions->list[i].user);
	free_list(functions, host);
}

mote_status host_functions_copy(struct host_functions *to, const struct host_functions *from,
				const struct host *host, mote_error *err)
{
	*to = (struct host_functions){ 0 };
	if (from->count == 0)
		return MOTE_OK;
	to->list = host_alloc_array(host, from->count, sizeof to->list[0]);
	if (!to->list)
		return error_nomem(err, "host functions", from->count * sizeof to->list[0]);
	to->count = from->count;
	memcpy(to->list, from->list, from->count * sizeof to->list[0]);
	for (size_t i = 0; i < to->count; i++) {
		to->list[i].fn = NULL;
		to->list[i].user = NULL;
		to->list[i].drop_user = NULL;
	}
	return MOTE_OK;
}

const char *host_functions_difference(const struct host_functions *wanted,
				      const struct host_functions *given, const char **name)
{
	for (size_t i = 0; i < wanted->count || i < given->count; i++) {
		const struct host_function *a = i < wanted->count ? &wanted->list[i] : NULL;
		const struct host_function *b = i < given->count ? &given->list[i] : NULL;
		int order = !a ? 1 : !b ? -1 : by_name(a, b); /* both lists are sorted */

		*name = order < 0 || !b ? a->name : b->name;
		if (order != 0)
			return order < 0 ? "is missing" : "is one too many";
		if (a->result != b->result || a->nparams != b->nparams ||
		    memcmp(a->params, b->params, a->nparams * sizeof a->params[0]) != 0)
			return "has other types";
	}
	return NULL;
}

mote_status host_functions_list(mote_function_info **out, const struct host_functions *functions,
				const struct host *host, mote_error *err)
{
	const size_t count = functions->count;

	*out = NULL;
	if (count == 0)
		return MOTE_OK;
	mote_function_info *list = host_alloc_array(host, count, sizeof list[0]);
	if (!list)
		return error_nomem(err, "a list of host functions", count * sizeof list[0]);
	for (size_t i = 0; i < count; i++) {
		const struct host_function *function = &functions->list[i];

		list[i].name = function->name;
		list[i].result = function->result;
		list[i].nparams = function->nparams;
		for (uint32_t p = 0; p < function->nparams; p++)
			list[i].params[p] = function->params[p];
	}
	*out = list;
	return MOTE_OK;
}

const struct host_function *host_functions_find(const struct host_functions *functions,
						const char *name)
{
	size_t low = 0, high = functions->count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(functions->list[middle].name, name);
		if (order == 0)
			return &functions->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

bool value_is(const mote_value *value, mote_type type, const char **why)
{
	if (value->type != type) {
		*why = "has another type";
		return false;
	}
	if (type == MOTE_BYTES && !value->as.bytes.ptr && value->as.bytes.len) {
		*why = "is a NULL pointer with a length";
		return false;
	}
	if (type != MOTE_STRING)
		return true;
	if (!value->as.str.ptr && value->as.str.len) {
		*why = "is a NULL pointer with a length";
		return false;
	}
	static const char *const verdicts[] = {
		[UTF8_TEXT] = NULL,
		[UTF8_WITH_NUL] = "has a NUL byte inside; pass it as bytes",
		[UTF8_MALFORMED] = "is not UTF-8; pass it as bytes",
	};
	*why = verdicts[utf8_check(value->as.str.ptr, value->as.str.len)];
	return !*why;
}

/* A failure of the host function, or of the guest to call it properly: the guest gets it as a
 * result, and passes it on to whoever called the guest. */
static struct wire_result failure(const char *message)
{
	return (struct wire_result){
		.is_error = true,
		.code = WIRE_CODE_HOST_ERROR,
		.message = message,
		.message_len = strlen(message),
	};
}

/* Why FUNCTION cannot be called as CALL asks; false when it can. Guests whose files list functions
 * are compiled with types to be compared. Others look at the result that they get, whatever they
 * have asked for, and there are some that look at these very words. */
static bool is_mismatch(const struct host_function *function, const struct wire_call *call,
			bool is_listed, mote_error *why)
{
	if (!function)
		error_set(why, MOTE_E_NO_FUNCTION,
			  is_listed ? "the host has no function \"%s\""
				    : "HostFunction %s was not found",
			  call->name);
	else if (call->nparams != function->nparams)
		error_set(why, MOTE_E_SIGNATURE,
			  "host function \"%s\" takes %" PRIu32 " parameters, not %zu", call->name,
			  function->nparams, call->nparams);
	else if (is_listed && call->result != function->result)
		error_set(why, MOTE_E_SIGNATURE,
			  "host function \"%s\" gives %s, the guest wants %s", call->name,
			  mote_type_name(function->result), mote_type_name(call->result));
	else
		for (uint32_t i = 0; i < function->nparams; i++)
			if (call->params[i].type != function->params[i]) {
				error_set(why, MOTE_E_SIGNATURE,
					  "host function \"%s\": parameter %" PRIu32
					  " is %s, not %s",
					  call->name, i + 1, mote_type_name(function->params[i]),
					  mote_type_name(call->params[i].type));
				return true;
			}
	return why->code != MOTE_OK;
}

/* The message of a host function that failed, fit for the wire: there is one, it ends, it is UTF-8.
 */
static const char *make_presentable(mote_error *err, mote_status status, const char *name)
{
	err->message[sizeof err->message - 1] = '\0';
	size_t length = strlen(err->message);
	if (!length)
		error_set(err, status, "host function \"%s\" failed: %s", name,
			  mote_status_name(status));
	else if (utf8_check(err->message, length)) {
		char raw[MOTE_ERROR_MESSAGE_SIZE];
		memcpy(raw, err->message, length);
		text_escape(err->message, sizeof err->message, raw, length);
	}
	return err->message;
}

/* Calls FUNCTION. ERR is where its message lives while RESULT is used. */
static struct wire_result call_function(const struct host_function *function,
					const struct wire_call *call, mote_error *err)
{
	struct wire_result result = { .value = { .type = MOTE_VOID } };
	const char *why;

	mote_status status =
		function->fn(function->user, call->params, call->nparams, &result.value, err);
	if (status)
		return failure(make_presentable(err, status, function->name));
	if (value_is(&result.value, function->result, &why))
		return result;
	error_set(err, MOTE_E_INVALID, "host function \"%s\": its result, declared %s, %s",
		  function->name, mote_type_name(function->result), why);
	return failure(err->message);
}

/* Pushes RESULT for the guest; one that does not fit is replaced by an error that says so. */
static mote_status push_message(mote_sandbox *sb, const char *name,
				const struct wire_result *result, mote_error *err)
{
	struct io_stack input = sb->guest->abi->input(sb->guest);
	struct io_fault fault;
	size_t size = wire_result_size(result);
	void *at = size ? io_stack_reserve(&input, size, &fault) : NULL;

	if (at) {
		sandbox_wrote_input(sb, &input, at, size);
		wire_result_write(at, size, result);
		io_stack_commit(&input, at, size);
		sb->account.bytes_in += size;
		return MOTE_OK;
	}
	if (result->is_error)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest left no room in its input buffer for a result");
	mote_error text;
	error_set(&text, MOTE_E_LIMIT,
		  "host function \"%s\": its result, %zu bytes, does not fit the input buffer of "
		  "%" PRIu64 " bytes; raise input_size%s",
		  name, size, input.size,
		  sb->image->features & MOTE_FEATURE_SPANS ? " or buffer_size" : "");
	struct wire_result instead = failure(text.message);
	return push_message(sb, name, &instead, err);
}

/* The same for a guest that TAKES_SPANS or not. */
static mote_status push_result(mote_sandbox *sb, const char *name, struct wire_result *result,
			       bool takes_spans, mote_error *err)
{
	const struct guest_abi *abi = sb->guest->abi;
	struct mote_span span;
	uint64_t spans = 0;

	if (takes_spans && !result->is_error)
		spans = buffers_send(sb, &result->value, 1, &span);
	mote_status status = push_message(sb, name, result, err);
	if (!status && abi->answer)
		abi->answer(sb->guest, spans);
	return status;
}

mote_status sandbox_host_call(mote_sandbox *sb, const struct guest_event *event, mote_error *err)
{
	struct wire_call call;
	if (!account_host_call(&sb->account))
		return account_check(&sb->account, err);
	size_t size = sandbox_pop(sb, "host call", err);
	if (!size)
		return MOTE_E_GUEST_PROTOCOL;
	struct wire_check check = wire_call_read(sb->message, size, &call);
	if (check.status)
		return sandbox_bad_message("host call", check, err);
	if (call.kind != WIRE_CALL_HOST)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "the guest sent a guest call where a host call belongs");
	mote_status status =
		buffers_receive(sb, call.params, call.nparams, event->spans, "parameter", err);
	if (status)
		return status;

	const struct host_function *function = host_functions_find(&sb->functions, call.name);
	mote_error text = { .code = MOTE_OK };
	struct wire_result result;
	if (is_mismatch(function, &call, sb->guest->abi->lists_exports, &text))
		result = failure(text.message);
	else
		result = call_function(function, &call, &text);
	status = runtime_check_fork(sb->rt, err);
	return status ? status : push_result(sb, call.name, &result, event->takes_spans, err);
}
