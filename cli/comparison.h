/* SPDX-License-Identifier: Apache-2.0 */
/*
 * comparison.h - the memory of two snapshots, page by page, and the variables in pages that differ.
 */
#ifndef CLI_COMPARISON_H
#define CLI_COMPARISON_H

#include "symbols.h"

#include <mote/snapshot.h>

/* COUNT pages from ADDRESS on that differ, one behind the other. */
struct page_range {
	uint64_t address;
	uint64_t count;
};

/* A variable that differs. What it was and is, if it has at most that many bytes. */
#define VARIABLE_BYTES_MAX 16
struct variable {
	const struct symbol *symbol;
	bool differs;
	unsigned char old[VARIABLE_BYTES_MAX], new[VARIABLE_BYTES_MAX];
};

struct comparison {
	struct page_range *ranges;
	size_t nranges;
	uint64_t npages; /* in all ranges */
	/* One for each symbol, in their order; NULL without symbols. */
	struct variable *variables;
	size_t nvariables;
};

/*
 * Compares A with B; a page that one does not keep is zero there. SYMBOLS may be NULL, else they
 * must outlive the comparison. Ends the program when memory is out: pages of A are kept while
 * this runs. Errors: as mote_snapshot_pages(). comparison_fini() either way.
 */
mote_status comparison_make(struct comparison *comparison, const mote_snapshot *a,
			    const mote_snapshot *b, const struct symbols *symbols, mote_error *err);

void comparison_fini(struct comparison *comparison);

#endif
