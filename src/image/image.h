/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - the inside of a mote_image: a guest file in memory, checked.
 *
 * The sandbox and the virtual machine read these fields; nobody writes them after loading,
 * so any thread may read them. Who keeps an image longer than the caller does takes a
 * reference. The last reference may be dropped on any thread.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include "base/host.h"
#include "image/elf.h"
#include "image/image_bytes.h"
#include "image/records.h"

#include <mote/image.h>
#include <mote/limits.h>

#include <stdatomic.h>
#include <stdint.h>

/* Bytes for the name in messages, with the final NUL; longer names are cut. */
#define IMAGE_NAME_SIZE 96

struct mote_image {
	const struct host *host; /* outlives the image */
	atomic_size_t nrefs;
	char name[IMAGE_NAME_SIZE]; /* last part of the path, or "memory"; printable */

	struct image_bytes file; /* all of it; a segment's are at file_offset */
	bool has_no_file; /* it comes with a snapshot, and FILE is something else: image_parts.h */
	struct elf elf;

	uint32_t abi_version; /* 0: not a mote guest, and no exports or imports */
	uint32_t features;    /* MOTE_FEATURE_...: what the guest knows */
	struct records exports;
	struct records imports;
};

/*
 * Reads PATH and checks it. The file is copied: it may change or go afterwards, and one that
 * is cut while it is read is an error, not a crash. Only regular files of up to
 * MOTE_MAX_IMAGE_FILE_SIZE bytes. On failure *OUT is NULL. Errors: as mote_image_load_file().
 */
mote_status image_load_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err);

/* The same for SIZE bytes at ELF, which are copied. */
mote_status image_load_memory(struct mote_image **out, const struct host *host, const void *elf,
			      size_t size, mote_error *err);

/*
 * Takes over BYTES, whatever comes of it, seals and checks them. PATH is where they are from, for
 * messages. What the two functions above end with.
 */
mote_status image_from_bytes(struct mote_image **out, const struct host *host, const char *path,
			     struct image_bytes *bytes, mote_error *err);

/* One more reference, to be dropped with mote_image_unref(). Returns IMAGE. */
struct mote_image *image_ref(struct mote_image *image);

#endif
