/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the host enters a guest of the hyperlight ABI: the start, each call, and exceptions.
 */
#define PORT_HALT 108
#define CR4_PGE   0x80
#define STACK_TOP 0xffffff0000000000

	.text

/* rdi PEB, rsi seed, rdx page size, rcx log filter; on the exception stack, as after a call. */
	.globl	entrypoint
	.type	entrypoint, @function
entrypoint:
	push	%rdi
	push	%rcx
	sub	$8, %rsp
	call	hyperlight_boot
	add	$8, %rsp
	pop	%rsi
	pop	%rdi
	movabs	$STACK_TOP, %rsp
	xor	%ebp, %ebp
	call	hyperlight_start
	lea	hyperlight_dispatch(%rip), %rax
	mov	$PORT_HALT, %edx
	out	%eax, %dx
	cli
	hlt
	.size	entrypoint, . - entrypoint

/* The zero flag says whether translations may be stale. Until then, the stack's may be: this code
 * is where it always was. */
	.type	hyperlight_dispatch, @function
hyperlight_dispatch:
	.cfi_startproc
	.cfi_undefined %rip	/* nobody called this */
	jnz	1f
	mov	%cr4, %rdi
	xor	$CR4_PGE, %rdi
	mov	%rdi, %cr4
	xor	$CR4_PGE, %rdi
	mov	%rdi, %cr4
1:	xor	%ebp, %ebp
	call	hyperlight_call
	ud2
	.cfi_endproc
	.size	hyperlight_dispatch, . - hyperlight_dispatch

/* A stub a vector. The processor has pushed ss, rsp, rflags, cs and rip, and for some vectors an
 * error code; then there are a code for all, the vector, and struct hyperlight_exception is complete
 * but for the general registers. C keeps some of them, but those who look for where a guest crashed
 * want all. */
	.macro	stub vector
	.balign	16
	.if	(\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 30)
	.else
	push	$0
	.endif
	push	$\vector
	jmp	exception_common
	.endm

	.globl	hyperlight_stubs
	.hidden	hyperlight_stubs
	.balign	16
hyperlight_stubs:
	.altmacro
	.set	vector, 0
	.rept	32
	stub	%vector
	.set	vector, vector + 1
	.endr
	.noaltmacro

	.type	exception_common, @function
exception_common:
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
	cld
	mov	%rsp, %rdi
	call	hyperlight_exception
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%r11
	pop	%r10
	pop	%r9
	pop	%r8
	pop	%rbp
	pop	%rdi
	pop	%rsi
	pop	%rdx
	pop	%rcx
	pop	%rbx
	pop	%rax
	add	$16, %rsp
	iretq
	.size	exception_common, . - exception_common

	.section .note.GNU-stack, "", @progbits
