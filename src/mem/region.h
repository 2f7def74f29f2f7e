/* SPDX-License-Identifier: Apache-2.0 */
/*
 * region.h - pieces of guest physical memory: what each is for, what the guest may do
 * with it, and where its bytes are in the host.
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
};

/* Each kind with the name that messages and dumps give it. */
#define REGION_KINDS(X)                                                                            \
	X(CODE, "code")                                                                            \
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
	X(PAGE_TABLES, "page tables")                                                              \
	X(SUPERVISOR, "supervisor block")                                                          \
	X(START_BLOCK, "start block")                                                              \
	X(HYPERCALL, "hypercall page")

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
	uint64_t gpa;
	uint64_t size;
	unsigned flags; /* of enum region_flags */
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
 * Appends a region of SIZE bytes, rounded up to whole pages; of size 0, nothing. Errors:
 * MOTE_E_LIMIT (the array is full), MOTE_E_INVALID (the region would end past the address
 * space or past the host's mapping). The list is unchanged then.
 */
mote_status region_builder_push(struct region_builder *builder, uint64_t size, unsigned flags,
				enum region_kind kind, mote_error *err);

/* Tells if two regions have a byte in common. Regions of size 0 have none. */
bool region_overlaps(const struct region *a, const struct region *b);

/* Checks that REGION overlaps none of REGIONS, in any order. Errors: MOTE_E_INVALID, naming both;
 * also if REGION does not end within the address space. */
mote_status region_check_free(const struct region *regions, size_t n_regions,
			      const struct region *region, mote_error *err);

/*
 * The region that GPA lies in, or NULL. REGIONS are sorted and do not overlap. *CACHE is any
 * number at first; the search looks there and at the next before it halves the list, and
 * leaves there what it found, so that a run over ascending addresses searches once.
 */
const struct region *region_find(const struct region *regions, size_t n_regions, uint64_t gpa,
				 size_t *cache);

#endif
