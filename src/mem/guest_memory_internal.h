/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_memory_internal.h - what the parts of guest_memory share.
 *
 * guest_memory.c         builds it
 * guest_memory_files.c   adds mapped files
 * guest_memory_access.c  reads and writes it
 */
#ifndef MEM_GUEST_MEMORY_INTERNAL_H
#define MEM_GUEST_MEMORY_INTERNAL_H

#include "abi/vmem_flat.h"
#include "mem/guest_memory.h"

struct guest_memory {
	const struct host *host;
	struct shared_mem *ram; /* layout.ram, its first byte at layout.ram.gpa */
	struct layout layout;
	uint64_t root;
	uint64_t tables_used; /* bytes of page tables, of the spare ones too */
	size_t last_found;    /* layout_find()'s cache */
	uint8_t stack_guard[16];

	struct file_mapping *files[MOTE_MAPPINGS_MAX]; /* by address, ascending; owned */
	size_t nfiles;
	uint64_t next_gpa; /* nothing lies there or above */
};

/* The host's address of a region of RAM. */
static inline uint8_t *guest_memory_region(const struct guest_memory *memory,
					   const struct region *region)
{
	return (uint8_t *)shared_mem_base(memory->ram) + (region->gpa - memory->layout.ram.gpa);
}

static inline uint8_t *guest_memory_region_of(const struct guest_memory *memory,
					      enum region_kind kind)
{
	return guest_memory_region(memory, layout_get(&memory->layout, kind));
}

/* The tables in use and the spare ones behind them. tables_used is theirs again afterwards. */
struct vmem_flat guest_memory_tables(const struct guest_memory *memory);

/* One instance of the page-table code for all regions and files. */
enum vmem_status guest_memory_map(struct vmem_flat *tables, uint64_t *root,
				  const struct vmem_range *range);

#endif
