/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Target functions: wire_call_read, wire_result_read, wire_log_read, wire_functions_read, and
 * their writers: what a hostile side sends is read in bounds, and what was accepted can be
 * written and is read back the same.
 */
#include "abi/wire.h"

#include "fuzz/fuzz.h"

#define LIST_MAX 64

static void check_text(const char *a, size_t a_len, const char *b, size_t b_len)
{
	CHECK(a_len == b_len && memcmp(a, b, a_len + 1) == 0);
}

static void check_value(const mote_value *a, const mote_value *b)
{
	CHECK(a->type == b->type);
	if (a->type == MOTE_STRING)
		check_text(a->as.str.ptr, a->as.str.len, b->as.str.ptr, b->as.str.len);
	else if (a->type == MOTE_BYTES)
		CHECK(a->as.bytes.len == b->as.bytes.len &&
		      memcmp(a->as.bytes.ptr, b->as.bytes.ptr, a->as.bytes.len) == 0);
	else if (a->type == MOTE_BOOL)
		CHECK(a->as.boolean == b->as.boolean);
	else if (a->type == MOTE_I64 || a->type == MOTE_U64 || a->type == MOTE_F64)
		CHECK(a->as.u64 == b->as.u64);
	else if (a->type != MOTE_VOID)
		CHECK(a->as.u32 == b->as.u32);
}

static void one_call(const uint8_t *data, size_t size)
{
	struct wire_call call, again;

	if (wire_call_read(data, size, &call).status != WIRE_OK)
		return;
	size_t written = wire_call_size(&call);
	uint8_t *to = malloc(written);
	CHECK(written > 0 && wire_call_write(to, written, &call) == written);
	CHECK(wire_call_read(to, written, &again).status == WIRE_OK);
	check_text(call.name, call.name_len, again.name, again.name_len);
	CHECK(call.kind == again.kind && call.result == again.result &&
	      call.nparams == again.nparams);
	for (size_t i = 0; i < call.nparams; i++)
		check_value(&call.params[i], &again.params[i]);
	free(to);
}

static void one_result(const uint8_t *data, size_t size)
{
	struct wire_result result, again;

	if (wire_result_read(data, size, &result).status != WIRE_OK)
		return;
	size_t written = wire_result_size(&result);
	uint8_t *to = malloc(written);
	CHECK(written > 0 && wire_result_write(to, written, &result) == written);
	CHECK(wire_result_read(to, written, &again).status == WIRE_OK);
	CHECK(result.is_error == again.is_error && result.code == again.code);
	if (result.is_error)
		check_text(result.message, result.message_len, again.message, again.message_len);
	else
		check_value(&result.value, &again.value);
	free(to);
}

static void one_log(const uint8_t *data, size_t size)
{
	struct wire_log log, again;

	if (wire_log_read(data, size, &log).status != WIRE_OK)
		return;
	size_t written = wire_log_size(&log);
	uint8_t *to = malloc(written);
	CHECK(written > 0 && wire_log_write(to, written, &log) == written);
	CHECK(wire_log_read(to, written, &again).status == WIRE_OK);
	check_text(log.message.ptr, log.message.len, again.message.ptr, again.message.len);
	check_text(log.source.ptr, log.source.len, again.source.ptr, again.source.len);
	check_text(log.caller.ptr, log.caller.len, again.caller.ptr, again.caller.len);
	check_text(log.source_file.ptr, log.source_file.len, again.source_file.ptr,
		   again.source_file.len);
	CHECK(log.level == again.level && log.line == again.line);
	free(to);
}

static void one_list(const uint8_t *data, size_t size)
{
	struct wire_function list[LIST_MAX], again[LIST_MAX];
	size_t count, count_again;

	if (wire_functions_read(data, size, list, LIST_MAX, &count).status != WIRE_OK)
		return;
	size_t written = wire_functions_size(list, count);
	uint8_t *to = malloc(written);
	CHECK(written > 0 && wire_functions_write(to, written, list, count) == written);
	CHECK(wire_functions_read(to, written, again, LIST_MAX, &count_again).status == WIRE_OK);
	CHECK(count == count_again);
	for (size_t i = 0; i < count; i++) {
		check_text(list[i].name, list[i].name_len, again[i].name, again[i].name_len);
		CHECK(list[i].result == again[i].result && list[i].nparams == again[i].nparams);
		CHECK(memcmp(list[i].params, again[i].params,
			     list[i].nparams * sizeof(mote_type)) == 0);
	}
	free(to);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	one_call(data, size);
	one_result(data, size);
	one_log(data, size);
	one_list(data, size);
	return 0;
}
