/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files on their way into guests: checked and labelled, mapped for the hypervisor,
 * read for the host. Reading goes through the descriptor: a page that is missing is a short
 * read there and a signal in the mapping. Both show the same bytes, since nobody writes to
 * the private mapping.
 */
#define _GNU_SOURCE
#include "mem/file_mapping.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* SIZE is that of a file, so below 2^63. */
static uint64_t whole_pages(uint64_t size)
{
	return (size + MOTE_PAGE_SIZE - 1) & ~(MOTE_PAGE_SIZE - 1);
}

/* The length of the character at TEXT if it may be in a label, else 0. Labels end up in terminals
 * and logs: no controls, be they C0, DEL or C1 (C2 80 to C2 9F). */
static size_t label_character(const char *text, size_t size)
{
	const unsigned char *at = (const unsigned char *)text;

	if (at[0] < 0x20 || at[0] == 0x7f)
		return 0;
	if (at[0] == 0xc2 && size > 1 && at[1] < 0xa0)
		return 0;
	return text_utf8_length(text, size);
}

static mote_status check_label(const char *label, mote_error *err)
{
	size_t size = strlen(label);

	if (size == 0)
		return error_set(err, MOTE_E_INVALID,
				 "the label is empty; give it a name, or NULL for the file's");
	if (size >= MOTE_LABEL_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "the label \"%.20s...\" has %zu bytes; it may have at most %d",
				 label, size, MOTE_LABEL_SIZE - 1);
	for (size_t at = 0; at < size;) {
		size_t length = label_character(label + at, size - at);
		if (length == 0)
			return error_set(err, MOTE_E_INVALID,
					 "byte %zu of the label, 0x%02x, is a control character "
					 "or no UTF-8; leave it out",
					 at, (unsigned char)label[at]);
		at += length;
	}
	return MOTE_OK;
}

/* Makes a label of the last part of PATH. */
static void derive_label(char to[MOTE_LABEL_SIZE], const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t size = strlen(name), used = 0;

	while (size > 0) {
		size_t length = label_character(name, size);
		size_t step = length > 0 ? length : 1;
		if (used + step >= MOTE_LABEL_SIZE)
			break;
		memcpy(to + used, length > 0 ? name : "?", step);
		used += step;
		name += step;
		size -= step;
	}
	to[used] = '\0';
}

static mote_status check_address(const char *path, uint64_t address, mote_error *err)
{
	if (address % MOTE_PAGE_SIZE)
		return error_set(err, MOTE_E_INVALID,
				 "%.200s: cannot be mapped at 0x%" PRIx64
				 ", which is no multiple of %d; 0x%" PRIx64 " is",
				 path, address, (int)MOTE_PAGE_SIZE,
				 address & ~(MOTE_PAGE_SIZE - 1));
	if (address < MOTE_WINDOW_END || address >= MOTE_ADDRESS_END)
		return error_set(err, MOTE_E_INVALID,
				 "%.200s: cannot be mapped at 0x%" PRIx64 "; guests have 0x%" PRIx64
				 " to 0x%" PRIx64,
				 path, address, MOTE_WINDOW_END, MOTE_ADDRESS_END);
	return MOTE_OK;
}

/* What is open and cannot be mapped. Only as a descriptor can it be a socket, or nothing that has
 * a kind, as an eventfd has none. */
static const char *file_kind(mode_t mode)
{
	if (S_ISDIR(mode))
		return "a directory";
	if (S_ISFIFO(mode))
		return "a pipe";
	return S_ISCHR(mode) || S_ISBLK(mode) ? "a device" : "a socket or the like";
}

static mote_status check_file(struct file_mapping *file, const char *path, mote_error *err)
{
	const uint64_t room = MOTE_ADDRESS_END - file->address;
	struct stat info;

	if (file->host->sys->fstat(file->fd, &info) != 0)
		return error_os(err, errno, "cannot read the size of %.300s", path);
	if (!S_ISREG(info.st_mode))
		return error_set(err, MOTE_E_INVALID,
				 "%.300s: is %s; only regular files can be mapped", path,
				 file_kind(info.st_mode));
	if (info.st_size == 0)
		return error_set(err, MOTE_E_INVALID,
				 "%.300s: is empty; a mapping needs at least 1 byte", path);
	file->file_size = (uint64_t)info.st_size;
	file->size = whole_pages(file->file_size);
	if (file->size > room)
		return error_set(err, MOTE_E_INVALID,
				 "%.200s: has %" PRIu64 " bytes; %" PRIu64 " fit between 0x%" PRIx64
				 " and the end of a guest's addresses; map it lower, or a part "
				 "of it",
				 path, file->file_size, room, file->address);
	return MOTE_OK;
}

