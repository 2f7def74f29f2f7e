/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings on Linux. All of the address space is reserved first, guards included, without
 * access; the memory is then opened or mapped in the middle. What is left over around it
 * stays reserved: a wider guard costs nothing, and two system calls to trim it would.
 */
#define _GNU_SOURCE
#include "mem/mapping.h"

#include "abi/mote_abi.h"
#include "mem/page_bitmap.h"
#include "mem/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Memory that shows files is mapped anew where much of it is given back at once. Each time may
 * leave a mapping more, of which a process has only so many: hence the second bound. */
#define REMAPPED_MIN  ((size_t)64 << 20)
#define REMAPPED_MOST 64

bool mapping_discard(struct mapping *mapping, const struct host *host, size_t offset, size_t size)
{
	/* A private page that is dropped comes back as zeroes; one of a file comes back from
	 * the file, so there the file needs the hole. */
	int advice = mapping->fd < 0 ? MADV_DONTNEED : MADV_REMOVE;

	/* what is dropped there would come back from the file */
	if (offset < mapping->files_end && offset + size > mapping->files_from)
		return size >= REMAPPED_MIN && size >= mapping->size / REMAPPED_MOST &&
		       mapping_show_zeroes(mapping, host, offset, size, NULL) == MOTE_OK;
	return host->sys->madvise(mapping->base + offset, size, advice) == 0;
}

bool mapping_prefer_huge(struct mapping *mapping, const struct host *host, size_t offset,
			 size_t size)
{
	if (mapping->fd >= 0)
		return false;
	return host->sys->madvise(mapping->base + offset, size, MADV_HUGEPAGE) == 0;
}

