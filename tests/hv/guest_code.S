/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Routines for the guests of the process backend's tests. Position-independent;
 * copied into guest memory as one block. Numbers are those of guest_box.h.
 */
#define HYPERCALL *page(%rip)
#define DATA      0x500000
#define CONSTANT  0x600000
#define UNMAPPED  0x900000

	/* A line of guest_labels. */
	.macro label name
	.pushsection .data.rel.ro.guest_labels, "aw"
	.quad 1f, guest_\name
	.popsection
	.pushsection .rodata.guest_names, "a"
1:	.asciz "\name"
	.popsection
guest_\name:
	.endm

	.macro routine name
	.balign 16
	label \name
	.endm

	/* NAME, and NAME_fault at the instruction that is to fault. */
	.macro faulting name, instruction:vararg
	routine \name
	label \name\()_fault
	\instruction
	ud2
	.endm

	.section .data.rel.ro.guest_labels, "aw"
	.globl guest_labels
guest_labels:

	.section .rodata
	.globl guest_code, guest_code_end
guest_code:
page:	.quad 0x10000

/* Two hypercalls; the second with what the first returned in rdi. */
	routine hypercall
	mov %rdi, %rbx
	call HYPERCALL
	mov %rax, %rdi
	call HYPERCALL
	ud2

/* Stops with all registers as the host set them, again and again. */
	routine show
	call HYPERCALL
	jmp guest_show

	routine syscall
	syscall
	label syscall_after
	call HYPERCALL
	ud2

	routine loop
	inc %rbx
	jmp guest_loop

	routine store_loop
	incq DATA
	jmp guest_store_loop

/* Counts in rbx, with a hypercall each time; rdi + rbx in r12 to r15, so that a register that
 * changes on the way shows. rbp is the FS base after the last one. */
	routine count
	xor %ebx, %ebx
1:	lea (%rdi, %rbx), %r12
	mov %r12, %r13
	mov %r12, %r14
	mov %r12, %r15
	movq %r12, %xmm7
	call HYPERCALL
	rdfsbase %rbp
	movq %xmm7, %rax
	cmp %r12, %rax
	jne 2f
	cmp %r12, %r13
	jne 2f
	cmp %r12, %r14
	jne 2f
	cmp %r12, %r15
	jne 2f
	inc %rbx
	jmp 1b
2:	ud2

/* The same with system calls, whose numbers count up from 1000. */
	routine count_syscalls
	xor %ebx, %ebx
1:	lea (%rdi, %rbx), %r12
	movq %r12, %xmm7
	lea 1000(%rbx), %rax
	syscall
	rdfsbase %rbp
	movq %xmm7, %rax
	cmp %r12, %rax
	jne 2f
	inc %rbx
	jmp 1b
2:	ud2

/* Loads xmm0 to xmm15 from the data, rdi chooses the way out (0 hypercall, else
 * system call); stores them behind. */
	routine vectors
	mov $DATA, %ebx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu 16*\n(%rbx), %xmm\n
	.endr
	test %edi, %edi
	jnz 1f
	call HYPERCALL
	jmp guest_store_vectors
1:	syscall
	jmp guest_store_vectors

	routine store_vectors
	mov $DATA, %ebx
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu %xmm\n, 256+16*\n(%rbx)
	.endr
	call HYPERCALL
	ud2

/* Hides a secret in every register that calls could leave behind, and ends its
 * call. rdi: whether there is AVX. */
	.macro hide
	mov $DATA, %ebx
	movabs $0x5ec4e75ec4e75ec4, %rax
	.irp n, 0, 8, 16, 24
	mov %rax, \n(%rbx)
	.endr
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu (%rbx), %xmm\n
	.endr
	test %edi, %edi
	jz 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu (%rbx), %ymm\n
	.endr
1:	movw $0x027f, 32(%rbx)
	fldcw 32(%rbx)
	fildll (%rbx)
	movl $0x3f80, 32(%rbx)
	ldmxcsr 32(%rbx)
	mov $0x2b, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov %ecx, %gs
	shr $17, %rax
	wrgsbase %rax
	std
	.endm

	routine hide_and_call
	hide
	call HYPERCALL
	ud2

	routine hide_and_ask
	hide
	syscall
	ud2

	routine hide_and_fault
	hide
	ud2

