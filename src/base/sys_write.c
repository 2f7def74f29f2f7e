/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing a file whole: write() may stop early, for a signal or for want of room.
 */
#include "base/sys.h"

#include <errno.h>

int sys_write_all(const struct sys *sys, int fd, const void *bytes, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = sys->write(fd, (const char *)bytes + done, size - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = ENOSPC;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}
