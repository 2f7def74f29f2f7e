/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes guests: memory laid out and loaded, or as in a snapshot, and a machine on it. What was
 * acquired is released in reverse by mote_guest_free(), which copes with a guest that is only half
 * made.
 */
#include "guest_abi/mote/guest.h"

#include "guest_abi/mote/program.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct layout_config mote_layout_config(const struct guest_start *start, size_t nfunctions)
{
	const struct mote_image *image = start->image;

	return (struct layout_config){
		.segments = image->elf.segments,
		.nsegments = image->elf.nsegments,
		.file = image->file.file,
		.heap_size = start->heap_size,
		.stack_size = start->stack_size,
		.input_size = start->input_size,
		.output_size = start->output_size,
		.buffer_size = start->buffer_size,
		.knows_buffers = image->features & MOTE_FEATURE_SPANS,
		.init_data_size = start->init_data_size,
		.init_data_rights = start->init_data_flags,
		.nfunctions = nfunctions,
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};
}

mote_status mote_guest_check_files(const struct mote_guest *guest, size_t count, mote_error *err)
{
	if (count <= guest->max_mappings)
		return MOTE_OK;
	return error_set(err, MOTE_E_LIMIT,
			 "%zu mapped files are more than max_mappings, %" PRIu64
			 "; %d are possible",
			 count, guest->max_mappings, MOTE_MAX_MAPPINGS);
}

static struct mote_function_record record_of(const mote_function_info *function)
{
	struct mote_function_record record = {
		.result = (uint8_t)function->result,
		.nparams = (uint8_t)function->nparams,
	};

	memcpy(record.name, function->name, strlen(function->name));
	for (uint32_t i = 0; i < function->nparams; i++)
		record.params[i] = (uint8_t)function->params[i];
	return record;
}

/* Tells the guest which functions the host has. */
static mote_status publish(struct mote_guest *guest, const struct guest_plan *plan, mote_error *err)
{
	if (plan->nfunctions == 0)
		return MOTE_OK;
	const struct mote_function_table table = { .count = plan->nfunctions };
	uint64_t to = layout_get(guest_memory_layout(guest->memory), REGION_HOST_FUNCTIONS)->va;
	mote_status status = guest_memory_write(guest->memory, to, &table, sizeof table, 0, err);

	to += sizeof table;
	for (size_t i = 0; i < plan->nfunctions && !status; i++) {
		const struct mote_function_record record = record_of(&plan->functions[i]);
		status = guest_memory_write(guest->memory, to, &record, sizeof record, 0, err);
		to += sizeof record;
	}
	return status;
}

static mote_status write_init_data(struct mote_guest *guest, const struct guest_start *start,
				   mote_error *err)
{
	const struct region *region =
		layout_get(guest_memory_layout(guest->memory), REGION_INIT_DATA);

	return region ? guest_memory_write(guest->memory, region->va, start->init_data,
					   (size_t)start->init_data_size, 0, err)
		      : MOTE_OK;
}

static mote_status make_memory(struct mote_guest *guest, const struct guest_plan *plan,
			       mote_error *err)
{
	const struct mote_guest_snapshot *snapshot = mote_snapshot_of(plan->snapshot);
	struct restored restored;

	guest->config =
		snapshot ? snapshot->config : mote_layout_config(&plan->start, plan->nfunctions);
	mote_status status = guest_memory_new(
		&guest->memory, guest->host, &guest->config,
		snapshot ? NULL : plan->start.image->file.at,
		plan->hv->ops->needs_fd ? SHARED_MEM_FILE : SHARED_MEM_PRIVATE, err);
	if (!status)
		status = arena_init(&guest->arena, guest->host, guest->memory, err);
	if (!status && snapshot)
		return guest_memory_restore(guest->memory, snapshot->memory, false, &restored, err);
	if (!status)
		status = write_init_data(guest, &plan->start, err);
	if (!status)
		status = guest_memory_set_stack_guard(guest->memory, err);
	return status;
}

