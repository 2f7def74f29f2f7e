/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loadable segments. Numbers of the file are compared by subtraction only: the sum of two
 * of them can wrap.
 */
#include "image/elf_steps.h"

#include "abi/mote_abi.h"
#include "base/error.h"

#include <inttypes.h>

#define RANGE "0x%" PRIx64 "..0x%" PRIx64

static uint64_t page_start(uint64_t address)
{
	return address & ~(MOTE_PAGE_SIZE - 1);
}

static uint64_t page_end(const mote_segment_info *segment)
{
	/* cannot wrap: segments end at or below MOTE_ADDRESS_END */
	return page_start(segment->address + segment->memory_size + MOTE_PAGE_SIZE - 1);
}

/* That the INDEX-th segment's bytes are in the file and fit its memory. */
static mote_status check_segment_file(const struct elf *elf, size_t index, const Elf64_Phdr *phdr,
				      mote_error *err)
{
	if (!elf_has_bytes(elf, phdr->p_offset, phdr->p_filesz))
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64 " bytes at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 index, phdr->p_filesz, phdr->p_offset, elf->size);
	if (phdr->p_filesz > phdr->p_memsz)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64
				 " bytes in the file, more than its 0x%" PRIx64 " in memory",
				 index, phdr->p_filesz, phdr->p_memsz);
	/* Linux asks for the same, because it maps pages of the file. */
	if (phdr->p_filesz > 0 && (phdr->p_vaddr - phdr->p_offset) % MOTE_PAGE_SIZE != 0)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu is at 0x%" PRIx64 " and at offset 0x%" PRIx64
				 " in the file, which differ within a page",
				 index, phdr->p_vaddr, phdr->p_offset);
	return MOTE_OK;
}

/* That the INDEX-th segment lies where a guest may have memory, once the bias is added. */
static mote_status check_segment_address(const struct elf *elf, size_t index,
					 const Elf64_Phdr *phdr, mote_error *err)
{
	uint64_t room = MOTE_ADDRESS_END - elf->bias;
	if (phdr->p_vaddr > room || phdr->p_memsz > room - phdr->p_vaddr)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu has 0x%" PRIx64 " bytes of memory at 0x%" PRIx64
				 ", past the end of guest addresses (0x%" PRIx64 ")",
				 index, phdr->p_memsz, phdr->p_vaddr, room);
	uint64_t start = elf->bias + phdr->p_vaddr;
	if (start < MOTE_WINDOW_END)
		return error_set(
			err, MOTE_E_IMAGE,
			"segment %zu at " RANGE " reaches below 0x%" PRIx64
			", which the host keeps; link it higher (-Wl,-Ttext-segment=0x400000)",
			index, start, start + phdr->p_memsz, MOTE_WINDOW_END);
	if (phdr->p_align > 1 && elf->bias % phdr->p_align != 0)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu wants alignment 0x%" PRIx64
				 ", but a static PIE is loaded at 0x%" PRIx64,
				 index, phdr->p_align, elf->bias);
	return MOTE_OK;
}

/* That SEGMENT, the next one, starts on a page above all before it. */
static mote_status check_segment_order(const struct elf *elf, const mote_segment_info *segment,
				       mote_error *err)
{
	if (elf->nsegments == 0)
		return MOTE_OK;
	size_t index = elf->nsegments;
	const mote_segment_info *last = &elf->segments[index - 1];
	uint64_t end = segment->address + segment->memory_size;
	uint64_t last_end = last->address + last->memory_size;

	if (end <= last->address)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " lies below segment %zu at " RANGE
				 "; segments must ascend",
				 index, segment->address, end, index - 1, last->address, last_end);
	if (segment->address < last_end)
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " overlaps segment %zu at " RANGE, index,
				 segment->address, end, index - 1, last->address, last_end);
	if (page_start(segment->address) < page_end(last))
		return error_set(err, MOTE_E_IMAGE,
				 "segment %zu at " RANGE " shares a page with segment %zu at " RANGE
				 "; link with -Wl,-z,separate-code",
				 index, segment->address, end, index - 1, last->address, last_end);
	return MOTE_OK;
}

static mote_status add_segment(struct elf *elf, const Elf64_Phdr *phdr, mote_error *err)
{
	size_t index = elf->nsegments;
	mote_status status = check_segment_file(elf, index, phdr, err);
	if (status == MOTE_OK)
		status = check_segment_address(elf, index, phdr, err);
	if (status != MOTE_OK)
		return status;

	mote_segment_info segment = {
		.address = elf->bias + phdr->p_vaddr,
		.memory_size = phdr->p_memsz,
		.file_size = phdr->p_filesz,
		.file_offset = phdr->p_offset,
		.readable = phdr->p_flags & PF_R,
		.writable = phdr->p_flags & PF_W,
		.executable = phdr->p_flags & PF_X,
	};
	if (segment.writable && segment.executable)
		return error_set(
			err, MOTE_E_IMAGE,
			"segment %zu at " RANGE
			" is writable and executable; a guest segment may be one of the two",
			index, segment.address, segment.address + segment.memory_size);
	status = check_segment_order(elf, &segment, err);
	if (status == MOTE_OK)
		elf->segments[elf->nsegments++] = segment;
	return status;
}

mote_status elf_add_segments(struct elf *elf, mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr phdr = elf_program_header(elf, i);
		if (phdr.p_type != PT_LOAD || (phdr.p_memsz == 0 && phdr.p_filesz == 0))
			continue;
		mote_status status = add_segment(elf, &phdr, err);
		if (status != MOTE_OK)
			return status;
	}
	if (elf->nsegments == 0)
		return error_set(err, MOTE_E_IMAGE, "has no loadable segment");
	return MOTE_OK;
}
