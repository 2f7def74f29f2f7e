/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening KVM and making virtual machines: one vCPU, a few memory slots, no
 * interrupt controller, no devices. What an open KVM costs once (CPUID, mapping
 * size) is kept in struct kvm, because creating a machine is on a user's path.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"
#include "hv/kvm/kvm_system.h"
#include "mem/region_convert.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/mman.h>

#define SYNC_FIELDS (KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS)

const struct kvm_required kvm_required[] = {
	{ KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY", 1 },
	{ KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM", 1 },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT", 1 },
	{ KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS", SYNC_FIELDS },
	{ KVM_CAP_XCRS, "KVM_CAP_XCRS", 1 },
};
const size_t kvm_nrequired = sizeof kvm_required / sizeof kvm_required[0];

int kvm_ioctl(const struct kvm *kvm, int fd, unsigned long request, void *argument)
{
	return kvm->base.host->sys->ioctl(fd, request, argument);
}

int kvm_ioctl_value(const struct kvm *kvm, int fd, unsigned long request, unsigned long value)
{
	return kvm->base.host->sys->ioctl(fd, request, (void *)value);
}

static mote_status check_capabilities(struct kvm *kvm, mote_error *err)
{
	int version = kvm_ioctl_value(kvm, kvm->fd, KVM_GET_API_VERSION, 0);
	if (version != KVM_API_VERSION)
		return error_set(err, MOTE_E_NO_HYPERVISOR, "%s speaks API version %d, not %d",
				 KVM_DEVICE, version, KVM_API_VERSION);
	for (size_t i = 0; i < kvm_nrequired; i++) {
		const struct kvm_required *need = &kvm_required[i];
		int got = kvm_ioctl_value(kvm, kvm->fd, KVM_CHECK_EXTENSION, need->capability);
		if (got < 0 || (got & need->least) != need->least)
			return error_set(err, MOTE_E_NO_HYPERVISOR,
					 "this kernel's KVM lacks %s; Linux 5.10 or newer has it",
					 need->name);
	}
	return MOTE_OK;
}

static mote_status learn_run_size(struct kvm *kvm, mote_error *err)
{
	int size = kvm_ioctl_value(kvm, kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (size < (int)sizeof(struct kvm_run))
		return error_os(err, size < 0 ? errno : EPROTO, "KVM_GET_VCPU_MMAP_SIZE gave %d",
				size);
	kvm->run_size = (size_t)size;
	return MOTE_OK;
}

/* Without one (before Linux 5.11) nothing tells cheaply what a guest has written. */
static mote_status learn_dirty_ring(struct kvm *kvm, mote_error *err)
{
	static const uint32_t caps[] = { KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING };
	const int bytes = KVM_DIRTY_RING_ENTRIES * sizeof(struct kvm_dirty_gfn);

	for (size_t i = 0; i < 2 && !kvm->dirty_ring_cap; i++) {
		int most = kvm_ioctl_value(kvm, kvm->fd, KVM_CHECK_EXTENSION, caps[i]);
		if (most < 0)
			return error_os(err, errno, "KVM does not tell whether it has dirty rings");
		if (most >= bytes)
			kvm->dirty_ring_cap = caps[i];
	}
	return MOTE_OK;
}

/* KVM has filters from Linux 5.10 on, where it is built for processors that have such registers. */
static mote_status learn_msr_filter(struct kvm *kvm, mote_error *err)
{
	int has = kvm_ioctl_value(kvm, kvm->fd, KVM_CHECK_EXTENSION, KVM_CAP_X86_MSR_FILTER);
	if (has < 0)
		return error_os(err, errno, "KVM does not tell whether it filters MSRs");
	kvm->has_msr_filter = has > 0;
	return MOTE_OK;
}

static void kvm_close(struct hv *base)
{
	struct kvm *kvm = (struct kvm *)base;
	if (!kvm)
		return;
	const struct host *host = kvm->base.host;
	if (kvm->fd >= 0)
		host->sys->close(kvm->fd);
	host_free(host, kvm->cpuid, kvm->cpuid_size);
	host_free(host, kvm, sizeof *kvm);
}

static mote_status open_device(struct kvm *kvm, mote_error *err)
{
	kvm->fd = kvm->base.host->sys->open(KVM_DEVICE, O_RDWR | O_CLOEXEC);
	if (kvm->fd >= 0)
		return MOTE_OK;

	int os_error = errno;
	struct hv_check check;
	kvm_check(kvm->base.host, &check);
	/* Too many open files, say: not the absence of a hypervisor. */
	if (check.is_available || !check.remedy[0])
		return error_os(err, os_error, "cannot open %s", KVM_DEVICE);
	return error_set(err, MOTE_E_NO_HYPERVISOR, "%s; %s", check.reason, check.remedy);
}

static mote_status kvm_open(struct hv **out, const struct host *host, mote_error *err)
{
	*out = NULL;
	struct kvm *kvm = host_alloc(host, sizeof *kvm);
	if (!kvm)
		return error_nomem(err, "the KVM backend", sizeof *kvm);
	kvm->base = (struct hv){ .ops = &hv_kvm, .host = host };

	mote_status status = open_device(kvm, err);
	if (!status)
		status = check_capabilities(kvm, err);
	if (!status)
		status = learn_run_size(kvm, err);
	if (!status)
		status = learn_dirty_ring(kvm, err);
	if (!status)
		status = learn_msr_filter(kvm, err);
	if (!status)
		status = kvm_x86_learn(kvm, err);
	/* who asks for a signal is told at once whether it can be had */
	if (!status && host->interrupt_signal)
		status = kvm_kick_install(kvm, err);
	if (status) {
		kvm_close(&kvm->base);
		return status;
	}
	*out = &kvm->base;
	return MOTE_OK;
}

/* Adds memory; page tables may not name any that the processor's addresses do not reach. */
static mote_status add_slot(struct kvm_vm *vm, const struct region *slot, bool is_watched,
			    mote_error *err)
{
	const uint64_t end = UINT64_C(1) << vm->kvm->physical_bits;
	struct region_kvm region;

	if (!region_to_kvm(slot, vm->nslots, &region))
		return error_set(err, MOTE_E_INVALID,
				 "the %s at guest physical 0x%" PRIx64 " has no memory behind it",
				 region_kind_name(slot->kind), slot->gpa);
	if (slot->gpa > end || slot->size > end - slot->gpa)
		return error_set(err, MOTE_E_LIMIT,
				 "%" PRIu64 " bytes at guest physical 0x%" PRIx64
				 " end past 0x%" PRIx64 ", the most that this processor has; "
				 "map less, or make the heap smaller",
				 slot->size, slot->gpa, end);
	const bool is_writable = !(region.flags & REGION_KVM_READONLY);
	if (is_writable && is_watched && vm->kvm->dirty_ring_cap)
		region.flags |= KVM_MEM_LOG_DIRTY_PAGES;
	if (kvm_ioctl(vm->kvm, vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &region) < 0)
		return error_os(err, errno,
				"KVM refused memory slot %u, guest physical 0x%" PRIx64
				"..0x%" PRIx64,
				region.slot, slot->gpa, slot->gpa + slot->size);
	if (is_writable)
		vm->writable = region;
	vm->nslots++;
	return MOTE_OK;
}

/* Page tables have it already, or will have it. */
static mote_status kvm_vm_map(struct hv_vm *base, const struct region *region, mote_error *err)
{
	return add_slot((struct kvm_vm *)base, region, false, err);
}

static mote_status make_vm(struct kvm_vm *vm, const struct hv_vm_config *config, mote_error *err)
{
	enum { TRIES = 100 };

	/* the one request that a signal makes fail */
	for (int i = 0; i < TRIES && vm->vm_fd < 0 && (i == 0 || errno == EINTR); i++)
		vm->vm_fd = kvm_ioctl_value(vm->kvm, vm->kvm->fd, KVM_CREATE_VM, 0);
	if (vm->vm_fd < 0)
		return error_os(err, errno, "KVM_CREATE_VM failed");
	mote_status status = kvm_dirty_enable(vm, err);
	if (!status)
		status = kvm_x86_filter_msrs(vm, err);
	for (size_t i = 0; !status && i < config->nslots; i++)
		status = add_slot(vm, &config->slots[i], config->is_watched, err);
	return status;
}

static mote_status make_vcpu(struct kvm_vm *vm, mote_error *err)
{
	vm->vcpu_fd = kvm_ioctl_value(vm->kvm, vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0)
		return error_os(err, errno, "KVM_CREATE_VCPU failed");

	const struct sys *sys = vm->kvm->base.host->sys;
	void *run = sys->mmap(NULL, vm->kvm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
			      vm->vcpu_fd, 0);
	if (run == MAP_FAILED)
		return error_os(err, errno, "cannot map the vCPU's %zu shared bytes",
				vm->kvm->run_size);
	vm->run = run;
	vm->run->kvm_valid_regs = SYNC_FIELDS;
	vm->base.regs = (struct hv_regs *)&vm->run->s.regs.regs;
	return MOTE_OK;
}

static void kvm_vm_free(struct hv_vm *base)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	if (!vm)
		return;
	const struct host *host = vm->kvm->base.host;
	kvm_dirty_fini(vm);
	if (vm->run)
		host->sys->munmap(vm->run, vm->kvm->run_size);
	if (vm->vcpu_fd >= 0)
		host->sys->close(vm->vcpu_fd);
	if (vm->vm_fd >= 0)
		host->sys->close(vm->vm_fd);
	host_free(host, vm, sizeof *vm);
}

static mote_status kvm_vm_new(struct hv_vm **out, struct hv *base,
			      const struct hv_vm_config *config, mote_error *err)
{
	*out = NULL;
	struct kvm_vm *vm = host_alloc(base->host, sizeof *vm);
	if (!vm)
		return error_nomem(err, "a virtual machine", sizeof *vm);
	*vm = (struct kvm_vm){
		.base = { .ops = &hv_kvm },
		.kvm = (struct kvm *)base,
		.vm_fd = -1,
		.vcpu_fd = -1,
		.is_settled = true,
	};

	mote_status status = make_vm(vm, config, err);
	if (!status)
		status = make_vcpu(vm, err);
	if (!status)
		status = kvm_x86_set_state(vm, config->cpu, err);
	if (!status)
		status = kvm_x86_share_tsc(vm, err);
	if (!status && config->is_watched)
		status = kvm_vm_watch(&vm->base, err);
	if (status) {
		kvm_vm_free(&vm->base);
		return status;
	}
	*out = &vm->base;
	return MOTE_OK;
}

const struct hv_backend hv_kvm = {
	.name = "kvm",
	.is_hardware = true,
	.needs_fd = false,
	.check = kvm_check,
	.open = kvm_open,
	.close = kvm_close,
	.vm_new = kvm_vm_new,
	.vm_free = kvm_vm_free,
	.map = kvm_vm_map,
	.run = kvm_vm_run,
	.arm = kvm_vm_arm,
	.disarm = kvm_vm_disarm,
	.kick = kvm_vm_kick,
	.set_alarm = kvm_vm_set_alarm,
	.wait = kvm_vm_wait,
	.fs_base = kvm_vm_fs_base,
	.set_fs_base = kvm_vm_set_fs_base,
	.vectors = kvm_vm_vectors,
	.resume = kvm_vm_resume,
	.fault_address = kvm_vm_fault_address,
	.reset = kvm_vm_reset,
	.audit = kvm_vm_audit,
	.watch = kvm_vm_watch,
	.written = kvm_vm_written,
	.system = &kvm_system_ops,
};
