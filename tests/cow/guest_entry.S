/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of the test guest: struct guest_entries, and the frame of each call. The
 * registers hold numbers of their own while a fault is served, and are looked at after.
 */
#define HALT 108

	.section .entries, "a"
	.quad start
	.quad cow_page_fault_entry
	.quad root
	.quad guest_read
	.quad write_and_check
	.quad guest_write_pages
	.quad guest_count_up
#ifdef WITH_VECTORS
	.quad write_vectors
#else
	.quad 0
#endif

	.text
start:
	call *%rax
	out %eax, $HALT
	hlt

root:
	mov %cr3, %rax
	ret

	.macro for_each_register do
	\do %rax, 1
	\do %rbx, 2
	\do %rcx, 3
	\do %rdx, 4
	\do %rbp, 5
	\do %r8, 6
	\do %r9, 7
	\do %r10, 8
	\do %r11, 9
	\do %r12, 10
	\do %r13, 11
	\do %r14, 12
	\do %r15, 13
	.endm

	.macro give register, number
	mov $0x1234567890 + \number, \register
	.endm

	.macro check register, number
	mov $0x1234567890 + \number, %rdi
	cmp %rdi, \register
	jne 1f
	.endm

/* (va, word): writes, with the direction flag set, and answers 0 if every register and the flag
 * outlived the fault. */
write_and_check:
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	for_each_register give
	std
	mov %rsi, (%rdi)
	for_each_register check
	pushf
	pop %rax
	cld
	and $0x400, %eax
	xor $0x400, %eax
	jmp 2f
1:	cld
	mov $1, %eax
2:	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
	ret

#ifdef WITH_VECTORS
	.macro for_each_vector do
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\do \n
	.endr
	.endm

	/* Every byte of register N is N + 1. */
	.macro load_vector n
	mov $0x0101010101010101 * (\n + 1), %rax
	movq %rax, %xmm\n
	punpcklqdq %xmm\n, %xmm\n
	.endm

	.macro store_vector n
	movups %xmm\n, 16 * \n(%rdi)
	.endm

	.macro compare_vector n
	mov $0x0101010101010101 * (\n + 1), %rcx
	movq %xmm\n, %rdx
	psrldq $8, %xmm\n
	movq %xmm\n, %rsi
	xor %rcx, %rdx
	xor %rcx, %rsi
	or %rsi, %rdx
	cmp $1, %rdx
	sbb $-1, %rax
	.endm

write_vectors:
	for_each_vector load_vector
	for_each_vector store_vector
	xor %eax, %eax
	for_each_vector compare_vector
	ret
#endif

	.section .note.GNU-stack, "", @progbits
