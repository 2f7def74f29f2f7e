/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opens files of the host beneath a directory. That a file is one is asked of the descriptor,
 * before it is opened for reading, and again after: what is opened is what was looked at.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_host.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>

/* The kernel gives up on a path when somebody renames above it; that is tried again. */
#define TRIES 16

static int open_beneath(const struct host *host, int root, const char *path, int flags, int *fd)
{
	const struct open_how how = {
		.flags = (uint64_t)(unsigned)(flags | O_CLOEXEC | O_NOFOLLOW),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS,
	};

	for (unsigned i = 0; i < TRIES; i++) {
		*fd = host->sys->openat2(root, *path ? path : ".", &how);
		if (*fd >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			break;
	}
	*fd = -1;
	return -errno;
}

static int tell(const struct host *host, int *fd, struct stat *stat)
{
	if (host->sys->fstat(*fd, stat) == 0)
		return 0;
	int error = -errno;
	host->sys->close(*fd);
	*fd = -1;
	return error;
}

int host_file_find(const struct host *host, int root, const char *path, int *fd, struct stat *stat)
{
	int error = open_beneath(host, root, path, O_PATH, fd);

	return error ? error : tell(host, fd, stat);
}

int host_file_open(const struct host *host, int root, const char *path, const struct stat *stat,
		   int *fd)
{
	struct stat now;

	*fd = -1;
	if (!S_ISREG(stat->st_mode) && !S_ISDIR(stat->st_mode))
		return -EACCES;
	/* should another thing have come in its place, opening it must not wait */
	int error = open_beneath(host, root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY, fd);
	if (!error)
		error = tell(host, fd, &now);
	if (error)
		return error;
	if (now.st_dev == stat->st_dev && now.st_ino == stat->st_ino &&
	    (now.st_mode & S_IFMT) == (stat->st_mode & S_IFMT))
		return 0;
	host->sys->close(*fd);
	*fd = -1;
	return -ENOENT;
}

int host_file_read_link(const struct host *host, int fd, char *text, size_t size)
{
	ssize_t n = host->sys->readlinkat(fd, "", text, size);

	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	text[n] = '\0';
	return 0;
}

/* As host_file_find_link(), for a beginning of a path. 1: it is no link. */
static int try_link(const struct host *host, int root, const char *path, char *text, size_t size)
{
	struct stat stat;
	int fd;
	int error = host_file_find(host, root, path, &fd, &stat);

	if (error)
		return error;
	error = S_ISLNK(stat.st_mode) ? host_file_read_link(host, fd, text, size) : 1;
	host->sys->close(fd);
	return error;
}

int host_file_find_link(const struct host *host, int root, const char *path, size_t *end,
			char *text, size_t size)
{
	char part[4096];
	const size_t length = strlen(path);

	if (length >= sizeof part)
		return -ENAMETOOLONG;
	memcpy(part, path, length + 1);
	for (*end = strcspn(path, "/");; *end += 1 + strcspn(path + *end + 1, "/")) {
		part[*end] = '\0';
		int found = try_link(host, root, part, text, size);
		if (found <= 0)
			return found;
		if (*end == length)
			return -ELOOP;
		part[*end] = '/';
	}
}
