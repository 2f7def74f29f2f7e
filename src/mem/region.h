/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - pieces of guest physical memory: what each is for, where the guest sees it,
 * what it may do with it, and where its bytes are in the host.
 *
 * This is the one description of guest memory, from the layout (mem/layout.h), which packs
 * regions that know the guest's addresses alone, by way of mapped files, which know their bytes
 * too, to the memory slots and views of the backends (hv/hv.h). Each uses the fields it
 * needs; the others are 0.
 *
 * A region is a value; what it points to (the host's mapping) belongs to whoever made
 * the mapping. Lists of regions are plain arrays of the caller. Everything here is
 * pure computation: any thread, any time.
 */
#ifndef MEM_REGION_H
#define MEM_REGION_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_PAGE_SIZE UINT64_C(4096)

/* What the guest may do. None of them is a right too: a region nobody may touch. */
enum region_flags {
	REGION_NONE = 0,
	REGION_READ = 1 << 0,
	REGION_WRITE = 1 << 1,
	REGION_EXECUTE = 1 << 2,
	REGION_ALL = REGION_READ | REGION_WRITE | REGION_EXECUTE,
	/* Of a view for a backend that needs_fd: pages that the host has not written to yet fault. */
	REGION_MISSING = 1 << 3,
};

/* Each kind with the name that messages and dumps give it. */
#define REGION_KINDS(X)                                                                            \
	X(FIRMWARE, "firmware")                                                                    \
	X(RAM, "memory")                                                                           \
	X(DOORBELL, "doorbell")                                                                    \
	X(SUPERVISOR, "supervisor block")                                                          \
	X(HYPERCALL, "hypercall page")                                                             \
	X(PAGE_TABLES, "page tables")                                                              \
	X(SPARE_PAGE_TABLES, "spare page tables")                                                  \
	X(EXCEPTION_STACK, "exception stack")                                                      \
	X(START_BLOCK, "start block")                                                              \
	X(MAPPING_TABLE, "mapping table")                                                          \
	X(CODE, "code")                                                                            \
	X(READ_ONLY_DATA, "read-only data")                                                        \
	X(DATA, "data")                                                                            \
	X(INIT_DATA, "init data")                                                                  \
	X(PEB, "process environment block")                                                        \
	X(HEAP, "heap")                                                                            \
	X(SCRATCH, "scratch")                                                                      \
	X(SNAPSHOT, "snapshot")                                                                    \
	X(MAPPED_FILE, "mapped file")                                                              \
	X(STACK, "stack")                                                                          \
	X(GUARD_PAGE, "guard page")                                                                \
	X(INPUT, "input buffer")                                                                   \
	X(OUTPUT, "output buffer")                                                                 \
	X(HOST_FUNCTIONS, "host function definitions")                                             \
	X(ARGUMENTS, "argument buffer")                                                            \
	X(RESULTS, "result buffer")

enum region_kind {
#define X(kind, name) REGION_##kind,
	REGION_KINDS(X)
#undef X
		REGION_KIND_COUNT,
};

/* Where a region's bytes are in this process. */
struct region_host {
	void *base;      /* the mapping that they lie in; NULL: not known to the host */
	uint64_t size;   /* of that mapping */
	uint64_t offset; /* of the region's first byte in it */
	intptr_t file;   /* the descriptor or handle that BASE maps, or -1 */
};

/* A region that the host does not map: the guest's addresses alone. */
#define REGION_HOST_NONE ((struct region_host){ .base = NULL, .file = -1 })

struct region {
	uint64_t va; /* where the guest sees it; 0: nowhere */
	uint64_t gpa;
	uint64_t size;  /* whole pages */
	unsigned flags; /* of enum region_flags: of ring 3 if IS_USER, else of ring 0 alone */
	bool is_user;
	enum region_kind kind;
	struct region_host host;
};

/* "code", "heap", ...: a static string. */
const char *region_kind_name(enum region_kind kind);

/* "NONE", "READ", "READ | WRITE", ...: a static string. Bits that are no flags do not show. */
const char *region_flags_name(unsigned flags);

/* The host address of the region's first byte, or NULL if the host does not map it. */
void *region_bytes(const struct region *region);

/*
 * Packs regions one behind the other from BASE up, in guest memory and, if there is a
 * HOST, in its mapping: without gaps, in whole pages. Storage of the caller, as is the
 * array that the regions go to.
 */
struct region_builder {
	struct region *regions;
	size_t n_regions;
	size_t capacity;
	uint64_t next_gpa;
	struct region_host next_host;
};

/* Begins an empty list in REGIONS. BASE must be a multiple of the page size; HOST is where its
 * bytes are, or REGION_HOST_NONE. */
void region_builder_init(struct region_builder *builder, struct region *regions, size_t capacity,
			 uint64_t base, struct region_host host);

/*
 * Appends WANTED with the next addresses in place of its own, its size rounded up to whole
 * pages; if that is 0, nothing. Errors: MOTE_E_LIMIT (the array is full), MOTE_E_INVALID (the
 * region would end past the address space or past the host's mapping). The list is unchanged then.
 */
mote_status region_builder_push(struct region_builder *builder, const struct region *wanted,
				mote_error *err);

/* Leaves a gap: goes on at GPA, whole pages, or where it is if that is behind GPA already. */
void region_builder_skip_to(struct region_builder *builder, uint64_t gpa);

/* Tells if the guest sees two regions in the same place. Regions of size 0 are nowhere. */
bool region_overlaps(const struct region *a, const struct region *b);

/*
 * The region that the guest sees at ADDRESS, or NULL. ORDER has N indices of those REGIONS that
 * it sees, which do not overlap, by virtual address, ascending. *CACHE is any number at first; the
 * search looks there and at the next before it halves the list, and leaves there the place
 * in ORDER that it found, so that a run over ascending addresses searches once.
 */
const struct region *region_find(const struct region *regions, const uint8_t *order, size_t n,
				 uint64_t address, size_t *cache);

/* Where the host and the guest have a buffer for bulk data. */
struct bulk_buffer {
	uint8_t *bytes;
	uint64_t address;
	uint64_t size;
};

#endif
