/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a part of a file whole: pread() may stop early, for a signal or because it likes to.
 */
#include "base/sys.h"

#include <errno.h>

ssize_t sys_pread_all(const struct sys *sys, int fd, void *to, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		const ssize_t n =
			sys->pread(fd, (char *)to + done, size - done, (off_t)(offset + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}