/* A descriptor of the mapping's own: for the path NAME, or, unless FD is NULL, for what that has
 * open. */
static int open_file(const struct sys *sys, const char *name, const int *fd)
{
	if (fd)
		return sys->fcntl(*fd, F_DUPFD_CLOEXEC, 0);
	/* not blocking: opening a pipe would wait for a writer */
	return sys->open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
}

static mote_status open_and_map(struct file_mapping *file, const char *name, const int *fd,
				mote_error *err)
{
	const struct sys *sys = file->host->sys;
	mote_status status;

	file->fd = open_file(sys, name, fd);
	if (file->fd < 0)
		return error_os(err, errno, "cannot open %.300s", name);
	status = check_file(file, name, err);
	if (status)
		return status;
	/* Not executable here: a hypervisor needs no more than to read it, and what a
	 * guest executes is nothing that this process should. Private, because shared
	 * mappings of memory sealed against writing are refused before Linux 6.7; pages that
	 * nobody writes to are the file's own all the same. */
	void *at = sys->mmap(NULL, (size_t)file->size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE,
			     file->fd, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno,
				"cannot map the %" PRIu64 " bytes of %.300s for reading",
				file->file_size, name);
	file->bytes = at;
	return MOTE_OK;
}

mote_status file_mapping_new(struct file_mapping **out, const struct host *host, const char *name,
			     const int *fd, uint64_t address, const char *label, mote_error *err)
{
	*out = NULL;
	mote_status status = check_address(name, address, err);
	if (!status && label)
		status = check_label(label, err);
	if (status)
		return status;
	struct file_mapping *file = host_alloc(host, sizeof *file);
	if (!file)
		return error_nomem(err, "the description of a mapped file", sizeof *file);
	*file = (struct file_mapping){ .host = host, .address = address, .fd = -1 };
	atomic_init(&file->nrefs, 1);
	status = open_and_map(file, name, fd, err);
	if (status) {
		file_mapping_unref(file);
		return status;
	}
	if (label)
		memcpy(file->label, label, strlen(label) + 1);
	else
		derive_label(file->label, name);
	snprintf(file->name, sizeof file->name, "mapped file \"%s\"", file->label);
	*out = file;
	return MOTE_OK;
}

struct file_mapping *file_mapping_ref(struct file_mapping *file)
{
	atomic_fetch_add_explicit(&file->nrefs, 1, memory_order_relaxed);
	return file;
}

void file_mapping_unref(struct file_mapping *file)
{
	if (!file || atomic_fetch_sub_explicit(&file->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = file->host;
	if (file->bytes)
		host->sys->munmap(file->bytes, (size_t)file->size);
	if (file->fd >= 0)
		host->sys->close(file->fd);
	host_free(host, file, sizeof *file);
}

/* The size of the file now; 0 if even that cannot be known. */
static uint64_t size_now(const struct file_mapping *file)
{
	struct stat info;

	return file->host->sys->fstat(file->fd, &info) == 0 ? (uint64_t)info.st_size : 0;
}

mote_status file_mapping_read(const struct file_mapping *file, uint64_t offset, void *to,
			      size_t size, mote_error *err)
{
	const ssize_t got = sys_pread_all(file->host->sys, file->fd, to, size, offset);

	if (got < 0) {
		int os_error = errno;
		memset(to, 0, size);
		return error_os(err, os_error, "cannot read the %s", file->name);
	}
	if ((size_t)got == size)
		return MOTE_OK;
	uint64_t now = size_now(file);

	memset((uint8_t *)to + got, 0, size - (size_t)got);
	if (offset + size <= whole_pages(now)) /* inside of the mapping: cannot wrap */
		return MOTE_OK;
	memset(to, 0, size);
	return error_set(err, MOTE_E_OS,
			 "the %s was cut from %" PRIu64 " to %" PRIu64
			 " bytes after it was mapped; map files that nobody changes",
			 file->name, file->file_size, now);
}

bool file_mapping_is_cut(const struct file_mapping *file, uint64_t *now)
{
	*now = size_now(file);
	return whole_pages(*now) < file->size;
}

struct region file_mapping_region(const struct file_mapping *file)
{
	return (struct region){
		.va = file->address,
		.gpa = file->gpa,
		.size = file->size,
		.flags = REGION_READ | REGION_EXECUTE,
		.is_user = true,
		.kind = REGION_MAPPED_FILE,
		.host = { .base = file->bytes, .size = file->size, .file = file->fd },
	};
}
