/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes guests of snapshots, and makes them anew. Below scratch a guest sees its snapshot's pages,
 * which nobody can write to; so all that a restore has to undo is scratch and the vCPU.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#include "mem/region.h"

#include <inttypes.h>

#define RFLAGS_FIXED   UINT64_C(2)
#define CR0_START      UINT64_C(0x80050033) /* PE MP ET NE AM WP PG */
#define CR4_START      UINT64_C(0x620)      /* PAE OSFXSR OSXMMEXCPT */
#define EFER_START     UINT64_C(0xd01)      /* SCE LME LMA NXE */
#define TASK_LIMIT     UINT32_C(0xffff)
#define TYPE_BUSY_TASK 11
#define TYPE_CODE      11

static uint64_t tables_gpa(const struct hyperlight_layout *layout)
{
	return hyperlight_scratch_gpa(layout) + hyperlight_tables_offset(layout);
}

/* What every guest's vCPU starts with: code in 64-bit mode, and no descriptors at all. */
static struct hv_cpu_state start_state(const struct hyperlight_layout *layout)
{
	return (struct hv_cpu_state){
		.cr0 = CR0_START,
		.cr3 = tables_gpa(layout),
		.cr4 = CR4_START,
		.efer = EFER_START,
		.code = { .type = TYPE_CODE,
			  .present = true,
			  .is_code_or_data = true,
			  .is_long = true },
		.task = { .limit = TASK_LIMIT, .type = TYPE_BUSY_TASK, .present = true },
		.physical_bits = HYPERLIGHT_PHYSICAL_BITS,
	};
}

static struct hv_system start_system(const struct hyperlight_layout *layout)
{
	const struct hv_cpu_state state = start_state(layout);

	return (struct hv_system){
		.cs = state.code,
		.tr = state.task,
		.cr0 = state.cr0,
		.cr3 = state.cr3,
		.cr4 = state.cr4,
		.efer = state.efer,
	};
}

static mote_status make_vm(struct hyperlight_guest *guest, mote_error *err)
{
	const struct hyperlight_layout *layout = &guest->base->layout;
	const struct hv_cpu_state cpu = start_state(layout);
	const struct region slots[] = {
		{ .gpa = HYPERLIGHT_BASE,
		  .size = layout->data_size,
		  .flags = REGION_READ | REGION_EXECUTE,
		  .kind = REGION_SNAPSHOT,
		  .host = { .base = shared_mem_base(guest->base->blob),
			    .size = layout->data_size,
			    .file = -1 } },
		{ .gpa = hyperlight_scratch_gpa(layout),
		  .size = layout->sizes.scratch,
		  .flags = REGION_ALL,
		  .kind = REGION_SCRATCH,
		  .host = { .base = shared_mem_base(guest->scratch),
			    .size = layout->sizes.scratch,
			    .file = -1 } },
	};
	const struct hv_vm_config config = { .slots = slots,
					     .nslots = sizeof slots / sizeof slots[0],
					     .cpu = &cpu };

	return guest->hv->ops->vm_new(&guest->vm, guest->hv, &config, err);
}

static mote_status write_word(struct hyperlight_guest *guest, uint64_t distance, uint64_t value,
			      mote_error *err)
{
	return shared_mem_write_u64(guest->scratch, shared_mem_size(guest->scratch) - distance,
				    value, err);
}

