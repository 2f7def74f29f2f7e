/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from vector 14 to C and back. The processor has aligned the stack and pushed
 * ss, rsp, rflags, cs, rip and the error code: 48 bytes. C keeps the other registers,
 * and is compiled without those that are not general.
 */
	.text
	.globl cow_page_fault_entry
	.type cow_page_fault_entry, @function
cow_page_fault_entry:
	push %rax
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	sub $8, %rsp			/* calls want a multiple of 16 */
	cld
	mov %cr2, %rdi
	mov 80(%rsp), %rsi		/* error code */
	mov 88(%rsp), %rdx		/* rip */
	call cow_page_fault
	add $8, %rsp
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rax
	add $8, %rsp			/* the error code */
	iretq
	.size cow_page_fault_entry, . - cow_page_fault_entry

	.section .note.GNU-stack, "", @progbits
