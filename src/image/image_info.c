/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public functions that read an image.
 */
#include "image/image.h"

#include "base/options.h"

#include <string.h>

mote_status mote_image_describe(const mote_image *image, mote_image_info *info, mote_error *err)
{
	const mote_image_info all = {
		.size = sizeof all,
		.is_mote_guest = image->abi_version != 0,
		.is_pie = image->elf.is_pie,
		.abi_version = image->abi_version,
		.entry = image->elf.entry,
		.file_bytes = image->has_no_file ? 0 : image->size,
		.nsegments = image->elf.nsegments,
		.nexports = image->exports.count,
		.nimports = image->imports.count,
	};
	return options_fill(info, &all, sizeof all, "mote_image_info", err);
}

const mote_segment_info *mote_image_segment(const mote_image *image, size_t index)
{
	return index < image->elf.nsegments ? &image->elf.segments[index] : NULL;
}

const mote_function_info *mote_image_export(const mote_image *image, size_t index)
{
	return index < image->exports.count ? &image->exports.functions[index] : NULL;
}

const mote_function_info *mote_image_import(const mote_image *image, size_t index)
{
	return index < image->imports.count ? &image->imports.functions[index] : NULL;
}

const mote_function_info *mote_image_find_export(const mote_image *image, const char *name)
{
	return records_find(&image->exports, name);
}

const char *mote_type_name(mote_type type)
{
	static const char *const names[] = {
		[MOTE_VOID] = "void",   [MOTE_I32] = "i32",   [MOTE_U32] = "u32",
		[MOTE_I64] = "i64",     [MOTE_U64] = "u64",   [MOTE_F32] = "f32",
		[MOTE_F64] = "f64",     [MOTE_BOOL] = "bool", [MOTE_STRING] = "str",
		[MOTE_BYTES] = "bytes",
	};
	return (size_t)type < sizeof names / sizeof names[0] ? names[type] : "?";
}
