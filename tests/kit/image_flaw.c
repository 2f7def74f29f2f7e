/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The promises of a loaded image, checked from outside with arithmetic of their own: sums in
 * 128 bits, so that nothing here can wrap.
 */
#include "tests/kit/image_flaw.h"

#include "abi/mote_abi.h"
#include "base/text.h"

#include <stdbool.h>
#include <string.h>

typedef unsigned __int128 wide;

static bool is_inside(uint64_t start, uint64_t size, uint64_t outer, uint64_t outer_size)
{
	return start >= outer && (wide)start + size <= (wide)outer + outer_size;
}

/* So that a sanitizer sees bytes that are not there. */
static bool bytes_are_readable(const uint8_t *bytes, size_t size)
{
	volatile uint8_t sum = 0;
	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return true;
}

static const char *segment_flaw(const struct mote_image *image, size_t index)
{
	const mote_segment_info *s = mote_image_segment(image, index);
	if (s->memory_size == 0)
		return "an empty segment is listed";
	if (s->writable && s->executable)
		return "a segment is writable and executable";
	if (!is_inside(s->address, s->memory_size, MOTE_WINDOW_END,
		       MOTE_ADDRESS_END - MOTE_WINDOW_END))
		return "a segment lies outside of the guest's addresses";
	if (s->file_size > s->memory_size)
		return "a segment has more bytes in the file than in memory";
	if (!is_inside(s->file_offset, s->file_size, 0, image->file.size))
		return "a segment's bytes are not in the file";
	if (!bytes_are_readable(image->file.at + s->file_offset, s->file_size))
		return "a segment's bytes cannot be read";
	if (index == 0)
		return NULL;
	const mote_segment_info *last = s - 1;
	if ((last->address + last->memory_size - 1) / MOTE_PAGE_SIZE >= s->address / MOTE_PAGE_SIZE)
		return "two segments share a page, or do not ascend";
	return NULL;
}

static const char *start_flaw(const struct mote_image *image)
{
	const struct elf *elf = &image->elf;
	size_t phdrs_size = elf->header.e_phnum * sizeof(Elf64_Phdr);
	bool entry_is_code = false;
	bool phdrs_match = false;
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *s = &elf->segments[i];
		if (s->executable && is_inside(elf->entry, 1, s->address, s->memory_size))
			entry_is_code = true;
		if (is_inside(elf->phdr_address, phdrs_size, s->address, s->file_size) &&
		    elf->phdr_address - s->address + s->file_offset == elf->header.e_phoff)
			phdrs_match = true;
	}
	if (!entry_is_code)
		return "the entry is not in an executable segment";
	if (!phdrs_match)
		return "the program headers' address holds something else";
	return NULL;
}

static const char *function_flaw(const mote_function_info *f)
{
	size_t length = strlen(f->name);
	char escaped[4 * MOTE_NAME_SIZE + 1];
	if (length < 1 || length >= MOTE_NAME_SIZE)
		return "a function's name is too short or too long";
	if (text_escape(escaped, sizeof escaped, f->name, length) != length ||
	    memcmp(escaped, f->name, length) != 0)
		return "a function's name is not fit to print";
	if (f->nparams > MOTE_MAX_PARAMS)
		return "a function has too many parameters";
	if (strcmp(mote_type_name(f->result), "?") == 0)
		return "a function has a result of no type";
	for (unsigned i = 0; i < f->nparams; i++)
		if (f->params[i] == MOTE_VOID || strcmp(mote_type_name(f->params[i]), "?") == 0)
			return "a function has a parameter of no type";
	return NULL;
}

static const char *functions_flaw(const struct mote_image *image)
{
	const mote_function_info *f;
	const char *flaw = NULL;
	for (size_t i = 0; !flaw && (f = mote_image_export(image, i)) != NULL; i++) {
		flaw = function_flaw(f);
		if (!flaw && mote_image_find_export(image, f->name) != f)
			flaw = "an export is not found by its name";
	}
	for (size_t i = 0; !flaw && (f = mote_image_import(image, i)) != NULL; i++)
		flaw = function_flaw(f);
	if (!flaw && image->abi_version == 0 && (image->exports.count || image->imports.count))
		flaw = "a program that is no mote guest has functions";
	return flaw;
}

const char *image_flaw(const struct mote_image *image)
{
	const char *flaw = image->elf.nsegments == 0 ? "there is no segment" : NULL;
	for (size_t i = 0; !flaw && i < image->elf.nsegments; i++)
		flaw = segment_flaw(image, i);
	if (!flaw)
		flaw = start_flaw(image);
	if (!flaw)
		flaw = functions_flaw(image);
	return flaw;
}
