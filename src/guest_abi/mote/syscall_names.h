/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall_names.h - what people call the system calls, for messages.
 */
#ifndef GUEST_ABI_MOTE_SYSCALL_NAMES_H
#define GUEST_ABI_MOTE_SYSCALL_NAMES_H

#include <stdint.h>

/* "openat" and the like, as Linux 6.1 has them; NULL for a number that has no name. Static. */
const char *syscall_name(uint64_t number);

#endif
