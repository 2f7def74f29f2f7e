/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM made of a switch: every request of the backend's, and no other.
 */
#define _GNU_SOURCE
#include "hv/kvm_kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

struct kvm_kernel kvm_kernel;
static struct host host;
static struct sys sys;

static int new_fd(void)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	kvm_kernel.fds++;
	return fd;
}

static int kernel_open(const char *path, int flags)
{
	assert_string_equal(path, "/dev/kvm");
	assert_int_equal(flags, O_RDWR | O_CLOEXEC);
	if (kvm_kernel.open_error && kvm_kernel.open_errors > 0) {
		kvm_kernel.open_errors--;
		errno = kvm_kernel.open_error;
		return -1;
	}
	return new_fd();
}

static int kernel_close(int fd)
{
	kvm_kernel.fds--;
	return close(fd);
}

static void *map_ring(void *at, size_t size, int prot, int flags)
{
	assert_true(kvm_kernel.enabled.cap != 0);
	assert_int_equal(size, kvm_kernel.enabled.args[0]);
	assert_int_equal(prot, PROT_READ | PROT_WRITE);
	assert_int_equal(flags, MAP_SHARED);
	if (kvm_kernel.refuses_ring_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	kvm_kernel.ring = sys_linux.mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return kvm_kernel.ring;
}

static void *kernel_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (fd < 0)
		return sys_linux.mmap(at, size, prot, flags, fd, offset);
	if (offset == KVM_DIRTY_LOG_PAGE_OFFSET * 4096L)
		return map_ring(at, size, prot, flags);
	assert_int_equal(offset, 0);
	assert_int_equal(size, kvm_kernel.vcpu_size);
	if (kvm_kernel.refuses_mmap) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	kvm_kernel.shared = sys_linux.mmap(at, size, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return kvm_kernel.shared;
}

static int give_cpuid(struct kvm_cpuid2 *to)
{
	const uint32_t all = UINT32_MAX;
	const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0x1f },
		{ .function = 1, .ecx = all, .edx = all },
		{ .function = 7, .index = 0, .eax = 2, .ebx = all, .ecx = all, .edx = all },
		{ .function = 0xd,
		  .index = 0,
		  .eax = (uint32_t)kvm_kernel.xcr0,
		  .edx = (uint32_t)(kvm_kernel.xcr0 >> 32) },
		{ .function = 0x40000000, .eax = 1 },
		{ .function = 0x80000001, .ecx = all },
		{ .function = 0x80000008, .eax = 0x3000 | kvm_kernel.physical_bits },
	};
	const size_t count = sizeof entries / sizeof entries[0];
	assert_true(to->nent >= count);
	memcpy(to->entries, entries, sizeof entries);
	to->nent = (uint32_t)count;
	return 0;
}

static int check_extension(long capability)
{
	if (capability == kvm_kernel.lacks)
		return 0;
	if (capability == KVM_CAP_DIRTY_LOG_RING || capability == KVM_CAP_DIRTY_LOG_RING_ACQ_REL)
		return kvm_kernel.ring_bytes;
	return INT_MAX;
}

static int enable(const struct kvm_enable_cap *cap)
{
	assert_true(cap->cap == KVM_CAP_DIRTY_LOG_RING ||
		    cap->cap == KVM_CAP_DIRTY_LOG_RING_ACQ_REL);
	assert_true((long)cap->cap != kvm_kernel.lacks);
	assert_in_range(cap->args[0], 4096, kvm_kernel.ring_bytes);
	assert_int_equal(cap->args[0] & (cap->args[0] - 1), 0);
	assert_int_equal(cap->flags, 0);
	assert_int_equal(kvm_kernel.nvcpus, 0); /* once there is a vCPU it is too late */
	kvm_kernel.enabled = *cap;
	return 0;
}

static uint32_t ring_entries(void)
{
	return (uint32_t)(kvm_kernel.enabled.args[0] / sizeof kvm_kernel.ring[0]);
}

bool kvm_kernel_write(uint32_t slot, uint64_t offset)
{
	enum { RESERVED = 576 };
	struct kvm_dirty_gfn *entry = &kvm_kernel.ring[kvm_kernel.ring_dirty % ring_entries()];

	assert_true(kvm_kernel.ring_dirty - kvm_kernel.ring_reset < ring_entries());
	assert_int_equal(entry->flags, 0); /* the kernel's, so nobody else wrote to it */
	entry->slot = slot;
	entry->offset = offset;
	__atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_DIRTY, __ATOMIC_RELEASE);
	kvm_kernel.ring_dirty++;
	return kvm_kernel.ring_dirty - kvm_kernel.ring_reset < ring_entries() - RESERVED;
}

static int reset_rings(void)
{
	unsigned count = 0;
	sigset_t blocked;

	kvm_kernel.nresets++;
	/* a signal here would leave pages unprotected */
	assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &blocked), 0);
	assert_true(sigismember(&blocked, SIGALRM) && sigismember(&blocked, SIGRTMAX));
	while (count < kvm_kernel.resets_most && kvm_kernel.ring) {
		struct kvm_dirty_gfn *entry =
			&kvm_kernel.ring[kvm_kernel.ring_reset % ring_entries()];
		if (!(entry->flags & KVM_DIRTY_GFN_F_RESET))
			break;
		assert_true(kvm_kernel.ring_reset != kvm_kernel.ring_dirty);
		entry->flags = 0;
		kvm_kernel.ring_reset++;
		count++;
	}
	return (int)count;
}

