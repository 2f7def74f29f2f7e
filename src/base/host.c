/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation and logging through the callbacks of the runtime's owner, and what tells a process
 * from its forked copies.
 */
#define _GNU_SOURCE
#include "base/host.h"

#include "base/error.h"
#include "base/text.h"

#include <errno.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LOG_LINE_SIZE 1024
#define PAGE_SIZE     4096

static void *malloc_realloc(void *user, void *ptr, size_t old_size, size_t new_size)
{
	(void)user;
	(void)old_size;
	if (new_size == 0) {
		free(ptr);
		return NULL;
	}
	return realloc(ptr, new_size);
}

void host_init(struct host *host)
{
	*host = (struct host){
		.sys = sys_native,
		.realloc = malloc_realloc,
		.log_level = MOTE_LOG_ERROR,
	};
}

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

void *host_alloc(const struct host *host, size_t size)
{
	void *ptr = host->realloc(host->realloc_user, NULL, 0, size);
	if (ptr)
		memset(ptr, 0, size);
	return ptr;
}

void *host_alloc_array(const struct host *host, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return host_alloc(host, total);
}

void host_free(const struct host *host, void *ptr, size_t size)
{
	if (ptr)
		host->realloc(host->realloc_user, ptr, size, 0);
}

bool host_logs(const struct host *host, mote_log_level level)
{
	return host->log && level <= host->log_level;
}

void host_log(const struct host *host, mote_log_level level, const char *format, ...)
{
	if (!host_logs(host, level))
		return;
	char line[LOG_LINE_SIZE];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(line, sizeof line, format, args);
	va_end(args);
	if (n >= 0)
		host->log(host->log_user, level, "host", line);
}

bool host_log_guest(const struct host *host, mote_log_level level, const char *text, size_t size,
		    uint64_t *room)
{
	if (!host_logs(host, level))
		return true;
	char line[LOG_LINE_SIZE];
	text_escape(line, sizeof line, text, size);
	const size_t length = strlen(line);
	if (length > *room)
		return false;
	*room -= length;
	host->log(host->log_user, level, "guest", line);
	return true;
}
