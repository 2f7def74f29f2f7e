/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A virtual machine in as few ioctls as one can be had with, for comparison only. There is no
 * descriptor table and no exception handler: a guest that does anything but leave ends
 * in a triple fault, which is how the way out is probed.
 *
 * Formats: Intel SDM volume 3A, sections 2.5 (control registers), 4.5 (page tables).
 */
#define _GNU_SOURCE
#include "bench/bare_kvm.h"

#include "bench/bench.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* Guest physical: the read-only slot, nothing at all behind the doorbell, and the RAM. */
#define FIRMWARE_GPA  UINT64_C(0x10000)
#define FIRMWARE_SIZE UINT64_C(0x10000)
#define DOORBELL_GPA  UINT64_C(0x30000)
#define RAM_GPA       UINT64_C(0x200000)

/* Guest virtual is the same. The firmware is a page of code and one with the task segment. */
#define CODE_VA     FIRMWARE_GPA
#define TASK_VA     (FIRMWARE_GPA + 4096)
#define DOORBELL_VA DOORBELL_GPA

/* The task segment: 104 bytes, of which the last two say where the map of ports starts, and the
 * map: a bit a port, 0 permits it. It ends in a byte of ones. */
#define PORT           0xe0
#define TASK_MAP       104
#define TASK_MAP_FIELD 102
#define TASK_SIZE      (TASK_MAP + PORT / 8 + 2)

enum {
	PAGE_PRESENT = 1 << 0,
	PAGE_WRITE = 1 << 1,
	PAGE_USER = 1 << 2,
	PAGE_ACCESSED = 1 << 5,
	PAGE_DIRTY = 1 << 6,
	PAGE_LARGE = 1 << 7,
};
#define TABLE (PAGE_PRESENT | PAGE_WRITE | PAGE_USER | PAGE_ACCESSED)
#define LEAF  (PAGE_PRESENT | PAGE_ACCESSED | PAGE_DIRTY)

#define CR0_WANTED  UINT64_C(0x80010033) /* paging, write-protect, numeric errors, protected mode */
#define CR4_WANTED  UINT64_C(0x40620)    /* PAE, SSE and its exceptions, xsave */
#define EFER        UINT64_C(0xd01)      /* syscall, long mode on and active, no-execute */
#define RFLAGS      UINT64_C(0x2)
#define RFLAGS_IOPL UINT64_C(0x3002) /* I/O privilege level 3 */

/* A no-operation first: KVM takes a machine that continues *at* an `out` for one that has
 * not got past it yet, and steps over it. */
static const uint8_t out_code[] = { 0x90, 0xe6, PORT }; /* out %al, $port */
static const uint8_t store_code[] = { 0x90,
				      0x89,
				      0x04,
				      0x25, /* mov %eax, doorbell */
				      DOORBELL_VA & 0xff,
				      DOORBELL_VA >> 8 & 0xff,
				      DOORBELL_VA >> 16 & 0xff,
				      DOORBELL_VA >> 24 & 0xff };

static bool learn_cpuid(struct bare_kvm *kvm)
{
	enum { ENTRIES = 256 };
	kvm->cpuid = calloc(1, sizeof *kvm->cpuid + ENTRIES * sizeof kvm->cpuid->entries[0]);
	if (!kvm->cpuid)
		return false;
	kvm->cpuid->nent = ENTRIES;
	if (ioctl(kvm->fd, KVM_GET_SUPPORTED_CPUID, kvm->cpuid) < 0)
		return false;
	kvm->xcr0 = 1;
	for (uint32_t i = 0; i < kvm->cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *entry = &kvm->cpuid->entries[i];
		if (entry->function == 0xd && entry->index == 0)
			kvm->xcr0 |= entry->eax & 0xe7; /* x87, SSE, AVX, AVX-512 */
	}
	return true;
}

static void write_firmware(struct bare_kvm *kvm, enum bare_way way)
{
	char *task = (char *)kvm->firmware + (TASK_VA - FIRMWARE_GPA);
	const uint16_t map = TASK_MAP;

	kvm->way = way;
	if (way == BARE_STORE)
		memcpy(kvm->firmware, store_code, sizeof store_code);
	else
		memcpy(kvm->firmware, out_code, sizeof out_code);
	memset(task, 0, TASK_SIZE - 1);
	memcpy(task + TASK_MAP_FIELD, &map, sizeof map);
	task[TASK_SIZE - 1] = (char)0xff;
}

static bool way_works(struct bare_kvm *kvm, enum bare_way way)
{
	struct bare_vm vm;

	write_firmware(kvm, way);
	bool works = bare_vm_init(&vm, kvm, BARE_RAM_SIZE) && bare_vm_exit(&vm, kvm) &&
		     bare_vm_exit(&vm, kvm);
	bare_vm_fini(&vm);
	return works;
}

