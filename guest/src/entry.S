/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where each call begins. The host sets rdi, the index of the export record, rsi, which
 * parameters are spans, and rsp, which is 16-byte aligned as dispatch() needs it before a call. There is nothing to return
 * to: the frame ends here, for debuggers and for C++ exceptions that nobody catches.
 */
	.text
	.globl	dispatch_entry
	.hidden	dispatch_entry
	.hidden	dispatch
	.type	dispatch_entry, @function
dispatch_entry:
	.cfi_startproc
	.cfi_undefined rip
	xorl	%ebp, %ebp
	call	dispatch
	ud2
	.cfi_endproc
	.size	dispatch_entry, . - dispatch_entry

	.section .note.GNU-stack, "", @progbits
