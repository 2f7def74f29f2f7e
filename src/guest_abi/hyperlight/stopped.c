/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a guest was when it stopped. A guest that reports an exception does so from a handler of
 * its own, on the stack for exceptions: what is of interest is the code that was interrupted, whose
 * registers lie on top of that stack. The guest may have written anything there, and is then told
 * to have been anywhere: who looks at the registers checks each address.
 */
#include "guest_abi/hyperlight/guest_internal.h"

#define EXCEPTION_STACK_TOP (SCRATCH_END_GVA - SCRATCH_EXCEPTION_STACK)

/* Whether the code that runs was called by the processor, and has kept all registers. */
static bool is_handler(const struct hyperlight_guest *guest, const struct hv_regs *regs,
		       const struct hyperlight_exception *frame)
{
	struct hv_system system;

	guest->system->get(guest->vm, &system);
	/* the start runs on that stack, too: first without selectors */
	return system.cs.selector != 0 && frame->cs == system.cs.selector &&
	       EXCEPTION_STACK_TOP - sizeof *frame - regs->rsp < HYPERLIGHT_EXCEPTION_STACK_SIZE;
}

struct hv_regs hyperlight_stopped(struct guest *base)
{
	const struct hyperlight_guest *guest = (const struct hyperlight_guest *)base;
	const struct hv_regs regs = *guest->vm->regs;
	struct hyperlight_exception frame;

	if (hyperlight_read(base, EXCEPTION_STACK_TOP - sizeof frame, &frame, sizeof frame, NULL) ||
	    !is_handler(guest, &regs, &frame))
		return regs;
	return (struct hv_regs){
		.rax = frame.rax,
		.rbx = frame.rbx,
		.rcx = frame.rcx,
		.rdx = frame.rdx,
		.rsi = frame.rsi,
		.rdi = frame.rdi,
		.rsp = frame.rsp,
		.rbp = frame.rbp,
		.r8 = frame.r8,
		.r9 = frame.r9,
		.r10 = frame.r10,
		.r11 = frame.r11,
		.r12 = frame.r12,
		.r13 = frame.r13,
		.r14 = frame.r14,
		.r15 = frame.r15,
		.rip = frame.rip,
		.rflags = frame.rflags,
	};
}
