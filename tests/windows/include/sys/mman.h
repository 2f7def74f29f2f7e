/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sys/mman.h - fresh private memory and its protection, on Windows, for tests that want a
 * fence behind their bytes. Nothing else of the real one.
 */
#ifndef TESTS_WINDOWS_SYS_MMAN_H
#define TESTS_WINDOWS_SYS_MMAN_H

#include <stddef.h>
#include <windows.h>

#define PROT_NONE     0
#define PROT_READ     1
#define PROT_WRITE    2
#define MAP_PRIVATE   0
#define MAP_ANONYMOUS 0
#define MAP_FAILED    NULL

static inline DWORD mman_protection(int prot)
{
	return prot & PROT_WRITE  ? PAGE_READWRITE
	       : prot & PROT_READ ? PAGE_READONLY
				  : PAGE_NOACCESS;
}

static inline void *mmap(void *at, size_t size, int prot, int flags, int fd, long offset)
{
	(void)flags;
	(void)fd;
	(void)offset;
	return VirtualAlloc(at, size, MEM_RESERVE | MEM_COMMIT, mman_protection(prot));
}

static inline int mprotect(void *at, size_t size, int prot)
{
	DWORD before;

	return VirtualProtect(at, size, mman_protection(prot), &before) ? 0 : -1;
}

static inline int munmap(void *at, size_t size)
{
	(void)size;
	return VirtualFree(at, 0, MEM_RELEASE) ? 0 : -1;
}

#endif
