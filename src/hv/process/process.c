/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process backend's table: looks whether it works, opens it, makes and frees virtual
 * machines. A virtual machine is a guest process and a few pages shared with it.
 */
#define _GNU_SOURCE
#include "hv/process/process_internal.h"

#include "abi/mote_abi.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

/* From headers newer than some: wake the other side on this processor, as we are about to wait. */
#define NOTIF_SET_FLAGS    SECCOMP_IOW(4, uint64_t)
#define NOTIF_SYNC_WAKE_UP 1ul

static mote_status process_open(struct hv **out, const struct host *host, mote_error *err)
{
	struct process_hv *hv = host_alloc(host, sizeof *hv);
	mote_status status;

	*out = NULL;
	if (!hv)
		return error_nomem(err, "the process backend", sizeof *hv);
	status = launcher_start(&hv->launcher, host, err);
	if (status) {
		host_free(host, hv, sizeof *hv);
		return status;
	}
	hv->base = (struct hv){ .ops = &hv_process, .host = host };
	*out = &hv->base;
	return MOTE_OK;
}

static void process_close(struct hv *base)
{
	struct process_hv *hv = (struct process_hv *)base;

	if (!hv)
		return;
	launcher_stop(&hv->launcher);
	host_free(base->host, hv, sizeof *hv);
}

const struct region *process_vm_slot(const struct region *slots, size_t nslots,
				     const struct region *view)
{
	for (size_t i = 0; i < nslots; i++) {
		const struct region *slot = &slots[i];
		uint64_t offset = view->gpa - slot->gpa;
		if (offset < slot->size && view->size <= slot->size - offset)
			return slot;
	}
	return NULL;
}

static uint32_t protection(const struct region *slot, unsigned rights)
{
	uint32_t result = PROT_NONE;

	if (rights & REGION_READ)
		result |= PROT_READ;
	if (rights & slot->flags & REGION_WRITE)
		result |= PROT_WRITE;
	if (rights & REGION_EXECUTE)
		result |= PROT_EXEC;
	return result;
}

/* Fills in TO, which counts only slots with a descriptor (their ranks are in FILES). */
static mote_status translate_view(struct monitor_view *to, const struct hv_vm_config *config,
				  const struct region *view, const uint32_t *files, mote_error *err)
{
	const struct region *slot = process_vm_slot(config->slots, config->nslots, view);

	if (view->va > MONITOR_TEXT || view->size > MONITOR_TEXT - view->va)
		return error_set(err, MOTE_E_INVALID,
				 "guest memory at 0x%" PRIx64
				 ": the process backend has addresses below 0x%" PRIx64 " only",
				 view->va, (uint64_t)MONITOR_TEXT);
	if (!slot || slot->host.file < 0)
		return error_set(err, MOTE_E_INVALID,
				 "guest memory at 0x%" PRIx64
				 " is in no file, which the process backend needs",
				 view->va);
	*to = (struct monitor_view){
		.address = view->va,
		.size = view->size,
		.offset = slot->host.offset + (view->gpa - slot->gpa),
		.file = files[slot - config->slots],
		.protection = protection(slot, view->flags),
		/* before Linux 6.7 a sealed file has no shared mappings, though they cannot write */
		.sharing = slot->flags & REGION_WRITE ? MAP_SHARED : MAP_PRIVATE,
		.is_missing = (view->flags & REGION_MISSING) != 0,
	};
	return MOTE_OK;
}

/* What goes into a request: the descriptors of slots that have one, and their ranks. */
struct request_slots {
	int fds[MONITOR_SLOTS_MAX];
	uint32_t ranks[MONITOR_SLOTS_MAX];
	size_t n;
};

static mote_status collect_slots(struct request_slots *slots, const struct hv_vm_config *config,
				 mote_error *err)
{
	if (config->nslots > MONITOR_SLOTS_MAX)
		return error_set(err, MOTE_E_LIMIT,
				 "process backend: %zu memory slots; it takes at most %d",
				 config->nslots, MONITOR_SLOTS_MAX);
	slots->n = 0;
	for (size_t i = 0; i < config->nslots; i++) {
		slots->ranks[i] = (uint32_t)slots->n;
		if (config->slots[i].host.file >= 0)
			slots->fds[slots->n++] = (int)config->slots[i].host.file;
	}
	return MOTE_OK;
}

/* The hypercall page is the monitor's own: a view of it is left out. */
static mote_status translate_views(struct monitor_control *head, struct monitor_view *views,
				   const struct hv_vm_config *config,
				   const struct request_slots *slots, mote_error *err)
{
	mote_status status = MOTE_OK;

	head->nviews = 0;
	for (size_t i = 0; i < config->nviews && !status; i++)
		if (config->views[i].va != MOTE_HYPERCALL_PAGE)
			status = translate_view(&views[head->nviews++], config, &config->views[i],
						slots->ranks, err);
	return status;
}

