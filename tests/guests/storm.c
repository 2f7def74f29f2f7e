/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that wears its host down: host calls, system calls, log records, output and mappings, as
 * many as it is told.
 */
#define _GNU_SOURCE
#include <mote/guest.h>

#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

MOTE_IMPORT(u64, HostCount)

/* How often main() calls the host, from the init data. */
int main(void)
{
	size_t size;
	const unsigned *calls = mote_guest_init_data(&size);

	for (unsigned i = 0; size == sizeof *calls && i < *calls; i++)
		HostCount();
	return 0;
}

MOTE_EXPORT(u64, HostCalls, u64, count)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < count; i++)
		last = HostCount();
	return last;
}

MOTE_EXPORT(void, SystemCalls, u64, count)
{
	for (uint64_t i = 0; i < count; i++)
		syscall(SYS_getpriority); /* which is not served, and not cached by any libc */
}

MOTE_EXPORT(void, Logs, u64, count, u64, size)
{
	static char line[4096];

	memset(line, 'x', size);
	line[size] = '\0';
	for (uint64_t i = 0; i < count; i++)
		mote_guest_log(MOTE_LOG_WARN, "%s", line);
}

/* COUNT times SIZE bytes, each with a line end behind. */
MOTE_EXPORT(void, Prints, u64, count, u64, size)
{
	static char line[4096];

	memset(line, 'y', size);
	line[size] = '\n';
	for (uint64_t i = 0; i < count; i++)
		if (write(1, line, size + 1) < 0)
			return;
}

/* Makes areas of a page, COUNT at most, as long as it gets any; gives up each other; asks for areas
 * of two pages, which fit nowhere. Returns how many it got. All are given up at the end. */
MOTE_EXPORT(u64, Areas, u64, count)
{
	static char *areas[65536];
	uint64_t n = 0;

	for (; n < count && n < 65536; n++) {
		areas[n] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				0);
		if (areas[n] == MAP_FAILED)
			break;
	}
	for (uint64_t i = 0; i < n; i += 2)
		munmap(areas[i], 4096);
	for (uint64_t i = 0; i < n; i++)
		mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (uint64_t i = 1; i < n; i += 2)
		munmap(areas[i], 4096);
	return n;
}

MOTE_EXPORT(i32, Add, i32, a, i32, b)
{
	return a + b;
}
