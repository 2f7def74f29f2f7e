/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image_bytes.h - where the bytes of a guest's file are while its image lives.
 *
 * A small file is in memory, and copied into each sandbox. A large one is copied once, into a file
 * in memory that nobody can change or cut any more (mem/sealed_file.h): sandboxes map it privately,
 * so that they share what they do not write, and making one does not depend on its size. The file
 * that it came from is not mapped: whoever may write to it could change a guest under the checks,
 * and one who cuts it would end the host with SIGBUS.
 *
 * Filled by one thread; once sealed, read by any.
 */
#ifndef IMAGE_IMAGE_BYTES_H
#define IMAGE_IMAGE_BYTES_H

#include "base/error.h"
#include "base/host.h"
#include "mem/sealed_file.h"

#include <stdint.h>

/* From so many bytes on a file is a large one. */
#define IMAGE_BYTES_SHARED_FROM ((size_t)8 << 20)

struct image_bytes {
	const uint8_t *at; /* SIZE bytes, once they are sealed */
	size_t size;
	size_t filled;
	struct sealed_file *file; /* that they are in; NULL: they are allocated */
};

/* Makes room for SIZE bytes, not 0. Errors: MOTE_E_NOMEM, MOTE_E_OS; BYTES is empty then. */
mote_status image_bytes_init(struct image_bytes *bytes, const struct host *host, size_t size,
			     mote_error *err);

/* Puts SIZE bytes behind those that are there; there is room for them. Errors: MOTE_E_OS. */
mote_status image_bytes_append(struct image_bytes *bytes, const void *from, size_t size,
			       mote_error *err);

/* All are there; from now on nobody can change them. Errors: MOTE_E_OS; image_bytes_fini() is still
 * due. */
mote_status image_bytes_seal(struct image_bytes *bytes, mote_error *err);

/* Empty ones are fine. */
void image_bytes_fini(struct image_bytes *bytes, const struct host *host);

#endif
