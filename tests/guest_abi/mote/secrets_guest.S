/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guests of test_secrets.c: `hide_...` leave a secret in every register there is, `seek` stores
 * all registers that it finds. Numbers are those of test_secrets.c. Run at a fixed address.
 */
#define CODE   0x400000
#define DATA   0x410000
#define MARK   0x410100
#define FOUND  0x411000
#define FXSAVE (FOUND + 0x100)
#define ENV    (FOUND + 0x300)
#define XSAVE  (FOUND + 0x400)
#define SECRET 0x00005ec4e75ec4e7 /* an address, so that it fits everywhere */

	.section .rodata
	.macro routine name
	.balign 16
	.globl \name
\name:
	.endm

	.balign 16
	.globl secrets_guest, secrets_guest_end
secrets_guest:
page:	.quad 0x10000

/* rsi: whether ring 3 may set the bases of FS and GS. RDI_: what rdi is to be in the end. */
	.macro hide rdi_
	movabs $SECRET, %rax
	.irp n, 0, 8, 16, 24, 32, 40, 48, 56
	mov %rax, DATA + \n
	.endr

	/* x87: one number too many, so that an error is pending with its addresses */
	fninit
	movw $0x0b7e, DATA + 64
	fldcw DATA + 64
	.rept 9
	fildll DATA
	.endr
	movl $0xffbf, DATA + 64
	ldmxcsr DATA + 64

	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu DATA, %xmm\n
	.endr
	xor %ecx, %ecx
	xgetbv
	test $4, %al
	jz 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu DATA, %ymm\n
	.endr
	test $0x80, %al
	jz 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu64 DATA, %zmm\n
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	vmovdqu64 DATA, %zmm\n
	.endr
	mov DATA, %ecx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7
	kmovw %ecx, %k\n
	.endr
1:
	mov $3, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %fs
	mov %ecx, %gs
	movabs $SECRET, %rax
	test %esi, %esi
	jz 2f
	wrfsbase %rax
	wrgsbase %rax
2:
	.irp r, rbx, rcx, rdx, rsi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
	mov %rax, %\r
	.endr
	mov \rdi_, %rdi
	/* all of them but those of the processor's own: ID AC NT OF DF SF ZF AF PF CF */
	push $0x244cd7
	popfq
	.endm

	routine hide_and_call
	hide $2
	call *page(%rip)
	ud2

	routine hide_and_ask
	hide %rax
	syscall
	ud2

	routine hide_and_fault
	hide %rax
	mov %rax, %rsp
	ud2

	routine hide_and_stay
	hide %rax
	mov %rax, %rsp
1:	jmp 1b

/* Fills in struct found. */
	routine seek
	mov %rax, FOUND + 0
	mov %rbx, FOUND + 8
	mov %rcx, FOUND + 16
	mov %rdx, FOUND + 24
	mov %rsi, FOUND + 32
	mov %rdi, FOUND + 40
	mov %rsp, FOUND + 48
	mov %rbp, FOUND + 56
	mov %r8, FOUND + 64
	mov %r9, FOUND + 72
	mov %r10, FOUND + 80
	mov %r11, FOUND + 88
	mov %r12, FOUND + 96
	mov %r13, FOUND + 104
	mov %r14, FOUND + 112
	mov %r15, FOUND + 120
	pushfq
	pop FOUND + 128
	mov %ds, FOUND + 136
	mov %es, FOUND + 138
	mov %fs, FOUND + 140
	mov %gs, FOUND + 142
	mov %fs:0, %rax
	mov %rax, FOUND + 144
	mov %gs:MARK, %rax
	mov %rax, FOUND + 152
	stmxcsr FOUND + 160
	fxsave64 FXSAVE
	fnstenv ENV
	xor %ecx, %ecx
	xgetbv
	mov %rax, FOUND + 168
	and $0xe7, %eax
	xor %edx, %edx
	xsave64 XSAVE
	mov $2, %edi
	call *page(%rip)
	ud2
secrets_guest_end:
	.section .note.GNU-stack, "", @progbits
