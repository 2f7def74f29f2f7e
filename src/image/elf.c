/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes an ELF file apart, step by step: is it the right kind of file, then its segments, then
 * where to start. Each step relies on what the steps before it have checked.
 */
#include "image/elf_steps.h"

#include "abi/mote_abi.h"
#include "base/error.h"

#include <inttypes.h>
#include <string.h>

bool elf_has_bytes(const struct elf *elf, uint64_t offset, uint64_t size)
{
	return offset <= elf->size && size <= elf->size - offset;
}

Elf64_Phdr elf_program_header(const struct elf *elf, size_t index)
{
	Elf64_Phdr phdr;
	memcpy(&phdr, elf->bytes + elf->header.e_phoff + index * sizeof phdr, sizeof phdr);
	return phdr;
}

static mote_status find_entry(struct elf *elf, mote_error *err)
{
	elf->entry = elf->bias + elf->header.e_entry;
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *segment = &elf->segments[i];
		if (segment->executable && elf->entry >= segment->address &&
		    elf->entry - segment->address < segment->memory_size)
			return MOTE_OK;
	}
	return error_set(err, MOTE_E_IMAGE, "entry 0x%" PRIx64 " is in no executable segment",
			 elf->entry);
}

/* The C library finds its thread-local data by way of the program headers in memory. */
static mote_status find_phdr_address(struct elf *elf, mote_error *err)
{
	uint64_t offset = elf->header.e_phoff;
	size_t size = elf->header.e_phnum * sizeof(Elf64_Phdr);
	for (size_t i = 0; i < elf->nsegments; i++) {
		const mote_segment_info *segment = &elf->segments[i];
		if (offset < segment->file_offset)
			continue;
		uint64_t skip = offset - segment->file_offset;
		if (skip <= segment->file_size && size <= segment->file_size - skip) {
			elf->phdr_address = segment->address + skip;
			return MOTE_OK;
		}
	}
	return error_set(err, MOTE_E_IMAGE,
			 "program headers at offset 0x%" PRIx64
			 " are in no loaded segment; a linker script must keep them (PHDRS)",
			 offset);
}

mote_status elf_parse(struct elf *elf, const void *bytes, size_t size, mote_error *err)
{
	*elf = (struct elf){ .bytes = bytes, .size = size };
	mote_status status = elf_check_header(elf, err);
	if (status == MOTE_OK)
		status = elf_check_program_headers(elf, err);
	if (status != MOTE_OK)
		return status;

	elf->is_pie = elf->header.e_type == ET_DYN;
	elf->bias = elf->is_pie ? MOTE_PIE_BASE : 0;
	status = elf_check_static(elf, err);
	if (status == MOTE_OK)
		status = elf_add_segments(elf, err);
	if (status == MOTE_OK)
		status = find_entry(elf, err);
	if (status == MOTE_OK)
		status = find_phdr_address(elf, err);
	return status;
}
