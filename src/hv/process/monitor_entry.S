/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The monitor's doors: where a guest process stops, and where it goes on.
 *
 * The two system calls of this file, monitor_stop and the rt_sigreturn after
 * it, are all that the filter lets through once the guest runs, and only from
 * these addresses. The guest may jump anywhere in here with any registers:
 * therefore nothing after the stop relies on a register, but for the kernel's
 * result, or on the stack. All state comes from the control block, which the
 * host alone has just written.
 */
#include "abi/vdso.h"
#include "hv/process/monitor_abi.h"

#define CONTROL(offset) (monitor_control + (offset))(%rip)
#define REG(index)      CONTROL(CONTROL_REGS + 8 * (index))

	.section .text.doors, "ax"
/* Stops. rdi, rsi, rdx and r10 are the host's to read. */
monitor_stop:
	mov $MONITOR_STOP_CALL, %eax
	syscall
/* At MONITOR_STOPPED. rax, the answer, says how to go on: by rt_sigreturn with the context at
 * that address, or 0. It came in a register because a signal may cut in anywhere here, and
 * then the host answers that stop before this one is done with. */
	movb $0, CONTROL(CONTROL_UNANSWERED)
	mov CONTROL(CONTROL_FS_BASE), %rcx
	wrfsbase %rcx
	test %rax, %rax
	jz monitor_load
	mov %rax, %rsp
	jmp monitor_return

	.org 0x28
monitor_return:
	mov $MONITOR_RETURN_CALL, %eax
	syscall
	ud2					/* at MONITOR_RETURNED */

/* At MONITOR_CLEAN, by rt_sigreturn: what that does not reset, then the
 * registers. FS last, because loading its selector clears its base. */
	.org 0x38
monitor_clean:
	xor %eax, %eax
	mov %eax, %ds
	mov %eax, %es
	mov %eax, %gs
	wrgsbase %rax
	mov %eax, %fs
	mov CONTROL(CONTROL_FS_BASE), %rax
	wrfsbase %rax
monitor_load:
	lea REG(17), %rsp
	popfq
	mov REG(0), %rax
	mov REG(1), %rbx
	mov REG(2), %rcx
	mov REG(3), %rdx
	mov REG(4), %rsi
	mov REG(5), %rdi
	mov REG(7), %rbp
	mov REG(8), %r8
	mov REG(9), %r9
	mov REG(10), %r10
	mov REG(11), %r11
	mov REG(12), %r12
	mov REG(13), %r13
	mov REG(14), %r14
	mov REG(15), %r15
	mov REG(6), %rsp
	jmp *REG(16)

	.globl monitor_doors_end
monitor_doors_end:

	.text
	.globl monitor_start
monitor_start:
	mov %rsp, %rdi
	lea monitor_launcher_stack_end(%rip), %rsp
	xor %ebp, %ebp
	call monitor_main
	ud2

/* monitor_seal(filter): the last steps of a guest process before its guest. The launcher's
 * memory, and with it the stack of our caller, goes. */
	.globl monitor_seal
monitor_seal:
	lea CONTROL(MONITOR_CONTROL_SIZE), %rsp
	mov %rdi, %r12
	movabs $MONITOR_LAUNCHER, %rdi
	mov $MONITOR_LAUNCHER_SIZE, %esi
	mov $11, %eax			/* munmap */
	syscall
	test %eax, %eax
	jnz 1f
	mov $1, %edi			/* SECCOMP_SET_MODE_FILTER */
	xor %esi, %esi
	mov %r12, %rdx
	mov $317, %eax			/* seccomp */
	syscall
	test %eax, %eax
	jnz 1f
	mov $MONITOR_STOP_START, %edi
	xor %r10d, %r10d
	jmp monitor_stop
1:	mov $1, %edi
	mov $231, %eax			/* exit_group */
	syscall
	ud2

/* The hypercall page jumps here: all registers are the guest's. */
	.globl monitor_hypercall
monitor_hypercall:
	mov %rax, REG(0)
	mov %rbx, REG(1)
	mov %rcx, REG(2)
	mov %rdx, REG(3)
	mov %rsi, REG(4)
	mov %rdi, REG(5)
	mov %rsp, REG(6)
	mov %rbp, REG(7)
	mov %r8, REG(8)
	mov %r9, REG(9)
	mov %r10, REG(10)
	mov %r11, REG(11)
	mov %r12, REG(12)
	mov %r13, REG(13)
	mov %r14, REG(14)
	mov %r15, REG(15)
	lea REG(18), %rsp		/* pushes the flags into REG(17) */
	pushfq
	rdfsbase %r10
	mov $MONITOR_STOP_HYPERCALL, %edi
	jmp monitor_stop

/* Handler of every signal: number in rdi, siginfo in rsi, context in rdx. */
	.globl monitor_signal
monitor_signal:
	rdfsbase %r10
	jmp monitor_stop

/* What the hypercall page holds: monitor.c copies both parts. */
	.globl monitor_hypercall_page, monitor_hypercall_page_end, monitor_vdso, monitor_vdso_end
monitor_hypercall_page:
	jmp *1f(%rip)
	.org monitor_hypercall_page + 8
1:	.quad monitor_hypercall
	.org monitor_hypercall_page + MONITOR_HYPERCALL_RETURN
	ret
monitor_hypercall_page_end:
monitor_vdso:
#include "abi/vdso_image.S"
monitor_vdso_end:

	.section .bss
	.balign 16
	.skip 0x3000
monitor_launcher_stack_end:
	.section .note.GNU-stack, "", @progbits
