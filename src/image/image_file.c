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

/* As many bytes as the file had. */
static mote_status read_all(const struct host *host, int fd, const char *path,
			    struct image_bytes *bytes, mote_error *err)
{
	uint8_t chunk[64 << 10];
	mote_status status = MOTE_OK;

	while (bytes->filled < bytes->size && !status) {
		const size_t left = bytes->size - bytes->filled;
		ssize_t n = host->sys->read(fd, chunk, left < sizeof chunk ? left : sizeof chunk);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_os(err, errno, "cannot read %.300s", path);
		if (n == 0)
			return error_set(
				err, MOTE_E_IMAGE,
				"%.300s: ended after %zu of %zu bytes; it was cut while it "
				"was read",
				path, bytes->filled, bytes->size);
		status = image_bytes_append(bytes, chunk, (size_t)n, err);
	}
	return status;
}

/* Reads FD whole. */
static mote_status read_file(const struct host *host, int fd, const char *path,
			     struct image_bytes *bytes, mote_error *err)
{
	size_t size = 0;
	mote_status status = file_size(host, fd, path, &size, err);

	if (status == MOTE_OK)
		status = image_bytes_init(bytes, host, size, err);
	if (status != MOTE_OK)
		return status;
	status = read_all(host, fd, path, bytes, err);
	if (status != MOTE_OK)
		image_bytes_fini(bytes, host);
	return status;
}

mote_status image_open_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err)
{
	*out = NULL;
	/* not blocking: opening a pipe would wait for a writer */
	int fd = host->sys->open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return error_os(err, errno, "cannot open %.300s", path);
	struct image_bytes bytes;
	mote_status status = read_file(host, fd, path, &bytes, err);
	host->sys->close(fd);
	if (status != MOTE_OK)
		return status;
	return image_from_bytes(out, host, path, &bytes, err);
}
