/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config_names.h - what the description of a snapshot calls things, for writing and reading.
 */
#ifndef STORE_CONFIG_NAMES_H
#define STORE_CONFIG_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* As Go and OCI call it. */
#define CONFIG_ARCHITECTURE "amd64"

/* As enum region_flags has them. */
enum { RIGHT_READ = 1, RIGHT_WRITE = 2, RIGHT_EXECUTE = 4 };

/* By the sum of rights. */
static const char *const rights_names[] = { "---", "r--", "-w-", "rw-", "--x", "r-x", "-wx", "rwx" };

static inline const char *rights_name(bool readable, bool writable, bool executable)
{
	return rights_names[(readable ? RIGHT_READ : 0) + (writable ? RIGHT_WRITE : 0) +
			    (executable ? RIGHT_EXECUTE : 0)];
}

/* The sum of rights that NAME means, or -1. */
static inline int rights_parse(const char *name)
{
	for (int i = 0; i < 8; i++)
		if (strcmp(rights_names[i], name) == 0)
			return i;
	return -1;
}

#endif
