/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What tells a process from its forked copies, where there are any.
 */
#define _GNU_SOURCE
#include "base/host.h"

#include "base/error.h"

#include <errno.h>
#include <sys/mman.h>

#define PAGE_SIZE 4096

/* The kernel gives the child a page of zeroes in its place, however it forks. */
mote_status host_watch_forks(struct host *host, mote_error *err)
{
	const struct sys *sys = host->sys;
	uint32_t *page = sys->mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return error_os(err, errno, "cannot map a page to tell forks by");
	if (sys->madvise(page, PAGE_SIZE, MADV_WIPEONFORK) < 0) {
		int os_error = errno;
		sys->munmap(page, PAGE_SIZE);
		return error_os(err, os_error, "cannot have a page wiped on fork");
	}
	*page = 1;
	host->is_original = page;
	return MOTE_OK;
}

void host_unwatch_forks(struct host *host)
{
	if (host->is_original)
		host->sys->munmap((void *)(uintptr_t)host->is_original, PAGE_SIZE);
	host->is_original = NULL;
}
