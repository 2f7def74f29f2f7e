/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in memory that are written once, sealed, and shared from then on. A seal holds against
 * everybody, whoever has a descriptor, so that a mapping can be read like any memory.
 */
#define _GNU_SOURCE
#include "mem/sealed_file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

mote_status sealed_file_new(struct sealed_file **out, const struct host *host, mote_error *err)
{
	struct sealed_file *file = host_alloc(host, sizeof *file);

	*out = NULL;
	if (!file)
		return error_nomem(err, "the description of a file in memory", sizeof *file);
	file->fd = host->sys->memfd_create("mote-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (file->fd < 0) {
		int os_error = errno;
		host_free(host, file, sizeof *file);
		return error_os(err, os_error, "cannot create a file in memory");
	}
	file->host = host;
	atomic_init(&file->nrefs, 1);
	*out = file;
	return MOTE_OK;
}

/* Written and not mapped for that, which would clear each page first: two thirds of the time. */
mote_status sealed_file_append(struct sealed_file *file, const void *from, size_t size,
			       mote_error *err)
{
	if (sys_write_all(file->host->sys, file->fd, from, size) < 0)
		return error_os(err, errno, "cannot write %zu bytes to a file in memory", size);
	file->size += size;
	return MOTE_OK;
}

mote_status sealed_file_seal(struct sealed_file *file, mote_error *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
	const struct sys *sys = file->host->sys;

	if (sys->fcntl(file->fd, F_ADD_SEALS, seals) < 0)
		return error_os(err, errno, "cannot seal a file in memory");
	void *at = sys->mmap(NULL, file->size, PROT_READ, MAP_PRIVATE, file->fd, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map the %zu bytes of a file in memory",
				file->size);
	file->bytes = at;
	return MOTE_OK;
}

struct sealed_file *sealed_file_ref(struct sealed_file *file)
{
	if (file)
		atomic_fetch_add_explicit(&file->nrefs, 1, memory_order_relaxed);
	return file;
}

void sealed_file_unref(struct sealed_file *file)
{
	if (!file || atomic_fetch_sub_explicit(&file->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = file->host;

	if (file->bytes)
		host->sys->munmap((void *)(uintptr_t)file->bytes, file->size);
	host->sys->close(file->fd);
	host_free(host, file, sizeof *file);
}
