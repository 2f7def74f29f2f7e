/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's vector registers, which stay with the kernel while nobody asks. Only the delivery of
 * signals does: an ioctl each way.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include <errno.h>
#include <string.h>

_Static_assert(sizeof(struct kvm_xsave) == HV_VECTORS_MOST, "KVM's area is a page");

mote_status kvm_vm_vectors(struct hv_vm *base, struct hv_vectors *to, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;

	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_GET_XSAVE, to->area) < 0)
		return error_os(err, errno, "KVM_GET_XSAVE failed");
	to->size = vm->kvm->vectors_size;
	to->features = vm->kvm->xcr0;
	return MOTE_OK;
}

mote_status kvm_vm_resume(struct hv_vm *base, const struct hv_vectors *vectors, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	const uint64_t fs_base = kvm_vm_fs_base(base);
	struct hv_vectors clean;

	if (vectors)
		clean = *vectors;
	else
		hv_vectors_init(&clean);
	hv_vectors_clean(&clean, vm->kvm->xcr0);
	mote_status status = kvm_vm_reset(base, err);
	if (status)
		return status;
	kvm_vm_set_fs_base(base, fs_base);
	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_XSAVE, clean.area) < 0)
		return errno == EINVAL ? error_set(err, MOTE_E_INVALID,
						   "vector registers that no processor has")
				       : error_os(err, errno, "KVM_SET_XSAVE failed");
	base->regs_changed = true;
	return MOTE_OK;
}
