/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of guests' files: in allocated memory, or in a sealed file in memory.
 */
#include "image/image_bytes.h"

#include <string.h>

mote_status image_bytes_init(struct image_bytes *bytes, const struct host *host, size_t size,
			     mote_error *err)
{
	*bytes = (struct image_bytes){ .size = size };
	if (size >= IMAGE_BYTES_SHARED_FROM)
		return sealed_file_new(&bytes->file, host, err);
	bytes->at = host_alloc(host, size);
	return bytes->at ? MOTE_OK : error_nomem(err, "a guest file", size);
}

mote_status image_bytes_append(struct image_bytes *bytes, const void *from, size_t size,
			       mote_error *err)
{
	mote_status status = MOTE_OK;

	if (bytes->file)
		status = sealed_file_append(bytes->file, from, size, err);
	else
		memcpy((uint8_t *)(uintptr_t)bytes->at + bytes->filled, from, size);
	bytes->filled += size;
	return status;
}

mote_status image_bytes_seal(struct image_bytes *bytes, mote_error *err)
{
	if (!bytes->file)
		return MOTE_OK;
	mote_status status = sealed_file_seal(bytes->file, err);

	bytes->at = bytes->file->bytes;
	return status;
}

void image_bytes_fini(struct image_bytes *bytes, const struct host *host)
{
	if (!bytes->file)
		host_free(host, (void *)(uintptr_t)bytes->at, bytes->size);
	sealed_file_unref(bytes->file);
	*bytes = (struct image_bytes){ 0 };
}
