/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes images from what a snapshot on disk says about the guest in it. The names of functions are
 * packed into one block, where other images have their file.
 */
#include "image/image_parts.h"

#include "abi/mote_abi.h"
#include "base/error.h"
#include "base/text.h"

#include <inttypes.h>
#include <string.h>

/* Whether NAME has 1 to CAPACITY - 1 bytes of UTF-8, and none that a terminal would obey. */
static bool is_presentable(const char *name, size_t capacity)
{
	const size_t size = strnlen(name, capacity);
	char escaped[5]; /* too small for \\xNN of more than one byte */

	for (size_t at = 0, n; at < size; at += n) {
		n = text_utf8_length(name + at, size - at);
		if (n == 0 ||
		    (name[at] != '\\' && text_escape(escaped, sizeof escaped, name + at, n) != n))
			return false;
	}
	return size > 0 && size < capacity;
}

static bool is_type(mote_type type, bool may_be_void)
{
	return type <= MOTE_BYTES && type >= (may_be_void ? MOTE_VOID : MOTE_I32);
}
_Static_assert(MOTE_VOID == 0 && MOTE_I32 == 1, "is_type: void comes first");

static mote_status check_function(const mote_function_info *function, const char *what,
				  size_t index, mote_error *err)
{
	bool is_sound = is_type(function->result, true) && function->nparams <= MOTE_MAX_PARAMS;

	if (!is_presentable(function->name, MOTE_NAME_SIZE))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "%s %zu has no name of 1 to %d bytes that can be shown", what,
				 index, MOTE_NAME_SIZE - 1);
	for (uint32_t i = 0; is_sound && i < function->nparams; i++)
		is_sound = is_type(function->params[i], false);
	if (!is_sound)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "%s \"%s\" has types that no function can have", what,
				 function->name);
	return MOTE_OK;
}

/* Adds the bytes of all names to *SIZE. */
static mote_status check_functions(const mote_function_info *functions, size_t count,
				   const char *what, size_t *size, mote_error *err)
{
	if (count > MOTE_MAX_EXPORTS)
		return error_set(err, MOTE_E_SNAPSHOT, "%zu %ss; at most %d", count, what,
				 MOTE_MAX_EXPORTS);
	for (size_t i = 0; i < count; i++) {
		mote_status status = check_function(&functions[i], what, i, err);
		if (status)
			return status;
		*size += strlen(functions[i].name) + 1;
	}
	return MOTE_OK;
}

static mote_status check(const struct image_parts *parts, size_t *names_size, mote_error *err)
{
	if (!is_presentable(parts->name, IMAGE_NAME_SIZE))
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the guest has no name of 1 to %d bytes that can be shown",
				 IMAGE_NAME_SIZE - 1);
	if (parts->nsegments > MOTE_MAX_SEGMENTS)
		return error_set(err, MOTE_E_SNAPSHOT, "%zu segments; a guest may have at most %d",
				 parts->nsegments, MOTE_MAX_SEGMENTS);
	if (parts->entry >= MOTE_ADDRESS_END)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "entry 0x%" PRIx64 " is not an address that a guest can have",
				 parts->entry);
	mote_status status =
		check_functions(parts->exports, parts->nexports, "export", names_size, err);
	if (!status)
		status =
			check_functions(parts->imports, parts->nimports, "import", names_size, err);
	return status;
}

/* Copies FUNCTIONS, their names to *NAMES, which moves on. */
static mote_status copy_functions(struct records *to, const struct host *host,
				  const mote_function_info *functions, size_t count, char **names,
				  mote_error *err)
{
	if (count == 0)
		return MOTE_OK;
	to->functions = host_alloc_array(host, count, sizeof to->functions[0]);
	if (!to->functions)
		return error_nomem(err, "function records", count * sizeof to->functions[0]);
	to->count = count;
	for (size_t i = 0; i < count; i++) {
		const size_t size = strlen(functions[i].name) + 1;

		to->functions[i] = functions[i];
		to->functions[i].name = memcpy(*names, functions[i].name, size);
		*names += size;
	}
	return MOTE_OK;
}

static mote_status copy(struct mote_image *image, const struct image_parts *parts,
			size_t names_size, mote_error *err)
{
	const struct host *host = image->host;

	memcpy(image->name, parts->name, strlen(parts->name) + 1);
	image_set_abi(image, parts->abi_version);
	image->features = MOTE_FEATURE_SPANS; /* if not, its snapshot has no buffers */
	image->elf.is_pie = parts->is_pie;
	image->elf.entry = parts->entry;
	image->elf.nsegments = parts->nsegments;
	for (size_t i = 0; i < parts->nsegments; i++) {
		image->elf.segments[i] = parts->segments[i];
		image->elf.segments[i].file_size = 0;
		image->elf.segments[i].file_offset = 0;
	}
	if (names_size == 0)
		return MOTE_OK;
	char *names = host_alloc(host, names_size);
	if (!names)
		return error_nomem(err, "the names of functions", names_size);
	image->file.at = (const uint8_t *)names;
	image->file.size = names_size;
	mote_status status =
		copy_functions(&image->exports, host, parts->exports, parts->nexports, &names, err);
	if (!status)
		status = records_index(&image->exports, host, err);
	if (!status)
		status = copy_functions(&image->imports, host, parts->imports, parts->nimports,
					&names, err);
	return status;
}

mote_status image_from_parts(struct mote_image **out, const struct host *host,
			     const struct image_parts *parts, mote_error *err)
{
	size_t names_size = 0;

	*out = NULL;
	mote_status status = check(parts, &names_size, err);
	if (status)
		return status;
	struct mote_image *image = host_alloc(host, sizeof *image);
	if (!image)
		return error_nomem(err, "an image", sizeof *image);
	image->host = host;
	image->has_no_file = true;
	atomic_init(&image->nrefs, 1);
	status = copy(image, parts, names_size, err);
	if (status) {
		mote_image_unref(image);
		if (status == MOTE_E_IMAGE && err) /* an export twice */
			err->code = MOTE_E_SNAPSHOT;
		return status == MOTE_E_IMAGE ? MOTE_E_SNAPSHOT : status;
	}
	*out = image;
	return MOTE_OK;
}
