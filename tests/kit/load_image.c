/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two steps of loading an image, one behind the other.
 */
#include "tests/kit/load_image.h"

static mote_status finish(struct mote_image **image, mote_error *err)
{
	const mote_status status = image_parse(*image, err);

	if (status) {
		mote_image_unref(*image);
		*image = NULL;
	}
	return status;
}

mote_status load_image_file(struct mote_image **out, const struct host *host, const char *path,
			    mote_error *err)
{
	const mote_status status = image_open_file(out, host, path, err);

	return status ? status : finish(out, err);
}

mote_status load_image_memory(struct mote_image **out, const struct host *host, const void *elf,
			      size_t size, mote_error *err)
{
	const mote_status status = image_open_memory(out, host, elf, size, err);

	return status ? status : finish(out, err);
}
