/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes core files: headers, notes, then memory page by page. Pages of zeroes are skipped, so that
 * the file has holes there, and pages that nobody has touched are not even looked at.
 */
#define _GNU_SOURCE
#include "debug/core.h"

#include "abi/mote_abi.h"
#include "mem/page_bitmap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* The physical address of a segment that has several: of no page that is known to be used. */
#define NOWHERE UINT64_MAX

/* A file under way. */
struct output {
	const struct core *core;
	int fd;
	char *name; /* until it is renamed */
	size_t name_size;
	uint64_t offset; /* where the descriptor stands */
	struct guest_used used;
	size_t nregions;
	struct region regions[CORE_SEGMENTS_MAX];
	Elf64_Phdr headers[1 + CORE_SEGMENTS_MAX]; /* the first is that of the notes */
};

static mote_status put(struct output *to, uint64_t offset, const void *bytes, size_t size,
		       mote_error *err)
{
	const struct sys *sys = to->core->host->sys;

	if (to->offset != offset && sys->lseek(to->fd, (off_t)offset, SEEK_SET) < 0)
		return error_os(err, errno, "cannot go on in a core file");
	to->offset = offset + size;
	if (sys_write_all(sys, to->fd, bytes, size) < 0)
		return error_os(err, errno, "cannot write a core file");
	return MOTE_OK;
}

static bool has_contents(const struct region *region)
{
	return region->kind != REGION_MAPPED_FILE;
}

/* Whether NEXT can be of one segment with REGION. */
static bool goes_on(const struct region *region, const struct region *next)
{
	return region->va + region->size == next->va && region->flags == next->flags &&
	       !region_bytes(region) && !region_bytes(next) &&
	       has_contents(region) == has_contents(next);
}

static bool add_region(void *user, const struct region *region)
{
	struct output *to = user;
	struct region *last = to->nregions > 0 ? &to->regions[to->nregions - 1] : NULL;

	if (last && goes_on(last, region)) {
		/* A guest that copies pages when it writes to them has them all over its memory. */
		if (last->gpa + last->size != region->gpa)
			last->gpa = NOWHERE;
		last->size += region->size;
		return true;
	}
	if (to->nregions == CORE_SEGMENTS_MAX)
		return false;
	to->regions[to->nregions++] = *region;
	return true;
}

/* The regions that the guest has. */
static void list_regions(struct output *to)
{
	struct guest *guest = to->core->guest;

	if (guest->abi->visit_regions(guest, 0, UINT64_MAX, add_region, to))
		return;
	const struct region *last = to->nregions > 0 ? &to->regions[to->nregions - 1] : NULL;

	host_log(to->core->host, MOTE_LOG_WARN,
		 "the core file ends at 0x%" PRIx64
		 ": the guest has mapped more than %d pieces of memory, or its memory many times",
		 last ? last->va + last->size : 0, CORE_SEGMENTS_MAX);
}

/* Headers for the regions; returns how long the file is. */
static uint64_t describe(struct output *to, size_t notes_size)
{
	const uint64_t headers_end =
		sizeof(Elf64_Ehdr) + (1 + to->nregions) * sizeof to->headers[0];
	uint64_t offset = (headers_end + notes_size + MOTE_PAGE_SIZE - 1) & ~(MOTE_PAGE_SIZE - 1);

	to->headers[0] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = headers_end, .p_filesz = notes_size, .p_align = 4
	};
	for (size_t i = 0; i < to->nregions; i++) {
		const struct region *region = &to->regions[i];
		to->headers[1 + i] = (Elf64_Phdr){
			.p_type = PT_LOAD,
			.p_flags = (Elf64_Word)((region->flags & REGION_READ ? PF_R : 0) |
						(region->flags & REGION_WRITE ? PF_W : 0) |
						(region->flags & REGION_EXECUTE ? PF_X : 0)),
			.p_offset = offset,
			.p_vaddr = region->va,
			.p_filesz = has_contents(region) ? region->size : 0,
			.p_memsz = region->size,
			.p_align = MOTE_PAGE_SIZE,
		};
		offset += to->headers[1 + i].p_filesz;
	}
	return offset;
}

static mote_status put_headers(struct output *to, mote_error *err)
{
	uint8_t notes[CORE_NOTES_SIZE] = { 0 };
	const size_t notes_size = core_notes(to->core, notes);
	const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof header,
		.e_ehsize = sizeof header,
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = (Elf64_Half)(1 + to->nregions),
	};
	const uint64_t size = describe(to, notes_size);

	if (to->core->host->sys->ftruncate(to->fd, (off_t)size) < 0)
		return error_os(err, errno, "cannot make a core file of %" PRIu64 " bytes", size);
	mote_status status = put(to, 0, &header, sizeof header, err);
	if (!status)
		status = put(to, sizeof header, to->headers,
			     (1 + to->nregions) * sizeof to->headers[0], err);
	return status ? status : put(to, to->headers[0].p_offset, notes, notes_size, err);
}

