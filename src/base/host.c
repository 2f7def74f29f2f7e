/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Allocation and logging through the callbacks of the runtime's owner.
 */
#include "base/host.h"

#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOG_LINE_SIZE 1024

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
