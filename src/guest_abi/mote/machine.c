/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes machines from guest memory and translates their exits. What a guest put
 * into its registers is checked here before it is handed back to the hypervisor.
 */
#include "guest_abi/mote/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

mote_status firmware_init(struct firmware *firmware, const struct host *host,
			  struct machine_ways ways, mote_error *err)
{
	void *at = host->sys->mmap(NULL, FIRMWARE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (at == MAP_FAILED) {
		*firmware = (struct firmware){ 0 };
		return error_set(err, MOTE_E_NOMEM, "cannot map %d bytes of firmware",
				 (int)FIRMWARE_SIZE);
	}
	*firmware = (struct firmware){ .host = at, .owner = host, .ways = ways };
	supervisor_build(at);
	supervisor_build_hypercall_page((char *)at + SUPERVISOR_BLOCK_SIZE, ways);
	return MOTE_OK;
}

void firmware_fini(struct firmware *firmware)
{
	if (firmware->host)
		firmware->owner->sys->munmap(firmware->host, FIRMWARE_SIZE);
	firmware->host = NULL;
}

/* The INDEX-th run of pages that must be a view of its own, if it is in REGION. */
static bool find_special(const struct guest_memory *memory, const struct region *region,
			 size_t index, struct region *run)
{
	return region->flags & REGION_WRITE ? guest_memory_missing(memory, index, run)
					    : guest_memory_elsewhere(memory, index, run);
}

/* Adds REGION to VIEWS in pieces: a run of pages that are missing or elsewhere is one, what is
 * around it others. */
static size_t add_views(const struct guest_memory *memory, const struct region *region,
			struct region *views)
{
	struct region rest = *region, run;
	size_t n = 0;

