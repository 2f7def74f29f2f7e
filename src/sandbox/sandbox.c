/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and frees sandboxes: memory laid out and loaded, a machine on it, and the
 * guest's main() run to its end. What was acquired is released in reverse by
 * mote_sandbox_free(), which copes with a sandbox that is only half made.
 */
#define _GNU_SOURCE
#include "sandbox/snapshot.h"

#include "base/options.h"

#include <mote/interrupt.h>

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

_Static_assert((int)MOTE_INIT_DATA_WRITE == (int)REGION_WRITE &&
		       (int)MOTE_INIT_DATA_EXECUTE == (int)REGION_EXECUTE,
	       "flags of init data are rights of its region");

struct sandbox_plan sandbox_plan_anywhere(const mote_sandbox_options *options)
{
	return (struct sandbox_plan){
		.guest = { .files = { .directories = options->directories,
				      .ndirectories = options->ndirectories,
				      .max_open_files = options->max_open_files },
			   .max_mappings = options->max_mappings,
			   .audit_interval = options->restore_audit },
		.output = options->output,
		.output_user = options->output_user,
		.account_limits = account_limits_of(options->max_exits, options->max_host_calls,
						    options->max_output_bytes,
						    options->max_log_lines, options->max_log_bytes),
		.crashed = options->crashed,
		.crashed_user = options->crashed_user,
	};
}

mote_status sandbox_plan_from(struct sandbox_plan *plan, const mote_image *image,
			      const mote_sandbox_options *options, mote_error *err)
{
	const uint64_t flags = options->init_data_flags;

	if (flags & ~(uint64_t)(MOTE_INIT_DATA_WRITE | MOTE_INIT_DATA_EXECUTE))
		return error_set(err, MOTE_E_INVALID,
				 "init_data_flags is 0x%" PRIx64
				 "; MOTE_INIT_DATA_WRITE or MOTE_INIT_DATA_EXECUTE may be set",
				 flags);
	if (options->init_data_size > 0 && !options->init_data)
		return error_set(err, MOTE_E_INVALID, "init_data is NULL and init_data_size %zu",
				 options->init_data_size);
	*plan = sandbox_plan_anywhere(options);
	plan->guest.start = (struct guest_start){
		.image = (mote_image *)(uintptr_t)image,
		.heap_size = options->heap_size,
		.stack_size = options->stack_size,
		.scratch_size = options->scratch_size,
		.input_size = options->input_size,
		.output_size = options->output_size,
		.buffer_size = options->buffer_size,
		.init_data = options->init_data,
		.init_data_size = options->init_data_size,
		.init_data_flags = (unsigned)flags,
	};
	plan->guest.nfunctions = options->nfunctions;
	plan->time.timeout_ns = options->start_timeout_ns;
	plan->time.timeout_name = "start_timeout_ns";
	return MOTE_OK;
}

