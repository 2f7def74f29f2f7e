/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds out how guests leave a machine here, by running one: a page of code in
 * ring 3 that makes a hypercall, and then a system call. Hypervisors differ in what they
 * let ring 3 do, nested ones above all; no CPUID bit tells.
 */
#include "guest_abi/mote/machine.h"

#include <string.h>

#define PROBE_CODE      MOTE_PIE_BASE
#define PROBE_HYPERCALL (PROBE_CODE + 0)
#define PROBE_SYSCALL   (PROBE_CODE + 16)

/* What hv.h's machines have and the process backend has not. */
static bool is_machine(const struct hv *hv)
{
	return hv->ops->reset != NULL;
}

static void build_code(uint8_t *page)
{
	static const uint8_t hypercall[] = {
		0xb8,
		MOTE_HYPERCALL_PAGE & 0xff,
		MOTE_HYPERCALL_PAGE >> 8 & 0xff,
		MOTE_HYPERCALL_PAGE >> 16 & 0xff,
		0, /* mov $page, %eax */
		0xff,
		0xd0, /* call *%rax */
		0xcc,
	};
	static const uint8_t syscall[] = { 0x0f, 0x05, 0xcc };

	memset(page, 0xcc, MOTE_PAGE_SIZE);
	memcpy(page + (PROBE_HYPERCALL - PROBE_CODE), hypercall, sizeof hypercall);
	memcpy(page + (PROBE_SYSCALL - PROBE_CODE), syscall, sizeof syscall);
}

/* Whether the guest, started at ENTRY with WAYS in the firmware, ends in an event of KIND. */
static mote_status try(struct machine *machine, const struct firmware *firmware,
		       struct machine_ways ways, uint64_t entry, enum hv_exit_kind kind,
		       bool *works, mote_error *err)
{
	const struct region *stack = layout_get(guest_memory_layout(machine->memory), REGION_STACK);
	struct hv_exit event;

	machine->ways = ways;
	supervisor_build_hypercall_page((char *)firmware->host + SUPERVISOR_BLOCK_SIZE, ways);
	mote_status status = machine_reset(machine, 0, err);
	if (status)
		return status;
	machine_start(machine, entry, stack->va + stack->size - 64, 0, 0);
	do
		status = machine_run(machine, &event, err);
	while (!status && event.kind == HV_EXIT_INTERRUPTED);
	*works = event.kind == kind;
	return status;
}

static mote_status probe_hypercall(struct machine_ways *ways, struct machine *machine,
				   const struct firmware *firmware, mote_error *err)
{
	static const enum way_out candidates[] = { WAY_OUT_PORT, WAY_OUT_IOPL, WAY_OUT_MMIO };

	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
		bool works = false;
		ways->hypercall = candidates[i];
		mote_status status = try(machine, firmware, *ways, PROBE_HYPERCALL,
					 HV_EXIT_HYPERCALL, &works, err);
		if (status || works)
			return status;
	}
	return error_set(err, MOTE_E_NO_HYPERVISOR,
			 "this hypervisor lets guests out neither by `out` nor by a store; choose "
			 "the process backend");
}

static mote_status probe_syscall(struct machine_ways *ways, struct machine *machine,
				 const struct firmware *firmware, mote_error *err)
{
	static const enum syscall_ring candidates[] = { SYSCALL_RING0, SYSCALL_RING3 };

	for (size_t i = 0; i < sizeof candidates / sizeof candidates[0]; i++) {
		bool works = false;
		ways->syscall = candidates[i];
		mote_status status =
			try(machine, firmware, *ways, PROBE_SYSCALL, HV_EXIT_SYSCALL, &works, err);
		if (status || works)
			return status;
	}
	return error_set(err, MOTE_E_NO_HYPERVISOR,
			 "this hypervisor does not run the syscall instruction; choose the process "
			 "backend");
}

/* A guest of one page of code and the least of everything else. */
static mote_status make_memory(struct guest_memory **out, const struct host *host, mote_error *err)
{
	static const mote_segment_info segment = {
		.address = PROBE_CODE,
		.memory_size = MOTE_PAGE_SIZE,
		.file_size = MOTE_PAGE_SIZE,
		.readable = true,
		.executable = true,
	};
	const struct layout_config config = {
		.segments = &segment,
		.nsegments = 1,
		.heap_size = LAYOUT_LARGE_PAGE,
		.stack_size = MOTE_PAGE_SIZE,
		.input_size = MOTE_PAGE_SIZE,
		.output_size = MOTE_PAGE_SIZE,
		.supervisor_size = SUPERVISOR_BLOCK_SIZE,
		.exception_stack = SUPERVISOR_STACK,
	};
	uint8_t page[4096];

	build_code(page);
	return guest_memory_new(out, host, &config, page, SHARED_MEM_PRIVATE, err);
}

mote_status machine_probe(struct machine_ways *ways, struct hv *hv, mote_error *err)
{
	struct firmware firmware = { 0 };
	struct guest_memory *memory = NULL;
	struct machine machine = { 0 };

	*ways = (struct machine_ways){ WAY_OUT_PORT, SYSCALL_RING0 };
	if (!is_machine(hv))
		return MOTE_OK;
	mote_status status = firmware_init(&firmware, hv->host, *ways, err);
	if (!status)
		status = make_memory(&memory, hv->host, err);
	if (!status)
		status = machine_init(&machine, hv, memory, &firmware, PROBE_CODE, PROBE_CODE, err);
	if (!status)
		status = probe_hypercall(ways, &machine, &firmware, err);
	if (!status)
		status = probe_syscall(ways, &machine, &firmware, err);

	machine_fini(&machine);
	guest_memory_free(memory);
	firmware_fini(&firmware);
	return status;
}
