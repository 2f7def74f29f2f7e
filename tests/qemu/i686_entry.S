/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The 32-bit image's way in, by multiboot, and its probes: each tries one access, in ring
 * 0 or 3, and whatever comes of it, a system call or a page fault, leads back to the
 * caller by the stack pointer that was saved.
 */
#define MULTIBOOT 0x1badb002

	.section .head, "a"
	.balign 4
	.long MULTIBOOT, 0, -MULTIBOOT

	.text
	.globl start
start:
	mov $stack_end, %esp
	call i686_main
1:	hlt
	jmp 1b

/* uint32_t i686_try(unsigned how, uint32_t va, uint32_t *word): TRY_... of i686.c. TRY_WORKED or
 * the error code of the page fault; WORD is what was read. */
	.globl i686_try
i686_try:
	push %ebx
	push %esi
	push %edi
	push %ebp
	mov 20(%esp), %eax
	mov 24(%esp), %edx
	mov %esp, saved_esp
	test $4, %al			/* in ring 3? */
	jnz 1f
	call access
	jmp worked
1:	push $0x23
	push $user_stack_end
	push $2
	push $0x1b
	push $access_from_user
	iret

access_from_user:
	call access
	int $0x80

/* As EAX says at EDX: 0 reads, 1 writes back what is there, 2 runs the code in that page. */
access:
	test $1, %al
	jnz 1f
	test $2, %al
	jnz 2f
	mov (%edx), %ecx
	ret
1:	orl $0, (%edx)
	ret
2:	test $4, %al
	jnz 3f
	add $0x10, %edx
	jmp *%edx
3:	add $0x20, %edx
	jmp *%edx

	.globl i686_page_fault, i686_system_call, i686_other_vector
i686_page_fault:
	pop %eax
	jmp back
i686_system_call:
worked:
	mov $-1, %eax
back:
	mov saved_esp, %esp
	mov 28(%esp), %edx
	mov %ecx, (%edx)
	pop %ebp
	pop %edi
	pop %esi
	pop %ebx
	ret

i686_other_vector:
	push 4(%esp)
	push (%esp)
	call i686_unexpected

/* void i686_use(const struct descriptors *gdt, const struct descriptors *idt): all selectors
 * anew, those of data for ring 3 as well. */
	.globl i686_use
i686_use:
	mov 4(%esp), %eax
	lgdt (%eax)
	mov 8(%esp), %eax
	lidt (%eax)
	mov $0x23, %eax
	mov %eax, %ds
	mov %eax, %es
	mov $0x10, %eax
	mov %eax, %ss
	mov $0x28, %eax
	ltr %ax
	ljmp $0x08, $1f
1:	ret

	.bss
	.balign 16
	.space 0x2000
stack_end:
	.space 0x1000
user_stack_end:
	.globl i686_fault_stack_end
	.space 0x1000
i686_fault_stack_end:
saved_esp:
	.long 0

	.section .note.GNU-stack, "", @progbits
