/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading files to their end: not by their size, which a pipe has not, and never without a
 * bound, because some have no end.
 */
#include "file.h"

#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False with errno set. */
static bool read_to_end(int fd, size_t max, char **out, size_t *size)
{
	size_t capacity = 0, used = 0;
	char *bytes = NULL;

	for (;;) {
		if (used == capacity) {
			capacity = capacity ? 2 * capacity : 65536;
			char *larger = realloc(bytes, capacity);
			if (!larger)
				break;
			bytes = larger;
		}
		ssize_t n = read(fd, bytes + used, capacity - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (n == 0) {
			*out = bytes;
			*size = used;
			return true;
		}
		used += (size_t)n;
		if (used > max) {
			errno = EFBIG;
			break;
		}
	}
	free(bytes);
	return false;
}

/* Reads FD, which PATH stands for, and closes it. FD may be -1, with errno set. */
static mote_status read_and_close(int fd, const char *path, size_t max, char **bytes, size_t *size,
				  mote_error *err)
{
	bool was_read = fd >= 0 && read_to_end(fd, max, bytes, size);
	int os_error = errno;

	if (fd >= 0)
		close(fd);
	if (was_read)
		return MOTE_OK;
	*bytes = NULL;
	*size = 0;
	fail(err, MOTE_E_OS, "cannot read %.300s: %s", path, strerror(os_error));
	err->os_error = os_error;
	return MOTE_E_OS;
}

mote_status file_read(const char *path, size_t max, char **bytes, size_t *size, mote_error *err)
{
	return read_and_close(open(path, O_RDONLY | O_CLOEXEC), path, max, bytes, size, err);
}

mote_status file_read_input(const char *path, size_t max, char **bytes, size_t *size,
			    mote_error *err)
{
	if (strcmp(path, "-") != 0)
		return file_read(path, max, bytes, size, err);
	return read_and_close(fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0), "standard input", max, bytes,
			      size, err);
}
