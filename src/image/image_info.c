/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public functions that read an image.
 */
#include "image/image.h"

#include "base/error.h"
#include "base/options.h"

#include <mote/crash.h>

#include <string.h>

mote_status mote_image_describe(const mote_image *image, mote_image_info *info, mote_error *err)
{
	const mote_image_info all = {
		.size = sizeof all,
		.is_mote_guest = image->abi_version != 0,
		.is_pie = image->elf.is_pie,
		.abi_version = image->abi_version,
		.entry = image->elf.entry,
		.file_bytes = image->has_no_file ? 0 : image->file.size,
		.nsegments = image->elf.nsegments,
		.nexports = image->exports.count,
		.nimports = image->imports.count,
		.guest_abi = image->abi_name,
		.guest_abi_version = image->abi_text,
		.lists_functions = !image->hides_functions,
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

mote_status mote_image_symbols(const mote_image *image,
			       void (*visit)(void *user, const char *name, uint64_t address,
					     uint64_t size, bool is_function),
			       void *user, mote_error *err)
{
	struct elf_symbols symbols;
	struct elf_symbol symbol;
	mote_status status = elf_find_symbols(&image->elf, &symbols, err);

	if (status) {
		error_prefix(err, "%s: ", image->name);
		return status;
	}
	for (size_t i = 0; i < symbols.count; i++) {
		if (!elf_symbol(&symbols, i, &symbol))
			continue;
		const bool is_function = symbol.type == STT_FUNC || symbol.type == STT_GNU_IFUNC;
		if (is_function || symbol.type == STT_OBJECT)
			visit(user, symbol.name, symbol.address, symbol.size, is_function);
	}
	return MOTE_OK;
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
