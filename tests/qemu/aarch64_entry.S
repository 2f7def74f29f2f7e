/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 64-bit Arm image's way in, and running code at EL1 and EL0: whatever comes of it,
 * a return, a system call or an abort, leads back to the caller of aarch64_run by the
 * stack pointer that was saved.
 */
	.section .head, "ax"
	.globl start
start:
	ldr x0, =stack_end
	mov sp, x0
	ldr x0, =vectors
	msr vbar_el1, x0
	isb
	bl aarch64_main
1:	wfe
	b 1b

	.text
/* uint64_t aarch64_run(uint64_t va, uint64_t spsr): runs the code at VA with this SPSR, which says
 * at which level; for a return (EL1) or a system call (EL0). The ESR of what ended it, 0 if it was
 * a return. */
	.globl aarch64_run
aarch64_run:
	stp x29, x30, [sp, #-96]!
	stp x19, x20, [sp, #16]
	stp x21, x22, [sp, #32]
	stp x23, x24, [sp, #48]
	stp x25, x26, [sp, #64]
	stp x27, x28, [sp, #80]
	ldr x2, =saved_sp
	mov x3, sp
	str x3, [x2]
	msr elr_el1, x0
	msr spsr_el1, x1
	adr x30, returned
	isb
	eret
returned:
	mov x0, #0
	b back
faulted:
	mrs x0, esr_el1
back:
	ldr x2, =saved_sp
	ldr x3, [x2]
	mov sp, x3
	ldp x19, x20, [sp, #16]
	ldp x21, x22, [sp, #32]
	ldp x23, x24, [sp, #48]
	ldp x25, x26, [sp, #64]
	ldp x27, x28, [sp, #80]
	ldp x29, x30, [sp], #96
	ret

unexpected:
	ldr x0, =stack_end
	mov sp, x0
	mrs x0, esr_el1
	mrs x1, elr_el1
	bl aarch64_unexpected

	.macro vector target
	.balign 128
	b \target
	.endm

	.balign 2048
vectors:
	.rept 4				/* EL1 with the stack pointer of EL0 */
	vector unexpected
	.endr
	vector faulted			/* EL1: synchronous */
	.rept 3
	vector unexpected
	.endr
	vector faulted			/* EL0: synchronous */
	.rept 7
	vector unexpected
	.endr

	.bss
	.balign 16
	.space 0x4000
stack_end:
saved_sp:
	.quad 0

	.section .note.GNU-stack, "", %progbits
