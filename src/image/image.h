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

/* Bytes for the version of a guest ABI as text, with the NUL. */
#define IMAGE_ABI_VERSION_SIZE 32

struct guest_abi;

struct mote_image {
	const struct host *host; /* outlives the image */
	atomic_size_t nrefs;
	char name[IMAGE_NAME_SIZE]; /* last part of the path, or "memory"; printable */

	struct image_bytes file; /* all of it; a segment's are at file_offset */
	bool has_no_file; /* it comes with a snapshot, and FILE is something else: image_parts.h */
	struct elf elf;   /* of another ABI's guest: as that describes it (guest_abi/guest_abi.h) */

	/* Whose guest it is: "mote", "hyperlight"; NULL: a program that has no functions. Static.
	 * With the version that the file says, "" if none. */
	const char *abi_name;
	char abi_text[IMAGE_ABI_VERSION_SIZE];
	const struct guest_abi *abi; /* what loaded it, or the snapshot that it comes with */
	bool hides_functions;        /* what it exports and imports only the guest knows */

	uint32_t abi_version; /* of mote's ABI. 0: not a mote guest, and no exports or imports */
	uint32_t features;    /* MOTE_FEATURE_...: what the guest knows */
	struct records exports;
	struct records imports;
};

/*
 * Reads PATH into a new image, sealed; nothing is taken apart yet. The file is copied: it may
 * change or go afterwards, and one that is cut while it is read is an error, not a crash. Only
 * regular files of up to MOTE_MAX_IMAGE_FILE_SIZE bytes. On failure *OUT is NULL. Errors:
 * MOTE_E_IMAGE, MOTE_E_OS, MOTE_E_NOMEM.
 */
mote_status image_open_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err);

/* The same for SIZE bytes at ELF, which are copied. */
mote_status image_open_memory(struct mote_image **out, const struct host *host, const void *elf,
			      size_t size, mote_error *err);

/*
 * Takes over BYTES, whatever comes of it, and seals them. PATH is where they are from, for
 * messages. What the two functions above end with.
 */
mote_status image_from_bytes(struct mote_image **out, const struct host *host, const char *path,
			     struct image_bytes *bytes, mote_error *err);

/*
 * Takes the file of IMAGE, which was just opened, apart as a mote guest or a program. Errors:
 * MOTE_E_IMAGE, MOTE_E_ABI_MISMATCH, MOTE_E_NOMEM, with the image's name in front; the image is
 * good for nothing but mote_image_unref() then.
 */
mote_status image_parse(struct mote_image *image, mote_error *err);

/* Says of IMAGE that it is a guest of this VERSION of mote's own ABI; 0: of none. */
void image_set_abi(struct mote_image *image, uint32_t version);

/* One more reference, to be dropped with mote_image_unref(). Returns IMAGE. */
struct mote_image *image_ref(struct mote_image *image);

#endif