static const char *set_up(struct bare_kvm *kvm)
{
	kvm->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (kvm->fd < 0)
		return "cannot open /dev/kvm";
	kvm->run_size = ioctl(kvm->fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (kvm->run_size < (int)sizeof(struct kvm_run))
		return "KVM_GET_VCPU_MMAP_SIZE failed";
	if (!learn_cpuid(kvm))
		return "KVM_GET_SUPPORTED_CPUID failed";
	kvm->firmware = mmap(NULL, FIRMWARE_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (kvm->firmware == MAP_FAILED)
		return "no memory";
	if (!way_works(kvm, BARE_OUT) && !way_works(kvm, BARE_OUT_IOPL) &&
	    !way_works(kvm, BARE_STORE))
		return "the guest cannot leave by `out` nor by a store";
	return NULL;
}

const char *bare_kvm_init(struct bare_kvm *kvm)
{
	*kvm = (struct bare_kvm){ .fd = -1, .firmware = MAP_FAILED };
	const char *failure = set_up(kvm);
	if (failure) {
		int saved = errno;
		bare_kvm_fini(kvm);
		errno = saved;
	}
	return failure;
}

void bare_kvm_fini(struct bare_kvm *kvm)
{
	if (kvm->firmware != MAP_FAILED)
		munmap(kvm->firmware, FIRMWARE_SIZE);
	free(kvm->cpuid);
	if (kvm->fd >= 0)
		close(kvm->fd);
	*kvm = (struct bare_kvm){ .fd = -1, .firmware = MAP_FAILED };
}

const char *bare_kvm_way(const struct bare_kvm *kvm)
{
	static const char *const names[] = {
		[BARE_OUT] = "out",
		[BARE_OUT_IOPL] = "out with IOPL 3",
		[BARE_STORE] = "mmio store",
	};
	return names[kvm->way];
}

static void build_page_tables(char *ram)
{
	uint64_t *tables[4];

	for (size_t level = 0; level < 4; level++)
		tables[level] = (uint64_t *)(ram + level * 4096);
	for (size_t level = 0; level < 3; level++)
		tables[level][0] = (RAM_GPA + (level + 1) * 4096) | TABLE;
	tables[2][1] = RAM_GPA | LEAF | PAGE_USER | PAGE_WRITE | PAGE_LARGE;
	tables[3][CODE_VA >> 12] = CODE_VA | LEAF | PAGE_USER;
	tables[3][TASK_VA >> 12] = TASK_VA | LEAF;
	tables[3][DOORBELL_VA >> 12] = DOORBELL_GPA | LEAF | PAGE_USER | PAGE_WRITE;
}

static bool add_slot(int vm_fd, uint32_t index, uint32_t flags, uint64_t gpa, uint64_t size,
		     const void *host)
{
	struct kvm_userspace_memory_region region = {
		.slot = index,
		.flags = flags,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)host,
	};
	return ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) == 0;
}

static bool add_memory(struct bare_vm *vm, const struct bare_kvm *kvm)
{
	vm->ram = mmap(NULL, vm->ram_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (vm->ram == MAP_FAILED)
		return false;
	build_page_tables(vm->ram);
	return add_slot(vm->vm_fd, 0, KVM_MEM_READONLY, FIRMWARE_GPA, FIRMWARE_SIZE,
			kvm->firmware) &&
	       add_slot(vm->vm_fd, 1, 0, RAM_GPA, vm->ram_size, vm->ram);
}

static bool add_vcpu(struct bare_vm *vm, const struct bare_kvm *kvm)
{
	vm->vcpu_fd = ioctl(vm->vm_fd, KVM_CREATE_VCPU, 0);
	if (vm->vcpu_fd < 0)
		return false;
	vm->run_size = kvm->run_size;
	vm->run = mmap(NULL, (size_t)vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu_fd,
		       0);
	if (vm->run == MAP_FAILED)
		return false;
	vm->run->kvm_valid_regs = KVM_SYNC_X86_REGS;
	vm->run->s.regs.regs = (struct kvm_regs){
		.rip = CODE_VA,
		.rflags = kvm->way == BARE_OUT_IOPL ? RFLAGS_IOPL : RFLAGS,
	};
	return true;
}

static bool set_sregs(const struct bare_vm *vm)
{
	struct kvm_segment data = {
		.selector = 0x23,
		.limit = UINT32_MAX,
		.type = 3,
		.dpl = 3,
		.present = 1,
		.s = 1,
		.db = 1,
		.g = 1,
	};
	struct kvm_segment code = data;
	code.selector = 0x2b;
	code.type = 0xb;
	code.db = 0;
	code.l = 1;
	struct kvm_sregs sregs;
	if (ioctl(vm->vcpu_fd, KVM_GET_SREGS, &sregs) < 0)
		return false;
	sregs.cs = code;
	sregs.ds = sregs.es = sregs.fs = sregs.gs = sregs.ss = data;
	sregs.tr = (struct kvm_segment){
		.base = TASK_VA,
		.limit = TASK_SIZE - 1,
		.selector = 0x30,
		.type = 0xb,
		.present = 1,
	};
	sregs.ldt = (struct kvm_segment){ .unusable = 1 };
	sregs.gdt = sregs.idt = (struct kvm_dtable){ 0 };
	sregs.cr0 = CR0_WANTED;
	sregs.cr3 = RAM_GPA;
	sregs.cr4 = CR4_WANTED;
	sregs.efer = EFER;
	return ioctl(vm->vcpu_fd, KVM_SET_SREGS, &sregs) == 0;
}

static bool set_msrs(const struct bare_vm *vm)
{
	static const struct kvm_msr_entry entries[] = {
		{ .index = 0xc0000081, .data = UINT64_C(0x1b000800000000) }, /* STAR */
		{ .index = 0xc0000082, .data = CODE_VA },                    /* LSTAR */
		{ .index = 0xc0000084, .data = 0x47700 },                    /* FMASK */
	};
	union {
		struct kvm_msrs msrs;
		char room[sizeof(struct kvm_msrs) + sizeof entries];
	} request = { .msrs.nmsrs = 3 };

	memcpy(request.msrs.entries, entries, sizeof entries);
	return ioctl(vm->vcpu_fd, KVM_SET_MSRS, &request) == 3;
}

static bool set_state(const struct bare_vm *vm, const struct bare_kvm *kvm)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .value = kvm->xcr0 } } };

	return ioctl(vm->vcpu_fd, KVM_SET_CPUID2, kvm->cpuid) == 0 && set_sregs(vm) &&
	       ioctl(vm->vcpu_fd, KVM_SET_XCRS, &xcrs) == 0 && set_msrs(vm);
}

