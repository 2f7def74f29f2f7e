/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bare_kvm.h - what KVM costs without a library: the floor for calls and sandboxes.
 *
 * A machine of the same shape as a sandbox's (a small read-only slot, RAM, a ring-3 guest in long
 * mode, registers by the page shared with the kernel), made and run by ioctls alone. Its guest is
 * one instruction that leaves.
 *
 * One thread at a time. Memory is the caller's; nothing is kept between init and fini but
 * the open device and the CPUID table.
 */
#ifndef BENCH_BARE_KVM_H
#define BENCH_BARE_KVM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kvm_cpuid2;
struct kvm_run;

/* How the guest leaves, in the order in which the library tries them too. */
enum bare_way {
	BARE_OUT,      /* `out` to a port that the task's map of ports permits */
	BARE_OUT_IOPL, /* `out` by I/O privilege level 3 */
	BARE_STORE,    /* a store to memory that is not there */
};

struct bare_kvm {
	int fd;
	int run_size;
	struct kvm_cpuid2 *cpuid;
	uint64_t xcr0;
	void *firmware; /* the read-only slot's bytes, shared by all machines */
	enum bare_way way;
};

/* One machine; void when vm_fd is -1. */
struct bare_vm {
	int vm_fd, vcpu_fd;
	struct kvm_run *run;
	int run_size;
	char *ram;
	size_t ram_size;
};

/*
 * Opens KVM and finds out how guests leave here. Returns NULL, or what failed, in words that are
 * static; errno may say more. Then there is nothing to free.
 */
const char *bare_kvm_init(struct bare_kvm *kvm);

/* Closes what init opened. */
void bare_kvm_fini(struct bare_kvm *kvm);

/* The guest's way out, in a word. */
const char *bare_kvm_way(const struct bare_kvm *kvm);

/* As much as a sandbox of the default size, in bytes. */
#define BARE_RAM_SIZE ((size_t)68 << 20)

/* Makes a machine with RAM_SIZE bytes of memory that is ready to run; false: it could not be made
 * (errno says why). */
bool bare_vm_init(struct bare_vm *vm, const struct bare_kvm *kvm, size_t ram_size);

/* Runs the guest from its first instruction to its exit, as a call does; false if it ends
 * otherwise. */
bool bare_vm_exit(struct bare_vm *vm, const struct bare_kvm *kvm);

/* Destroys a machine; a void one is fine. */
void bare_vm_fini(struct bare_vm *vm);

/* For struct bench: machines from nothing to their first exit; STATE is a struct bare_kvm. Their
 * end is not counted. */
uint64_t bare_create(void *state, unsigned n);

/* The same with 1 GiB of memory, of which nothing is touched. */
uint64_t bare_create_1gib(void *state, unsigned n);
uint64_t bare_create_16gib(void *state, unsigned n);

/* For struct bench: the end of a machine that has run; STATE is a struct bare_kvm. */
uint64_t bare_destroy(void *state, unsigned n);

/* A machine to measure exits of, with the KVM that it runs on. */
struct bare_exit_state {
	const struct bare_kvm *kvm;
	struct bare_vm vm;
};

/* For struct bench: run to exit, once the machine is warm; STATE is a struct bare_exit_state. */
uint64_t bare_exit(void *state, unsigned n);

#endif