/* Scratch, which is all zero, as the guest is to find it. */
static mote_status fill_scratch(struct hyperlight_guest *guest, mote_error *err)
{
	const struct hyperlight_layout *layout = &guest->base->layout;
	const uint64_t tables = tables_gpa(layout);
	const struct io_stack input = hyperlight_input(&guest->guest);
	const struct io_stack output = hyperlight_output(&guest->guest);
	mote_status status =
		shared_mem_write(guest->scratch, hyperlight_tables_offset(layout),
				 shared_mem_contents(guest->base->blob) + layout->data_size,
				 layout->tables_size, err);

	if (!status)
		status = write_word(guest, SCRATCH_SIZE, layout->sizes.scratch, err);
	if (!status)
		status = write_word(guest, SCRATCH_NEXT, tables + layout->tables_size, err);
	if (!status)
		status = write_word(guest, SCRATCH_TABLES, tables, err);
	if (!status)
		status = write_word(guest, HYPERLIGHT_SCRATCH_GENERATION, guest->base->generation,
				    err);
	if (status)
		return status;
	io_stack_init(&input);
	io_stack_init(&output);
	return MOTE_OK;
}

/* The registers of a guest that starts at its entry. */
static mote_status set_start(struct hyperlight_guest *guest, mote_error *err)
{
	const struct host *host = guest->host;
	const struct hyperlight_snapshot *base = guest->base;
	uint64_t seed;

	if (host->sys->getrandom(&seed, sizeof seed, 0) != sizeof seed)
		return error_set(err, MOTE_E_OS, "the system has no random bytes");
	*guest->vm->regs = (struct hv_regs){
		.rip = base->entry,
		.rsp = base->stack,
		.rdi = base->layout.peb,
		.rsi = seed,
		.rdx = VMEM_PAGE_SIZE,
		/* 0: nothing; then from errors on down to the last detail */
		.rcx = host->log ? (uint64_t)host->log_level + 1 : 0,
		.rflags = RFLAGS_FIXED,
	};
	guest->vm->regs_changed = true;
	return MOTE_OK;
}

/* Everything from the base, but for the memory that it shows. */
static mote_status start(struct hyperlight_guest *guest, bool is_new_vm, mote_error *err)
{
	const struct hyperlight_snapshot *base = guest->base;
	const struct hv_system system = base->is_ready ? base->system : start_system(&base->layout);
	mote_status status = fill_scratch(guest, err);

	if (!status && (base->is_ready || !is_new_vm))
		status = guest->system->set(guest->vm, &system, err);
	if (status)
		return status;
	guest->abort.size = 0;
	guest->has_run = false;
	guest->is_ready = base->is_ready;
	guest->is_idle = base->is_ready;
	guest->generation = base->generation;
	guest->wants_flush = !is_new_vm;
	guest->dispatch = base->entry;
	guest->stack = base->stack;
	return base->is_ready ? MOTE_OK : set_start(guest, err);
}

/* A reference to what a guest of PLAN begins with. */
static mote_status find_base(struct hyperlight_snapshot **out, const struct guest_plan *plan,
			     mote_error *err)
{
	struct guest_snapshot *base = plan->snapshot;
	mote_status status = MOTE_OK;

	if (base)
		guest_snapshot_ref(base);
	else
		status = hyperlight_load(&base, plan->hv->host, &plan->start, err);
	*out = (struct hyperlight_snapshot *)base;
	return status;
}

mote_status hyperlight_guest_new(struct guest **out, const struct guest_plan *plan, mote_error *err)
{
	struct hv *hv = plan->hv;
	const struct hv_system_ops *system = hv->ops->system;

	*out = NULL;
	if (!system)
		return error_set(err, MOTE_E_NO_HYPERVISOR,
				 "hyperlight guests run in ring 0, which the %s backend does not "
				 "have; they need kvm",
				 hv->ops->name);
	struct hyperlight_guest *guest = host_alloc(hv->host, sizeof *guest);
	if (!guest)
		return error_nomem(err, "a guest", sizeof *guest);
	guest->guest.abi = &hyperlight_abi;
	guest->host = hv->host;
	guest->hv = hv;
	guest->system = system;
	guest->account = plan->account;
	mote_status status = find_base(&guest->base, plan, err);
	if (!status)
		status = shared_mem_new(&guest->scratch, hv->host,
					guest->base->layout.sizes.scratch, SHARED_MEM_PRIVATE, err);
	if (!status)
		status = shared_mem_share(guest->scratch, err);
	if (!status)
		status = make_vm(guest, err);
	if (!status)
		status = start(guest, true, err);
	if (status) {
		hyperlight_guest_free(&guest->guest);
		return status;
	}
	*out = &guest->guest;
	return MOTE_OK;
}