/* Stores what those could have left, for struct residue of test_process_run.c. */
	routine seek
	mov $DATA, %ebx
	pushfq
	pop (%rbx)
	rdgsbase %rax
	mov %rax, 8(%rbx)
	mov %ds, 16(%rbx)
	mov %es, 18(%rbx)
	mov %fs, 20(%rbx)
	mov %gs, 22(%rbx)
	stmxcsr 24(%rbx)
	fnstcw 28(%rbx)
	fnstsw 30(%rbx)
	test %edi, %edi
	jz 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	vmovdqu %ymm\n, 32+32*\n(%rbx)
	.endr
1:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movdqu %xmm\n, 32+32*\n(%rbx)
	.endr
	call HYPERCALL
	ud2

	routine read_fs
	rdfsbase %rbx
	call HYPERCALL
	mov $0x7777, %eax
	wrfsbase %rax
	call HYPERCALL
	ud2

/* Exceptions. */
	faulting undefined, ud2
	faulting divide, div %ecx
	faulting halt, hlt
	faulting port, out %al, $0x80
	faulting interrupt, int $0x50
	faulting read_null, mov 0, %al
	faulting read_unmapped, movb UNMAPPED + 0x123, %al
	faulting write_unmapped, movb %al, UNMAPPED + 0x123
	faulting write_constant, movb %al, CONSTANT + 0x45
	faulting write_code, movb %al, guest_code(%rip)
	faulting write_doorbell, movl %eax, 0x12000
	faulting read_at, mov (%rdi), %al
	faulting write_at, mov %al, (%rdi)
	faulting jump_to, jmp *%rdi
	faulting push_nowhere, push %rax
	faulting call_nowhere, call HYPERCALL

	routine breakpoint
	int3
	label breakpoint_fault
	ud2

	routine single_step
	pushfq
	orq $0x100, (%rsp)
	popfq
	nop
	label single_step_fault
	ud2

	routine alignment
	pushfq
	orq $0x40000, (%rsp)
	popfq
	label alignment_fault
	mov DATA + 1, %eax
	ud2

	routine simd
	movl $0x1f00, DATA
	ldmxcsr DATA
	xorps %xmm0, %xmm0
	xorps %xmm1, %xmm1
	label simd_fault
	divss %xmm1, %xmm0
	ud2

	routine x87
	fninit
	movw $0x0300, DATA
	fldcw DATA
	fldz
	fldz
	fdivp
	label x87_fault
	fwait
	ud2

/* Ways to system calls that are not `syscall` in 64-bit code. */
	routine int80
	int $0x80
	ud2

	routine sysenter
	sysenter
	ud2

/* Calls address rdi: the vsyscall page, say. */
	routine vsyscall
	call *%rdi
	ud2

/* To 32-bit code at address rdi. */
	routine compatible
	push $0x23
	push %rdi
	lretq

	.code32
	routine int80_32
	int $0x80
	ud2

	routine syscall_32
	syscall
	ud2

	routine sysenter_32
	sysenter
	ud2

	routine undefined_32
	ud2
	.code64

/* Fills the monitor's control block and signal stack (rsi bytes from rdi) with dl, then
 * rcx says what: 0 hypercall, 1 system call, 2 fault. */
	routine scribble
	mov %ecx, %r8d
	mov %rsi, %rcx
	mov %edx, %eax
	rep stosb
	test %r8d, %r8d
	jz 1f
	cmp $1, %r8d
	je 2f
	ud2
1:	call HYPERCALL
	ud2
2:	syscall
	ud2

/* rt_sigreturn by the monitor's own instruction, at rdi, with the context at rsi. */
	routine sigreturn
	mov %rsi, %rsp
	mov $15, %eax
	jmp *%rdi

guest_code_end:
	.section .data.rel.ro.guest_labels, "aw"
	.quad 0, 0
	.section .note.GNU-stack, "", @progbits
