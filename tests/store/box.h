/* SPDX-License-Identifier: Apache-2.0 */
/*
 * box.h - a folder for snapshots that goes away, and a second process's view of it: another runtime
 * of the same backend.
 */
#ifndef TESTS_STORE_BOX_H
#define TESTS_STORE_BOX_H

#include "integration/harness.h"

#include <mote/store.h>

struct box {
	struct guest *g;
	mote_runtime *rt;
	char folder[64];
	/* to make sandboxes with */
	mote_sandbox_options options;
};

/* An empty folder, under /dev/shm or /tmp. */
void box_init(struct box *box, struct guest *g);
void box_fini(struct box *box);

/* Saves a snapshot of the guest as it is. */
void box_save(struct box *box, const char *tag);

/* Loads with the second runtime; the status is the caller's to check. */
mote_status box_load(struct box *box, const char *tag, bool verify, mote_snapshot **out);

/* The same, and it must work. */
mote_snapshot *box_loaded(struct box *box, const char *tag);

/* A sandbox that begins there. Each restore is audited. */
mote_sandbox *box_start(struct box *box, mote_snapshot *snapshot);

/* The result of a call that must succeed, as a number. */
uint64_t box_call(struct box *box, mote_sandbox *sb, const char *function, const mote_value *args,
		  size_t nargs);

/* The path of NAME in the folder. Lives until the next call. */
const char *box_path(const struct box *box, const char *name);

/* The path of the blob of memory, the largest. */
const char *box_memory_path(const struct box *box);

/* How many blobs there are. */
unsigned box_count_blobs(const struct box *box);

/* All pages of a snapshot, one after the other, as a number. For mote_snapshot_pages(): the test
 * fails if they do not ascend. */
struct page_sum {
	uint64_t value, pages, last;
};
void page_sum_add(void *user, uint64_t address, const void *bytes);

#endif
