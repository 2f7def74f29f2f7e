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
	unsigned fails_times;   /* so often, and then it works [UINT_MAX] */
	uint32_t refused_msr;   /* at which KVM_SET_MSRS ends [none] */
	uint32_t physical_bits; /* in CPUID [40] */
	uint64_t xcr0;          /* in CPUID [7] */
	bool refuses_mmap;      /* of a vCPU [false] */
	int ring_bytes;         /* the most that a dirty ring may have; 0: no such thing [1 MiB] */
	bool refuses_ring_mmap; /* [false] */
	unsigned resets_most;   /* entries that one KVM_RESET_DIRTY_RINGS takes [all] */

	/* KVM_RUN: fills in RUN; returns 0, or an errno. [halts] */
	int (*run)(struct kvm_run *run);

	/* What was asked. */
	struct kvm_userspace_memory_region slots[64];
	unsigned nslots;
	unsigned nslots_of_vm; /* of the newest VM */
	unsigned nfilters;     /* VMs that got one that refuses all MSRs */
	struct kvm_sregs sregs;
	struct kvm_xcrs xcrs;
	struct kvm_msr_entry set_msrs[16]; /* of the newest vCPU */
	unsigned nset_msrs;
	unsigned nmsr_requests;            /* KVM_SET_MSRS */
	struct kvm_cpuid_entry2 cpuid[16]; /* as it was given to the vCPU */
	unsigned ncpuid;
	struct kvm_run *shared;
	int fds;          /* open */
	unsigned nvcpus;  /* of the newest VM */
	unsigned nruns;   /* KVM_RUN */
	unsigned nresets; /* KVM_RESET_DIRTY_RINGS */
	struct kvm_enable_cap enabled;

	/* The dirty ring; NULL until it is mapped. Both indices count on past its end. */
	struct kvm_dirty_gfn *ring;
	uint32_t ring_dirty, ring_reset;
};
extern struct kvm_kernel kvm_kernel;

/* The guest writes to page OFFSET of slot SLOT, which the kernel had protected. False when the ring
 * is as full as the kernel lets it be: the next KVM_RUN would end in KVM_EXIT_DIRTY_RING_FULL. */
bool kvm_kernel_write(uint32_t slot, uint64_t offset);

/* Forgets all wishes, and returns a host with this kernel. */
const struct host *kvm_kernel_host(void);

#endif
