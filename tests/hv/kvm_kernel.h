/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_kernel.h - a table of system calls behind which there is a KVM that does what the test
 * says: for failures that no healthy machine has, and on machines without /dev/kvm.
 */
#ifndef HV_KVM_KERNEL_H
#define HV_KVM_KERNEL_H

#include "base/host.h"

#include <linux/kvm.h>

/* What a test wants; kvm_kernel_host() sets the values in brackets. */
struct kvm_kernel {
	int open_error;         /* errno of open("/dev/kvm") [0: it works] */
	unsigned open_errors;   /* so many opens fail and then they work [UINT_MAX] */
	int version;            /* [12] */
	long lacks;             /* capability that is answered with 0 [-1] */
	int vcpu_size;          /* KVM_GET_VCPU_MMAP_SIZE [12288] */
	unsigned long fails;    /* the request that fails [0] */
	int error;              /* with this errno [EINVAL] */
	int msrs;               /* how many KVM_SET_MSRS takes [all] */
	uint32_t physical_bits; /* in CPUID [40] */
	uint64_t xcr0;          /* in CPUID [7] */
	bool refuses_mmap;      /* of a vCPU [false] */

	/* KVM_RUN: fills in RUN; returns 0, or an errno. [halts] */
	int (*run)(struct kvm_run *run);

	/* What was asked. */
	struct kvm_userspace_memory_region slots[4];
	unsigned nslots;
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_msr_entry set_msrs[8];
	unsigned nset_msrs;
	struct kvm_cpuid_entry2 cpuid[16]; /* as it was given to the vCPU */
	unsigned ncpuid;
	struct kvm_run *shared;
	int fds; /* open */
};
extern struct kvm_kernel kvm_kernel;

/* Forgets all wishes, and returns a host with this kernel. */
const struct host *kvm_kernel_host(void);

#endif
