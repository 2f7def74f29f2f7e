/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vDSO as the library carries it, to be copied into hypercall pages of machines. The process
 * backend's monitor has its own copy.
 */
	.section .rodata
	.balign 64
	.globl vdso_image, vdso_image_end
	.hidden vdso_image, vdso_image_end
vdso_image:
#include "abi/vdso_image.S"
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
