/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_internal.h - what the files of the KVM backend share.
 *
 * kvm.c        opens /dev/kvm, makes and frees virtual machines
 * kvm_check.c  tells what is missing on this machine
 * kvm_run.c    runs a vCPU and decodes its exits
 * kvm_x86_64.c vCPU state: CPUID, control registers, segments, MSRs
 */
#ifndef HV_KVM_KVM_INTERNAL_H
#define HV_KVM_KVM_INTERNAL_H

#include "hv/kvm/kvm.h"

#include <linux/kvm.h>

#define KVM_DEVICE "/dev/kvm"

struct kvm {
	struct hv base;
	int fd;          /* /dev/kvm */
	size_t run_size; /* bytes of the mapping of a vCPU */
	/* What KVM can virtualise, curated; asking takes a quarter of a millisecond, so once. */
	struct kvm_cpuid2 *cpuid;
	size_t cpuid_size;
	uint64_t xcr0;          /* vector state that guests may use */
	unsigned physical_bits; /* of a guest's addresses */
};

struct kvm_vm {
	struct hv_vm base;
	struct kvm *kvm;
	int vm_fd;
	int vcpu_fd;
	uint32_t nslots;
	struct kvm_run *run; /* shared with the kernel */
	struct kvm_sregs boot_sregs;
};

/* The system call table's ioctl, shortened. ARGUMENT as the request wants it. */
int kvm_ioctl(const struct kvm *kvm, int fd, unsigned long request, void *argument);
int kvm_ioctl_value(const struct kvm *kvm, int fd, unsigned long request, unsigned long value);

/* Learns what CPUID and XCR0 guests get. Called once, by open. */
mote_status kvm_x86_learn(struct kvm *kvm, mote_error *err);

/* Puts a new vCPU into STATE. */
mote_status kvm_x86_set_state(struct kvm_vm *vm, const struct hv_cpu_state *state, mote_error *err);

/* The functions of the same name in struct hv_backend. */
void kvm_check(const struct host *host, struct hv_check *check);
mote_status kvm_vm_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err);
uint64_t kvm_vm_fs_base(const struct hv_vm *base);
void kvm_vm_set_fs_base(struct hv_vm *base, uint64_t fs_base);
uint64_t kvm_vm_fault_address(const struct hv_vm *base);
void kvm_vm_reset_segments(struct hv_vm *base);

/* A capability without which the backend does not work. */
struct kvm_required {
	unsigned long capability;
	const char *name;
	int least; /* the answer must be at least this */
};
extern const struct kvm_required kvm_required[];
extern const size_t kvm_nrequired;

#endif
