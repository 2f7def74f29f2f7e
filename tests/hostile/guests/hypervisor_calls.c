/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to the hypervisor below, and everything else that is meant for hypervisors. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(vmcall, ASM("xor %%eax, %%eax; vmcall"))                                                 \
	X(vmmcall, ASM("xor %%eax, %%eax; vmmcall"))                                               \
	X(vmcall_kick, ASM("mov $5, %%eax; xor %%ebx, %%ebx; xor %%ecx, %%ecx; vmcall"))           \
	X(vmmcall_huge, ASM("mov $-1, %%rax; vmmcall"))                                            \
	X(vmlaunch, ASM("vmlaunch"))                                                               \
	X(vmresume, ASM("vmresume"))                                                               \
	X(vmxoff, ASM("vmxoff"))                                                                   \
	X(vmxon, ASM("vmxon (%%rsp)"))                                                             \
	X(vmptrld, ASM("vmptrld (%%rsp)"))                                                         \
	X(vmclear, ASM("vmclear (%%rsp)"))                                                         \
	X(vmread, ASM("vmread %%rax, %%rbx"))                                                      \
	X(vmwrite, ASM("vmwrite %%rax, %%rbx"))                                                    \
	X(vmfunc, ASM("xor %%eax, %%eax; xor %%ecx, %%ecx; vmfunc"))                               \
	X(vmrun, ASM("xor %%eax, %%eax; vmrun"))                                                   \
	X(vmload, ASM("xor %%eax, %%eax; vmload"))                                                 \
	X(vmsave, ASM("xor %%eax, %%eax; vmsave"))                                                 \
	X(stgi, ASM("stgi"))                                                                       \
	X(clgi, ASM("clgi"))                                                                       \
	X(skinit, ASM("xor %%eax, %%eax; skinit"))                                                 \
	X(invlpga, ASM("xor %%eax, %%eax; xor %%ecx, %%ecx; invlpga"))                             \
	X(invept, ASM("xor %%eax, %%eax; invept (%%rsp), %%rax"))                                  \
	X(invvpid, ASM("xor %%eax, %%eax; invvpid (%%rsp), %%rax"))                                \
	X(encls, ASM("xor %%eax, %%eax; .byte 0x0f, 0x01, 0xcf"))                                  \
	X(getsec, ASM("xor %%eax, %%eax; .byte 0x0f, 0x37"))                                       \
	X(rsm, ASM(".byte 0x0f, 0xaa"))

ATTACK_LIST(WAYS)