/* Starts the guest process with the control memory in FD, mapped at MAPPED. */
static mote_status start_process(struct process_vm *vm, int fd, char *mapped,
				 const struct hv_vm_config *config, mote_error *err)
{
	struct monitor_view *views = (struct monitor_view *)(void *)(mapped + MONITOR_CONTROL_SIZE);
	struct request_slots slots;
	mote_status status = collect_slots(&slots, config, err);

	if (!status)
		status = translate_views((struct monitor_control *)(void *)mapped, views, config,
					 &slots, err);
	if (!status)
		status = launcher_spawn(&vm->owner->launcher, &vm->process, fd, slots.fds, slots.n,
					err);
	if (status)
		return status;
	/* Linux 6.6; others do without. */
	vm->owner->base.host->sys->ioctl(vm->process.listener, NOTIF_SET_FLAGS,
					 (void *)NOTIF_SYNC_WAKE_UP);
	return process_vm_await_start(vm, err);
}

/* Makes a guest process with VM's slots and views. */
static mote_status make_process(struct process_vm *vm, mote_error *err)
{
	const struct sys *sys = vm->owner->base.host->sys;
	const struct hv_vm_config config = {
		.slots = vm->slots,
		.nslots = vm->nslots,
		.views = vm->views,
		.nviews = vm->nviews,
	};
	size_t size = MONITOR_CONTROL_SIZE;
	mote_status status;
	char *mapped;

	if (config.nviews > (MONITOR_END - MONITOR_VIEWS) / sizeof(struct monitor_view))
		return error_set(err, MOTE_E_LIMIT, "process backend: %zu views are too many",
				 config.nviews);
	size += config.nviews * sizeof(struct monitor_view);
	int fd = sys->memfd_create("mote-control", MFD_CLOEXEC);
	if (fd < 0)
		return error_os(err, errno, "process backend: memfd_create failed");
	mapped = MAP_FAILED;
	if (sys->ftruncate(fd, (off_t)size) == 0)
		mapped = sys->mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		status = error_os(err, errno, "process backend: cannot map %zu bytes", size);
	} else {
		vm->control = mapped;
		status = start_process(vm, fd, mapped, &config, err);
	}
	sys->close(fd);
	if (mapped != MAP_FAILED && config.nviews > 0) {
		size_t kept = MONITOR_CONTROL_SIZE;
		size_t whole = (size + MOTE_PAGE_SIZE - 1) & ~(size_t)(MOTE_PAGE_SIZE - 1);
		sys->munmap(mapped + kept, whole - kept);
	}
	return status;
}

/* A new list of SIZE-byte items: COUNT from LIST, and behind them NMORE from MORE. */
static void *join(const struct host *host, const void *list, size_t count, const void *more,
		  size_t nmore, size_t size)
{
	char *joined = host_alloc_array(host, count + nmore, size);

	if (joined && count > 0)
		memcpy(joined, list, count * size);
	if (joined && nmore > 0)
		memcpy(joined + count * size, more, nmore * size);
	return joined;
}

/* Gives VM lists of its own: those it has, which stay as they are, with CONFIG's behind them. */
static mote_status extend_lists(struct process_vm *vm, const struct hv_vm_config *config,
				mote_error *err)
{
	const struct host *host = vm->owner->base.host;
	struct region *slots = vm->slots;
	struct region *views = vm->views;

	vm->slots = NULL;
	vm->views = NULL;
	if (vm->nslots + config->nslots > 0)
		vm->slots =
			join(host, slots, vm->nslots, config->slots, config->nslots, sizeof *slots);
	if (vm->nviews + config->nviews > 0)
		vm->views =
			join(host, views, vm->nviews, config->views, config->nviews, sizeof *views);
	vm->nslots += config->nslots;
	vm->nviews += config->nviews;
	if ((vm->nslots > 0 && !vm->slots) || (vm->nviews > 0 && !vm->views))
		return error_nomem(err, "lists of memory",
				   vm->nslots * sizeof *slots + vm->nviews * sizeof *views);
	return MOTE_OK;
}

/* Ends the guest process and frees what VM points at. */
static void release(struct process_vm *vm)
{
	const struct host *host = vm->owner->base.host;

	launcher_reap(&vm->owner->launcher, &vm->process);
	if (vm->control)
		host->sys->munmap(vm->control, MONITOR_CONTROL_SIZE);
	host_free(host, vm->slots, vm->nslots * sizeof *vm->slots);
	host_free(host, vm->views, vm->nviews * sizeof *vm->views);
}

static void process_vm_free(struct hv_vm *base)
{
	struct process_vm *vm = (struct process_vm *)base;

	if (!vm)
		return;
	release(vm);
	if (vm->kick.wake >= 0)
		vm->owner->base.host->sys->close(vm->kick.wake);
	host_free(vm->owner->base.host, vm, sizeof *vm);
}

/* Makes VM, which has a copy of each field that is to stay, anew with CONFIG's memory added. */
static mote_status assemble(struct process_vm *vm, const struct hv_vm_config *config,
			    mote_error *err)
{
	vm->process = GUEST_PROCESS_NONE;
	vm->is_watched = false;
	vm->control = NULL;
	vm->starts_fresh = true;
	mote_status status = extend_lists(vm, config, err);
	return status ? status : make_process(vm, err);
}