	for (size_t i = 0; find_special(memory, region, i, &run); i++) {
		const uint64_t before = run.gpa - rest.gpa;
		if (before >= rest.size)
			continue;
		views[n] = rest;
		views[n].size = before;
		n += before > 0;
		views[n] = rest;
		views[n].va += before;
		views[n].gpa += before;
		views[n].flags |= region->flags & REGION_WRITE ? REGION_MISSING : 0;
		views[n++].size = run.size;
		rest.va += before + run.size;
		rest.gpa += before + run.size;
		rest.size -= before + run.size;
	}
	views[n] = rest;
	return n + (rest.size > 0);
}

/* What ring 3 sees of MEMORY, but for the doorbell, behind which there is nothing. */
static size_t list_views(const struct guest_memory *memory, struct region *views)
{
	const struct layout *layout = guest_memory_layout(memory);
	const struct region *region;
	size_t n = 0;

	for (size_t i = 0; (region = layout_mapped(layout, i)); i++)
		if (region->is_user && region->kind != REGION_DOORBELL)
			n += add_views(memory, region, views + n);
	return n;
}

/* The memory slots. What is elsewhere comes before RAM, in whose place it is. */
static size_t list_slots(const struct machine *machine, struct region *slots)
{
	const struct layout *layout = guest_memory_layout(machine->memory);
	struct shared_mem *ram = guest_memory_ram(machine->memory);
	size_t n = 1;

	slots[0] = layout->firmware;
	slots[0].host = (struct region_host){ .base = machine->firmware->host,
					      .size = layout->firmware.size,
					      .file = -1 };
	while (guest_memory_elsewhere(machine->memory, n - 1, &slots[n]))
		n++;
	slots[n] = layout->ram;
	slots[n++].host = (struct region_host){ .base = shared_mem_base(ram),
						.size = layout->ram.size,
						.file = shared_mem_fd(ram) };
	return n;
}

/* What hv.h calls a machine; the process backend is none. */
static bool is_hardware(const struct machine *machine)
{
	return machine->hv->ops->reset != NULL;
}

static mote_status map_files(struct machine *machine, mote_error *err)
{
	const struct file_mapping *file;
	mote_status status = MOTE_OK;

	for (size_t i = 0; !status && (file = guest_memory_file(machine->memory, i)); i++) {
		struct region region = file_mapping_region(file);
		if (!machine->hv->ops->needs_fd)
			region.host.file = -1;
		status = machine->hv->ops->map(machine->vm, &region, err);
	}
	return status;
}

/* A virtual machine on what the machine's memory has now. */
static mote_status make_vm(struct machine *machine, uint64_t entry, uint64_t rsp, uint64_t fs_base,
			   mote_error *err)
{
	const struct firmware *firmware = machine->firmware;
	struct region slots[MOTE_MAX_SEGMENTS + 2], missing;
	struct region views[LAYOUT_REGIONS_MAX + 2 * MOTE_MAX_SEGMENTS + 1];
	struct hv_cpu_state cpu = supervisor_cpu_state(
		firmware->ways, guest_memory_root(machine->memory), entry, rsp);
	cpu.fs_base = fs_base;
	struct hv_vm_config config = {
		.slots = slots,
		.nslots = list_slots(machine, slots),
		.views = views,
		.nviews = list_views(machine->memory, views),
		.cpu = &cpu,
		.is_watched = machine->is_watched,
	};
	machine->views = guest_memory_views(machine->memory);
	mote_status status = machine->hv->ops->vm_new(&machine->vm, machine->hv, &config, err);
	/* not every host lets processes be told of missing pages */
	if (status && guest_memory_missing(machine->memory, 0, &missing)) {
		guest_memory_supply_all(machine->memory);
		config.nviews = list_views(machine->memory, views);
		status = machine->hv->ops->vm_new(&machine->vm, machine->hv, &config, err);
	}
	if (!status)
		status = map_files(machine, err);
	machine->is_broken = status != MOTE_OK;
	return status;
}

mote_status machine_init(struct machine *machine, struct hv *hv, struct guest_memory *memory,
			 const struct firmware *firmware, uint64_t entry, uint64_t rsp,
			 mote_error *err)
{
	*machine = (struct machine){
		.hv = hv, .memory = memory, .firmware = firmware, .ways = firmware->ways
	};
	return make_vm(machine, entry, rsp, 0, err);
}

mote_status machine_init_watched(struct machine *machine, struct hv *hv,
				 struct guest_memory *memory, const struct firmware *firmware,
				 uint64_t fs_base, mote_error *err)
{
	*machine = (struct machine){
		.hv = hv,
		.memory = memory,
		.firmware = firmware,
		.ways = firmware->ways,
		.is_watched = true,
	};
	return make_vm(machine, 0, 0, fs_base, err);
}

void machine_fini(struct machine *machine)
{
	if (machine->vm)
		machine->hv->ops->vm_free(machine->vm);
	machine->vm = NULL;
}

uint64_t machine_fs_base(const struct machine *machine)
{
	return machine->hv->ops->fs_base(machine->vm);
}

mote_status machine_renew(struct machine *machine, uint64_t fs_base, mote_error *err)
{
	machine_fini(machine);
	return make_vm(machine, 0, 0, fs_base, err);
}

mote_status machine_follow(struct machine *machine, mote_error *err)
{
	if (machine->is_broken || machine->views == guest_memory_views(machine->memory))
		return MOTE_OK;
	return machine_renew(machine, machine_fs_base(machine), err);
}

mote_status machine_reset(struct machine *machine, uint64_t fs_base, mote_error *err)
{
	if (machine->is_broken || machine->views != guest_memory_views(machine->memory) ||
	    (is_hardware(machine) && machine->hv->ops->reset(machine->vm, NULL)))
		return machine_renew(machine, fs_base, err);
	machine->hv->ops->set_fs_base(machine->vm, fs_base);
	return MOTE_OK;
}

/* The hypercall code stands in for the guest's: it changes no register. */
const char *machine_audit(struct machine *machine, uint64_t fs_base, uint64_t rsp)
{
	const uint64_t entry = MOTE_HYPERCALL_PAGE + MOTE_HYPERCALL_ENTRY;
	struct hv_exit event;
	mote_status status;

	if (!machine->hv->ops->audit)
		return NULL;
	machine_start(machine, entry, rsp, 0, 0);
	do
		status = machine_run(machine, &event, NULL);
	while (!status && event.kind == HV_EXIT_INTERRUPTED);
	if (status || event.kind != HV_EXIT_HYPERCALL)
		return "the start of a call, which does not work";

	struct hv_regs want = { .rsp = rsp, .r11 = entry };
	struct hv_regs now = *machine->vm->regs;
	want.rip = now.rip; /* in the hypercall code, or behind it */
	want.rflags = supervisor_rflags(machine->ways);
	if (memcmp(&now, &want, sizeof now) != 0)
		return "a general register";
	return machine->hv->ops->audit(machine->vm, fs_base);
}

mote_status machine_watch(struct machine *machine, mote_error *err)
{
	mote_status status = machine->hv->ops->watch(machine->vm, err);

	machine->is_watched = status == MOTE_OK;
	return status;
}

/* NOTE of machine_written(), and where RAM begins. */
struct note {
	void (*note)(void *user, uint64_t offset);
	void *user;
	const struct region *ram;
};

static void note_offset(void *user, uint64_t gpa)
{
	const struct note *note = user;

	if (gpa - note->ram->gpa < note->ram->size)
		note->note(note->user, gpa - note->ram->gpa);
}

bool machine_written(struct machine *machine, void (*note)(void *user, uint64_t offset), void *user)
{
	struct note to = { note, user, &guest_memory_layout(machine->memory)->ram };

	return machine->vm && machine->hv->ops->written(machine->vm, note_offset, &to);
}

void machine_start(struct machine *machine, uint64_t rip, uint64_t rsp, uint64_t rdi, uint64_t rsi)
{
	struct hv_vm *vm = machine->vm;
	*vm->regs = (struct hv_regs){
		.rip = rip,
		.rsp = rsp,
		.rdi = rdi,
		.rsi = rsi,
		.rflags = supervisor_rflags(machine->ways),
	};
	if (is_hardware(machine)) { /* the process backend cleans up by itself */
		vm->regs->r11 = rip;
		vm->regs->rip = MOTE_HYPERCALL_PAGE + MOTE_START_ENTRY;
	}
	vm->regs_changed = true;
}

/* Where `syscall` lands in ring 0, the guest goes on by sysret. */
struct hv_regs machine_syscall_regs(const struct machine *machine)
{
	struct hv_regs regs = *machine->vm->regs;

