/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small host for guests of the hyperlight ABI: it pops and pushes messages, and has a handful of
 * functions.
 */
#include "tests/hyperlight/hyper_box.h"

#include "hv/kvm/kvm.h"
#include "image/image.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");

	if (!file)
		fail_msg("cannot open the guest %s", path);
	fseek(file, 0, SEEK_END);
	*size = (size_t)ftell(file);
	rewind(file);
	void *bytes = malloc(*size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, *size, file), *size);
	fclose(file);
	return bytes;
}

static void open_hypervisor(struct hyper_box *box)
{
	struct hv_check check;
	mote_error err = { .message = "" };

	hv_kvm.check(&box->host, &check);
	if (!check.is_available) {
		print_message("SKIP: %s\n", check.reason);
		skip();
	}
	if (hv_kvm.open(&box->hv, &box->host, &err))
		fail_msg("%s", err.message);
}

static void ignore_log(void *user, mote_log_level level, const char *source, const char *message)
{
	(void)user;
	(void)level;
	(void)source;
	(void)message;
}

mote_status hyper_box_new(struct hyper_box *box, struct guest **out, struct hv *hv,
			  struct guest_snapshot *snapshot, mote_error *err)
{
	const struct guest_plan plan = { .hv = hv, .account = &box->account, .snapshot = snapshot };

	box->account.limits = account_limits_of(MOTE_NO_LIMIT, 0, 0, 0, 0);
	return hyperlight_abi.guest_new(out, &plan, err);
}

void hyper_box_make(struct hyper_box *box, const char *path, const struct guest_start *start)
{
	struct mote_image image = { .name = "guest" };
	struct guest_start with_image = *start;
	mote_error err = { .message = "" };

	*box = (struct hyper_box){ .nlogs = 0 };
	host_init(&box->host);
	box->host.log = ignore_log;
	box->host.log_level = MOTE_LOG_INFO;
	open_hypervisor(box);
	void *bytes = read_file(path, &image.file.size);
	image.file.at = bytes;
	with_image.image = &image;
	if (hyperlight_load(&box->first, &box->host, &with_image, &err) ||
	    hyper_box_new(box, &box->guest, box->hv, box->first, &err))
		fail_msg("%s: %s", path, err.message);
	free(bytes);
}

void hyper_box_init(struct hyper_box *box, const char *path, const struct guest_start *start)
{
	hyper_box_make(box, path, start);
	hyper_box_run(box);
	if (box->event.kind != GUEST_READY)
		fail_msg("the guest did not start: event %d: %s, at 0x%" PRIx64,
			 (int)box->event.kind, box->text, box->event.pc);
}

void hyper_box_fini(struct hyper_box *box)
{
	hyperlight_abi.guest_free(box->guest);
	guest_snapshot_unref(box->first);
	if (box->hv)
		hv_kvm.close(box->hv);
}

static size_t pop(struct hyper_box *box)
{
	const struct io_stack output = hyperlight_abi.output(box->guest);
	struct io_fault fault;
	const size_t size = io_stack_pop(&output, box->message, sizeof box->message, &fault);

	if (size == 0)
		fail_msg("the output buffer's %s is %" PRIu64, io_status_text(fault.status),
			 fault.found);
	return size;
}

static void take_log(struct hyper_box *box)
{
	struct wire_log log;
	const size_t size = pop(box);

	assert_int_equal(wire_log_read(box->message, size, &log).status, WIRE_OK);
	snprintf(box->log, sizeof box->log, "%d: %s", (int)log.level, log.message.ptr);
	box->nlogs++;
}

static mote_value i32(int32_t number)
{
	return (mote_value){ .type = MOTE_I32, .as.i32 = number };
}

