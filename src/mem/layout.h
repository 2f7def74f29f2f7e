/* SPDX-License-Identifier: Apache-2.0 */
/*
 * layout.h - where everything of a mote guest lies: guest physical and guest virtual.
 *
 * Pure computation: from the segments of an image and four sizes to a list of regions, which the
 * page tables, the memory slots, the checks of guest pointers and `mote inspect` all follow.
 *
 *   physical                                virtual
 *   0x012000  doorbell page, no slot        0x000000  nothing: null pointers fault
 *   0x100000  firmware slot, read-only:     0x010000  hypercall page, start block, doorbell,
 *             supervisor block,                       mapping table, function table
 *             hypercall page                0x100000  supervisor block, exception stack
 *                                           ...       image, where it was linked
 *   0x200000  RAM slot:                     2 MiB     heap, right behind the image
 *             page tables (no address),     gap       unmapped, LAYOUT_GUARD_SIZE
 *             exception stack,              ...       stack
 *             start block, the two tables,  gap
 *             image, stack, input, output,  ...       input, gap, output, gap, init data
 *             init data, 2 MiB: heap,       2 MiB     argument buffer, gap, 2 MiB: result buffer
 *                                           rest      mapped files
 *             2 MiB: argument buffer,
 *             2 MiB: result buffer
 *   2 MiB     mapped files, each a slot
 *
 * With the default sizes stack, input and output share one page table, and the heap,
 * mapped with 2 MiB pages, needs none. Function table, init data and the buffers for bulk data are
 * only there if there is something in them, and move nothing else in virtual memory.
 */
#ifndef MEM_LAYOUT_H
#define MEM_LAYOUT_H

#include "abi/mote_abi.h"
#include "abi/vmem.h"
#include "base/error.h"
#include "mem/region.h"

#include <mote/image.h>
#include <mote/limits.h>
#include <mote/sandbox.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LAYOUT_DOORBELL_GPA UINT64_C(0x12000)
#define LAYOUT_FIRMWARE_GPA UINT64_C(0x100000)
#define LAYOUT_RAM_GPA      UINT64_C(0x200000)

/* Unmapped bytes below stack, buffers and init data: more than a page, because a function may step
 * over one with a large local array. */
#define LAYOUT_GUARD_SIZE UINT64_C(0x10000)

#define LAYOUT_LARGE_PAGE UINT64_C(0x200000)

/* Pages that are kept for the page tables of mapped files. A file takes one a GiB and at
 * most 6 more, so MOTE_MAX_MAPPINGS files of together MOTE_MAX_MAPPED_SIZE always fit. Untouched
 * ones cost address space only. */
#define LAYOUT_SPARE_TABLES 256
_Static_assert(6 * MOTE_MAX_MAPPINGS + (MOTE_MAX_MAPPED_SIZE >> 30) <= LAYOUT_SPARE_TABLES,
	       "files of MOTE_MAX_MAPPED_SIZE bytes must always find page tables");
_Static_assert(MOTE_MAX_MAPPINGS == MOTE_MAPPINGS_MAX &&
		       MOTE_MAX_HOST_FUNCTIONS == MOTE_FUNCTIONS_MAX,
	       "as many as mote/limits.h promises must fit the guest ABI's lists");
_Static_assert(MOTE_MAX_NAME_SIZE == MOTE_NAME_SIZE - 1, "names of mote/limits.h must fit records");
_Static_assert(MOTE_MAX_LABEL_SIZE == MOTE_LABEL_SIZE - 1, "so must the labels of mapped files");

/* Images with more segments than MOTE_MAX_SEGMENTS, or more bytes in memory than
 * MOTE_MAX_IMAGE_SIZE, are refused: their page tables must stay affordable. */
#define LAYOUT_REGIONS_MAX (MOTE_MAX_SEGMENTS + REGION_KIND_COUNT)

/*
 * The result. The segments of the image are regions of code, data or read-only data; of each other
 * kind there is one at most: see layout_get(). None knows where the host has it.
 */
struct layout {
	struct region regions[LAYOUT_REGIONS_MAX]; /* by GPA, ascending */
	size_t nregions;
	/* Indices of the regions that have a virtual address, by VA, ascending. */
	uint8_t by_va[LAYOUT_REGIONS_MAX];
	size_t nmapped;
	uint8_t first[REGION_KIND_COUNT]; /* index of the first region of a kind, or LAYOUT_NONE */
	/* The memory slots, not among the regions but around them. */
	struct region firmware; /* read-only: supervisor block and, last, hypercall page */
	struct region ram;
};
#define LAYOUT_NONE UINT8_MAX
_Static_assert(LAYOUT_REGIONS_MAX < LAYOUT_NONE, "a region's index must fit the lists of them");

struct sealed_file;

/* What a layout is made from. */
struct layout_config {
	const mote_segment_info *segments; /* ascending; image/elf.h has checked them */
	size_t nsegments;
	/* That has the image's bytes as well, so that pages of it can be mapped; or NULL. */
	struct sealed_file *file;
	/* As in mote_sandbox_options: 0 stands for the default. */
	uint64_t heap_size, stack_size, input_size, output_size;
	uint64_t buffer_size;      /* the same, of both buffers for bulk data; 0: none */
	bool knows_buffers;        /* the guest: else it gets none */
	uint64_t init_data_size;   /* bytes, 0 without */
	unsigned init_data_rights; /* besides REGION_READ: REGION_WRITE, REGION_EXECUTE or neither */
	size_t nfunctions;         /* that the guest may call */
	/* The supervisor block at MOTE_SUPERVISOR_BASE, and the page that exceptions push
	 * their frame on, behind it. */
	uint64_t supervisor_size;
	uint64_t exception_stack;
};

/*
 * Computes the layout. Errors: MOTE_E_INVALID (a size out of its range: the message has option,
 * value and bound; init data to be written and executed), MOTE_E_IMAGE (segments that overlap,
 * leave what a guest may use, share a page, want to write and execute, or leave no place for the
 * rest with these sizes).
 */
mote_status layout_compute(struct layout *out, const struct layout_config *config, mote_error *err);

/* The region of KIND, the first if it is a segment's; NULL if there is none, as may be for a
 * segment's, the function table, the init data and the buffers for bulk data. */
const struct region *layout_get(const struct layout *layout, enum region_kind kind);

/* The INDEX-th region by virtual address, or NULL past the last. */
const struct region *layout_mapped(const struct layout *layout, size_t index);

/*
 * The region that maps ADDRESS, or NULL. *CACHE is any number at first; the search looks there
 * and at its neighbour before it halves the list, and leaves there what it found.
 */
const struct region *layout_find(const struct layout *layout, uint64_t address, size_t *cache);

/* Unmapped bytes that must stay so below a region of KIND. */
uint64_t layout_guard(enum region_kind kind);

/* What the page tables say of a region that has a virtual address. */
struct vmem_range layout_range(const struct region *region);

/* Calls VISIT for each region in the order of physical addresses. */
void layout_visit(const struct layout *layout,
		  void (*visit)(void *user, const mote_region_info *region), void *user);

#endif