void hyperlight_guest_free(struct guest *base)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;

	if (!guest)
		return;
	if (guest->vm)
		guest->hv->ops->vm_free(guest->vm);
	hyperlight_drop_files(guest);
	shared_mem_unref(guest->scratch);
	guest_snapshot_unref(guest->base ? &guest->base->base : NULL);
	host_free(guest->host, guest, sizeof *guest);
}

/* Shows the pages of SNAPSHOT below scratch, by a machine of its own. */
static mote_status change_base(struct hyperlight_guest *guest, struct hyperlight_snapshot *snapshot,
			       mote_error *err)
{
	if (guest->vm)
		guest->hv->ops->vm_free(guest->vm);
	guest->vm = NULL;
	hyperlight_drop_files(guest);
	guest_snapshot_ref(&snapshot->base);
	guest_snapshot_unref(&guest->base->base);
	guest->base = snapshot;
	mote_status status = make_vm(guest, err);
	guest->is_broken = status != MOTE_OK;
	return status;
}

mote_status hyperlight_fits(const struct guest *base, const struct guest_snapshot *base_snapshot,
			    mote_error *err)
{
	const struct hyperlight_sizes *has =
		&((const struct hyperlight_guest *)base)->base->layout.sizes;
	const struct hyperlight_sizes *wants =
		&((const struct hyperlight_snapshot *)base_snapshot)->layout.sizes;

	if (wants->scratch != has->scratch || wants->input != has->input ||
	    wants->output != has->output)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot has 0x%" PRIx64 " bytes of scratch, 0x%" PRIx64
				 " of input and 0x%" PRIx64 " of output, the guest 0x%" PRIx64
				 ", 0x%" PRIx64 " and 0x%" PRIx64,
				 wants->scratch, wants->input, wants->output, has->scratch,
				 has->input, has->output);
	return MOTE_OK;
}

mote_status hyperlight_restore(struct guest *base, struct guest_snapshot *base_snapshot,
			       mote_error *err)
{
	struct hyperlight_guest *guest = (struct hyperlight_guest *)base;
	struct hyperlight_snapshot *snapshot = (struct hyperlight_snapshot *)base_snapshot;
	const uint64_t size = shared_mem_size(guest->scratch);
	bool is_new = snapshot != guest->base || guest->is_broken || guest->nfiles > 0;

	guest->is_ready = guest->is_idle = false;
	mote_status status = is_new ? change_base(guest, snapshot, err) : MOTE_OK;

	if (!status)
		status = shared_mem_zero(guest->scratch, 0, size, err);
	if (!status)
		status = start(guest, is_new, is_new ? err : NULL);
	if (status && !is_new) { /* the machine is beyond repair */
		status = change_base(guest, snapshot, err);
		if (!status)
			status = start(guest, true, err);
	}
	guest->is_broken = status != MOTE_OK;
	return status;
}

struct io_stack hyperlight_input(const struct guest *base)
{
	const struct hyperlight_guest *guest = (const struct hyperlight_guest *)base;

	return (struct io_stack){
		.base = shared_mem_base(guest->scratch),
		.size = guest->base->layout.sizes.input,
	};
}

struct io_stack hyperlight_output(const struct guest *base)
{
	const struct hyperlight_guest *guest = (const struct hyperlight_guest *)base;
	const struct hyperlight_sizes *sizes = &guest->base->layout.sizes;

	return (struct io_stack){
		.base = (uint8_t *)shared_mem_base(guest->scratch) + sizes->input,
		.size = sizes->output,
	};
}
