/* SPDX-License-Identifier: Apache-2.0 */
/*
 * written_pages.h - the pages of guest memory that may differ from a snapshot, and what is to be
 * copied where to make them equal again.
 *
 * A page that was written once stays in the list: it is writable without notice from then on, and
 * copying it each time costs less than finding out whether that is needed.
 *
 * Threads: as the guest memory that it belongs to, one at a time.
 */
#ifndef MEM_WRITTEN_PAGES_H
#define MEM_WRITTEN_PAGES_H

#include "base/error.h"
#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

/* More pages than this are not told apart: all may have been written. Copying one costs 0.07 to 0.5
 * us, replacing one that was dropped 4 us and more, so the bound is where lists of the hypervisor's
 * end (kvm_internal.h), not where copying stops to pay. */
#define WRITTEN_PAGES_MAX 8192

struct written_page {
	uint8_t *to;
	const uint8_t *from; /* NULL: zeroes */
};

struct written_pages {
	const struct host *host;
	const uint8_t *base; /* the memory, page 0 */
	uint64_t npages;     /* of it */
	uint64_t *bits;      /* a bit a page: it is in the list */
	struct written_page *list;
	size_t count, capacity;
	bool is_lost; /* there were too many, or no memory for the list */
};

/* An empty set for the memory of NPAGES at BASE. Errors: MOTE_E_NOMEM; PAGES is zero then. */
mote_status written_pages_init(struct written_pages *pages, const struct host *host,
			       const uint8_t *base, uint64_t npages, mote_error *err);

/* One that was never initialised, but is zero, is fine. */
void written_pages_fini(struct written_pages *pages);

/* Whether PAGE need not be added: it is in the set, or nobody knows any more what is. */
static inline bool written_pages_has(const struct written_pages *pages, uint64_t page)
{
	return pages->is_lost || (pages->bits[page / 64] >> page % 64 & 1);
}

/* Adds PAGE, which is not in it; what->to is where it is. */
void written_pages_add(struct written_pages *pages, uint64_t page, struct written_page what);

/* Copies what is to be copied. Nobody may use the memory meanwhile. */
void written_pages_restore(const struct written_pages *pages);

/* The same for memory of which pages may be gone. Errors: MOTE_E_OS; some pages are not copied
 * then. */
mote_status written_pages_restore_checked(const struct written_pages *pages, mote_error *err);

/* Empties the set. */
void written_pages_clear(struct written_pages *pages);

#endif