/* The program's stack, and a machine that will start it. */
static mote_status make_machine(struct mote_guest *guest, const struct guest_plan *plan,
				mote_error *err)
{
	const struct guest_start *start = &plan->start;
	const struct elf *elf = &guest->image->elf;
	const struct firmware *firmware = &guest->platform->firmware;
	struct program program = {
		.entry = elf->entry,
		.phdr_address = elf->phdr_address,
		.phdr_count = elf->header.e_phnum,
		.phdr_size = elf->header.e_phentsize,
		.argc = start->argc,
		.argv = start->argv,
		.envc = start->envc,
		.envp = start->envp,
		.has_start_block = start->takes_calls,
		.has_vdso = firmware->clock.is_usable,
	};
	uint64_t rsp;

	if (guest->host->sys->getrandom(program.random, sizeof program.random, 0) !=
	    (ssize_t)sizeof program.random)
		return error_os(err, errno, "no random bytes for the guest");
	mote_status status = program_build_stack(guest->memory, guest->host, &program, &rsp, err);
	if (!status)
		status = machine_init(&guest->machine, plan->hv, guest->memory, firmware,
				      elf->entry, rsp, err);
	return status;
}

static mote_status make(struct mote_guest *guest, const struct guest_plan *plan, mote_error *err)
{
	const struct mote_guest_snapshot *snapshot = mote_snapshot_of(plan->snapshot);
	struct personality *personality = &guest->personality;
	mote_status status =
		files_init(&personality->files, guest->host, plan->streams, &plan->files, err);

	if (!status && snapshot)
		status = mote_guest_check_files(guest, snapshot->memory->nfiles, err);
	if (!status)
		status = make_memory(guest, plan, err);
	if (!status && snapshot)
		status = machine_init_watched(&guest->machine, plan->hv, guest->memory,
					      &guest->platform->firmware, snapshot->fs_base, err);
	else if (!status)
		status = make_machine(guest, plan, err);
	if (status)
		return status;
	personality->memory = guest->memory;
	clock_init(&personality->clock, &guest->platform->firmware.clock,
		   guest->machine.vm->has_host_tsc);
	status = publish(guest, plan, err);
	if (!status && snapshot)
		status = files_check(&personality->files, &snapshot->files, err);
	if (!status && snapshot)
		status = mote_guest_restore_host(guest, snapshot, true, err);
	return status;
}

mote_status mote_guest_new(struct guest **out, const struct guest_plan *plan, mote_error *err)
{
	const struct host *host = plan->hv->host;
	const struct mote_guest_snapshot *snapshot = mote_snapshot_of(plan->snapshot);

	*out = NULL;
	struct mote_guest *guest = host_alloc(host, sizeof *guest);
	if (!guest)
		return error_nomem(err, "a guest", sizeof *guest);
	guest->guest.abi = &mote_abi;
	guest->host = host;
	guest->image = image_ref(snapshot ? snapshot->image : plan->start.image);
	guest->platform = plan->platform;
	guest->account = plan->account;
	guest->max_mappings = plan->max_mappings;
	guest->audit_interval = plan->audit_interval;
	guest->personality = (struct personality){
		.host = host,
		.machine = &guest->machine,
		.arena = &guest->arena,
		.account = plan->account,
		.streams = plan->streams,
	};
	mote_status status = make(guest, plan, err);
	if (status) {
		mote_guest_free(&guest->guest);
		return status;
	}
	*out = &guest->guest;
	return MOTE_OK;
}

void mote_guest_free(struct guest *base)
{
	struct mote_guest *guest = mote_guest_of(base);

	if (!guest)
		return;
	machine_fini(&guest->machine);
	files_fini(&guest->personality.files);
	arena_fini(&guest->arena);
	guest_memory_free(guest->memory);
	mote_image_unref(guest->image);
	host_free(guest->host, guest, sizeof *guest);
}
