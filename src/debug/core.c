/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes core files: headers, notes, then memory page by page. Pages of zeroes are skipped, so that
 * the file has holes there, and pages that nobody has touched are not even looked at.
 */
#define _GNU_SOURCE
#include "debug/core.h"

#include "abi/mote_abi.h"
#include "mem/file_mapping.h"
#include "mem/page_bitmap.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SEGMENTS_MAX (LAYOUT_REGIONS_MAX + MOTE_MAPPINGS_MAX)

/* A file under way. */
struct output {
	const struct core *core;
	int fd;
	char *name; /* until it is renamed */
	size_t name_size;
	uint64_t offset; /* where the descriptor stands */
	uint64_t *used;  /* a bit a page of RAM: it may be other than zero */
	struct region regions[SEGMENTS_MAX];
	Elf64_Phdr headers[1 + SEGMENTS_MAX]; /* the first is that of the notes */
	size_t nregions;
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

/* The regions that the guest has, and how they are described. */
static void list_regions(struct output *to)
{
	struct guest_memory *memory = to->core->memory;
	const struct layout *layout = guest_memory_layout(memory);
	const struct file_mapping *file;
	const struct region *region;

	for (size_t i = 0; (region = layout_mapped(layout, i)); i++)
		if (region->is_user && region->kind != REGION_DOORBELL)
			to->regions[to->nregions++] = *region;
	for (size_t i = 0; (file = guest_memory_file(memory, i)); i++)
		to->regions[to->nregions++] = file_mapping_region(file);
}

static bool has_contents(const struct region *region)
{
	return region->kind != REGION_MAPPED_FILE;
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

/* The pages of a region of RAM. */
static mote_status put_ram(struct output *to, size_t index, mote_error *err)
{
	const struct region *region = &to->regions[index];
	const uint64_t ram = guest_memory_layout(to->core->memory)->ram.gpa;
	const uint64_t first = (region->gpa - ram) / MOTE_PAGE_SIZE;
	const uint64_t end = first + region->size / MOTE_PAGE_SIZE;
	uint8_t page[MOTE_PAGE_SIZE];
	mote_status status = MOTE_OK;

	for (uint64_t i = first; !status; i++) {
		i = page_bitmap_next(to->used, i, end, true);
		if (i == end)
			break;
		const uint64_t inside = (i - first) * MOTE_PAGE_SIZE;
		status = guest_memory_read(to->core->memory, region->va + inside, page, sizeof page,
					   0, err);
		if (!status && !is_zero(page))
			status = put(to, to->headers[1 + index].p_offset + inside, page,
				     sizeof page, err);
	}
	return status;
}

static mote_status put_memory(struct output *to, mote_error *err)
{
	mote_status status = guest_memory_used(to->core->memory, to->used, err);

	for (size_t i = 0; i < to->nregions && !status; i++) {
		if (to->regions[i].kind == REGION_HYPERCALL)
			status = put(to, to->headers[1 + i].p_offset, to->core->hypercall_page,
				     MOTE_PAGE_SIZE, err);
		else if (has_contents(&to->regions[i]))
			status = put_ram(to, i, err);
	}
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
	const uint64_t npages = guest_memory_layout(core->memory)->ram.size / MOTE_PAGE_SIZE;
	struct output *to = host_alloc(host, sizeof *to);

	if (!to)
		return error_nomem(err, "a core file", sizeof *to);
	*to = (struct output){ .core = core, .fd = -1 };
	to->name_size = strlen(path) + sizeof ".0123456789abcdef";
	to->name = host_alloc(host, to->name_size);
	to->used = page_bitmap_new(host, npages);
	mote_status status = to->name && to->used
				     ? write_file(to, path, err)
				     : error_nomem(err, "a core file", (size_t)npages / 8);
	page_bitmap_free(host, to->used, npages);
	host_free(host, to->name, to->name_size);
	host_free(host, to, sizeof *to);
	return status;
}
