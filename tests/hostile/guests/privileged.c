/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of ring 0 that need no program of their own. */
#include "hostile/guests/attack.h"

#define WAYS(X)                                                                                    \
	X(clts, ASM("clts"))                                                                       \
	X(invd, ASM("invd"))                                                                       \
	X(wbinvd, ASM("wbinvd"))                                                                   \
	X(invlpg, ASM("invlpg (%%rsp)"))                                                           \
	X(invpcid, ASM("xor %%eax, %%eax; invpcid (%%rsp), %%rax"))                                \
	X(lmsw, ASM("xor %%eax, %%eax; lmsw %%ax"))                                                \
	X(monitor, ASM("mov %%rsp, %%rax; xor %%ecx, %%ecx; xor %%edx, %%edx; monitor"))           \
	X(mwait, ASM("xor %%eax, %%eax; xor %%ecx, %%ecx; mwait"))                                 \
	X(xsaves, ASM("mov $-1, %%eax; mov $-1, %%edx; .byte 0x48, 0x0f, 0xc7, 0x2c, 0x24"))       \
	X(xrstors, ASM("mov $-1, %%eax; mov $-1, %%edx; .byte 0x48, 0x0f, 0xc7, 0x1c, 0x24"))      \
	X(stac, ASM(".byte 0x0f, 0x01, 0xcb"))                                                     \
	X(clac, ASM(".byte 0x0f, 0x01, 0xca"))                                                     \
	X(wrmsrns, ASM("xor %%ecx, %%ecx; .byte 0x0f, 0x01, 0xc6"))                                \
	X(ud0, ASM(".byte 0x0f, 0xff, 0xc0"))                                                      \
	X(ud1, ASM(".byte 0x0f, 0xb9, 0xc0"))                                                      \
	X(ud2, ASM("ud2"))                                                                         \
	X(push_es_of_32_bit, ASM(".byte 0x06"))                                                    \
	X(fifteen_bytes_and_one,                                                                   \
	  ASM(".byte 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,"  \
	      "0x90"))                                                                             \
	X(lock_on_a_register, ASM(".byte 0xf0, 0x01, 0xc0"))

ATTACK_LIST(WAYS)
