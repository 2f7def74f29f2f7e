/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - where a ring-0 guest with copy-on-write finds what it shares with its
 * host: the scratch region, the words at its top, and the ports.
 *
 * The guest's memory is a snapshot, which nobody writes, and scratch, which takes all
 * that this run writes. Scratch ends at the top of physical memory and is mapped as a
 * whole, writable and not executable, at the top of the address space. The host puts
 * into its last page what the guest's page-fault handler works with:
 *
 *     end - 0x08  the size of scratch in bytes, a multiple of a page
 *     end - 0x10  the physical address of the next page that nobody uses yet
 *     end - 0x18  the physical address of the tables that came with the snapshot
 *     end - 0x30  the top of the stack for exceptions, which grows down
 *
 * Each word is 8 bytes, and all are the guest's: a host writes them before the guest
 * starts, and believes nothing that it reads there later.
 */
#ifndef ABI_SCRATCH_H
#define ABI_SCRATCH_H

#include "abi/vmem.h"

/* One past the last byte, physical and virtual. The page behind it is never mapped. */
#define SCRATCH_END_GPA UINT64_C(0x1000000000)
#define SCRATCH_END_GVA UINT64_C(0xfffffffffffff000)

_Static_assert(SCRATCH_END_GVA % VMEM_PAGE_SIZE == 0 && SCRATCH_END_GPA % VMEM_PAGE_SIZE == 0,
	       "one distance, a whole number of pages, leads from any physical address in scratch "
	       "to the virtual one");

/* The words, as distances down from the end. */
enum {
	SCRATCH_SIZE = 0x08,
	SCRATCH_NEXT = 0x10,
	SCRATCH_TABLES = 0x18,
	SCRATCH_EXCEPTION_STACK = 0x30,
};

/* The last pages, which are never given out: the words, and the exception stack below them. */
#define SCRATCH_KEPT (3 * VMEM_PAGE_SIZE)

/* Where the snapshot's tables can be read, if they lie outside of scratch: they follow each other
 * from here on in the order of their physical addresses. A host that copies them into scratch
 * maps nothing here. */
#define SNAPSHOT_TABLES_GVA      UINT64_C(0xffff800000000000)
#define SNAPSHOT_TABLES_GVA_SIZE (UINT64_C(1) << 40)

/* 32-bit writes to these ports are calls to the host. */
enum {
	/* One to three bytes of a message: their number in the lowest byte, then they. The message
	 * is a code, for exceptions the vector, text, and SCRATCH_ABORT_END. */
	SCRATCH_PORT_ABORT = 102,
	SCRATCH_PORT_HALT = 108, /* the guest is done */
};

enum {
	SCRATCH_ABORT_NO_MEMORY = 13, /* no page of scratch is left */
	SCRATCH_ABORT_EXCEPTION = 15,
	SCRATCH_ABORT_END = 0xff,
};

#endif