bool bare_vm_init(struct bare_vm *vm, const struct bare_kvm *kvm, size_t ram_size)
{
	*vm = (struct bare_vm){ .vm_fd = -1,
				.vcpu_fd = -1,
				.run = MAP_FAILED,
				.ram = MAP_FAILED,
				.ram_size = ram_size };
	vm->vm_fd = ioctl(kvm->fd, KVM_CREATE_VM, 0);
	return vm->vm_fd >= 0 && add_memory(vm, kvm) && add_vcpu(vm, kvm) && set_state(vm, kvm);
}

bool bare_vm_exit(struct bare_vm *vm, const struct bare_kvm *kvm)
{
	uint32_t want = kvm->way == BARE_STORE ? KVM_EXIT_MMIO : KVM_EXIT_IO;

	vm->run->s.regs.regs.rip = CODE_VA;
	vm->run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
	int rc = ioctl(vm->vcpu_fd, KVM_RUN, 0);
	while (rc < 0 && (errno == EINTR || errno == EAGAIN))
		rc = ioctl(vm->vcpu_fd, KVM_RUN, 0);
	return rc == 0 && vm->run->exit_reason == want;
}

void bare_vm_fini(struct bare_vm *vm)
{
	if (vm->run != MAP_FAILED)
		munmap(vm->run, (size_t)vm->run_size);
	if (vm->vcpu_fd >= 0)
		close(vm->vcpu_fd);
	if (vm->vm_fd >= 0)
		close(vm->vm_fd);
	if (vm->ram != MAP_FAILED)
		munmap(vm->ram, vm->ram_size);
}

/* Makes, runs and destroys N machines; adds up the one part or the other. */
static uint64_t time_lives(const struct bare_kvm *kvm, size_t ram_size, unsigned n, bool wants_end)
{
	uint64_t beginnings = 0, ends = 0;

	for (unsigned i = 0; i < n; i++) {
		struct bare_vm vm;
		uint64_t start = bench_clock();
		bool works = bare_vm_init(&vm, kvm, ram_size) && bare_vm_exit(&vm, kvm);
		uint64_t ready = bench_clock();
		bare_vm_fini(&vm);
		if (!works)
			return BENCH_FAILED;
		beginnings += ready - start;
		ends += bench_clock() - ready;
	}
	return wants_end ? ends : beginnings;
}

uint64_t bare_create(void *state, unsigned n)
{
	return time_lives(state, BARE_RAM_SIZE, n, false);
}

uint64_t bare_create_1gib(void *state, unsigned n)
{
	return time_lives(state, (size_t)1 << 30, n, false);
}

uint64_t bare_create_16gib(void *state, unsigned n)
{
	return time_lives(state, (size_t)16 << 30, n, false);
}

uint64_t bare_destroy(void *state, unsigned n)
{
	return time_lives(state, BARE_RAM_SIZE, n, true);
}

uint64_t bare_exit(void *state, unsigned n)
{
	struct bare_exit_state *exits = state;
	uint64_t start = bench_clock();

	for (unsigned i = 0; i < n; i++)
		if (!bare_vm_exit(&exits->vm, exits->kvm))
			return BENCH_FAILED;
	return bench_clock() - start;
}
