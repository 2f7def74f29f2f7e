/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder_internal.h - what reading (folder.c) and writing (folder_write.c) have in common.
 */
#ifndef STORE_FOLDER_INTERNAL_H
#define STORE_FOLDER_INTERNAL_H

#include "store/digest.h"
#include "store/folder.h"

#define LAYOUT_FILE "oci-layout"
#define LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define INDEX_FILE  "index.json"
#define LOCK_FILE   ".lock"

/* Opens one folder inside of another, never through a link. Errors: MOTE_E_SNAPSHOT (there is
 * none), MOTE_E_OS. */
mote_status folder_open_below(const struct folder *folder, int at, const char *name, int *fd,
			      mote_error *err);

/* Opens the regular file NAME. *FD is -1 and *SIZE 0 if there is none. Errors: MOTE_E_SNAPSHOT (a
 * link, or no regular file), MOTE_E_OS. */
mote_status folder_open_file(const struct folder *folder, int at, const char *name, int *fd,
			     uint64_t *size, mote_error *err);

/* Reads up to SIZE bytes at OFFSET; *GOT is less only at the end of the file. */
mote_status folder_pread(const struct folder *folder, int fd, void *to, size_t size,
			 uint64_t offset, size_t *got, mote_error *err);

/* The digest of the first SIZE bytes of FD; CUT if it has fewer. Each piece goes to TO too, if
 * that is not -1. */
mote_status folder_hash(const struct folder *folder, int fd, uint64_t size, int to,
			struct digest *out, bool *is_cut, mote_error *err);

/* Appends to FD. */
mote_status folder_append(const struct folder *folder, int fd, const void *bytes, size_t size,
			  mote_error *err);

/* The name of a blob's file in blobs/sha256. Points into DIGEST. */
const char *folder_blob_name(const struct digest *digest);

#endif
