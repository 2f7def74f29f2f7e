/* SPDX-License-Identifier: Apache-2.0 */
/*
 * file_host.h - the one door from guests to the host's file system.
 *
 * Everything is opened beneath a directory that is open, by openat2(), with no symbolic link and no
 * ".." on the way; links are read and followed by those above. Nothing but a regular file
 * or a directory is ever opened for more than to be looked at, so no device, pipe or socket
 * notices, and nobody waits for one.
 *
 * Functions return 0 or a negative errno value. Paths are relative; "" is the directory itself.
 */
#ifndef GUEST_ABI_MOTE_FILE_HOST_H
#define GUEST_ABI_MOTE_FILE_HOST_H

#include "base/host.h"

#include <sys/stat.h>

/* Opens PATH to look at it, a link itself if it is one, and tells what it is. -ELOOP: a link
 * is on the way. */
int host_file_find(const struct host *host, int root, const char *path, int *fd, struct stat *stat);

/* Opens what host_file_find() told of in STAT for reading. -EACCES: neither file nor directory;
 * -ENOENT: another is there by now. */
int host_file_open(const struct host *host, int root, const char *path, const struct stat *stat,
		   int *fd);

/* After -ELOOP: finds the first link on the way. Stores how much of PATH leads to it, and its text
 * (SIZE bytes with a NUL). -ENAMETOOLONG; -ELOOP, if the link is gone by now. */
int host_file_find_link(const struct host *host, int root, const char *path, size_t *end,
			char *text, size_t size);

/* The text of the link that FD of host_file_find() is. */
int host_file_read_link(const struct host *host, int fd, char *text, size_t size);

#endif
