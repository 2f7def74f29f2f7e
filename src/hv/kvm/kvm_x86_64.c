/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPU's x86-64 state: what the processor has for guests, and how a vCPU gets the
 * control registers, segments and MSRs that its guest starts with.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* Intel SDM volume 4, and AMD APM volume 2, appendix A. */
#define MSR_STAR         0xc0000081
#define MSR_LSTAR        0xc0000082
#define MSR_SYSCALL_MASK 0xc0000084
#define MSR_OF_NOBODY    0xdeadbeef

/* x87, SSE and AVX state; AVX-512's three parts. Others (MPX, PKRU, AMX) stay off. */
#define XCR0_WANTED UINT64_C(0xe7)

/* CPUID's leaf 0xd has size and offset of each component of an XSAVE area. */
static uint32_t vectors_size(const struct kvm *kvm)
{
	uint32_t size = HV_VECTORS_LEAST;

	for (uint32_t i = 0; i < kvm->cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &kvm->cpuid->entries[i];
		if (entry->function != 0xd || entry->index < 2 || entry->index >= 64 ||
		    !(kvm->xcr0 >> entry->index & 1))
			continue;
		if (entry->ebx + entry->eax > size && entry->ebx + entry->eax <= HV_VECTORS_MOST)
			size = entry->ebx + entry->eax;
	}
	return size;
}

/* What else depends on the processor, before guests' CPUID hides it. */
static void learn_limits(struct kvm *kvm)
{
	for (uint32_t i = 0; i < kvm->cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &kvm->cpuid->entries[i];
		if (entry->function == 0xd && entry->index == 0)
			kvm->xcr0 = (entry->eax | (uint64_t)entry->edx << 32) & XCR0_WANTED;
		if (entry->function == 0x80000008)
			kvm->physical_bits = entry->eax & 0xff;
	}
	kvm->xcr0 |= 1; /* x87 state cannot be off */
	kvm->vectors_size = vectors_size(kvm);
	if (kvm->physical_bits == 0)
		kvm->physical_bits = 36; /* processors that do not say have at least so many */
}

mote_status kvm_x86_learn(struct kvm *kvm, mote_error *err)
{
	/* KVM says E2BIG until the table is large enough; 256 entries suffice on all known. */
	enum { ENTRIES = 256 };
	kvm->cpuid_size = sizeof *kvm->cpuid + ENTRIES * sizeof kvm->cpuid->entries[0];
	kvm->cpuid = host_alloc(kvm->base.host, kvm->cpuid_size);
	if (!kvm->cpuid)
		return error_nomem(err, "the CPUID table", kvm->cpuid_size);
	kvm->cpuid->nent = ENTRIES;
	if (kvm_ioctl(kvm, kvm->fd, KVM_GET_SUPPORTED_CPUID, kvm->cpuid) < 0)
		return error_os(err, errno, "KVM_GET_SUPPORTED_CPUID failed");
	learn_limits(kvm);
	kvm_cpuid_curate(kvm->cpuid, kvm->xcr0);
	return MOTE_OK;
}

/*
 * Ring 3 has no instructions for MSRs, and no code of ours in ring 0 has any. So this is for a
 * guest that has got into ring 0 all the same: what KVM emulates for operating systems, which is
 * much code, is not there for it. Made before the first memory slot it costs nothing that could be
 * measured; after, KVM waits for a grace period, which was 15 ms.
 */
mote_status kvm_x86_filter_msrs(struct kvm_vm *vm, mote_error *err)
{
	uint8_t none = 0;
	/* A filter without a range would be none: one MSR, which does not exist, is refused twice. */
	struct kvm_msr_filter filter = {
		.flags = KVM_MSR_FILTER_DEFAULT_DENY,
		.ranges[0] = {
			.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
			.nmsrs = 1,
			.base = MSR_OF_NOBODY,
			.bitmap = &none,
		},
	};

	if (!vm->kvm->has_msr_filter)
		return MOTE_OK;
	if (kvm_ioctl(vm->kvm, vm->vm_fd, KVM_X86_SET_MSR_FILTER, &filter) < 0)
		return error_os(err, errno, "KVM refused to filter MSRs");
	return MOTE_OK;
}

struct kvm_segment kvm_x86_segment(const struct hv_segment *segment)
{
	return (struct kvm_segment){
		.base = segment->base,
		.limit = segment->limit,
		.selector = segment->selector,
		.type = segment->type,
		.dpl = segment->dpl,
		.present = segment->present,
		.unusable = !segment->present,
		.s = segment->is_code_or_data,
		.l = segment->is_long,
		.db = segment->is_default_32,
		.g = segment->is_granular,
	};
}

