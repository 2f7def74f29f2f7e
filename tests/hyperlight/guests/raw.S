/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without a library, which shows with what registers it starts and is called: they are
 * on its stack, flags first. It is ready with a stack pointer that is off a multiple of 16 by as many
 * bytes as there are init data.
 */
#define PORT_HALT  108
#define INIT_SIZE  0x20 /* in the process environment block */

	.macro	push_all
	pushfq
	push	%rax
	push	%rbx
	push	%rcx
	push	%rdx
	push	%rsi
	push	%rdi
	push	%rbp
	push	%r8
	push	%r9
	push	%r10
	push	%r11
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.endm

	.text
	.globl	entrypoint
entrypoint:
	push_all
	and	$-16, %rsp
	sub	INIT_SIZE(%rdi), %rsp
	lea	dispatch(%rip), %rax
	mov	$PORT_HALT, %edx
	out	%eax, %dx
	hlt

dispatch:
	push_all
	sub	$16, %rsp
	movups	%xmm0, (%rsp)
	movups	ones(%rip), %xmm0
	mov	$-1, %rbx
	mov	$PORT_HALT, %edx
	out	%eax, %dx
	hlt

	.section .rodata
	.balign	16
ones:	.quad	-1, -1

	.section .note.GNU-stack, "", @progbits