/* The private copy of messages: mapped, because it is large and mostly never touched. */
static mote_status make_message_buffer(mote_sandbox *sb, mote_error *err)
{
	size_t size = (size_t)sb->guest->abi->output(sb->guest).size;
	void *at = sb->rt->host.sys->mmap(NULL, size, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes for messages", size);
	sb->message = at;
	sb->message_capacity = size;
	return MOTE_OK;
}

static mote_status make_guest(mote_sandbox *sb, const struct sandbox_plan *plan, mote_error *err)
{
	const struct host *host = &sb->rt->host;
	const struct guest_abi *abi = image_abi(sb->image);
	mote_function_info *functions;
	struct guest_plan guest = plan->guest;

	mote_status status = host_functions_list(&functions, &sb->functions, host, err);
	if (status)
		return status;
	guest.hv = sb->rt->hv;
	guest.platform = runtime_platform(sb->rt, abi);
	guest.account = &sb->account;
	guest.streams = &sb->streams;
	guest.functions = functions;
	guest.nfunctions = sb->functions.count;
	if (!guest.max_mappings)
		guest.max_mappings = MOTE_DEFAULT_MAPPINGS;
	status = abi->guest_new(&sb->guest, &guest, err);
	host_free(host, functions, sb->functions.count * sizeof functions[0]);
	if (status == MOTE_E_IMAGE || status == MOTE_E_ABI_MISMATCH)
		error_prefix(err, "%s: ", sb->image->name);
	if (!status && abi->buffer) {
		sb->buffers.arguments = abi->buffer(sb->guest, GUEST_ARGUMENTS);
		sb->buffers.results = abi->buffer(sb->guest, GUEST_RESULTS);
	}
	return status;
}

static mote_status check_plan(const mote_image *image, const struct sandbox_plan *plan,
			      mote_error *err)
{
	if (image->has_no_file && !plan->guest.snapshot)
		return error_set(err, MOTE_E_IMAGE,
				 "%s: is the image of a loaded snapshot, without the guest's file; "
				 "begin at the snapshot",
				 image->name);
	if (plan->guest.max_mappings > MOTE_MAX_MAPPINGS)
		return error_set(err, MOTE_E_INVALID,
				 "max_mappings is %" PRIu64 "; it may be at most %d",
				 plan->guest.max_mappings, MOTE_MAX_MAPPINGS);
	return MOTE_OK;
}

mote_status sandbox_make(mote_sandbox **out, mote_image *image, const struct sandbox_plan *plan,
			 struct host_functions *functions, mote_error *err)
{
	mote_runtime *rt = image_runtime(image);
	mote_status status = check_plan(image, plan, err);
	mote_sandbox *sb = status ? NULL : host_alloc(&rt->host, sizeof *sb);

	*out = NULL;
	if (!sb) {
		if (functions)
			host_functions_fini(functions, &rt->host);
		return status ? status : error_nomem(err, "a sandbox", sizeof *sb);
	}
	sb->rt = rt;
	sb->image = image_ref(image);
	if (functions)
		sb->functions = *functions;
	sb->account.limits = plan->account_limits;
	sb->crashed = plan->crashed;
	sb->crashed_user = plan->crashed_user;
	sb->streams = (struct streams){
		.host = &rt->host,
		.account = &sb->account,
		.output = plan->output,
		.output_user = plan->output_user,
		.pipes = plan->pipes,
		.input = { plan->input, plan->input_size },
	};
	status = make_guest(sb, plan, err);
	if (!status)
		status = make_message_buffer(sb, err);
	if (status) {
		mote_sandbox_free(sb);
		return status;
	}
	*out = sb;
	return MOTE_OK;
}

void mote_sandbox_free(mote_sandbox *sb)
{
	if (!sb)
		return;
	const struct host *host = &sb->rt->host;

	buffers_fini(sb);
	if (sb->guest)
		sb->guest->abi->guest_free(sb->guest);
	if (sb->message)
		host->sys->munmap(sb->message, sb->message_capacity);
	host_functions_fini(&sb->functions, host);
	mote_interrupt_unref(sb->interrupt);
	mote_image_unref(sb->image);
	host_free(host, sb, sizeof *sb);
}

/* Runs the guest's main() and sees that it came back ready for calls. */
static mote_status run_main(mote_sandbox *sb, const struct time_limits *limits, mote_error *err)
{
	enum run_end end;
	mote_status status = sandbox_run(sb, limits, &end, err);
	if (status) {
		error_prefix(err, "%s: main(): ", sb->image->name);
		return status;
	}
	if (end == RUN_READY)
		return MOTE_OK;
	if (end == RUN_EXIT)
		return error_set(err, MOTE_E_GUEST_ABORT,
				 "%s: main() called exit(%d); it must return 0 to take calls",
				 sb->image->name, sb->exit_status);
	/* It ended as a call does: with mote_guest_fail(), or because a host call failed. */
	const mote_type type = MOTE_VOID;
	mote_value none;
	status = sandbox_pop_result(sb, "main", &type, &none, err);
	if (!status)
		return error_set(err, MOTE_E_GUEST_PROTOCOL,
				 "%s: main() ended like a call, with a result", sb->image->name);
	error_prefix(err, "%s: ", sb->image->name);
	return status;
}

void sandbox_drop_users(const mote_sandbox_options *options)
{
	for (size_t i = 0; options->functions && i < options->nfunctions; i++)
		if (options->functions[i].drop_user)
			options->functions[i].drop_user(options->functions[i].user);
}

static mote_status make_and_run(mote_sandbox **out, mote_image *image,
				const mote_sandbox_options *options,
				struct host_functions *functions, mote_error *err)
{
	struct sandbox_plan plan;
	mote_sandbox *sb;
	mote_status status = sandbox_plan_from(&plan, image, options, err);

	if (status) {
		host_functions_fini(functions, image->host);
		return status;
	}
	plan.guest.start.takes_calls = true;
	plan.guest.start.argc = 1;
	plan.guest.start.argv = (const char *const[]){ image->name };
	status = sandbox_make(&sb, image, &plan, functions, err);
	if (status)
		return status;
	status = run_main(sb, &plan.time, err);
	if (status) {
		mote_sandbox_free(sb);
		return status;
	}
	*out = sb;
	return MOTE_OK;
}

mote_status mote_sandbox_new(mote_sandbox **out, mote_image *image,
			     const mote_sandbox_options *given, mote_error *err)
{
	mote_sandbox_options options;
	struct host_functions functions;

	*out = NULL;
	mote_status status =
		options_copy(&options, sizeof options, given, "mote_sandbox_options", err);
	if (status == MOTE_E_OPTION)
		sandbox_drop_users(
			given); /* it is longer than ours: all that we know of is there */
	if (status)
		return status;
	status = runtime_check_fork(image_runtime(image), err);
	if (!status && !image->abi_name)
		status = error_set(err, MOTE_E_IMAGE,
				   "%s: is not a mote guest: link it with the guest library "
				   "(pkg-config mote-guest), or run it as a program",
				   image->name);
	if (!status)
		status = host_functions_init(&functions, image->host, options.functions,
					     options.nfunctions, err);
	if (status) {
		sandbox_drop_users(&options);
		return status;
	}
	return make_and_run(out, image, &options, &functions, err);
}

bool mote_sandbox_is_poisoned(const mote_sandbox *sb)
{
	return sb->is_poisoned;
}

static mote_status check_between_calls(const mote_sandbox *sb, mote_error *err)
{
	if (!sb->is_running)
		return runtime_check_fork(sb->rt, err);
	return error_set(err, MOTE_E_STATE, "guest memory is used by the call of \"%s\"",
			 sb->function ? sb->function : "main");
}

mote_status mote_sandbox_read(mote_sandbox *sb, uint64_t address, void *to, size_t size,
			      mote_error *err)
{
	mote_status status = check_between_calls(sb, err);
	return status ? status : sb->guest->abi->read(sb->guest, address, to, size, err);
}

mote_status mote_sandbox_write(mote_sandbox *sb, uint64_t address, const void *from, size_t size,
			       mote_error *err)
{
	mote_status status = check_between_calls(sb, err);

	if (status)
		return status;
	status = sb->guest->abi->write(sb->guest, address, from, size, err);
	return status && status != MOTE_E_INVALID ? sandbox_poison(sb, status, err) : status;
}