static bool is_zero(const uint8_t *page)
{
	return page[0] == 0 && memcmp(page, page + 1, MOTE_PAGE_SIZE - 1) == 0;
}

/* The first page of REGION from the INDEX-th on that may be other than zero; or how many it has. */
static uint64_t next_used(const struct guest_used *used, const struct region *region,
			  uint64_t index)
{
	const uint64_t npages = region->size / MOTE_PAGE_SIZE;
	const uint64_t first = (region->gpa - used->first) / MOTE_PAGE_SIZE; /* below, it wraps */

	if (first >= used->npages || npages > used->npages - first)
		return index;
	return page_bitmap_next(used->bits, first + index, first + npages, true) - first;
}

static mote_status read_page(struct output *to, const struct region *region, uint64_t inside,
			     void *page, mote_error *err)
{
	struct guest *guest = to->core->guest;
	const char *bytes = region_bytes(region);

	if (!bytes)
		return guest->abi->read(guest, region->va + inside, page, MOTE_PAGE_SIZE, err);
	memcpy(page, bytes + inside, MOTE_PAGE_SIZE);
	return MOTE_OK;
}

/* The pages of a region, but those that are zero. */
static mote_status put_region(struct output *to, size_t index, mote_error *err)
{
	const struct region *region = &to->regions[index];
	const uint64_t npages = region->size / MOTE_PAGE_SIZE;
	uint8_t page[MOTE_PAGE_SIZE];
	mote_status status = MOTE_OK;

	for (uint64_t i = next_used(&to->used, region, 0); !status && i < npages;
	     i = next_used(&to->used, region, i + 1)) {
		const uint64_t inside = i * MOTE_PAGE_SIZE;

		status = read_page(to, region, inside, page, err);
		if (!status && !is_zero(page))
			status = put(to, to->headers[1 + index].p_offset + inside, page,
				     sizeof page, err);
	}
	return status;
}

static mote_status put_memory(struct output *to, mote_error *err)
{
	mote_status status = MOTE_OK;

	for (size_t i = 0; i < to->nregions && !status; i++)
		if (has_contents(&to->regions[i]))
			status = put_region(to, i, err);
	return status;
}

/* Creates the file beside PATH. */
static mote_status begin(struct output *to, const char *path, mote_error *err)
{
	const struct host *host = to->core->host;
	uint64_t random;

	if (host->sys->getrandom(&random, sizeof random, 0) != sizeof random)
		return error_os(err, errno, "no random bytes for a core file's name");
	snprintf(to->name, to->name_size, "%s.%016" PRIx64, path, random);
	to->fd = host->sys->openat(AT_FDCWD, to->name,
				   O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return to->fd < 0 ? error_os(err, errno, "cannot create the core file %.300s", path)
			  : MOTE_OK;
}

static mote_status write_file(struct output *to, const char *path, mote_error *err)
{
	const struct sys *sys = to->core->host->sys;
	mote_status status = begin(to, path, err);

	if (status)
		return status;
	list_regions(to);
	status = put_headers(to, err);
	if (!status)
		status = put_memory(to, err);
	if (sys->close(to->fd) < 0 && !status)
		status = error_os(err, errno, "cannot finish the core file %.300s", path);
	if (!status && sys->renameat(AT_FDCWD, to->name, AT_FDCWD, path) < 0)
		status = error_os(err, errno, "cannot rename a core file to %.300s", path);
	if (status)
		sys->unlinkat(AT_FDCWD, to->name, 0);
	return status;
}

mote_status core_write(const struct core *core, const char *path, mote_error *err)
{
	const struct host *host = core->host;
	struct output *to = host_alloc(host, sizeof *to);

	if (!to)
		return error_nomem(err, "a core file", sizeof *to);
	to->core = core; /* the rest is 0, and for a large part never touched */
	to->name_size = strlen(path) + sizeof ".0123456789abcdef";
	to->name = host_alloc(host, to->name_size);
	mote_status status = to->name ? MOTE_OK : error_nomem(err, "a core file", to->name_size);
	if (!status)
		status = core->guest->abi->find_used(&to->used, core->guest, err);
	if (!status)
		status = write_file(to, path, err);
	page_bitmap_free(host, to->used.bits, to->used.npages);
	host_free(host, to->name, to->name_size);
	host_free(host, to, sizeof *to);
	return status;
}
