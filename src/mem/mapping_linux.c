/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings on Linux. All of the address space is reserved first, guards included, without
 * access; the memory is then opened or mapped in the middle. What is left over around it
 * stays reserved: a wider guard costs nothing, and two system calls to trim it would.
 */
#define _GNU_SOURCE
#include "mem/mapping.h"

#include "abi/mote_abi.h"

#include <errno.h>
#include <sys/mman.h>

#define HUGE_PAGE_SIZE ((size_t)2 << 20)

/* MAP_NORESERVE: most of a large heap is never touched, and is not to count against the
 * system's overcommit limit. */
#define RESERVE_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static mote_status reserve(struct mapping *mapping, const struct host *host, mote_error *err)
{
	size_t guard = MOTE_PAGE_SIZE;
	size_t alignment = mapping->size < HUGE_PAGE_SIZE ? guard : HUGE_PAGE_SIZE;
	size_t total;

	if (__builtin_add_overflow(mapping->size, 2 * guard + (alignment - guard), &total))
		return error_nomem(err, "guest memory", mapping->size);
	void *at = host->sys->mmap(NULL, total, PROT_NONE, RESERVE_FLAGS, -1, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot reserve %zu bytes for guest memory", total);
	uintptr_t first = (uintptr_t)at + guard;

	mapping->reserved = at;
	mapping->reserved_size = total;
	mapping->base = (uint8_t *)((first + alignment - 1) & ~(uintptr_t)(alignment - 1));
	return MOTE_OK;
}

static mote_status open_file(struct mapping *mapping, const struct host *host, mote_error *err)
{
	int fd = host->sys->memfd_create("mote", MFD_CLOEXEC);
	if (fd < 0)
		return error_os(err, errno, "cannot create a memory file");
	if (host->sys->ftruncate(fd, (off_t)mapping->size) < 0) {
		int os_error = errno;
		host->sys->close(fd);
		return error_os(err, os_error, "cannot make a memory file of %zu bytes",
				mapping->size);
	}
	mapping->fd = fd;
	return MOTE_OK;
}

/* Puts memory where only address space was reserved. */
static mote_status populate(struct mapping *mapping, const struct host *host, mote_error *err)
{
	const int access = PROT_READ | PROT_WRITE;
	void *at = mapping->base;
	size_t size = mapping->size;

	if (mapping->fd < 0) {
		if (host->sys->mprotect(at, size, access) < 0)
			return error_os(err, errno, "cannot map %zu bytes of guest memory", size);
		return MOTE_OK;
	}
	int flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;
	if (host->sys->mmap(at, size, access, flags, mapping->fd, 0) == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes of a memory file", size);
	return MOTE_OK;
}

mote_status mapping_init(struct mapping *mapping, const struct host *host, size_t size,
			 bool with_fd, mote_error *err)
{
	*mapping = (struct mapping){ .size = size, .fd = -1 };
	mote_status status = reserve(mapping, host, err);
	if (status == MOTE_OK && with_fd)
		status = open_file(mapping, host, err);
	if (status == MOTE_OK)
		status = populate(mapping, host, err);
	if (status != MOTE_OK)
		mapping_fini(mapping, host);
	return status;
}

void mapping_fini(struct mapping *mapping, const struct host *host)
{
	if (mapping->reserved)
		host->sys->munmap(mapping->reserved, mapping->reserved_size);
	if (mapping->fd >= 0)
		host->sys->close(mapping->fd);
	*mapping = (struct mapping){ .fd = -1 };
}

mote_status mapping_seal(struct mapping *mapping, const struct host *host, mote_error *err)
{
	if (host->sys->mprotect(mapping->base, mapping->size, PROT_READ) < 0)
		return error_os(err, errno, "cannot make %zu bytes of guest memory read-only",
				mapping->size);
	return MOTE_OK;
}

void mapping_populate(struct mapping *mapping, const struct host *host, size_t offset, size_t size)
{
	/* Linux 5.14; older kernels refuse, and the pages come one fault at a time. */
	host->sys->madvise(mapping->base + offset, size, MADV_POPULATE_WRITE);
}

bool mapping_discard(struct mapping *mapping, const struct host *host, size_t offset, size_t size)
{
	/* A private page that is dropped comes back as zeroes; one of a file comes back from
	 * the file, so there the file needs the hole. */
	int advice = mapping->fd < 0 ? MADV_DONTNEED : MADV_REMOVE;
	return host->sys->madvise(mapping->base + offset, size, advice) == 0;
}
