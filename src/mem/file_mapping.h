/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_mapping.h - a file that a guest sees in its memory, read and execute only.
 *
 * Two steps. Preparing, here, is all that concerns the file: opening, checking, mapping,
 * labelling; it needs no virtual machine. Applying it to one is guest_memory_map_begin()
 * and _end(), around the backend's part. What was prepared and not applied is freed like
 * anything else.
 *
 * Nobody writes through a mapping, neither the guest nor the host, so that the file stays
 * as it is. The converse does not hold: pages come from the file when they are used,
 * and what others write to the file shows. Pages that others cut off the file are
 * gone: touching them would kill the process (SIGBUS), so the host never touches BYTES
 * and reads with file_mapping_read(), which uses the descriptor and fails instead.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef MEM_FILE_MAPPING_H
#define MEM_FILE_MAPPING_H

#include "abi/mote_abi.h"
#include "base/error.h"
#include "base/host.h"
#include "mem/region.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct file_mapping {
	const struct host *host;
	atomic_uint nrefs;
	uint64_t address;   /* guest virtual */
	uint64_t size;      /* whole pages */
	uint64_t file_size; /* bytes, when it was prepared */
	uint64_t gpa;       /* guest physical; 0 until it is applied */
	void *bytes;        /* SIZE of them, for a memory slot */
	int fd;             /* the same bytes from offset 0 on, for reading; its own */
	char label[MOTE_LABEL_SIZE];
	char name[MOTE_LABEL_SIZE + 16]; /* `mapped file "LABEL"`, for messages */
};

/*
 * Prepares a file for a guest that will see it at ADDRESS: the path NAME; or, unless FD is NULL,
 * what that descriptor has open, which NAME says in messages. LABEL must be 1 to 63 bytes of UTF-8
 * without control characters; if it is NULL, the last part of NAME is taken, cut between characters
 * to 63 bytes, with '?' for what may not be in a label. HOST must outlive the mapping. Neither NAME
 * nor FD is needed afterwards, and the file may be deleted. Errors: MOTE_E_INVALID (address, label,
 * no regular file, empty, too large for ADDRESS), MOTE_E_NOMEM, MOTE_E_OS (FD may not be open, or
 * not for reading). *OUT is NULL then.
 */
mote_status file_mapping_new(struct file_mapping **out, const struct host *host, const char *name,
			     const int *fd, uint64_t address, const char *label, mote_error *err);

/* One more reference: memories and snapshots share what is mapped. Returns FILE. */
struct file_mapping *file_mapping_ref(struct file_mapping *file);

/* Drops a reference; the last one unmaps and closes, on whatever thread. No virtual machine of the
 * holder may have it any more. NULL is fine. */
void file_mapping_unref(struct file_mapping *file);

/* FILE as the guest has it: what it may do with it, and the bytes and the file behind it. Points
 * into FILE's mapping. */
struct region file_mapping_region(const struct file_mapping *file);

/* Copies SIZE bytes at OFFSET, a range inside of the mapping; zeroes behind the end of the file in
 * its last page. Errors: MOTE_E_OS (the file was cut, or cannot be read); TO is zero then. */
mote_status file_mapping_read(const struct file_mapping *file, uint64_t offset, void *to,
			      size_t size, mote_error *err);

/* Whether pages of the mapping are gone because the file was cut; if so, *NOW is its size. */
bool file_mapping_is_cut(const struct file_mapping *file, uint64_t *now);

#endif
