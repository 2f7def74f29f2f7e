/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which pages a guest has written: the kernel's dirty ring, read from shared memory. A page enters
 * the ring with its first write and is writable from then on, at full speed and without
 * another entry, until the ring is given back; reading what is new costs no system call.
 *
 * Format and protocol: Linux, Documentation/virt/kvm/api.rst, KVM_CAP_DIRTY_LOG_RING.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include "abi/mote_abi.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>

enum {
	RING_BYTES = KVM_DIRTY_RING_ENTRIES * sizeof(struct kvm_dirty_gfn),
	ALMOST_FULL = KVM_DIRTY_RING_ENTRIES / 8 * 7, /* the kernel keeps up to 576 in reserve */
};

_Static_assert((KVM_DIRTY_RING_ENTRIES & (KVM_DIRTY_RING_ENTRIES - 1)) == 0,
	       "the kernel takes a power of two");

static struct kvm_dirty_gfn *entry_at(const struct kvm_vm *vm, uint32_t index)
{
	return &vm->ring[index % KVM_DIRTY_RING_ENTRIES];
}

mote_status kvm_dirty_enable(struct kvm_vm *vm, mote_error *err)
{
	struct kvm_enable_cap enable = { .cap = vm->kvm->dirty_ring_cap, .args = { RING_BYTES } };

	if (!enable.cap || kvm_ioctl(vm->kvm, vm->vm_fd, KVM_ENABLE_CAP, &enable) == 0)
		return MOTE_OK;
	return error_os(err, errno, "KVM refused a dirty ring of %d bytes", (int)RING_BYTES);
}

static mote_status map_ring(struct kvm_vm *vm, mote_error *err)
{
	const long offset = KVM_DIRTY_LOG_PAGE_OFFSET * (long)MOTE_PAGE_SIZE;
	void *at = vm->kvm->base.host->sys->mmap(NULL, RING_BYTES, PROT_READ | PROT_WRITE,
						 MAP_SHARED, vm->vcpu_fd, offset);

	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map the vCPU's dirty ring");
	vm->ring = at;
	return MOTE_OK;
}

void kvm_dirty_fini(struct kvm_vm *vm)
{
	if (vm->ring)
		vm->kvm->base.host->sys->munmap(vm->ring, RING_BYTES);
	vm->ring = NULL;
}

/* The next entry that the kernel has filled, or NULL. */
static struct kvm_dirty_gfn *next_entry(struct kvm_vm *vm)
{
	struct kvm_dirty_gfn *entry = entry_at(vm, vm->ring_next);

	if (vm->ring_next - vm->ring_start == KVM_DIRTY_RING_ENTRIES ||
	    !(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
		return NULL;
	vm->ring_next++;
	return entry;
}

/* The kernel takes what it can; -1 and errno when it refuses. */
static int take_entries(struct kvm_vm *vm)
{
	const struct sys *sys = vm->kvm->base.host->sys;
	const uint64_t all = UINT64_MAX;
	uint64_t before;

	sys->rt_sigprocmask(SIG_SETMASK, &all, &before);
	int count = kvm_ioctl_value(vm->kvm, vm->vm_fd, KVM_RESET_DIRTY_RINGS, 0);
	int error = errno;
	sys->rt_sigprocmask(SIG_SETMASK, &before, NULL);
	errno = error;
	return count;
}

/*
 * Gives all entries back: the kernel protects their pages again. But since Linux 6.16 it stops when
 * a signal is pending, and forgets to protect the last pages of those that it took. So
 * signals wait; and where something else interrupts all the same, the ring is not to be trusted.
 */
static mote_status reset_ring(struct kvm_vm *vm, mote_error *err)
{
	enum { TRIES = 100 }; /* without any entry taken */

	while (next_entry(vm))
		;
	for (uint32_t i = vm->ring_start; i != vm->ring_next; i++)
		__atomic_store_n(&entry_at(vm, i)->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
	for (int tries = 0; vm->ring_start != vm->ring_next;) {
		const uint32_t left = vm->ring_next - vm->ring_start;
		int count = take_entries(vm);
		if (count < 0 || (uint32_t)count > left || (count == 0 && ++tries == TRIES))
			return error_os(err, count < 0 ? errno : EPROTO,
					"KVM_RESET_DIRTY_RINGS took %d of %" PRIu32 " entries",
					count, left);
		vm->ring_start += (uint32_t)count;
		vm->is_unprotected |= vm->ring_start != vm->ring_next;
	}
	return MOTE_OK;
}

mote_status kvm_dirty_overflow(struct kvm_vm *vm, mote_error *err)
{
	const uint32_t start = vm->ring_start;

	vm->has_lost_writes = true;
	mote_status status = reset_ring(vm, err);
	if (!status && vm->ring_start == start)
		return error_set(err, MOTE_E_OS, "KVM's dirty ring is full, but nothing is in it");
	return status;
}

/* Switches the log on or off. The kernel protects all of a slot when it is switched on. */
static mote_status log_writes(struct kvm_vm *vm, bool is_on, mote_error *err)
{
	struct region_kvm slot = vm->writable;

	slot.flags &= ~(uint32_t)KVM_MEM_LOG_DIRTY_PAGES;
	if (is_on)
		slot.flags |= KVM_MEM_LOG_DIRTY_PAGES;
	if (kvm_ioctl(vm->kvm, vm->vm_fd, KVM_SET_USER_MEMORY_REGION, &slot) < 0)
		return error_os(err, errno, "KVM does not log writes to memory slot %u", slot.slot);
	vm->writable = slot;
	return MOTE_OK;
}

/* For slots that were not watched from the start, and those that must be protected once more. */
static mote_status watch_slot(struct kvm_vm *vm, mote_error *err)
{
	mote_status status = MOTE_OK;

	if (vm->is_unprotected)
		status = log_writes(vm, false, err);
	if (!status && !(vm->writable.flags & KVM_MEM_LOG_DIRTY_PAGES))
		status = log_writes(vm, true, err);
	vm->is_unprotected &= status != MOTE_OK;
	return status;
}

mote_status kvm_vm_watch(struct hv_vm *base, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	mote_status status = MOTE_OK;

	if (!vm->kvm->dirty_ring_cap)
		return MOTE_OK; /* written() knows nothing then */
	if (!vm->ring)
		status = map_ring(vm, err);
	if (!status)
		status = reset_ring(vm, err);
	if (!status)
		status = watch_slot(vm, err);
	vm->has_lost_writes = status != MOTE_OK;
	return status;
}

bool kvm_vm_written(struct hv_vm *base, void (*note)(void *user, uint64_t gpa), void *user)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	struct kvm_dirty_gfn *entry;

	if (!vm->ring || vm->has_lost_writes)
		return false;
	while ((entry = next_entry(vm)))
		if (entry->slot == vm->writable.slot)
			note(user, vm->writable.guest_phys_addr + entry->offset * MOTE_PAGE_SIZE);
	/* Pages come again when the kernel had to map them again. Before the ring is full of old
	 * entries it starts anew, and the next write to each page is told again. */
	if (vm->ring_next - vm->ring_start > ALMOST_FULL)
		vm->has_lost_writes = reset_ring(vm, NULL) || vm->is_unprotected;
	return true;
}
