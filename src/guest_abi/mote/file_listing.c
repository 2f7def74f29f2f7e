/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads directories of the host, entry by entry.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_listing.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

struct file_listing {
	uint64_t index; /* of the entry that is next in the buffer */
	size_t at, end; /* what is left of it */
	_Alignas(struct dirent64) char buffer[4096];
};

struct file_listing *file_listing_new(const struct host *host)
{
	return host_alloc(host, sizeof(struct file_listing));
}

void file_listing_free(const struct host *host, struct file_listing *listing)
{
	host_free(host, listing, sizeof *listing);
}

static int64_t rewind_to_start(const struct host *host, struct file_listing *listing, int fd)
{
	listing->index = listing->at = listing->end = 0;
	return host->sys->lseek(fd, 0, SEEK_SET) < 0 ? -errno : 0;
}

/* The next entry in the buffer, which is filled if need be; it stays there. NULL and 0: none. */
static const struct dirent64 *peek(const struct host *host, struct file_listing *listing, int fd,
				   int64_t *failed)
{
	*failed = 0;
	if (listing->at == listing->end) {
		ssize_t n = host->sys->getdents64(fd, listing->buffer, sizeof listing->buffer);
		if (n <= 0) {
			*failed = n < 0 ? -errno : 0;
			return NULL;
		}
		listing->at = 0;
		listing->end = (size_t)n;
	}
	return (const struct dirent64 *)(const void *)(listing->buffer + listing->at);
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int64_t file_listing_entry(const struct host *host, struct file_listing *listing, int fd,
			   uint64_t index, struct file_entry *entry)
{
	const struct dirent64 *found;
	int64_t failed = 0;

	if (index < listing->index)
		failed = rewind_to_start(host, listing, fd);
	if (failed)
		return failed;
	while ((found = peek(host, listing, fd, &failed))) {
		const bool counts = !is_dots(found->d_name);
		if (counts && listing->index == index)
			break;
		listing->index += counts;
		listing->at += found->d_reclen;
	}
	if (!found)
		return failed;
	entry->length = strnlen(found->d_name, FILES_NAME_MAX);
	memcpy(entry->name, found->d_name, entry->length);
	entry->name[entry->length] = '\0';
	entry->inode = found->d_ino;
	entry->type = found->d_type;
	return 1;
}
