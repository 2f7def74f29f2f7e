/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings on Windows. Each is a view of a section of its own, which the process that stands
 * for a virtual machine can map too. The view is larger than the mapping by guards and by what
 * alignment costs; all that lies around the mapping becomes inaccessible. It counts as
 * committed, but nobody touches it, so it takes no memory.
 */
#include "mem/mapping.h"

#include "abi/mote_abi.h"

#include <string.h>
#include <windows.h>

#define HUGE_PAGE_SIZE ((size_t)2 << 20)

/* Makes a view of TOTAL bytes. */
static mote_status map_section(struct mapping *mapping, const struct host *host, size_t total,
			       mote_error *err)
{
	const struct sys *sys = host->sys;

	mapping->section = sys->create_file_mapping(total);
	if (!mapping->section)
		return error_os(err, sys->last_error(), "cannot make a section of %zu bytes",
				total);
	mapping->reserved = sys->map_view_of_file(mapping->section);
	if (!mapping->reserved)
		return error_os(err, sys->last_error(), "cannot map a section of %zu bytes", total);
	mapping->reserved_size = total;
	return MOTE_OK;
}

/* Takes access away from the SIZE bytes at AT, which are on one side of the mapping. */
static mote_status guard(const struct host *host, uint8_t *at, size_t size, mote_error *err)
{
	if (!host->sys->virtual_protect(at, size, PAGE_NOACCESS))
		return error_os(err, host->sys->last_error(),
				"cannot guard guest memory with %zu bytes", size);
	return MOTE_OK;
}

static mote_status map_guarded(struct mapping *mapping, const struct host *host, mote_error *err)
{
	size_t page = MOTE_PAGE_SIZE;
	size_t size = mapping->size;
	size_t alignment = size < HUGE_PAGE_SIZE ? page : HUGE_PAGE_SIZE;
	size_t total;

	if (__builtin_add_overflow(size, 2 * page + (alignment - page), &total))
		return error_nomem(err, "guest memory", size);
	mote_status status = map_section(mapping, host, total, err);
	if (status)
		return status;
	uint8_t *start = mapping->reserved;
	uintptr_t first = (uintptr_t)start + page;

	mapping->base = (uint8_t *)((first + alignment - 1) & ~(uintptr_t)(alignment - 1));
	uint8_t *end = mapping->base + size;
	status = guard(host, start, (size_t)(mapping->base - start), err);
	return status ? status : guard(host, end, (size_t)(start + total - end), err);
}

mote_status mapping_init(struct mapping *mapping, const struct host *host, size_t size,
			 bool with_fd, mote_error *err)
{
	(void)with_fd; /* there always is a section, and never a descriptor */
	*mapping = (struct mapping){ .size = size, .fd = -1 };
	mote_status status = map_guarded(mapping, host, err);
	if (status != MOTE_OK)
		mapping_fini(mapping, host);
	return status;
}

void mapping_fini(struct mapping *mapping, const struct host *host)
{
	if (mapping->reserved)
		host->sys->unmap_view_of_file(mapping->reserved);
	if (mapping->section)
		host->sys->close_handle(mapping->section);
	*mapping = (struct mapping){ .fd = -1 };
}

mote_status mapping_seal(struct mapping *mapping, const struct host *host, mote_error *err)
{
	if (!host->sys->virtual_protect(mapping->base, mapping->size, PAGE_READONLY))
		return error_os(err, host->sys->last_error(),
				"cannot make %zu bytes of guest memory read-only", mapping->size);
	return MOTE_OK;
}

void mapping_populate(struct mapping *mapping, const struct host *host, size_t offset, size_t size)
{
	/* Windows fetches ahead what lies in a file, not what was never touched. */
	(void)mapping;
	(void)host;
	(void)offset;
	(void)size;
}

bool mapping_discard(struct mapping *mapping, const struct host *host, size_t offset, size_t size)
{
	/* What a section has committed stays so until the section goes. */
	(void)mapping;
	(void)host;
	(void)offset;
	(void)size;
	return false;
}

bool mapping_prefer_huge(struct mapping *mapping, const struct host *host, size_t offset,
			 size_t size)
{
	/* Only memory that is never given back could be large pages, and who may have them is told.
	 */
	(void)mapping;
	(void)host;
	(void)offset;
	(void)size;
	return false;
}

mote_status mapping_touched(const struct mapping *mapping, const struct host *host, uint64_t *bits,
			    mote_error *err)
{
	(void)host;
	(void)err;
	/* Nothing tells: any page may have been touched. */
	for (size_t page = 0; page < mapping->size / MOTE_PAGE_SIZE; page++)
		bits[page / 64] |= UINT64_C(1) << page % 64;
	return MOTE_OK;
}

mote_status mapping_show_zeroes(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, mote_error *err)
{
	(void)host;
	(void)err;
	memset(mapping->base + offset, 0, size);
	return MOTE_OK;
}

mote_status mapping_show_file(struct mapping *mapping, const struct host *host, size_t offset,
			      size_t size, int fd, uint64_t file_offset, bool is_sealed,
			      mote_error *err)
{
	(void)mapping;
	(void)host;
	(void)offset;
	(void)fd;
	(void)file_offset;
	(void)is_sealed;
	/* A view of a file cannot take the place of a part of another view. */
	return error_set(err, MOTE_E_OS, "cannot map %zu bytes of a file on Windows", size);
}

/* No memory has a descriptor. */
mote_status mapping_show_sealed(struct mapping *mapping, const struct host *host, size_t offset,
				size_t size, int fd, uint64_t file_offset, mote_error *err)
{
	return mapping_show_file(mapping, host, offset, size, fd, file_offset, true, err);
}

mote_status mapping_show_own(struct mapping *mapping, const struct host *host, size_t offset,
			     size_t size, mote_error *err)
{
	return mapping_show_file(mapping, host, offset, size, -1, 0, true, err);
}

/* No view is of a file, so nobody can cut one. */
mote_status mapping_read(const struct mapping *mapping, const struct host *host, size_t offset,
			 void *to, size_t size, mote_error *err)
{
	(void)host;
	(void)err;
	memcpy(to, mapping->base + offset, size);
	return MOTE_OK;
}

mote_status mapping_write(const struct mapping *mapping, const struct host *host, size_t offset,
			  const void *from, size_t size, mote_error *err)
{
	(void)host;
	(void)err;
	memcpy(mapping->base + offset, from, size);
	return MOTE_OK;
}

bool mapping_can_check(const struct host *host)
{
	(void)host;
	return true;
}
