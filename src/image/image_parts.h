/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_parts.h - an image without its file: what is left of one in a snapshot on disk. It can be
 * described, and its functions called in sandboxes of that snapshot; no new sandbox can be made of
 * it.
 */
#ifndef IMAGE_IMAGE_PARTS_H
#define IMAGE_IMAGE_PARTS_H

#include "image/image.h"

/* What a file says, and may be anything; but pointers and counts belong together. */
struct image_parts {
	const char *name;
	uint32_t abi_version;
	bool is_pie;
	uint64_t entry;
	const mote_segment_info *segments; /* their bytes in the file do not count */
	size_t nsegments;
	const mote_function_info *exports;
	size_t nexports;
	const mote_function_info *imports;
	size_t nimports;
};

/*
 * Makes an image; PARTS are copied. Where segments lie is not looked at: that is the
 * layout's. Errors: MOTE_E_SNAPSHOT (a name that cannot be shown, a type that is none, too many of
 * anything, an export twice), MOTE_E_NOMEM. *OUT is NULL then.
 */
mote_status image_from_parts(struct mote_image **out, const struct host *host,
			     const struct image_parts *parts, mote_error *err);

#endif
