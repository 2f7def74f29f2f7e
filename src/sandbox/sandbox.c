/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes and frees sandboxes: memory laid out and loaded, a machine on it, and the
 * guest's main() run to its end. What was acquired is released in reverse by
 * mote_sandbox_free(), which copes with a sandbox that is only half made.
 */
#define _GNU_SOURCE
#include "sandbox/snapshot.h"

#include "base/options.h"
#include "guest_abi/mote/program.h"

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
		.output = options->output,
		.output_user = options->output_user,
		.account_limits = account_limits_of(options->max_exits, options->max_host_calls,
						    options->max_output_bytes,
						    options->max_log_lines, options->max_log_bytes),
		.max_mappings = options->max_mappings,
		.crashed = options->crashed,
		.crashed_user = options->crashed_user,
		.audit_interval = options->restore_audit,
		.files = { .directories = options->directories,
			   .ndirectories = options->ndirectories,
			   .max_open_files = options->max_open_files },
	};
}

mote_status sandbox_plan_from(struct sandbox_plan *plan, const mote_sandbox_options *options,
			      mote_error *err)
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
	plan->heap_size = options->heap_size;
	plan->stack_size = options->stack_size;
	plan->input_size = options->input_size;
	plan->output_size = options->output_size;
	plan->buffer_size = options->buffer_size;
	plan->init_data = options->init_data;
	plan->init_data_size = options->init_data_size;
	plan->init_data_rights = (unsigned)flags;
	plan->nfunctions = options->nfunctions;
	plan->time.timeout_ns = options->start_timeout_ns;
	plan->time.timeout_name = "start_timeout_ns";
	return MOTE_OK;
}

struct layout_config sandbox_layout_config(const mote_image *image, const struct sandbox_plan *plan)
{
	return (struct layout_config){
		.segments = image->elf.segments,
		.nsegments = image->elf.nsegments,
		.file = image->file.file,
		.heap_size = plan->heap_size,
		.stack_size = plan->stack_size,
		.input_size = plan->input_size,
		.output_size = plan->output_size,
		.buffer_size = plan->buffer_size,
		.knows_buffers = image->features & MOTE_FEATURE_SPANS,
		.init_data_size = plan->init_data_size,
		.init_data_rights = plan->init_data_rights,
		.nfunctions = plan->nfunctions,
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};
}

static mote_status write_init_data(mote_sandbox *sb, const struct sandbox_plan *plan,
				   mote_error *err)
{
	const struct region *region = layout_get(guest_memory_layout(sb->memory), REGION_INIT_DATA);

	return region ? guest_memory_write(sb->memory, region->va, plan->init_data,
					   plan->init_data_size, 0, err)
		      : MOTE_OK;
}

static mote_status make_memory(mote_sandbox *sb, const struct sandbox_plan *plan, mote_error *err)
{
	const struct host *host = &sb->rt->host;
	const struct mote_snapshot *snapshot = plan->snapshot;
	struct restored restored;

	sb->config = snapshot ? snapshot->config : sandbox_layout_config(sb->image, plan);
	mote_status status = guest_memory_new(
		&sb->memory, host, &sb->config, snapshot ? NULL : sb->image->file.at,
		sb->rt->hv->ops->needs_fd ? SHARED_MEM_FILE : SHARED_MEM_PRIVATE, err);
	if (status) {
		if (status == MOTE_E_IMAGE)
			error_prefix(err, "%s: ", sb->image->name);
		return status;
	}
	sb->buffers.arguments = guest_memory_buffer(sb->memory, REGION_ARGUMENTS);
	sb->buffers.results = guest_memory_buffer(sb->memory, REGION_RESULTS);
	status = arena_init(&sb->arena, host, sb->memory, err);
	if (!status && snapshot)
		return guest_memory_restore(sb->memory, snapshot->memory, false, &restored, err);
	if (!status)
		status = write_init_data(sb, plan, err);
	if (!status)
		status = guest_memory_set_stack_guard(sb->memory, err);
	return status;
}