static mote_value serve(struct hyper_box *box, const struct wire_call *call)
{
	const mote_value *params = call->params;

	if (strcmp(call->name, "HostPrint") == 0 || strncmp(call->name, "HostMethod", 10) == 0) {
		snprintf(box->printed, sizeof box->printed, "%s", params[0].as.str.ptr);
		if (strcmp(call->name, "HostMethod4") == 0)
			return (mote_value){ .type = MOTE_VOID };
		return i32((int32_t)params[0].as.str.len);
	}
	if (strcmp(call->name, "HostAdd") == 0)
		return i32(params[0].as.i32 + params[1].as.i32);
	if (strcmp(call->name, "HostBool") == 0)
		return (mote_value){ .type = MOTE_BOOL,
				     .as.boolean = params[0].as.i32 > params[1].as.i32 };
	if (strcmp(call->name, "HostAddFloat") == 0)
		return (mote_value){ .type = MOTE_F32,
				     .as.f32 = params[0].as.f32 + params[1].as.f32 };
	if (strcmp(call->name, "HostAddDouble") == 0)
		return (mote_value){ .type = MOTE_F64,
				     .as.f64 = params[0].as.f64 + params[1].as.f64 };
	if (strcmp(call->name, "Spin") == 0 && box->on_spin)
		box->on_spin(box);
	if (strcmp(call->name, "HostAddStrings") == 0) {
		snprintf(box->printed, sizeof box->printed, "%s, string added by Host Function",
			 params[0].as.str.ptr);
		return mote_str(box->printed);
	}
	return (mote_value){ .type = MOTE_VOID };
}

/* Why the host has no result for CALL, in TEXT; false if it has. */
static bool refuse(const struct wire_call *call, char *text, size_t size)
{
	if (strcmp(call->name, "ErrorMethod") == 0)
		snprintf(text, size, "Host function error!");
	else if (strcmp(call->name, "HostError") == 0 || strncmp(call->name, "Some", 4) == 0)
		snprintf(text, size, "HostFunction %s was not found", call->name);
	else
		return false;
	return true;
}

static void serve_call(struct hyper_box *box)
{
	const struct io_stack input = hyperlight_abi.input(box->guest);
	struct wire_result result = { .is_error = false };
	struct wire_call call;
	struct io_fault fault;
	uint8_t reply[2048];
	char text[256];
	const size_t size = pop(box);

	assert_int_equal(wire_call_read(box->message, size, &call).status, WIRE_OK);
	assert_int_equal(call.kind, WIRE_CALL_HOST);
	box->ncalls++;
	if (refuse(&call, text, sizeof text)) {
		result = (struct wire_result){ .is_error = true,
					       .code = WIRE_CODE_HOST_ERROR,
					       .message = text,
					       .message_len = strlen(text) };
	} else {
		result.value = serve(box, &call);
	}
	const size_t reply_size = wire_result_write(reply, sizeof reply, &result);
	assert_true(reply_size > 0);
	assert_true(io_stack_push(&input, reply, reply_size, &fault));
}

static void add_output(struct hyper_box *box)
{
	const size_t len = strlen(box->output);

	assert_int_equal(box->event.stream, 2); /* released hosts print to standard error */
	snprintf(box->output + len, sizeof box->output - len, "%s", box->text);
}

/* The guest with vector registers needs a hypervisor that runs them in ring 0. */
static void skip_unsupported(const struct hyper_box *box)
{
	if (box->event.kind != GUEST_ENDED || !strstr(box->text, "does not run in ring 0"))
		return;
	print_message("SKIP: %s\n", box->text);
	skip();
}

void hyper_box_run(struct hyper_box *box)
{
	mote_error err = { .message = "" };

	for (;;) {
		if (hyperlight_abi.run(box->guest, &box->event, &err))
			fail_msg("%s", err.message);
		if (box->event.text)
			snprintf(box->text, sizeof box->text, "%.*s", (int)box->event.text_size,
				 box->event.text);
		if (box->event.kind == GUEST_LOG)
			take_log(box);
		else if (box->event.kind == GUEST_HOST_CALL)
			serve_call(box);
		else if (box->event.kind == GUEST_OUTPUT)
			add_output(box);
		else
			break;
	}
	skip_unsupported(box);
}

