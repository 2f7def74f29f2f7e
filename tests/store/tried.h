/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tried.h - using snapshots that may be anything, and what must hold of each.
 */
#ifndef TESTS_STORE_TRIED_H
#define TESTS_STORE_TRIED_H

#include "store/forge.h"

/* What became of all that was tried. */
struct tried {
	struct box *box;
	unsigned refused, accepted;
	/* If not NULL: the file that was changed, as it was. A refusal has to name one of its
	 * fields then: one on the path to what was changed, or one in it. */
	const char *text;
};

/*
 * Lists and loads the snapshot "one", and runs the guest if there is one: however that ends, we
 * are still here. A refusal has one of the two statuses that a file can have, and a message that
 * names a file, or the snapshot, and can be shown. PATH says what was changed.
 */
void tried_use(struct tried *tried, const char *path);

/* Whether G is the first of the guest's builds: what concerns files alone is tried with one. */
bool tried_is_first(const struct guest *g);

/* The same for what backends have no part in: skips the row, with the reason, on all but one. */
bool tried_concerns(struct guest *g);

#endif
