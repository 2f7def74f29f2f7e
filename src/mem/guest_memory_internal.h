/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest_memory_internal.h - what the parts of guest_memory share.
 *
 * guest_memory.c         builds it
 * guest_memory_image.c   loads the image
 * guest_memory_files.c   adds mapped files
 * guest_memory_access.c  reads and writes it
 * guest_memory_restore.c makes it what it was
 */
#ifndef MEM_GUEST_MEMORY_INTERNAL_H
#define MEM_GUEST_MEMORY_INTERNAL_H

#include "abi/vmem_flat.h"
#include "mem/guest_memory.h"
#include "mem/memory_snapshot.h"
#include "mem/sealed_file.h"
#include "mem/written_pages.h"

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

	/* What RAM equals but for the pages that were written; NULL: nothing, and nobody notes what
	 * is written. */
	struct memory_snapshot *base;
	struct written_pages written;
	uint64_t guest_part; /* of RAM, from this offset on: guests cannot write before it */
	bool is_blank;       /* there is no image yet, nor anything else in that part */

	/* Pages that come from the image's file until they are written; none: all were copied, or
	 * are others since a restore. */
	struct sealed_file *image;
	struct page_run *image_runs; /* by FIRST, room for MOTE_MAX_SEGMENTS; NULL without IMAGE */
	size_t nimage_runs;
	/* Stretches with pages of those runs that are still to be copied: a bit each; NULL: there
	 * are none. See guest_memory_missing.c. */
	uint64_t *missing;
	bool has_all;    /* the guest cannot tell of missing pages: there must be none */
	unsigned nviews; /* how often others began to see memory elsewhere than before */
};

/* Where the first mapped file goes. */
static inline uint64_t guest_memory_first_file_gpa(const struct layout *layout)
{
	const uint64_t end = layout->ram.gpa + layout->ram.size;

	return (end + LAYOUT_LARGE_PAGE - 1) & ~(LAYOUT_LARGE_PAGE - 1);
}

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

/* Builds the page tables of all regions and files, in TABLES, of which none is in use. Errors:
 * MOTE_E_IMAGE. */
mote_status guest_memory_build_tables(const struct guest_memory *memory, struct vmem_flat *tables,
				      uint64_t *root, mote_error *err);

/* The INDEX-th file in the order in which they were mapped; NULL past the last. */
struct file_mapping *guest_memory_file_by_age(const struct guest_memory *memory, size_t index);

/* Loads the image's segments, of which FILE has the bytes. Errors: MOTE_E_NOMEM, MOTE_E_OS. */
mote_status guest_memory_load_image(struct guest_memory *memory, const struct layout_config *config,
				    const uint8_t *file, mote_error *err);

/* Sets the bit of each page of RAM that may be other than zero and than the image has it; the
 * others are clear. Errors: MOTE_E_OS. */
mote_status guest_memory_touched(struct guest_memory *memory, uint64_t *bits, mote_error *err);

/* Makes all that snapshots keep zero, or what the image of SNAPSHOT says. Errors: MOTE_E_NOMEM,
 * MOTE_E_OS; memory is undefined then. */
mote_status guest_memory_show_image(struct guest_memory *memory,
				    const struct memory_snapshot *snapshot, mote_error *err);

/* Of memory that nobody looks at any more: forgets which pages come from the image's file. */
void guest_memory_forget_image(struct guest_memory *memory);

/* Whether the guest may write to RUN. */
bool guest_memory_is_writable(const struct guest_memory *memory, const struct page_run *run);

/* Before the host looks at SIZE bytes at OFFSET of RAM, or writes some: what is missing there is
 * copied. */
void guest_memory_supply(struct guest_memory *memory, uint64_t offset, uint64_t size);

/* RUN, of the image, is zero: is to be copied when somebody looks at it. Errors: MOTE_E_NOMEM. */
mote_status guest_memory_miss(struct guest_memory *memory, const struct page_run *run,
			      mote_error *err);

/* Nothing is missing. */
void guest_memory_forget_missing(struct guest_memory *memory);

/* Before the host writes to SIZE bytes at OFFSET of RAM: makes pages there, and others with them,
 * no longer those of a file that nobody can write to. Errors: MOTE_E_OS. */
mote_status guest_memory_own_image(struct guest_memory *memory, uint64_t offset, uint64_t size,
				   mote_error *err);

/* What the page tables say of a file. */
struct vmem_range guest_memory_file_range(const struct file_mapping *file);

/* Writes the mapping table. */
void guest_memory_list_files(const struct guest_memory *memory);

/* Makes both I/O buffers empty, as snapshots have them; all of them that is behind the stack
 * pointer must be zero already, or noted as written. */
void guest_memory_empty_buffers(struct guest_memory *memory);

/* MEMORY equals SNAPSHOT; from now on what is written is noted. Errors: MOTE_E_NOMEM; nothing has
 * changed then. */
mote_status guest_memory_set_base(struct guest_memory *memory, struct memory_snapshot *snapshot,
				  mote_error *err);

#endif
