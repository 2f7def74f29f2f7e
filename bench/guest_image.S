/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest that is measured, as bytes in the mote command: with the smallest libc at hand
 * (GUEST_FILE), with glibc (GLIBC_GUEST_FILE), and for the hyperlight ABI (HYPERLIGHT_GUEST_FILE); and
 * the programs that are (PROGRAMS_FILE).
 */
	.section .rodata
	.globl	bench_guest, bench_guest_end, bench_glibc_guest, bench_glibc_guest_end
	.globl	bench_hyperlight_guest, bench_hyperlight_guest_end
	.globl	bench_programs, bench_programs_end
	.balign	64
bench_guest:
	.incbin	GUEST_FILE
bench_guest_end:
	.balign	64
bench_glibc_guest:
	.incbin	GLIBC_GUEST_FILE
bench_glibc_guest_end:
	.balign	64
bench_hyperlight_guest:
	.incbin	HYPERLIGHT_GUEST_FILE
bench_hyperlight_guest_end:
	.balign	64
bench_programs:
	.incbin	PROGRAMS_FILE
bench_programs_end:
	.section .note.GNU-stack, "", @progbits
