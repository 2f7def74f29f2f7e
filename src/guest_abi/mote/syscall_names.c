/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of system calls, from the table of them: one string, so that no pointer to each has to
 * be relocated when the library is loaded. It is searched from the beginning, for messages only.
 */
#include "guest_abi/mote/syscall_names.h"

#include <stddef.h>
#include <string.h>

/* In order of the numbers, each ended by a null byte. */
static const char names[] =
#define SERVED(number, name, handler, how)   #name "\0"
#define DECLINED(number, name, handler, why) #name "\0"
#define REFUSED(number, name, why)           #name "\0"
#include "guest_abi/mote/syscalls.def"
	;

/* Of each name, in the same order. */
static const uint16_t numbers[] = {
#define SERVED(number, name, handler, how)   number,
#define DECLINED(number, name, handler, why) number,
#define REFUSED(number, name, why)           number,
#include "guest_abi/mote/syscalls.def"
};

const char *syscall_name(uint64_t number)
{
	const char *name = names;

	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (numbers[i] == number)
			return name;
		name += strlen(name) + 1;
	}
	return NULL;
}
