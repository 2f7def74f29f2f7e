/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fake_runtime.h - a runtime on a fake backend, for targets that go all the way to a guest: made
 * once, with a small image and a snapshot of it, and used by every input.
 */
#ifndef FUZZ_FAKE_RUNTIME_H
#define FUZZ_FAKE_RUNTIME_H

#include "guest_abi/snapshot_parts.h"

#include <mote/runtime.h>

struct fake_runtime {
	const struct host *host; /* the runtime's */
	mote_runtime *rt;
	mote_image *image;       /* tiny_elf.h */
	mote_snapshot *snapshot; /* of a sandbox of it whose main() has returned */
	int pages;               /* a file with the pages of SNAPSHOT */
	uint64_t npages;
};

/* The one that there is, with small sizes. Never freed. */
const struct fake_runtime *fake_runtime(void);

/* Parts of a guest of the hyperlight ABI, as the file has pages. Static. */
const struct snapshot_parts *fake_hyperlight_parts(const struct fake_runtime *fake_rt);

/*
 * Loads a snapshot of PARTS, with the pages of the file: it must be refused with a reason, or, if
 * MAKES_SANDBOXES, make some that begin with its pages, take a call, and are restored. One of the
 * hyperlight ABI must be saved as it was loaded, and makes no sandboxes here.
 */
void fake_runtime_load(const struct fake_runtime *fake_rt, const struct snapshot_parts *parts,
		       bool makes_sandboxes);

#endif