static void fill_sregs(struct kvm_sregs *sregs, const struct hv_cpu_state *state)
{
	sregs->cs = kvm_x86_segment(&state->code);
	sregs->ss = sregs->ds = sregs->es = sregs->fs = sregs->gs = kvm_x86_segment(&state->data);
	sregs->fs.base = state->fs_base;
	sregs->tr = kvm_x86_segment(&state->task);
	sregs->ldt = (struct kvm_segment){ .unusable = 1 };
	sregs->gdt = (struct kvm_dtable){ .base = state->gdt_base, .limit = state->gdt_limit };
	sregs->idt = (struct kvm_dtable){ .base = state->idt_base, .limit = state->idt_limit };
	sregs->cr0 = state->cr0;
	sregs->cr3 = state->cr3;
	sregs->cr4 = state->cr4;
	sregs->efer = state->efer;
	sregs->apic_base = 0; /* no APIC; KVM then also takes it out of CPUID */
}

static mote_status set_msrs(struct kvm_vm *vm, const struct hv_cpu_state *state, mote_error *err)
{
	const struct kvm_msr_entry entries[] = {
		{ .index = MSR_STAR, .data = state->star },
		{ .index = MSR_LSTAR, .data = state->lstar },
		{ .index = MSR_SYSCALL_MASK, .data = state->syscall_mask },
	};
	enum { COUNT = sizeof entries / sizeof entries[0] };
	union {
		struct kvm_msrs msrs;
		char room[sizeof(struct kvm_msrs) + sizeof entries];
	} request = { .msrs.nmsrs = COUNT };

	memcpy(request.msrs.entries, entries, sizeof entries);
	int set = kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_MSRS, &request);
	if (set < 0)
		return error_os(err, errno, "KVM_SET_MSRS failed");
	if (set != COUNT)
		return error_set(err, MOTE_E_OS, "KVM refused MSR 0x%x", entries[set].index);
	return MOTE_OK;
}

static mote_status set_xcr0(struct kvm_vm *vm, mote_error *err)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = vm->kvm->xcr0 } } };
	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_XCRS, &xcrs) < 0)
		return error_os(err, errno, "KVM refused XCR0 0x%" PRIx64, vm->kvm->xcr0);
	return MOTE_OK;
}

/* What all guests see is shared, and threads make machines at the same time: another width of
 * addresses is said in a copy. */
static mote_status set_cpuid(struct kvm_vm *vm, uint8_t physical_bits, mote_error *err)
{
	const struct host *host = vm->kvm->base.host;
	const size_t size = vm->kvm->cpuid_size;
	struct kvm_cpuid2 *table = vm->kvm->cpuid;

	if (physical_bits) {
		table = host_alloc(host, size);
		if (!table)
			return error_nomem(err, "a CPUID table", size);
		memcpy(table, vm->kvm->cpuid, size);
		kvm_cpuid_set_physical(table, physical_bits);
	}
	const int failed = kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_CPUID2, table);
	const mote_status status =
		failed < 0 ? error_os(err, errno, "KVM_SET_CPUID2 failed") : MOTE_OK;
	if (physical_bits)
		host_free(host, table, size);
	return status;
}

mote_status kvm_x86_set_state(struct kvm_vm *vm, const struct hv_cpu_state *state, mote_error *err)
{
	/* CPUID first: what the other calls accept depends on it. */
	mote_status status = set_cpuid(vm, state->physical_bits, err);
	if (status)
		return status;
	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_GET_SREGS, &vm->boot_sregs) < 0)
		return error_os(err, errno, "KVM_GET_SREGS failed");
	fill_sregs(&vm->boot_sregs, state);
	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_SREGS, &vm->boot_sregs) < 0)
		return error_os(err, errno, "KVM_SET_SREGS failed");

	status = set_xcr0(vm, err);
	if (!status)
		status = set_msrs(vm, state, err);
	if (status)
		return status;

	*vm->base.regs = state->regs;
	vm->base.regs_changed = true;
	vm->run->s.regs.sregs = vm->boot_sregs;
	return MOTE_OK;
}

/* Guests' counters begin at 0 when their machine does, which is of use to nobody here. Linux 5.16
 * lets the difference be chosen; kernels before say one of these. */
mote_status kvm_x86_share_tsc(struct kvm_vm *vm, mote_error *err)
{
	enum { TSC_CTRL = 0, TSC_OFFSET = 0 };
	uint64_t offset = 0;
	struct kvm_device_attr attribute = {
		.group = TSC_CTRL,
		.attr = TSC_OFFSET,
		.addr = (uintptr_t)&offset,
	};

	vm->base.has_host_tsc =
		kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_DEVICE_ATTR, &attribute) == 0;
	if (vm->base.has_host_tsc || errno == ENXIO || errno == EINVAL || errno == ENOTTY)
		return MOTE_OK;
	return error_os(err, errno, "cannot set a vCPU's time-stamp counter");
}