/* A file knows where it has data. */
static mote_status touched_of_file(const struct mapping *mapping, const struct host *host,
				   uint64_t *bits, mote_error *err)
{
	const struct sys *sys = host->sys;
	off_t at = 0;

	while ((size_t)at < mapping->size) {
		off_t data = sys->lseek(mapping->fd, at, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			return MOTE_OK;
		at = data < 0 ? -1 : sys->lseek(mapping->fd, data, SEEK_HOLE);
		if (at < 0)
			return error_os(err, errno, "cannot tell which guest memory is in use");
		page_bitmap_fill(bits, (size_t)data / MOTE_PAGE_SIZE,
				 ((size_t)at + MOTE_PAGE_SIZE - 1) / MOTE_PAGE_SIZE, true);
	}
	return MOTE_OK;
}

/* Linux, Documentation/admin-guide/mm/pagemap.rst: 64 bits a page, of which these say that it is in
 * memory or swapped out, and that it is still a file's: nobody has written to it. */
#define PAGEMAP         "/proc/self/pagemap"
#define PAGEMAP_USED    (UINT64_C(3) << 62)
#define PAGEMAP_OF_FILE (UINT64_C(1) << 61)

/* What older kernels say, and what filters of system calls do. */
static bool is_missing(int os_error)
{
	return os_error == ENOTTY || os_error == EINVAL || os_error == ENOSYS ||
	       os_error == EPERM || os_error == EACCES;
}

/* *IS_KNOWN: false if it cannot tell, which is no error. */
static mote_status scan_pagemap(const struct mapping *mapping, const struct host *host, int fd,
				uint64_t *bits, bool *is_known, mote_error *err)
{
	enum { AT_ONCE = 64 };
	const uintptr_t base = (uintptr_t)mapping->base;
	struct pagemap_range found[AT_ONCE];
	struct pagemap_scan scan = {
		.size = sizeof scan,
		.walked_to = base,
		.end = base + mapping->size,
		.ranges = (uintptr_t)found,
		.capacity = AT_ONCE,
		.inverted = PAGEMAP_SCAN_OF_FILE,
		.all_of = PAGEMAP_SCAN_OF_FILE,
		.any_of = PAGEMAP_SCAN_USED,
		.returned = PAGEMAP_SCAN_USED,
	};

	for (*is_known = true; *is_known && scan.walked_to < scan.end;) {
		scan.start = scan.walked_to;
		int n = host->sys->ioctl(fd, PAGEMAP_SCAN, &scan);
		if (n < 0 && !is_missing(errno))
			return error_os(err, errno, "cannot tell which guest memory is in use");
		*is_known = n >= 0 && n <= AT_ONCE && scan.walked_to > scan.start;
		for (int i = 0; *is_known && i < n; i++)
			page_bitmap_fill(bits, (found[i].start - base) / MOTE_PAGE_SIZE,
					 (found[i].end - base) / MOTE_PAGE_SIZE, true);
	}
	return MOTE_OK;
}

static bool read_pagemap(const struct mapping *mapping, const struct host *host, int fd,
			 uint64_t *bits)
{
	enum { AT_ONCE = 512 };
	const size_t npages = mapping->size / MOTE_PAGE_SIZE;
	const uintptr_t first = (uintptr_t)mapping->base / MOTE_PAGE_SIZE;
	uint64_t entries[AT_ONCE];

	for (size_t done = 0; done < npages;) {
		size_t n = npages - done < AT_ONCE ? npages - done : AT_ONCE;
		ssize_t got = host->sys->pread(fd, entries, n * sizeof entries[0],
					       (off_t)((first + done) * sizeof entries[0]));
		if (got <= 0 || (size_t)got % sizeof entries[0])
			return false;
		for (size_t i = 0; i < (size_t)got / sizeof entries[0]; i++)
			if (entries[i] & PAGEMAP_USED && !(entries[i] & PAGEMAP_OF_FILE))
				page_bitmap_fill(bits, done + i, done + i + 1, true);
		done += (size_t)got / sizeof entries[0];
	}
	return true;
}

mote_status mapping_touched(const struct mapping *mapping, const struct host *host, uint64_t *bits,
			    mote_error *err)
{
	mote_status status = MOTE_OK;
	bool is_known = false;

	if (mapping->fd >= 0)
		return touched_of_file(mapping, host, bits, err);
	int fd = host->sys->open(PAGEMAP, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		status = scan_pagemap(mapping, host, fd, bits, &is_known, err);
		if (!status && !is_known)
			is_known = read_pagemap(mapping, host, fd, bits);
		host->sys->close(fd);
	}
	if (!is_known) /* no /proc: any page may have been touched */
		page_bitmap_fill(bits, 0, mapping->size / MOTE_PAGE_SIZE, true);
	return status;
}

static mote_status copy_file(const struct mapping *mapping, const struct host *host, size_t offset,
			     size_t size, int fd, uint64_t file_offset, mote_error *err)
{
	const ssize_t n = sys_pread_all(host->sys, fd, mapping->base + offset, size, file_offset);

	if (n != (ssize_t)size)
		return error_os(err, n < 0 ? errno : EIO,
				"cannot read %zu bytes of guest memory from their file", size);
	return MOTE_OK;
}

mote_status mapping_show_zeroes(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, mote_error *err)
{
	uint8_t *at = mapping->base + offset;

	if (mapping->fd >= 0) {
		if (host->sys->madvise(at, size, MADV_REMOVE) < 0)
			return error_os(err, errno, "cannot drop %zu bytes of a memory file", size);
	} else if (host->sys->mmap(at, size, PROT_READ | PROT_WRITE, RESERVE_FLAGS | MAP_FIXED, -1,
				   0) == MAP_FAILED) {
		return error_os(err, errno, "cannot map %zu bytes of guest memory anew", size);
	} else if (offset <= mapping->files_from && offset + size >= mapping->files_end) {
		mapping->files_from = mapping->files_end = 0;
	}
	return MOTE_OK;
}

mote_status mapping_show_file(struct mapping *mapping, const struct host *host, size_t offset,
			      size_t size, int fd, uint64_t file_offset, bool is_sealed,
			      mote_error *err)
{
	if (mapping->fd >= 0)
		return copy_file(mapping, host, offset, size, fd, file_offset, err);
	void *at = host->sys->mmap(mapping->base + offset, size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED, fd, (off_t)file_offset);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes of a snapshot", size);
	if (mapping->files_end == 0 || offset < mapping->files_from)
		mapping->files_from = offset;
	if (offset + size > mapping->files_end)
		mapping->files_end = offset + size;
	mapping->may_fault |= !is_sealed;
	return MOTE_OK;
}

mote_status mapping_show_sealed(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, int fd, uint64_t file_offset, mote_error *err)
{
	void *at = mapping->base + offset;
	const int flags = MAP_PRIVATE | MAP_NORESERVE | MAP_FIXED;

	if (host->sys->mmap(at, size, PROT_READ, flags, fd, (off_t)file_offset) == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes of an image", size);
	return MOTE_OK;
}

mote_status mapping_show_own(struct mapping *mapping, const struct host *host, size_t offset,
			     size_t size, mote_error *err)
{
	const int access = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_NORESERVE | MAP_FIXED;
	void *at = mapping->base + offset;

	if (host->sys->mmap(at, size, access, flags, mapping->fd, (off_t)offset) == MAP_FAILED)
		return error_os(err, errno, "cannot map %zu bytes of guest memory anew", size);
	return MOTE_OK;
}

static mote_status lost_pages(ssize_t done, const char *what, mote_error *err)
{
	return error_os(err, done < 0 ? errno : EFAULT,
			"cannot %s guest memory that comes from a snapshot's file, which was cut "
			"or cannot be read any more",
			what);
}

mote_status mapping_read(const struct mapping *mapping, const struct host *host, size_t offset,
			 void *to, size_t size, mote_error *err)
{
	const struct iovec own = { to, size };
	const struct iovec guest = { mapping->base + offset, size };
	const struct sys *sys = host->sys;

	if (size == 0)
		return MOTE_OK;
	ssize_t done = sys->process_vm_readv(sys->getpid(), &own, 1, &guest, 1, 0);
	return done == (ssize_t)size ? MOTE_OK : lost_pages(done, "read", err);
}

mote_status mapping_write(const struct mapping *mapping, const struct host *host, size_t offset,
			  const void *from, size_t size, mote_error *err)
{
	const struct iovec own = { (void *)(uintptr_t)from, size };
	const struct iovec guest = { mapping->base + offset, size };
	const struct sys *sys = host->sys;

	if (size == 0)
		return MOTE_OK;
	ssize_t done = sys->process_vm_writev(sys->getpid(), &own, 1, &guest, 1, 0);
	return done == (ssize_t)size ? MOTE_OK : lost_pages(done, "write", err);
}

bool mapping_can_check(const struct host *host)
{
	char from = 1, to = 0;
	const struct mapping self = { .base = (uint8_t *)&from, .size = 1 };

	return !mapping_read(&self, host, 0, &to, 1, NULL) &&
	       !mapping_write(&self, host, 0, &to, 1, NULL);
}
