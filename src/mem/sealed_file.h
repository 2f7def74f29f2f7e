/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sealed_file.h - a file in memory that nobody can change or cut: the bytes of a large image, which
 * guest memories and snapshots refer to instead of having copies.
 *
 * Filled by one thread; once it is sealed, any thread may read and map it. Counted references; the
 * last one may be dropped on any thread.
 */
#ifndef MEM_SEALED_FILE_H
#define MEM_SEALED_FILE_H

#include "base/error.h"
#include "base/host.h"

#include <stdatomic.h>
#include <stdint.h>

struct sealed_file {
	const struct host *host;
	atomic_uint nrefs;
	int fd;
	const uint8_t *bytes; /* all of them, mapped; NULL before it is sealed */
	size_t size;
};

/* An empty file, with one reference. HOST must outlive it. Errors: MOTE_E_NOMEM, MOTE_E_OS; *OUT is
 * NULL then. */
mote_status sealed_file_new(struct sealed_file **out, const struct host *host, mote_error *err);

/* Puts SIZE bytes behind those that are there, before it is sealed. Errors: MOTE_E_OS. */
mote_status sealed_file_append(struct sealed_file *file, const void *from, size_t size,
			       mote_error *err);

/* From now on nobody can change the file, which has bytes, and they are mapped. Errors: MOTE_E_OS. */
mote_status sealed_file_seal(struct sealed_file *file, mote_error *err);

/* One more reference. Returns FILE; NULL is fine. */
struct sealed_file *sealed_file_ref(struct sealed_file *file);

/* NULL is fine. */
void sealed_file_unref(struct sealed_file *file);

#endif