/* The private copy of messages: mapped, because it is large and mostly never touched. */
static mote_status make_message_buffer(mote_sandbox *sb, mote_error *err)
{
	size_t size = (size_t)guest_memory_output(sb->memory).size;
	void *at = sb->rt->host.sys->mmap(NULL, size, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes for messages", size);
	sb->message = at;
	sb->message_capacity = size;
	return MOTE_OK;
}

/* The program's stack, and a machine that will start it. */
static mote_status make_machine(mote_sandbox *sb, const struct sandbox_plan *plan, mote_error *err)
{
	const struct host *host = &sb->rt->host;
	const struct elf *elf = &sb->image->elf;
	struct program program = {
		.entry = elf->entry,
		.phdr_address = elf->phdr_address,
		.phdr_count = elf->header.e_phnum,
		.phdr_size = elf->header.e_phentsize,
		.argc = plan->argc,
		.argv = plan->argv,
		.envc = plan->envc,
		.envp = plan->envp,
		.has_start_block = plan->takes_calls,
		.has_vdso = sb->rt->firmware.clock.is_usable,
	};
	uint64_t rsp;

	if (host->sys->getrandom(program.random, sizeof program.random, 0) !=
	    (ssize_t)sizeof program.random)
		return error_os(err, errno, "no random bytes for the guest");
	mote_status status = program_build_stack(sb->memory, host, &program, &rsp, err);
	if (!status)
		status = machine_init(&sb->machine, sb->rt->hv, sb->memory, &sb->rt->firmware,
				      elf->entry, rsp, err);
	return status;
}

mote_status sandbox_make(mote_sandbox **out, mote_image *image, const struct sandbox_plan *plan,
			 mote_error *err)
{
	mote_runtime *rt = image_runtime(image);
	*out = NULL;
	if (image->has_no_file && !plan->snapshot)
		return error_set(err, MOTE_E_IMAGE,
				 "%s: is the image of a loaded snapshot, without the guest's file; "
				 "begin at the snapshot",
				 image->name);
	if (plan->max_mappings > MOTE_MAX_MAPPINGS)
		return error_set(err, MOTE_E_INVALID,
				 "max_mappings is %" PRIu64 "; it may be at most %d",
				 plan->max_mappings, MOTE_MAX_MAPPINGS);
	mote_sandbox *sb = host_alloc(&rt->host, sizeof *sb);
	if (!sb)
		return error_nomem(err, "a sandbox", sizeof *sb);
	sb->rt = rt;
	sb->image = image_ref(image);
	sb->audit_interval = plan->audit_interval;
	sb->account.limits = plan->account_limits;
	sb->max_mappings = plan->max_mappings ? plan->max_mappings : MOTE_DEFAULT_MAPPINGS;
	sb->crashed = plan->crashed;
	sb->crashed_user = plan->crashed_user;

	sb->personality = (struct personality){
		.host = &rt->host,
		.machine = &sb->machine,
		.arena = &sb->arena,
		.account = &sb->account,
		.streams = { .host = &rt->host,
			     .account = &sb->account,
			     .output = plan->output,
			     .output_user = plan->output_user },
	};
	mote_status status = files_init(&sb->personality.files, &rt->host, &sb->personality.streams,
					&plan->files, err);
	if (!status && plan->snapshot)
		status = sandbox_check_mappings(sb, plan->snapshot->memory->nfiles, err);
	if (!status)
		status = make_memory(sb, plan, err);
	if (!status)
		status = make_message_buffer(sb, err);
	if (!status && plan->snapshot)
		status = machine_init_watched(&sb->machine, rt->hv, sb->memory, &rt->firmware,
					      plan->snapshot->fs_base, err);
	else if (!status)
		status = make_machine(sb, plan, err);
	if (status) {
		mote_sandbox_free(sb);
		return status;
	}
	sb->personality.memory = sb->memory;
	clock_init(&sb->personality.clock, &rt->firmware.clock, sb->machine.vm->has_host_tsc);
	*out = sb;
	return MOTE_OK;
}

void mote_sandbox_free(mote_sandbox *sb)
{
	if (!sb)
		return;
	const struct host *host = &sb->rt->host;
	machine_fini(&sb->machine);
	if (sb->message)
		host->sys->munmap(sb->message, sb->message_capacity);
	files_fini(&sb->personality.files);
	arena_fini(&sb->arena);
	buffers_fini(sb);
	guest_memory_free(sb->memory);
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
				 sb->image->name, sb->personality.exit_status);
	/* It ended as a call does: with mote_guest_fail(), or because a host call failed. */
	mote_value none;
	status = sandbox_pop_result(sb, "main", MOTE_VOID, &none, err);
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
	mote_status status = sandbox_plan_from(&plan, options, err);

	if (!status) {
		plan.takes_calls = true;
		plan.argc = 1;
		plan.argv = (const char *const[]){ image->name };
		status = sandbox_make(&sb, image, &plan, err);
	}
	if (status) {
		host_functions_fini(functions, image->host);
		return status;
	}
	sb->functions = *functions;
	status = host_functions_publish(functions, sb->memory, err);
	if (!status)
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
	if (!status)
		status = image_check_abi(image, err);
	if (!status && image->abi_version == 0)
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
	return status ? status : guest_memory_read(sb->memory, address, to, size, 0, err);
}

mote_status mote_sandbox_write(mote_sandbox *sb, uint64_t address, const void *from, size_t size,
			       mote_error *err)
{
	mote_status status = check_between_calls(sb, err);

	if (!status)
		status = guest_memory_write(sb->memory, address, from, size, 0, err);
	if (status)
		return status;
	status = machine_follow(&sb->machine, err);
	return status ? sandbox_poison(sb, status, err) : MOTE_OK;
}
