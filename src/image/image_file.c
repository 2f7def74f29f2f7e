/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a guest from a file into memory. Not mapped: a mapped file that someone cuts short
 * kills the process with SIGBUS, and one that someone writes to changes under the checks.
 */
#include "image/image.h"

#include "base/error.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

/* What was opened and is no regular file. Sockets cannot be opened. */
static const char *file_kind(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	return S_ISFIFO(mode) ? "a pipe" : "a device";
}

/* The size of the regular file FD. */
static mote_status file_size(const struct host *host, int fd, const char *path, size_t *out,
			     mote_error *err)
{
	struct stat info;
	if (host->sys->fstat(fd, &info) != 0)
		return error_os(err, errno, "cannot read the size of %.300s", path);
	if (!S_ISREG(info.st_mode))
		return error_set(err, MOTE_E_IMAGE, "%.300s: is %s; want a guest executable", path,
				 file_kind(info.st_mode));
	if (info.st_size == 0)
		return error_set(err, MOTE_E_IMAGE, "%.300s: is empty", path);
	if ((uint64_t)info.st_size > MOTE_MAX_IMAGE_FILE_SIZE)
		return error_set(err, MOTE_E_IMAGE,
				 "%.300s: has %" PRIu64 " bytes; the limit is %" PRIu64, path,
				 (uint64_t)info.st_size, MOTE_MAX_IMAGE_FILE_SIZE);
	*out = (size_t)info.st_size;
	return MOTE_OK;
}

static mote_status read_all(const struct host *host, int fd, const char *path, uint8_t *to,
			    size_t size, mote_error *err)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = host->sys->read(fd, to + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(err, errno, "cannot read %.300s", path);
		if (n == 0)
			return error_set(
				err, MOTE_E_IMAGE,
				"%.300s: ended after %zu of %zu bytes; it was cut while it "
				"was read",
				path, done, size);
		done += (size_t)n;
	}
	return MOTE_OK;
}

/* Reads FD whole into a new allocation of *SIZE bytes. */
static mote_status read_file(const struct host *host, int fd, const char *path, uint8_t **out,
			     size_t *size, mote_error *err)
{
	mote_status status = file_size(host, fd, path, size, err);
	if (status != MOTE_OK)
		return status;
	uint8_t *bytes = host_alloc(host, *size);
	if (!bytes)
		return error_nomem(err, "a guest file", *size);
	status = read_all(host, fd, path, bytes, *size, err);
	if (status != MOTE_OK) {
		host_free(host, bytes, *size);
		return status;
	}
	*out = bytes;
	return MOTE_OK;
}

mote_status image_load_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err)
{
	*out = NULL;
	/* not blocking: opening a pipe would wait for a writer */
	int fd = host->sys->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_os(err, errno, "cannot open %.300s", path);
	uint8_t *bytes = NULL;
	size_t size = 0;
	mote_status status = read_file(host, fd, path, &bytes, &size, err);
	host->sys->close(fd);
	if (status != MOTE_OK)
		return status;
	return image_from_bytes(out, host, path, bytes, size, err);
}
