/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_listing.h - the entries of a directory of the host, by their numbers.
 *
 * The host's own offsets are of no use: they mean nothing elsewhere, and leave no room for the
 * entries of another layer. So entries are counted, and read a buffer at a time.
 */
#ifndef GUEST_ABI_MOTE_FILE_LISTING_H
#define GUEST_ABI_MOTE_FILE_LISTING_H

#include "guest_abi/mote/files.h"

/* A buffer for a directory that is open; NULL: memory is out. Free accepts NULL. */
struct file_listing *file_listing_new(const struct host *host);
void file_listing_free(const struct host *host, struct file_listing *listing);

/* The entry of number INDEX behind FD, of those that are not "." and "..": 1 and it is filled but
 * for NEXT; 0: there are no more; or a negative errno value. Going on is cheap, going back begins
 * at the first again. */
int64_t file_listing_entry(const struct host *host, struct file_listing *listing, int fd,
			   uint64_t index, struct file_entry *entry);

#endif
