/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vdso_image.S - the vDSO, in assembly: an ELF header, tables for who looks functions up by name, and
 * the functions. It is copied to MOTE_VDSO in the hypercall page; to that page's end there are traps.
 *
 * Formats: System V ABI, chapters 4 and 5; its x86-64 supplement. All addresses in there are offsets
 * from the ELF header. There is no DT_VERSYM: who asks for a version gets what there is.
 */
#include "abi/vdso.h"

#define VDSO_AT(offset)    ((offset)-MOTE_VDSO)
#define VDSO_CLOCK(offset) MOTE_CLOCK + (offset)

9:	.byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
	.quad 0
	.short 3, 62			/* shared object, x86-64 */
	.long 1
	.quad 0				/* no entry point */
	.quad 1f - 9b			/* program headers */
	.quad 0
	.long 0
	.short 64, 56, 2, 64, 0, 0
1:	.long 1, 5			/* load, read and execute */
	.quad 0, 0, 0, 0x1000 - MOTE_VDSO, 0x1000 - MOTE_VDSO, 16
	.long 2, 4			/* dynamic, read */
	.quad 2f - 9b, 2f - 9b, 2f - 9b, 3f - 2f, 3f - 2f, 8
2:	.quad 4, 3f - 9b		/* hash */
	.quad 5, 5f - 9b		/* strings */
	.quad 6, 4f - 9b		/* symbols */
	.quad 10, 6f - 5f		/* bytes of strings */
	.quad 11, 24			/* bytes of a symbol */
	.quad 14, 7f - 5f		/* name */
	.quad 0, 0
3:	.long 1, 4, 1, 0, 2, 3, 0	/* one bucket: symbols 1 to 3 */
	.balign 8
4:	.quad 0, 0, 0
	.long 8f - 5f
	.byte 0x12, 0			/* global function */
	.short 1			/* any section */
	.quad VDSO_AT(MOTE_VDSO_GETTIME), MOTE_VDSO_GETTIMEOFDAY - MOTE_VDSO_GETTIME
	.long 8f - 5f + 21
	.byte 0x12, 0
	.short 1
	.quad VDSO_AT(MOTE_VDSO_GETTIMEOFDAY), MOTE_VDSO_TIME - MOTE_VDSO_GETTIMEOFDAY
	.long 8f - 5f + 21 + 20
	.byte 0x12, 0
	.short 1
	.quad VDSO_AT(MOTE_VDSO_TIME), 0x80
5:	.byte 0
7:	.asciz "linux-vdso.so.1"
8:	.asciz "__vdso_clock_gettime"
	.asciz "__vdso_gettimeofday"
	.asciz "__vdso_time"
6:
	.org 9b + VDSO_AT(MOTE_VDSO_GETTIME), 0xcc
	/* clock_gettime(edi clock, rsi time) */
	cmp $1, %edi
	ja 2f
	lfence				/* not before what came before is done */
	rdtsc
	shl $32, %rdx
	or %rdx, %rax
	sub VDSO_CLOCK(MOTE_CLOCK_TSC), %rax
	cmp VDSO_CLOCK(MOTE_CLOCK_VALID), %rax
	jae 2f
	imul VDSO_CLOCK(MOTE_CLOCK_FACTOR), %rax
	shr $32, %rax
	mov %edi, %ecx
	shl $4, %ecx
	mov VDSO_CLOCK(MOTE_CLOCK_TIMES)(%rcx), %rdx
	add VDSO_CLOCK(MOTE_CLOCK_TIMES + 8)(%rcx), %rax
	cmp $1000000000, %rax
	jb 1f
	sub $1000000000, %rax
	inc %rdx
1:	mov %rdx, (%rsi)
	mov %rax, 8(%rsi)
	xor %eax, %eax
	ret
2:	mov $228, %eax			/* clock_gettime */
	syscall
	ret

	.org 9b + VDSO_AT(MOTE_VDSO_GETTIMEOFDAY), 0xcc
	/* gettimeofday(rdi time, rsi zone), which is left alone */
	test %rdi, %rdi
	jz 1f
	push %rdi
	sub $16, %rsp
	xor %edi, %edi
	mov %rsp, %rsi
	call 9b + VDSO_AT(MOTE_VDSO_GETTIME)
	pop %rcx
	pop %rax
	pop %rdi
	xor %edx, %edx
	mov $1000, %esi
	div %rsi
	mov %rcx, (%rdi)
	mov %rax, 8(%rdi)
1:	xor %eax, %eax
	ret

	.org 9b + VDSO_AT(MOTE_VDSO_TIME), 0xcc
	/* time(rdi time) */
	push %rdi
	sub $16, %rsp
	xor %edi, %edi
	mov %rsp, %rsi
	call 9b + VDSO_AT(MOTE_VDSO_GETTIME)
	pop %rax
	pop %rcx
	pop %rdi
	test %rdi, %rdi
	jz 1f
	mov %rax, (%rdi)
1:	ret
