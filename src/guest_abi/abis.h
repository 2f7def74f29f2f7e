/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abis.h - which guest ABIs there are, and whose guest a file is. Any thread.
 */
#ifndef GUEST_ABI_ABIS_H
#define GUEST_ABI_ABIS_H

#include "guest_abi/guest_abi.h"

struct mote_image;

/* All of them. The first is that of files that say nothing else; NULL is behind the last. */
extern const struct guest_abi *const guest_abis[];
#define GUEST_ABIS_MAX 4

/* The message for a name that is none of theirs. */
#define GUEST_ABI_UNKNOWN "guest ABI \"%.40s\" does not exist; there are mote and hyperlight"

/* The ABI of that name, or NULL. */
const struct guest_abi *guest_abi_find(const char *name);

/* The first ABI that the SIZE bytes at FILE, which may be anything, say that they are a guest of,
 * and the version that they name; NULL, and "", if they say so of none. */
const struct guest_abi *guest_abi_of(const void *file, size_t size,
				     char version[GUEST_VERSION_SIZE]);

/*
 * Takes apart the file of IMAGE, which was just opened, as a guest of the ABI NAME; NULL: of the
 * one that it says, or mote's own. Errors: MOTE_E_INVALID (there is no such ABI), MOTE_E_IMAGE,
 * MOTE_E_ABI_MISMATCH, MOTE_E_NOMEM; the image is good for nothing but mote_image_unref() then.
 */
mote_status guest_abi_parse(struct mote_image *image, const char *name, mote_error *err);

#endif
