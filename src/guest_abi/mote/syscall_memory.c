/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for guests: brk and anonymous mmap inside the heap, which is mapped from
 * the start and never executable. Page tables do not change, so a right can be kept but not
 * taken away.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/syscall_table.h"

#include <errno.h>
#include <sys/mman.h>

SYSCALL_HANDLER(syscall_brk)
{
	return (int64_t)arena_brk(p->arena, args[0]);
}

SYSCALL_HANDLER(syscall_mmap)
{
	const uint64_t address = args[0], size = args[1], rights = args[2], flags = args[3];
	unsigned how = 0;

	if (rights & PROT_EXEC)
		return -EACCES;
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE))
		how |= ARENA_FIXED;
	if (flags & MAP_FIXED_NOREPLACE)
		how |= ARENA_NO_REPLACE;
	if (!(flags & MAP_ANONYMOUS))
		return syscall_map_file(p, args, how);
	if (rights == PROT_NONE || flags & MAP_NORESERVE)
		how |= ARENA_SPARSE;
	return arena_map(p->arena, address, size, how);
}

SYSCALL_HANDLER(syscall_munmap)
{
	return arena_unmap(p->arena, args[0], args[1]);
}

SYSCALL_HANDLER(syscall_mremap)
{
	const uint64_t flags = args[3];

	if (flags & ~(uint64_t)MREMAP_MAYMOVE)
		return -EINVAL;
	return arena_remap(p->arena, args[0], args[1], args[2],
			   flags & MREMAP_MAYMOVE ? ARENA_MAY_MOVE : 0);
}

/* SIZE rounded up; less than SIZE when that wraps. */
static uint64_t whole_pages(uint64_t size)
{
	return (size + MOTE_PAGE_SIZE - 1) & ~(MOTE_PAGE_SIZE - 1);
}

/* Libcs protect their relocated data (RELRO) and stack guards this way. The answer is yes if
 * the range allows what was asked for; it may go on allowing more. */
SYSCALL_HANDLER(syscall_mprotect)
{
	const uint64_t address = args[0], rights = args[2], size = whole_pages(args[1]);
	unsigned need = 0;

	if (address % MOTE_PAGE_SIZE || size < args[1])
		return -EINVAL;
	need |= rights & PROT_READ ? REGION_READ : 0;
	need |= rights & PROT_WRITE ? REGION_WRITE : 0;
	need |= rights & PROT_EXEC ? REGION_EXECUTE : 0;
	return guest_memory_allows(p->memory, address, size, need) ? 0 : -EACCES;
}

SYSCALL_HANDLER(syscall_madvise)
{
	const uint64_t size = whole_pages(args[1]);

	if (args[2] != MADV_DONTNEED && args[2] != MADV_FREE && args[2] != MADV_HUGEPAGE)
		return 0; /* advice may be ignored */
	if (size < args[1])
		return -EINVAL;
	return args[2] == MADV_HUGEPAGE ? arena_advise_huge(p->arena, args[0], size)
					: arena_zero(p->arena, args[0], size);
}
