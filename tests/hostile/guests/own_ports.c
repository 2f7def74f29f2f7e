/* SPDX-License-Identifier: Apache-2.0 */
/* The ports by which the host is called, used in ways that the library would not. */
#include "hostile/guests/attack.h"

#define OUT(text) ASM("xor %%edi, %%edi; " text)
#define WAYS(X)                                                                                    \
	X(hypercall_0, OUT("out %%al, $0xe0"))                                                     \
	X(hypercall_word, OUT("out %%ax, $0xe0"))                                                  \
	X(hypercall_long, OUT("out %%eax, $0xe0"))                                                 \
	X(hypercall_in, OUT("in $0xe0, %%al"))                                                     \
	X(hypercall_in_long, OUT("in $0xe0, %%eax"))                                               \
	X(system_call, OUT("out %%al, $0xe1"))                                                     \
	X(exception, OUT("out %%al, $0xe2"))                                                       \
	X(word_below, OUT("out %%ax, $0xdf"))                                                      \
	X(long_below, OUT("out %%eax, $0xdd"))

ATTACK_LIST(WAYS)
