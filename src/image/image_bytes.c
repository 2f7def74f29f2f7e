/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of guests' files: in allocated memory, or in a sealed file in memory.
 */
#define _GNU_SOURCE
#include "image/image_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static mote_status make_file(struct image_bytes *bytes, const struct host *host, mote_error *err)
{
	const struct sys *sys = host->sys;

	bytes->fd = sys->memfd_create("mote-image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (bytes->fd < 0)
		return error_os(err, errno, "cannot create a memory file for a guest file");
	bytes->is_shared = true;
	return MOTE_OK;
}

mote_status image_bytes_init(struct image_bytes *bytes, const struct host *host, size_t size,
			     mote_error *err)
{
	*bytes = (struct image_bytes){ .size = size, .fd = -1 };
	if (size >= IMAGE_BYTES_SHARED_FROM)
		return make_file(bytes, host, err);
	bytes->at = host_alloc(host, size);
	return bytes->at ? MOTE_OK : error_nomem(err, "a guest file", size);
}

/* Written and not mapped for that, which would clear each page first: two thirds of the time. */
mote_status image_bytes_append(struct image_bytes *bytes, const struct host *host, const void *from,
			       size_t size, mote_error *err)
{
	if (!bytes->is_shared)
		memcpy((uint8_t *)(uintptr_t)bytes->at + bytes->filled, from, size);
	else if (sys_write_all(host->sys, bytes->fd, from, size) < 0)
		return error_os(err, errno, "cannot copy a guest file of %zu bytes", bytes->size);
	bytes->filled += size;
	return MOTE_OK;
}

mote_status image_bytes_seal(struct image_bytes *bytes, const struct host *host, mote_error *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	if (!bytes->is_shared)
		return MOTE_OK;
	if (host->sys->fcntl(bytes->fd, F_ADD_SEALS, seals) < 0)
		return error_os(err, errno, "cannot seal the copy of a guest file");
	void *at = host->sys->mmap(NULL, bytes->size, PROT_READ, MAP_PRIVATE, bytes->fd, 0);
	if (at == MAP_FAILED)
		return error_os(err, errno, "cannot map the %zu bytes of a guest file",
				bytes->size);
	bytes->at = at;
	return MOTE_OK;
}

void image_bytes_fini(struct image_bytes *bytes, const struct host *host)
{
	void *at = (void *)(uintptr_t)bytes->at;

	if (!bytes->is_shared)
		host_free(host, at, bytes->size);
	else if (at)
		host->sys->munmap(at, bytes->size);
	if (bytes->is_shared)
		host->sys->close(bytes->fd);
	*bytes = (struct image_bytes){ .fd = -1 };
}