/* A guest process can map nothing any more once its guest runs. So another takes its place, with
 * the same memory and registers: the guest cannot tell. */
static mote_status process_vm_map(struct hv_vm *base, const struct region *region, mote_error *err)
{
	const struct hv_vm_config more = {
		.slots = region, .nslots = 1, .views = region, .nviews = 1
	};
	struct process_vm *vm = (struct process_vm *)base;
	struct process_vm fresh = *vm;
	mote_status status = assemble(&fresh, &more, err);

	if (status) {
		release(&fresh);
		if (err && err->os_error == EPERM)
			error_prefix(err, "files on a file system that is mounted noexec cannot be "
					  "mapped; copy it elsewhere; ");
		return status;
	}
	fresh.owes_interrupt = vm->owes_interrupt;
	release(vm);
	*vm = fresh;
	return MOTE_OK;
}

static mote_status process_vm_new(struct hv_vm **out, struct hv *base,
				  const struct hv_vm_config *config, mote_error *err)
{
	struct process_vm *vm = host_alloc(base->host, sizeof *vm);

	*out = NULL;
	if (!vm)
		return error_nomem(err, "a virtual machine", sizeof *vm);
	vm->owner = (struct process_hv *)base;
	vm->kick.wake = -1;
	mote_status status = assemble(vm, config, err);
	if (status) {
		process_vm_free(&vm->base);
		return status;
	}
	vm->base.ops = &hv_process;
	vm->base.regs = &vm->regs;
	vm->base.has_host_tsc = true;
	vm->regs = config->cpu->regs;
	vm->fs_base = config->cpu->fs_base;
	*out = &vm->base;
	return config->is_watched ? process_vm_watch(&vm->base, err) : MOTE_OK;
}

static uint64_t process_fs_base(const struct hv_vm *base)
{
	return ((const struct process_vm *)base)->fs_base;
}

static void process_set_fs_base(struct hv_vm *base, uint64_t fs_base)
{
	struct process_vm *vm = (struct process_vm *)base;

	vm->fs_base = fs_base;
	vm->resumes = false; /* when the host starts the guest anew, this is how it begins */
}

/* What helps against a failure to make a guest process. */
static const char *remedy(const mote_error *error)
{
	switch (error->code == MOTE_E_NOMEM ? ENOMEM : error->os_error) {
	case EBUSY:
		return "a seccomp listener watches this container already; run outside of it, or "
		       "switch its system call interception off";
	case EACCES:
	case EPERM:
		return "allow executable files in memory (sysctl vm.memfd_noexec=0), mappings at "
		       "64 KiB (sysctl vm.mmap_min_addr=65536), and seccomp in this container";
	case EAGAIN:
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return "raise the limits of processes, descriptors or memory";
	default:
		return "use Linux 5.9 or later with CONFIG_SECCOMP_FILTER, on a processor with "
		       "FSGSBASE";
	}
}

/* Makes an empty guest process: all that can go wrong with any is tried. */
static mote_status try(const struct host *host, mote_error *err)
{
	const struct hv_cpu_state cpu = { 0 };
	const struct hv_vm_config config = { .cpu = &cpu };
	struct hv_vm *vm = NULL;
	struct hv *hv;
	mote_status status = process_open(&hv, host, err);

	if (status)
		return status;
	status = process_vm_new(&vm, hv, &config, err);
	process_vm_free(vm);
	process_close(hv);
	return status;
}

static void process_check(const struct host *host, struct hv_check *check)
{
	mote_error error;
	mote_status status = try(host, &error);

	*check = (struct hv_check){ .is_available = status == MOTE_OK };
	snprintf(check->details, sizeof check->details,
		 "guests run in processes of their own behind a seccomp filter; weaker isolation "
		 "than a machine's");
	if (!status) {
		snprintf(check->reason, sizeof check->reason, "found");
		return;
	}
	snprintf(check->reason, sizeof check->reason, "%.*s", (int)sizeof check->reason - 1,
		 error.message);
	snprintf(check->remedy, sizeof check->remedy, "%s", remedy(&error));
}

const struct hv_backend hv_process = {
	.name = "process",
	.is_hardware = false,
	.needs_fd = true,
	.check = process_check,
	.open = process_open,
	.close = process_close,
	.vm_new = process_vm_new,
	.vm_free = process_vm_free,
	.map = process_vm_map,
	.run = process_vm_run,
	.arm = process_vm_arm,
	.disarm = process_vm_disarm,
	.kick = process_vm_kick,
	.set_alarm = process_vm_set_alarm,
	.wait = process_vm_wait,
	.cpu_time = process_vm_cpu_time,
	.fs_base = process_fs_base,
	.set_fs_base = process_set_fs_base,
	.vectors = process_vm_vectors,
	.resume = process_vm_resume,
	.watch = process_vm_watch,
	.written = process_vm_written,
};
