/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys_windows.h - what the library asks of Windows. Included by sys.h alone.
 *
 * Each entry is the call of that name, with the arguments that never vary left out: NULL or
 * false, and last_error(). A section is what Windows calls a file mapping object.
 */
#ifndef BASE_SYS_WINDOWS_H
#define BASE_SYS_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sys {
	/* a section of committed, zeroed memory in the paging file; for close_handle */
	void *(*create_file_mapping)(uint64_t size);
	void *(*map_view_of_file)(void *section); /* all of it */
	bool (*unmap_view_of_file)(void *at);
	bool (*virtual_protect)(void *at, size_t size, uint32_t protection); /* PAGE_... */
	bool (*close_handle)(void *handle);
	int (*last_error)(void);
};

/* The real ones. */
extern const struct sys sys_windows;

#endif
