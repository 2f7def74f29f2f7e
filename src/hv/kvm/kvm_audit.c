/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Proof that nothing of a guest is left in a vCPU: everything that KVM lets us read, compared with
 * what it was when the vCPU was made.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_internal.h"

#include <stddef.h>
#include <string.h>

static int get(const struct kvm_vm *vm, unsigned long request, void *to)
{
	return kvm_ioctl(vm->kvm, vm->vcpu_fd, request, to);
}

/* The hypervisor may set accessed bits and granularity as it likes; guests see none of that. */
static bool is_segment(const struct kvm_segment *now, const struct kvm_segment *want, uint64_t base)
{
	return now->selector == want->selector && now->base == base && now->dpl == want->dpl &&
	       now->present == want->present && now->l == want->l;
}

static const char *compare_segments(const struct kvm_sregs *now, const struct kvm_sregs *boot,
				    uint64_t fs_base)
{
	const struct {
		const char *name;
		const struct kvm_segment *now, *want;
		uint64_t base;
	} rows[] = {
		{ "CS", &now->cs, &boot->cs, boot->cs.base },
		{ "SS", &now->ss, &boot->ss, boot->ss.base },
		{ "FS or its base", &now->fs, &boot->fs, fs_base },
		{ "TR", &now->tr, &boot->tr, boot->tr.base },
	};

	/* A call starts without these. A KVM that does not keep them from guests tells what was
	 * set. */
	if ((now->ds.selector && now->ds.selector != boot->ds.selector) ||
	    (now->es.selector && now->es.selector != boot->es.selector) ||
	    (now->gs.selector && now->gs.selector != boot->gs.selector) || now->gs.base)
		return "DS, ES, GS or its base";
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (!is_segment(rows[i].now, rows[i].want, rows[i].base))
			return rows[i].name;
	return NULL;
}

static const char *compare_sregs(const struct kvm_vm *vm, uint64_t fs_base)
{
	const struct kvm_sregs *boot = &vm->boot_sregs;
	struct kvm_sregs now;

	if (get(vm, KVM_GET_SREGS, &now) < 0)
		return "KVM_GET_SREGS, which failed";
	if (now.cr0 != boot->cr0 || now.cr3 != boot->cr3 || now.cr4 != boot->cr4)
		return "a control register";
	if (now.efer != boot->efer)
		return "EFER";
	if (now.gdt.base != boot->gdt.base || now.gdt.limit != boot->gdt.limit ||
	    now.idt.base != boot->idt.base || now.idt.limit != boot->idt.limit)
		return "GDTR or IDTR";
	return compare_segments(&now, boot, fs_base);
}

/* XSAVE's standard format: Intel SDM volume 1, section 13.4. What the header says is not in use may
 * be anything in memory; KVM writes it as it is in the registers. */
enum {
	XSAVE_FCW = 0,
	XSAVE_FSW = 2,
	XSAVE_MXCSR = 24,
	XSAVE_MXCSR_MASK = 28,
	XSAVE_ST0 = 32,
	XSAVE_XMM_END = 416, /* what follows is for the kernel's own use */
	XSAVE_END = 576,
};

static bool is_zero(const uint8_t *at, size_t size)
{
	return at[0] == 0 && memcmp(at, at + 1, size - 1) == 0;
}

static const char *compare_vectors(const struct kvm_vm *vm)
{
	static const uint8_t control[] = { 0x7f, 0x03 }, mxcsr[] = { 0x80, 0x1f, 0, 0 };
	union {
		struct kvm_xsave xsave;
		uint8_t bytes[sizeof(struct kvm_xsave)];
	} now;

	if (get(vm, KVM_GET_XSAVE, &now.xsave) < 0)
		return "KVM_GET_XSAVE, which failed";
	if (memcmp(now.bytes + XSAVE_FCW, control, sizeof control) != 0)
		return "the x87 control word";
	if (!is_zero(now.bytes + XSAVE_FSW, XSAVE_MXCSR - XSAVE_FSW))
		return "x87 status, tags or pointers";
	if (memcmp(now.bytes + XSAVE_MXCSR, mxcsr, sizeof mxcsr) != 0)
		return "MXCSR";
	if (!is_zero(now.bytes + XSAVE_ST0, XSAVE_XMM_END - XSAVE_ST0))
		return "an x87, MMX or XMM register";
	if (!is_zero(now.bytes + XSAVE_END, sizeof now.bytes - XSAVE_END))
		return "a YMM, ZMM or mask register";
	return NULL;
}

static const char *compare_events(const struct kvm_vm *vm)
{
	struct kvm_vcpu_events now;

	if (get(vm, KVM_GET_VCPU_EVENTS, &now) < 0)
		return "KVM_GET_VCPU_EVENTS, which failed";
	if (now.exception.injected || now.exception.pending || now.interrupt.injected ||
	    now.nmi.injected || now.nmi.pending || now.interrupt.shadow)
		return "an event that waits to be delivered";
	return NULL;
}

static const char *compare_rest(const struct kvm_vm *vm)
{
	struct kvm_debugregs debug;
	struct kvm_xcrs xcrs;

	if (get(vm, KVM_GET_DEBUGREGS, &debug) < 0)
		return "KVM_GET_DEBUGREGS, which failed";
	if (debug.db[0] || debug.db[1] || debug.db[2] || debug.db[3])
		return "a debug register";
	if (get(vm, KVM_GET_XCRS, &xcrs) < 0)
		return "KVM_GET_XCRS, which failed";
	if (xcrs.nr_xcrs < 1 || xcrs.xcrs[0].value != vm->kvm->xcr0)
		return "XCR0";
	return NULL;
}

const char *kvm_vm_audit(struct hv_vm *base, uint64_t fs_base)
{
	const struct kvm_vm *vm = (const struct kvm_vm *)base;
	const char *difference = compare_sregs(vm, fs_base);

	if (!difference)
		difference = compare_vectors(vm);
	if (!difference)
		difference = compare_events(vm);
	return difference ? difference : compare_rest(vm);
}
