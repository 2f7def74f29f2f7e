/* SPDX-License-Identifier: Apache-2.0 */
/*
 * folder.h - the files of an OCI image layout: found, read, and written so that nobody ever sees a
 * part of one.
 *
 * Whoever owns the directory may put anything there, at any time: names that are links, pipes in
 * place of files, files that grow. So each name is opened beneath the directory by a descriptor,
 * never through a link, and only regular files are read, up to a bound. Names of blobs are made
 * from digests that were checked, and from nothing else.
 *
 * Messages do not name the directory: the caller puts it in front.
 */
#ifndef STORE_FOLDER_H
#define STORE_FOLDER_H

#include "base/error.h"
#include "base/host.h"

#include <stdbool.h>
#include <stdint.h>

#define DIGEST_SIZE 72 /* "sha256:", 64 hexadecimal digits, NUL */

struct digest {
	char text[DIGEST_SIZE];
};

/* Takes TEXT if it is "sha256:" and 64 lower-case hexadecimal digits; else false. */
bool digest_parse(struct digest *out, const char *text);

/* Of what a descriptor in a file says: where bytes are, and how many. */
struct blob {
	struct digest digest;
	uint64_t size;
};

struct folder {
	const struct host *host;
	int fd;    /* the directory */
	int blobs; /* its blobs/sha256 */
};

/* Opens a directory that is an image layout. Errors: MOTE_E_SNAPSHOT (it is none), MOTE_E_OS. */
mote_status folder_open(struct folder *folder, const struct host *host, const char *directory,
			mote_error *err);

/* The same, for saving: makes what is missing. Errors: also MOTE_E_SNAPSHOT (it has other things in
 * it). */
mote_status folder_make(struct folder *folder, const struct host *host, const char *directory,
			mote_error *err);

/* Closes what folder_open() or folder_make() opened; one that is zero but for its descriptor, -1,
 * is fine. */
void folder_close(struct folder *folder);

/* From now on other processes and threads that lock DIRECTORY wait, until *LOCK is closed. */
mote_status folder_lock(const struct folder *folder, int *lock, mote_error *err);

/* A whole file in memory, with a NUL behind it that does not count. */
struct text {
	char *bytes; /* NULL: there is no such file */
	size_t size;
};
/* Frees what folder_read() gave. */
void text_free(struct text *text, const struct host *host);

/* Reads a file of the directory of up to MAX bytes; none is fine. Errors: MOTE_E_SNAPSHOT (too
 * large, no regular file), MOTE_E_OS, MOTE_E_NOMEM. */
mote_status folder_read(const struct folder *folder, const char *name, size_t max, struct text *out,
			mote_error *err);

/* Reads BLOB, whose size and digest must be right. WHAT names it in messages. */
mote_status folder_read_blob(const struct folder *folder, const struct blob *blob, size_t max,
			     const char *what, struct text *out, mote_error *err);

/* Opens BLOB, whose size must be right; VERIFY: and its digest. */
mote_status folder_open_blob(const struct folder *folder, const struct blob *blob, bool verify,
			     int *fd, mote_error *err);

/* Replaces the file NAME of the directory. */
mote_status folder_write(const struct folder *folder, const char *name, const void *bytes,
			 size_t size, mote_error *err);

/* Adds a blob, unless there is one like it, and stores what it is called: SIZE bytes, of memory or
 * from the beginning of FD. */
mote_status folder_add(const struct folder *folder, const void *bytes, uint64_t size,
		       struct blob *out, mote_error *err);
mote_status folder_add_file(const struct folder *folder, int fd, uint64_t size, struct blob *out,
			    mote_error *err);

#endif