static int run(void)
{
	kvm_kernel.nruns++;
	int error = kvm_kernel.run ? kvm_kernel.run(kvm_kernel.shared) : 0;
	if (!kvm_kernel.run)
		kvm_kernel.shared->exit_reason = KVM_EXIT_HLT;
	errno = error;
	return error ? -1 : 0;
}

static int set_msrs(const struct kvm_msrs *msrs)
{
	unsigned i;

	kvm_kernel.nmsr_requests++;
	for (i = 0; i < msrs->nmsrs && msrs->entries[i].index != kvm_kernel.refused_msr; i++) {
		assert_true(kvm_kernel.nset_msrs < 16);
		kvm_kernel.set_msrs[kvm_kernel.nset_msrs++] = msrs->entries[i];
	}
	return (int)i;
}

static int set_cpuid(const struct kvm_cpuid2 *cpuid)
{
	assert_in_range(cpuid->nent, 1, 16);
	memcpy(kvm_kernel.cpuid, cpuid->entries, cpuid->nent * sizeof cpuid->entries[0]);
	kvm_kernel.ncpuid = cpuid->nent;
	return 0;
}

/* As Linux has it: no filter without a range that has MSRs. */
static int filter_msrs(const struct kvm_msr_filter *filter)
{
	assert_true(kvm_kernel.lacks != KVM_CAP_X86_MSR_FILTER);
	assert_int_equal(filter->flags, KVM_MSR_FILTER_DEFAULT_DENY);
	assert_int_equal(filter->ranges[0].flags, KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE);
	assert_int_equal(filter->ranges[0].nmsrs, 1);
	assert_int_equal(filter->ranges[0].bitmap[0], 0);
	for (size_t i = 1; i < KVM_MSR_FILTER_MAX_RANGES; i++)
		assert_int_equal(filter->ranges[i].nmsrs, 0);
	assert_int_equal(kvm_kernel.nslots_of_vm, 0);
	kvm_kernel.nfilters++;
	return 0;
}

/* The one attribute of a vCPU: what it adds to the time-stamp counter. */
static int set_tsc_offset(const struct kvm_device_attr *attribute)
{
	assert_int_equal(attribute->group, 0);
	assert_int_equal(attribute->attr, 0);
	assert_int_equal(*(const uint64_t *)(uintptr_t)attribute->addr, 0);
	return 0;
}

static int kernel_ioctl(int fd, unsigned long request, void *argument)
{
	(void)fd;
	if (request == kvm_kernel.fails && kvm_kernel.fails_times > 0) {
		kvm_kernel.fails_times -= kvm_kernel.fails_times != UINT_MAX;
		errno = kvm_kernel.error;
		return -1;
	}
	switch (request) {
	case KVM_GET_API_VERSION:
		return kvm_kernel.version;
	case KVM_CHECK_EXTENSION:
		return check_extension((long)argument);
	case KVM_GET_VCPU_MMAP_SIZE:
		return kvm_kernel.vcpu_size;
	case KVM_GET_SUPPORTED_CPUID:
		return give_cpuid(argument);
	case KVM_CREATE_VM:
		kvm_kernel.nvcpus = 0;
		kvm_kernel.nslots_of_vm = 0;
		return new_fd();
	case KVM_CREATE_VCPU:
		kvm_kernel.nvcpus++;
		kvm_kernel.nset_msrs = 0;
		return new_fd();
	case KVM_SET_USER_MEMORY_REGION:
		assert_true(kvm_kernel.nslots < 64);
		kvm_kernel.nslots_of_vm++;
		memcpy(&kvm_kernel.slots[kvm_kernel.nslots++], argument,
		       sizeof kvm_kernel.slots[0]);
		return 0;
	case KVM_SET_CPUID2:
		return set_cpuid(argument);
	case KVM_GET_SREGS:
		memset(argument, 0, sizeof(struct kvm_sregs));
		((struct kvm_sregs *)argument)->apic_base = 0xfee00900; /* as KVM has it */
		return 0;
	case KVM_SET_SREGS:
		memcpy(&kvm_kernel.sregs, argument, sizeof kvm_kernel.sregs);
		return 0;
	case KVM_SET_XCRS:
		memcpy(&kvm_kernel.xcrs, argument, sizeof kvm_kernel.xcrs);
		return 0;
	case KVM_SET_MSRS:
		return set_msrs(argument);
	case KVM_SET_XSAVE:
	case KVM_SET_DEBUGREGS:
		return 0;
	case KVM_RUN:
		return run();
	case KVM_ENABLE_CAP:
		return enable(argument);
	case KVM_X86_SET_MSR_FILTER:
		return filter_msrs(argument);
	case KVM_SET_DEVICE_ATTR:
		return set_tsc_offset(argument);
	case KVM_RESET_DIRTY_RINGS:
		return reset_rings();
	default:
		fail_msg("the backend made ioctl 0x%lx", request);
		return -1;
	}
}

const struct host *kvm_kernel_host(void)
{
	kvm_kernel = (struct kvm_kernel){
		.open_errors = UINT_MAX,
		.version = KVM_API_VERSION,
		.lacks = -1,
		.vcpu_size = 12288,
		.error = EINVAL,
		.fails_times = UINT_MAX,
		.physical_bits = 40,
		.xcr0 = 7,
		.ring_bytes = 1 << 20,
		.resets_most = UINT_MAX,
	};
	host_init(&host);
	sys = sys_linux;
	sys.open = kernel_open;
	sys.close = kernel_close;
	sys.ioctl = kernel_ioctl;
	sys.mmap = kernel_mmap;
	host.sys = &sys;
	return &host;
}
