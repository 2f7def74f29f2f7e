/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes images from bytes and counts their references. Failures of mote's own parsers get the name
 * of the file in front here, and nowhere else.
 */
#include "image/image.h"

#include "abi/mote_abi.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* Keeps the last part of PATH: a full one could push the reason out of the message. */
static void set_name(struct mote_image *image, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *last = slash ? slash + 1 : path;
	text_escape(image->name, sizeof image->name, last, strlen(last));
}

void image_set_abi(struct mote_image *image, uint32_t version)
{
	image->abi_version = version;
	image->abi_name = version ? "mote" : NULL;
	if (version)
		snprintf(image->abi_text, sizeof image->abi_text, "%" PRIu32, version);
}

static mote_status read_records(struct mote_image *image, mote_error *err)
{
	const struct host *host = image->host;
	const struct elf *elf = &image->elf;
	struct abi_claims claims;
	mote_status status = records_read_abi(elf, &claims, err);

	image_set_abi(image, claims.version);
	image->features = claims.features;
	if (status != MOTE_OK || image->abi_version == 0)
		return status;

	if (!elf_has_sections(elf))
		return error_set(err, MOTE_E_IMAGE,
				 "is a mote guest without section headers, which list its "
				 "functions; strip it with strip, which keeps them");
	status = records_read(&image->exports, host, elf, MOTE_EXPORTS_SECTION, "export", err);
	if (status == MOTE_OK)
		status = records_index(&image->exports, host, err);
	if (status == MOTE_OK)
		status = records_read(&image->imports, host, elf, MOTE_IMPORTS_SECTION, "import",
				      err);
	return status;
}

mote_status image_from_bytes(struct mote_image **out, const struct host *host, const char *path,
			     struct image_bytes *bytes, mote_error *err)
{
	*out = NULL;
	struct mote_image *image = host_alloc(host, sizeof *image);
	if (!image) {
		image_bytes_fini(bytes, host);
		return error_nomem(err, "an image", sizeof *image);
	}
	image->host = host;
	atomic_init(&image->nrefs, 1);
	image->file = *bytes;
	set_name(image, path);

	mote_status status = image_bytes_seal(&image->file, err);
	if (status != MOTE_OK) {
		error_prefix(err, "%s: ", image->name);
		mote_image_unref(image);
		return status;
	}
	*out = image;
	return MOTE_OK;
}

mote_status image_parse(struct mote_image *image, mote_error *err)
{
	mote_status status = elf_parse(&image->elf, image->file.at, image->file.size, err);

	if (status == MOTE_OK)
		status = read_records(image, err);
	if (status != MOTE_OK)
		error_prefix(err, "%s: ", image->name);
	return status;
}

mote_status image_open_memory(struct mote_image **out, const struct host *host, const void *elf,
			      size_t size, mote_error *err)
{
	*out = NULL;
	if (size == 0)
		return error_set(err, MOTE_E_IMAGE, "memory: is empty");
	if (size > MOTE_MAX_IMAGE_FILE_SIZE)
		return error_set(err, MOTE_E_IMAGE, "memory: has %zu bytes; the limit is %llu",
				 size, (unsigned long long)MOTE_MAX_IMAGE_FILE_SIZE);
	struct image_bytes bytes;
	mote_status status = image_bytes_init(&bytes, host, size, err);
	if (status)
		return status;
	status = image_bytes_append(&bytes, elf, size, err);
	if (status) {
		image_bytes_fini(&bytes, host);
		return status;
	}
	return image_from_bytes(out, host, "memory", &bytes, err);
}

struct mote_image *image_ref(struct mote_image *image)
{
	atomic_fetch_add_explicit(&image->nrefs, 1, memory_order_relaxed);
	return image;
}

void mote_image_unref(mote_image *image)
{
	if (!image || atomic_fetch_sub_explicit(&image->nrefs, 1, memory_order_acq_rel) != 1)
		return;
	const struct host *host = image->host;
	records_fini(&image->imports, host);
	records_fini(&image->exports, host);
	image_bytes_fini(&image->file, host);
	host_free(host, image, sizeof *image);
}
