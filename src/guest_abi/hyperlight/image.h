/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image.h - a guest of the hyperlight ABI as a file: a static ELF executable that is loaded
 * in one piece, at HYPERLIGHT_BASE, with its relocations applied.
 *
 * The file is hostile. hyperlight_image_parse() checks all that loading uses, so that
 * hyperlight_image_load() cannot fail. The bytes stay the caller's, and as they are, while the
 * struct is used. Pure functions; any thread.
 *
 * Rights of segments do not count: to the guest all of the image is readable, writable and
 * executable. What the rules are where released hosts would crash or load nonsense,
 * docs/hyperlight.md says.
 */
#ifndef GUEST_ABI_HYPERLIGHT_IMAGE_H
#define GUEST_ABI_HYPERLIGHT_IMAGE_H

#include "image/elf.h"

/* The message where a guest says another version than ours. */
#define HYPERLIGHT_OTHER_VERSION                                                                   \
	"was built for version %s of the hyperlight ABI; this library speaks %s"

/* Bytes for a version, with its NUL. Longer ones are cut: they are none that we know. */
#define HYPERLIGHT_VERSION_SIZE 32

struct hyperlight_image {
	struct elf elf;         /* BYTES, SIZE and HEADER alone */
	uint64_t base;          /* the address in the file that goes to HYPERLIGHT_BASE */
	uint64_t size;          /* bytes in memory, not rounded */
	uint64_t entry;         /* guest address */
	struct elf_span relocs; /* Elf64_Rela each, unaligned */
	char version[HYPERLIGHT_VERSION_SIZE]; /* of the ABI; "": the file does not say */
};

/*
 * Takes SIZE bytes at BYTES apart. Errors: MOTE_E_IMAGE, or MOTE_E_ABI_MISMATCH if the file says
 * that it is for another version than HYPERLIGHT_VERSION; the message does not name the file. The
 * VERSION is filled in even so, if the file says one.
 */
mote_status hyperlight_image_parse(struct hyperlight_image *image, const void *bytes, size_t size,
				   mote_error *err);

/* Writes the image's SIZE bytes, which are zero, to TO. */
void hyperlight_image_load(const struct hyperlight_image *image, uint8_t *to);

#endif