	if (is_hardware(machine) && machine->ways.syscall == SYSCALL_RING0) {
		regs.rip = regs.rcx;
		regs.rflags = regs.r11;
	}
	return regs;
}

mote_status machine_vectors(struct machine *machine, struct hv_vectors *to, mote_error *err)
{
	return machine->hv->ops->vectors(machine->vm, to, err);
}

/* CF, PF, AF, ZF, SF, DF, OF and AC. */
#define FLAGS_OWN UINT64_C(0x40cd5)

mote_status machine_resume(struct machine *machine, const struct hv_regs *regs,
			   const struct hv_vectors *vectors, mote_error *err)
{
	if (regs->rip >= MOTE_ADDRESS_END)
		return error_set(err, MOTE_E_INVALID,
				 "the guest cannot go on at 0x%" PRIx64 ", no address", regs->rip);
	mote_status status = machine->hv->ops->resume(machine->vm, vectors, err);
	if (status)
		return status;
	*machine->vm->regs = *regs;
	machine->vm->regs->rflags = (regs->rflags & FLAGS_OWN) | supervisor_rflags(machine->ways);
	machine->vm->regs_changed = true;
	return MOTE_OK;
}

/* Ring 3 cannot execute there; with I/O privilege it could write to the port from elsewhere. */
static bool is_in_stubs(uint64_t rip)
{
	uint64_t offset = rip - (SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET);
	return offset < 256 * SUPERVISOR_STUB_SIZE;
}

/* The frame lies in memory that ring 3 cannot reach, but is still copied once. */
static void decode_exception(struct machine *machine, struct hv_exit *event)
{
	struct hv_regs *regs = machine->vm->regs;
	uint64_t stubs = SUPERVISOR_BLOCK + SUPERVISOR_STUBS_OFFSET;
	const char *top =
		(const char *)guest_memory_exception_stack(machine->memory) + MOTE_PAGE_SIZE;
	struct exception_frame frame;
	uint64_t error_code = 0;
	unsigned vector = (unsigned)((regs->rip - stubs) / SUPERVISOR_STUB_SIZE & 255);

	memcpy(&frame, top - sizeof frame, sizeof frame);
	if (exception_has_error_code(vector))
		memcpy(&error_code, top - sizeof frame - sizeof error_code, sizeof error_code);

	regs->rip = frame.rip;
	regs->rsp = frame.rsp;
	regs->rflags = frame.rflags;
	*event = (struct hv_exit){ .kind = HV_EXIT_EXCEPTION };
	event->u.exception.vector = (uint8_t)vector;
	event->u.exception.error_code = (uint32_t)error_code;
	event->u.exception.rip = frame.rip;
	if (vector == 14)
		event->u.exception.address = machine->vm->ops->fault_address(machine->vm);
}

/* Where `syscall` stays in ring 3 any guest code can pretend to come from it, with any
 * return address; the hypervisor must not be given one that no processor accepts. */
static void decode_ring3_syscall(struct machine *machine, struct hv_exit *event)
{
	struct hv_regs *regs = machine->vm->regs;
	if (regs->rcx >= MOTE_ADDRESS_END) {
		event->kind = HV_EXIT_EXCEPTION;
		event->u.exception.vector = 13;
		event->u.exception.error_code = 0;
		event->u.exception.address = 0;
		event->u.exception.rip = regs->rip;
		return;
	}
	regs->rip = regs->rcx;
	event->kind = HV_EXIT_SYSCALL;
}

static void decode_port(struct machine *machine, struct hv_exit *event)
{
	if (!event->u.port.is_write || event->u.port.size != 1)
		return;
	switch (event->u.port.port) {
	case MOTE_PORT_HYPERCALL:
		event->kind = HV_EXIT_HYPERCALL;
		break;
	case MOTE_PORT_SYSCALL:
		event->kind = HV_EXIT_SYSCALL;
		break;
	case MOTE_PORT_EXCEPTION:
		if (is_in_stubs(machine->vm->regs->rip))
			decode_exception(machine, event);
		break;
	default:
		break;
	}
}

static void decode_mmio(struct machine *machine, struct hv_exit *event)
{
	uint64_t offset = event->u.mmio.gpa - guest_memory_doorbell_gpa(machine->memory);
	if (!event->u.mmio.is_write || event->u.mmio.size != 4)
		return;
	if (offset == MOTE_DOORBELL_HYPERCALL && machine->ways.hypercall == WAY_OUT_MMIO)
		event->kind = HV_EXIT_HYPERCALL;
	else if (offset == MOTE_DOORBELL_SYSCALL && machine->ways.syscall == SYSCALL_RING3)
		decode_ring3_syscall(machine, event);
}

/* Ends after which a vCPU's state is not defined, or there is none. */
static bool is_beyond_repair(const struct hv_exit *event)
{
	return event->kind == HV_EXIT_SHUTDOWN || event->kind == HV_EXIT_UNSUPPORTED ||
	       event->kind == HV_EXIT_NO_MEMORY || event->kind == HV_EXIT_DIED;
}

mote_status machine_run(struct machine *machine, struct hv_exit *event, mote_error *err)
{
	mote_status status;

	do
		status = machine->hv->ops->run(machine->vm, event, err);
	while (!status && event->kind == HV_EXIT_EXCEPTION && event->u.exception.vector == 14 &&
	       guest_memory_supply_page(machine->memory, event->u.exception.address));
	machine->is_broken = status || is_beyond_repair(event);
	if (status)
		return status;
	if (event->kind == HV_EXIT_PORT)
		decode_port(machine, event);
	else if (event->kind == HV_EXIT_MMIO)
		decode_mmio(machine, event);
	return MOTE_OK;
}

static const char *const exception_names[32] = {
	[0] = "divide error",
	[1] = "debug exception",
	[2] = "non-maskable interrupt",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range exceeded",
	[6] = "invalid instruction",
	[7] = "device not available",
	[8] = "double fault",
	[10] = "invalid TSS",
	[11] = "segment not present",
	[12] = "stack-segment fault",
	[13] = "general protection fault",
	[14] = "page fault",
	[16] = "x87 arithmetic error",
	[17] = "misaligned access",
	[19] = "SIMD arithmetic error",
};

/* Bits of a page fault's error code: Intel SDM volume 3A, section 4.7. */
enum { PF_PRESENT = 1, PF_WRITE = 2, PF_FETCH = 16 };

static void describe_page_fault(const struct machine *machine, const struct hv_exit *event,
				char *text, size_t size)
{
	uint64_t address = event->u.exception.address;
	uint32_t code = event->u.exception.error_code;
	const char *access = code & PF_FETCH ? "execute" : code & PF_WRITE ? "write" : "read";
	const char *place = guest_memory_place(machine->memory, address);
	const struct file_mapping *file = guest_memory_find_file(machine->memory, address);
	uint64_t now;

	if (file && !(code & PF_WRITE) && file_mapping_is_cut(file, &now))
		snprintf(text, size,
			 "page fault: %s at 0x%" PRIx64 " (%s, cut from %" PRIu64 " to %" PRIu64
			 " bytes after it was mapped)",
			 access, address, place, file->file_size, now);
	else
		snprintf(text, size, "page fault: %s at 0x%" PRIx64 " (%s%s)", access, address,
			 place ? place : "not mapped",
			 place && strstr(place, "below the stack") ? "; raise stack_size" : "");
}

/* If a mapped file was cut, that is why; there is no telling which, should several be. */
static void describe_no_memory(const struct machine *machine, char *text, size_t size)
{
	uint64_t now;
	const struct file_mapping *file = guest_memory_cut_file(machine->memory, &now);

	if (file)
		snprintf(text, size,
			 "access to memory that is gone: the %s was cut from %" PRIu64
			 " to %" PRIu64 " bytes after it was mapped",
			 file->name, file->file_size, now);
	else
		snprintf(text, size, "access to memory that the host cannot provide");
}

static void describe_exception(const struct machine *machine, const struct hv_exit *event,
			       char *text, size_t size)
{
	unsigned vector = event->u.exception.vector;
	const char *name = vector < 32 ? exception_names[vector] : NULL;

	if (vector == 14)
		describe_page_fault(machine, event, text, size);
	else if (name)
		snprintf(text, size, "%s", name);
	else
		snprintf(text, size, "exception %u", vector);
}

static void describe_death(const struct hv_exit *event, char *text, size_t size)
{
	if (event->u.detail)
		snprintf(text, size, "the guest's process ended by signal %" PRIu64,
			 event->u.detail);
	else
		snprintf(text, size, "the guest's process ended, nobody knows why");
}

void machine_describe(const struct machine *machine, const struct hv_exit *event, char *text,
		      size_t size)
{
	switch (event->kind) {
	case HV_EXIT_EXCEPTION:
		describe_exception(machine, event, text, size);
		break;
	case HV_EXIT_PORT:
		snprintf(text, size, "%s port 0x%x, which guests have not",
			 event->u.port.is_write ? "write to" : "read from", event->u.port.port);
		break;
	case HV_EXIT_MMIO:
		snprintf(text, size, "%s of %u bytes in the doorbell page, offset 0x%" PRIx64,
			 event->u.mmio.is_write ? "store" : "load", event->u.mmio.size,
			 event->u.mmio.gpa - guest_memory_doorbell_gpa(machine->memory));
		break;
	case HV_EXIT_SHUTDOWN:
		snprintf(text, size, "triple fault");
		break;
	case HV_EXIT_UNSUPPORTED:
		snprintf(text, size,
			 "an instruction that the hypervisor cannot run (detail %" PRIu64 ")",
			 event->u.detail);
		break;
	case HV_EXIT_NO_MEMORY:
		describe_no_memory(machine, text, size);
		break;
	case HV_EXIT_DIED:
		describe_death(event, text, size);
		break;
	default:
		snprintf(text, size, "an exit of kind %d that guests cannot cause",
			 (int)event->kind);
		break;
	}
}
