/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest in ring 0 changes of its vCPU, and how that is undone. Segments and control
 * registers come and go with the page that is shared with the kernel; the rest takes requests.
 */
#define _GNU_SOURCE
#include "hv/kvm/kvm_system.h"

#include "hv/kvm/kvm_internal.h"

#include <errno.h>

/* Intel SDM volume 3, section 17.2: what is fixed in the debug status and control registers. */
#define DR6_DEFAULT UINT64_C(0xffff0ff0)
#define DR7_DEFAULT UINT64_C(0x400)

/* Registers that ring 0 changes without wrmsr (swapgs), or with it where KVM filters no MSRs. */
static const uint32_t guest_msrs[] = {
	0x174,                                          /* SYSENTER_CS, _ESP, _EIP */
	0x175,      0x176,      0xc0000081,             /* STAR, LSTAR, CSTAR, SYSCALL_MASK */
	0xc0000082, 0xc0000083, 0xc0000084, 0xc0000102, /* KERNEL_GS_BASE */
};

/* A processor that loads a segment marks it accessed in its table. The copy that it keeps need not
 * say so (AMD's do not always); those that start with such a copy want it to (Intel's). */
#define ACCESSED 1

static struct hv_segment from_kvm(const struct kvm_segment *segment)
{
	return (struct hv_segment){
		.base = segment->base,
		.limit = segment->limit,
		.selector = segment->selector,
		.type = (uint8_t)(segment->s ? segment->type | ACCESSED : segment->type),
		.dpl = segment->dpl,
		.present = segment->present && !segment->unusable,
		.is_code_or_data = segment->s,
		.is_long = segment->l,
		.is_default_32 = segment->db,
		.is_granular = segment->g,
	};
}

static void get(const struct hv_vm *base, struct hv_system *out)
{
	const struct kvm_sregs *sregs = &((const struct kvm_vm *)base)->run->s.regs.sregs;

	*out = (struct hv_system){
		.cs = from_kvm(&sregs->cs),
		.ds = from_kvm(&sregs->ds),
		.es = from_kvm(&sregs->es),
		.fs = from_kvm(&sregs->fs),
		.gs = from_kvm(&sregs->gs),
		.ss = from_kvm(&sregs->ss),
		.tr = from_kvm(&sregs->tr),
		.ldt = from_kvm(&sregs->ldt),
		.gdt_base = sregs->gdt.base,
		.idt_base = sregs->idt.base,
		.gdt_limit = sregs->gdt.limit,
		.idt_limit = sregs->idt.limit,
		.cr0 = sregs->cr0,
		.cr2 = sregs->cr2,
		.cr3 = sregs->cr3,
		.cr4 = sregs->cr4,
		.cr8 = sregs->cr8,
		.efer = sregs->efer,
	};
}

static void fill_sregs(struct kvm_sregs *sregs, const struct hv_system *state)
{
	sregs->cs = kvm_x86_segment(&state->cs);
	sregs->ds = kvm_x86_segment(&state->ds);
	sregs->es = kvm_x86_segment(&state->es);
	sregs->fs = kvm_x86_segment(&state->fs);
	sregs->gs = kvm_x86_segment(&state->gs);
	sregs->ss = kvm_x86_segment(&state->ss);
	sregs->tr = kvm_x86_segment(&state->tr);
	sregs->ldt = kvm_x86_segment(&state->ldt);
	sregs->gdt = (struct kvm_dtable){ .base = state->gdt_base, .limit = state->gdt_limit };
	sregs->idt = (struct kvm_dtable){ .base = state->idt_base, .limit = state->idt_limit };
	sregs->cr0 = state->cr0;
	sregs->cr2 = state->cr2;
	sregs->cr3 = state->cr3;
	sregs->cr4 = state->cr4;
	sregs->cr8 = state->cr8;
	sregs->efer = state->efer;
}

static mote_status request(const struct kvm_vm *vm, unsigned long number, void *argument,
			   const char *name, mote_error *err)
{
	if (kvm_ioctl(vm->kvm, vm->vcpu_fd, number, argument) < 0)
		return error_os(err, errno, "%s failed", name);
	return MOTE_OK;
}

static mote_status clear_vectors(struct hv_vm *base, mote_error *err)
{
	struct hv_vectors clean;

	hv_vectors_init(&clean);
	return request((struct kvm_vm *)base, KVM_SET_XSAVE, clean.area, "KVM_SET_XSAVE", err);
}

/* KVM ends a request at the first that it refuses, because this processor does not have it: then
 * the next one goes on behind that. */
static mote_status clear_msrs(const struct kvm_vm *vm, mote_error *err)
{
	enum { COUNT = sizeof guest_msrs / sizeof guest_msrs[0] };

	for (unsigned done = 0; done < COUNT;) {
		union {
			struct kvm_msrs msrs;
			char room[sizeof(struct kvm_msrs) + COUNT * sizeof(struct kvm_msr_entry)];
		} list = { .msrs.nmsrs = COUNT - done };

		for (unsigned i = 0; i < COUNT - done; i++)
			list.msrs.entries[i].index = guest_msrs[done + i];
		const int set = kvm_ioctl(vm->kvm, vm->vcpu_fd, KVM_SET_MSRS, &list);
		if (set < 0)
			return error_os(err, errno, "KVM_SET_MSRS failed");
		done += (unsigned)set + 1;
	}
	return MOTE_OK;
}

static mote_status clear_rest(struct kvm_vm *vm, mote_error *err)
{
	struct kvm_xcrs xcrs = { .nr_xcrs = 1, .xcrs = { { .xcr = 0, .value = vm->kvm->xcr0 } } };
	struct kvm_debugregs debug = { .dr6 = DR6_DEFAULT, .dr7 = DR7_DEFAULT };
	/* XCR0 first: it decides which vector state there is to clear. */
	mote_status status = request(vm, KVM_SET_XCRS, &xcrs, "KVM_SET_XCRS", err);

	if (!status)
		status = clear_vectors(&vm->base, err);
	if (!status)
		status = request(vm, KVM_SET_DEBUGREGS, &debug, "KVM_SET_DEBUGREGS", err);
	if (!status)
		status = clear_msrs(vm, err);
	return status;
}

static mote_status set(struct hv_vm *base, const struct hv_system *state, mote_error *err)
{
	struct kvm_vm *vm = (struct kvm_vm *)base;
	/* Instructions that are half done, events that wait; and it marks what follows as changed. */
	mote_status status = kvm_vm_reset(base, err);

	if (status)
		return status;
	fill_sregs(&vm->run->s.regs.sregs, state);
	/* `sti` holds interrupts back for an instruction, which may be one that left the machine;
	 * some processors refuse to go on with that and interrupts off */
	kvm_clear_events(vm);
	return clear_rest(vm, err);
}

const struct hv_system_ops kvm_system_ops = {
	.get = get,
	.set = set,
	.clear_vectors = clear_vectors,
};