void hyper_box_call(struct hyper_box *box, const struct wire_call *call)
{
	const struct io_stack input = hyperlight_abi.input(box->guest);
	struct io_fault fault;
	mote_error err = { .message = "" };
	const size_t size = wire_call_size(call);

	assert_true(size > 0);
	void *at = io_stack_reserve(&input, size, &fault);
	assert_non_null(at);
	wire_call_write(at, size, call);
	io_stack_commit(&input, at, size);
	if (hyperlight_abi.call(box->guest, 0, 0, &err))
		fail_msg("%s", err.message);
	hyper_box_run(box);
	if (box->event.kind != GUEST_DONE)
		return;
	const size_t got = pop(box);
	assert_int_equal(wire_result_read(box->message, got, &box->result).status, WIRE_OK);
}

static void call(struct hyper_box *box, const char *name, size_t nparams, const mote_value *params)
{
	struct wire_call message = {
		.name = name,
		.name_len = strlen(name),
		.kind = WIRE_CALL_GUEST,
		.nparams = nparams,
	};

	for (size_t i = 0; i < nparams; i++)
		message.params[i] = params[i];
	hyper_box_call(box, &message);
}

static void want_done(struct hyper_box *box, const char *name)
{
	if (box->event.kind != GUEST_DONE)
		fail_msg("%s ended with event %d, status %d, at 0x%" PRIx64 ": %s", name,
			 (int)box->event.kind, (int)box->event.status, box->event.pc, box->text);
}

mote_value hyper_box_value(struct hyper_box *box, const char *name, size_t nparams,
			   const mote_value *params)
{
	call(box, name, nparams, params);
	want_done(box, name);
	if (box->result.is_error)
		fail_msg("%s: error %" PRIu64 ": %s", name, box->result.code, box->result.message);
	return box->result.value;
}

uint64_t hyper_box_error(struct hyper_box *box, const char *name, size_t nparams,
			 const mote_value *params)
{
	call(box, name, nparams, params);
	want_done(box, name);
	if (!box->result.is_error)
		fail_msg("%s did not fail", name);
	snprintf(box->text, sizeof box->text, "%s", box->result.message);
	return box->result.code;
}

void hyper_box_end(struct hyper_box *box, const char *name, size_t nparams,
		   const mote_value *params, mote_status status)
{
	call(box, name, nparams, params);
	if (box->event.kind != GUEST_ENDED || box->event.status != status)
		fail_msg("%s: event %d, status %d: %s", name, (int)box->event.kind,
			 (int)box->event.status, box->text);
}

void hyper_box_restore(struct hyper_box *box, struct guest_snapshot *snapshot)
{
	mote_error err = { .message = "" };

	if (hyperlight_abi.restore(box->guest, snapshot, &err))
		fail_msg("%s", err.message);
}

static bool add_region(void *user, const struct region *region)
{
	struct hyper_regions *out = user;
	const struct region *last = out->count > 0 ? &out->list[out->count - 1] : NULL;

	assert_true(!last || last->va + last->size <= region->va);
	assert_in_range(out->count, 0, sizeof out->list / sizeof out->list[0] - 1);
	out->list[out->count++] = *region;
	return out->count != out->wanted;
}

bool hyper_box_regions(const struct hyper_box *box, uint64_t first, uint64_t last,
		       struct hyper_regions *out)
{
	out->count = 0;
	return hyperlight_abi.visit_regions(box->guest, first, last, add_region, out);
}

struct region hyper_box_region(const struct hyper_box *box, uint64_t address)
{
	static struct hyper_regions regions;

	regions.wanted = 1;
	hyper_box_regions(box, address, UINT64_MAX, &regions);
	assert_int_equal(regions.count, 1);
	return regions.list[0];
}

struct guest_snapshot *hyper_box_take(struct hyper_box *box)
{
	struct guest_snapshot *snapshot;
	mote_error err = { .message = "" };

	if (hyperlight_abi.snapshot(&snapshot, box->guest, &err))
		fail_msg("%s", err.message);
	return snapshot;
}

const struct hyperlight_snapshot *hyper_inside(const struct guest_snapshot *snapshot)
{
	return (const struct hyperlight_snapshot *)snapshot;
}
