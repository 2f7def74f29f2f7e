/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm_internal.h - what the files of the KVM backend share.
 *
 * kvm.c        opens /dev/kvm, makes and frees virtual machines
 * kvm_audit.c  compares a vCPU with what it should be
 * kvm_check.c  tells what is missing on this machine
 * kvm_cpuid.c  tells which CPUID guests see
 * kvm_run.c    runs a vCPU and decodes its exits
 * kvm_kick.c   cuts runs short
 * kvm_dirty.c  tells which pages a guest has written
 * kvm_vectors.c vector registers
 * kvm_x86_64.c vCPU state: control registers, segments, MSRs
 */
#ifndef HV_KVM_KVM_INTERNAL_H
#define HV_KVM_KVM_INTERNAL_H

#include "hv/kvm/kvm.h"
#include "mem/region_convert.h"

#include <linux/kvm.h>
#include <pthread.h>
#include <time.h>

#define KVM_DEVICE "/dev/kvm"

struct kvm {
	struct hv base;
	int fd;          /* /dev/kvm */
	size_t run_size; /* bytes of the mapping of a vCPU */
	/* What KVM can virtualise, curated; asking takes a quarter of a millisecond, so once. */
	struct kvm_cpuid2 *cpuid;
	size_t cpuid_size;
	uint64_t xcr0;          /* vector state that guests may use */
	uint32_t vectors_size;  /* bytes of it in an XSAVE area */
	unsigned physical_bits; /* of a guest's addresses */
	bool has_msr_filter;
	uint32_t dirty_ring_cap; /* the capability that gives vCPUs a ring; 0: there is none */
	bool has_handler;        /* of the signal that interrupts; atomic */
};

/* What cuts the runs of an armed machine short. */
struct kvm_kick {
	bool is_armed;
	bool is_running;  /* in KVM_RUN, or about to; atomic */
	bool was_blocked; /* the signal, by the thread */
	bool has_timer;
	pthread_t thread;
	timer_t timer;
	struct kvm_run *outer; /* what the thread was armed for before */
};

/* What a vCPU's ring holds: pages that guests write until watching begins anew. More, and they
 * are lost. A power of two; 16 bytes each, which the kernel keeps. */
#define KVM_DIRTY_RING_ENTRIES 8192

struct kvm_vm {
	struct hv_vm base;
	struct kvm *kvm;
	int vm_fd;
	int vcpu_fd;
	uint32_t nslots;
	struct region_kvm writable; /* the slot that can be watched */
	struct kvm_run *run;        /* shared with the kernel */
	struct kvm_sregs boot_sregs;
	bool is_settled; /* the last exit left nothing that the next run would do first */
	struct kvm_kick kick;

	struct kvm_dirty_gfn *ring; /* NULL: not watched */
	uint32_t ring_next;         /* the entry to be read next; counts on past the ring's end */
	uint32_t ring_start;        /* the kernel has those before this one back */
	bool has_lost_writes;
	bool is_unprotected; /* pages that the ring no longer has may be writable all the same */
};

/* The system call table's ioctl, shortened. ARGUMENT as the request wants it. */
int kvm_ioctl(const struct kvm *kvm, int fd, unsigned long request, void *argument);
int kvm_ioctl_value(const struct kvm *kvm, int fd, unsigned long request, unsigned long value);

/* Learns what CPUID and XCR0 guests get. Called once, by open. */
mote_status kvm_x86_learn(struct kvm *kvm, mote_error *err);

/* Takes from TABLE, which is what KVM offers, all that guests are not to see. XCR0 is the state
 * that they can have. */
void kvm_cpuid_curate(struct kvm_cpuid2 *table, uint64_t xcr0);

/* Lets TABLE say that physical addresses have so many BITS. */
void kvm_cpuid_set_physical(struct kvm_cpuid2 *table, uint8_t bits);

/* Refuses to the guests of a new VM, which has no memory yet, all MSRs, where KVM can. */
mote_status kvm_x86_filter_msrs(struct kvm_vm *vm, mote_error *err);

/* Has a new vCPU read the host's time-stamp counter as it is, where KVM can. Errors: MOTE_E_OS. */
mote_status kvm_x86_share_tsc(struct kvm_vm *vm, mote_error *err);

/* As KVM has it; one that is not present is unusable. */
struct kvm_segment kvm_x86_segment(const struct hv_segment *segment);

/* Puts a new vCPU into STATE. */
mote_status kvm_x86_set_state(struct kvm_vm *vm, const struct hv_cpu_state *state, mote_error *err);

/* The functions of the same name in struct hv_backend. */
void kvm_check(const struct host *host, struct hv_check *check);
mote_status kvm_vm_run(struct hv_vm *base, struct hv_exit *exit, mote_error *err);
uint64_t kvm_vm_fs_base(const struct hv_vm *base);
void kvm_vm_set_fs_base(struct hv_vm *base, uint64_t fs_base);
uint64_t kvm_vm_fault_address(const struct hv_vm *base);
mote_status kvm_vm_vectors(struct hv_vm *base, struct hv_vectors *to, mote_error *err);
mote_status kvm_vm_resume(struct hv_vm *base, const struct hv_vectors *vectors, mote_error *err);
mote_status kvm_vm_reset(struct hv_vm *base, mote_error *err);
const char *kvm_vm_audit(struct hv_vm *base, uint64_t fs_base);
mote_status kvm_vm_watch(struct hv_vm *base, mote_error *err);
bool kvm_vm_written(struct hv_vm *base, void (*note)(void *user, uint64_t gpa), void *user);
mote_status kvm_vm_arm(struct hv_vm *base, mote_error *err);
void kvm_vm_disarm(struct hv_vm *base);
void kvm_vm_kick(struct hv_vm *base);
mote_status kvm_vm_set_alarm(struct hv_vm *base, uint64_t ns, mote_error *err);
void kvm_vm_wait(struct hv_vm *base, uint64_t ns);

/* Installs the signal's handler, once. Errors: MOTE_E_STATE (there is one already), MOTE_E_OS. */
mote_status kvm_kick_install(struct kvm *kvm, mote_error *err);

/* Has the next run begin without events that wait, and with none held back. */
void kvm_clear_events(struct kvm_vm *vm);

/* KVM_RUN on an armed machine. */
int kvm_kick_run(struct kvm_vm *vm);

/* Gives the vCPUs of a new VM their rings, where KVM has them. */
mote_status kvm_dirty_enable(struct kvm_vm *vm, mote_error *err);

/* The ring is full: gives it back, with what it says. The guest can go on. */
mote_status kvm_dirty_overflow(struct kvm_vm *vm, mote_error *err);
void kvm_dirty_fini(struct kvm_vm *vm);

/* A capability without which the backend does not work. */
struct kvm_required {
	unsigned long capability;
	const char *name;
	int least; /* the answer must be at least this */
};
extern const struct kvm_required kvm_required[];
extern const size_t kvm_nrequired;

#endif
