/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running a vCPU and decoding its exits. This is the call path: one ioctl, and
 * registers only by the page that is shared with the kernel.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include "abi/mote_abi.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

/* vm->base.regs points at KVM's own structure. */
_Static_assert(sizeof(struct hv_regs) == sizeof(struct kvm_regs),
	       "hv_regs mirrors struct kvm_regs");
#define SAME_OFFSET(name)                                                                          \
	_Static_assert(offsetof(struct hv_regs, name) == offsetof(struct kvm_regs, name),          \
		       "hv_regs mirrors struct kvm_regs, field by field")
SAME_OFFSET(rax);
SAME_OFFSET(rsi);
SAME_OFFSET(rsp);
SAME_OFFSET(r8);
SAME_OFFSET(rip);
SAME_OFFSET(rflags);

static void decode_port(const struct kvm_run *run, struct hv_exit *exit)
{
	exit->kind = HV_EXIT_PORT;
	exit->u.port.port = run->io.port;
	exit->u.port.size = run->io.size;
	exit->u.port.is_write = run->io.direction == KVM_EXIT_IO_OUT;
	exit->u.port.value = 0;
	/* The kernel wrote size, count and offset; rep outs has many values, we take one. */
	if (exit->u.port.is_write)
		memcpy(&exit->u.port.value, (const char *)run + run->io.data_offset,
		       run->io.size <= 4 ? run->io.size : 4);
}

static void decode_mmio(const struct kvm_run *run, struct hv_exit *exit)
{
	exit->kind = HV_EXIT_MMIO;
	exit->u.mmio.gpa = run->mmio.phys_addr;
	exit->u.mmio.size = (uint8_t)run->mmio.len;
	exit->u.mmio.is_write = run->mmio.is_write;
	exit->u.mmio.value = 0;
	if (run->mmio.is_write)
		memcpy(&exit->u.mmio.value, run->mmio.data, run->mmio.len <= 8 ? run->mmio.len : 8);
}

static mote_status decode(const struct kvm_run *run, struct hv_exit *exit, mote_error *err)
{
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		decode_port(run, exit);
		return MOTE_OK;
	case KVM_EXIT_MMIO:
		decode_mmio(run, exit);
		return MOTE_OK;
	case KVM_EXIT_HLT:
		exit->kind = HV_EXIT_HALT;
		return MOTE_OK;
	case KVM_EXIT_SHUTDOWN:
		exit->kind = HV_EXIT_SHUTDOWN;
		return MOTE_OK;
	case KVM_EXIT_INTERNAL_ERROR:
		exit->kind = HV_EXIT_UNSUPPORTED;
		exit->u.detail = run->internal.suberror;
		return MOTE_OK;
	case KVM_EXIT_INTR:
		exit->kind = HV_EXIT_INTERRUPTED;
		return MOTE_OK;
	case KVM_EXIT_FAIL_ENTRY:
		exit->kind = HV_EXIT_UNSUPPORTED;
		exit->u.detail = run->fail_entry.hardware_entry_failure_reason;
		return error_set(err, MOTE_E_OS,
				 "the processor refused the vCPU's state (KVM_EXIT_FAIL_ENTRY, "
				 "reason 0x%" PRIx64 ")",
				 (uint64_t)run->fail_entry.hardware_entry_failure_reason);
	default:
		exit->kind = HV_EXIT_UNSUPPORTED;
		exit->u.detail = run->exit_reason;
		return error_set(err, MOTE_E_OS,
				 "KVM stopped the guest with exit reason %u, which "
				 "mote does not know",
				 run->exit_reason);
	}
}

/*
 * Whether the exit was the last part of its instruction. A store that crosses a page, or has more
 * than 8 bytes, has several parts, and none comes before the one before it has been answered.
 */
static bool is_settled(const struct kvm_run *run)
{
	if (run->exit_reason == KVM_EXIT_IO)
		return run->io.direction == KVM_EXIT_IO_OUT;
	return run->exit_reason == KVM_EXIT_MMIO && run->mmio.is_write && run->mmio.len < 8 &&
	       (run->mmio.phys_addr + run->mmio.len) % MOTE_PAGE_SIZE != 0;
}

