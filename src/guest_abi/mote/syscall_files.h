/* SPDX-License-Identifier: Apache-2.0 */
/*
 * syscall_files.h - how the system calls that take a path get one.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_SYSCALL_FILES_H
#define GUEST_ABI_MOTE_SYSCALL_FILES_H

#include "guest_abi/mote/file_paths.h"
#include "guest_abi/mote/syscall_table.h"

/* Copies the string at ADDRESS of the guest. 0, -ENAMETOOLONG, -EFAULT. */
int64_t syscall_path(struct personality *p, uint64_t address, char path[FILES_PATH_SIZE]);

/* The same, and finds what it leads to, as place_find(); notes it if nobody gave it to the guest. */
int64_t syscall_place(struct personality *p, struct place *place, uint64_t folder, uint64_t address,
		      bool follows);

#endif
