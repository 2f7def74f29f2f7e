/* SPDX-License-Identifier: Apache-2.0 */
/* Faults on top of faults: no stack, no segments, errors pending, code that ends at a page's end. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(no_stack, ASM("xor %%esp, %%esp; push %%rax"))                                           \
	X(no_stack_undefined, ASM("xor %%esp, %%esp; ud2"))                                        \
	X(wild_stack_divide, ASM("mov $-1, %%rsp; xor %%ecx, %%ecx; div %%ecx"))                   \
	X(stack_in_supervisor, ASM("mov $0x110000, %%esp; ud2"))                                   \
	X(stack_in_stubs, ASM("mov $0x102100, %%esp; int3"))                                       \
	X(non_canonical_stack, ASM("mov $1, %%ecx; shl $63, %%rcx; mov %%rcx, %%rsp; pop %%rax"))  \
	X(no_data_segments, ASM("xor %%eax, %%eax; mov %%eax, %%ds; mov %%eax, %%es; ud2"))        \
	X(x87_error_then_fault, ASM("fninit; movw $0, (%%rsp); fldcw (%%rsp); fldz; fld1; fdivp; " \
				    "mov 0, %%al"))                                                \
	X(trap_then_fault, ASM("pushfq; orq $0x100, (%%rsp); popfq; mov 0, %%al"))                 \
	X(alignment_then_fault, ASM("pushfq; orq $0x40000, (%%rsp); popfq; mov 1(%%rsp), %%eax; "  \
				    "mov 1, %%eax"))                                               \
	X(misaligned_vector, ASM("movaps 1(%%rsp), %%xmm0"))                                       \
	X(resume_flag, ASM("pushfq; orq $0x10000, (%%rsp); popfq; int3"))                          \
	X(nested_task_return, ASM("pushfq; orq $0x4000, (%%rsp); popfq; iretq"))                   \
	X(far_call_to_nothing, ASM("xor %%eax, %%eax; lcall *(%%rax)"))                            \
	X(interrupt_return_empty, ASM("push $0; push $0; push $0; push $0; push $0; iretq"))       \
	X(enter_deep, ASM("enter $0xffff, $31; ud2"))

ATTACK_LIST(WAYS)