static int run_vcpu(struct kvm_vm *vm)
{
	return vm->kick.is_armed ? kvm_kick_run(vm)
				 : kvm_ioctl_value(vm->kvm, vm->vcpu_fd, KVM_RUN, 0);
}

mote_status kvm_vm_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	struct kvm_run *run = vm->run;

	if (base->regs_changed) {
		run->kvm_dirty_regs |= KVM_SYNC_X86_REGS;
		base->regs_changed = false;
	}
	vm->is_settled = false;
	int rc = run_vcpu(vm);
	while (rc == 0 && run->exit_reason == KVM_EXIT_DIRTY_RING_FULL && vm->ring) {
		mote_status status = kvm_dirty_overflow(vm, err);
		if (status)
			return status;
		rc = run_vcpu(vm);
	}
	vm->is_settled = rc == 0 && is_settled(run);
	if (rc == 0) {
		run->kvm_dirty_regs = 0;
		return decode(run, exit, err);
	}
	/* A run that was interrupted may not have taken the registers: then they are still dirty. */
	if (errno == EINTR || errno == EAGAIN) {
		exit->kind = HV_EXIT_INTERRUPTED;
		return MOTE_OK;
	}
	if (errno == EFAULT) {
		/* A page of a slot could not be had: its file was cut, or cannot be read. */
		exit->kind = HV_EXIT_NO_MEMORY;
		return MOTE_OK;
	}
	return error_os(err, errno, "KVM_RUN failed");
}

uint64_t kvm_vm_fs_base(const struct hv_vm *base)
{
	return ((const struct kvm_vm *)base)->run->s.regs.sregs.fs.base;
}

void kvm_vm_set_fs_base(struct hv_vm *base, uint64_t fs_base)
{
	struct kvm_run *run = ((struct kvm_vm *)base)->run;
	run->s.regs.sregs.fs.base = fs_base;
	run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
}

uint64_t kvm_vm_fault_address(const struct hv_vm *base)
{
	return ((const struct kvm_vm *)base)->run->s.regs.sregs.cr2;
}

/*
 * After a load from nowhere, or an `in`, the kernel has half an instruction left to do, and does
 * it before it looks at new registers. With immediate_exit it does that and no more.
 */
static mote_status finish_instruction(struct kvm_vm *vm, mote_error *err)
{
	enum { PARTS_MAX = 64 }; /* an instruction has few; each may be an exit */
	int rc = 0;

	if (vm->is_settled)
		return MOTE_OK;
	__atomic_store_n(&vm->run->immediate_exit, 1, __ATOMIC_SEQ_CST); /* kicks do, too */
	for (int i = 0; i < PARTS_MAX && rc == 0; i++)
		rc = kvm_ioctl_value(vm->kvm, vm->vcpu_fd, KVM_RUN, 0);
	vm->is_settled = rc < 0 && errno == EINTR;
	/* somebody may have kicked meanwhile: then the next run is to see it, at worst in vain */
	__atomic_store_n(&vm->run->immediate_exit, vm->kick.is_armed, __ATOMIC_SEQ_CST);
	if (vm->is_settled)
		return MOTE_OK;
	return error_set(err, MOTE_E_OS, "the vCPU does not come to the end of an instruction");
}

void kvm_clear_events(struct kvm_vm *vm)
{
	struct kvm_run *run = vm->run;

	memset(&run->s.regs.events, 0, sizeof run->s.regs.events);
	run->s.regs.events.flags = KVM_VCPUEVENT_VALID_SHADOW;
	run->kvm_dirty_regs |= KVM_SYNC_X86_EVENTS;
}

mote_status kvm_vm_reset(struct hv_vm *base, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	struct kvm_run *run = vm->run;
	const bool was_settled = vm->is_settled;
	mote_status status = finish_instruction(vm, err);

	run->s.regs.sregs = vm->boot_sregs;
	run->kvm_dirty_regs |= KVM_SYNC_X86_SREGS;
	if (!was_settled) /* what was on its way when the guest was stopped */
		kvm_clear_events(vm);
	return status;
}
