/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Relocations of an image: those that the dynamic section names, of the one kind that a static
 * executable at another address needs. A kind that nobody would apply is an error, since the
 * guest would run on wrong addresses.
 */
#include "abi/hyperlight.h"
#include "base/error.h"
#include "guest_abi/hyperlight/image_steps.h"

#include <inttypes.h>
#include <string.h>

#ifndef DT_RELR
#define DT_RELR 36 /* newer than some C libraries */
#endif

/* What the dynamic section says, as far as it counts. */
struct tables {
	uint64_t rela, rela_size, rela_entry;
	uint64_t rel, rel_size, rel_entry;
	bool has_packed;
};

static void note_entry(struct tables *tables, const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_RELA:
		tables->rela = entry->d_un.d_ptr;
		break;
	case DT_RELASZ:
		tables->rela_size = entry->d_un.d_val;
		break;
	case DT_RELAENT:
		tables->rela_entry = entry->d_un.d_val;
		break;
	case DT_REL:
		tables->rel = entry->d_un.d_ptr;
		break;
	case DT_RELSZ:
		tables->rel_size = entry->d_un.d_val;
		break;
	case DT_RELENT:
		tables->rel_entry = entry->d_un.d_val;
		break;
	case DT_RELR:
		tables->has_packed = true;
		break;
	default:
		break;
	}
}

static mote_status read_dynamic(const struct elf *elf, struct tables *tables, mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);

		if (phdr.p_type != PT_DYNAMIC)
			continue;
		if (!elf_has_bytes(elf, phdr.p_offset, phdr.p_filesz))
			return error_set(err, MOTE_E_IMAGE,
					 "has a dynamic section of 0x%" PRIx64
					 " bytes at offset 0x%" PRIx64
					 ", past the end of the file (0x%zx bytes)",
					 phdr.p_filesz, phdr.p_offset, elf->size);
		for (uint64_t at = 0; phdr.p_filesz - at >= sizeof(Elf64_Dyn);
		     at += sizeof(Elf64_Dyn)) {
			Elf64_Dyn entry;

			memcpy(&entry, elf->bytes + phdr.p_offset + at, sizeof entry);
			if (entry.d_tag == DT_NULL)
				break;
			note_entry(tables, &entry);
		}
	}
	return MOTE_OK;
}

/* The SIZE bytes that the file has for the address VA; of zeroes that follow them there are none. */
static mote_status find_table(const struct elf *elf, const char *name, uint64_t va, uint64_t size,
			      struct elf_span *out, mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		const Elf64_Phdr phdr = elf_program_header(elf, i);
		const uint64_t skip = va - phdr.p_vaddr; /* below it wraps */

		if (phdr.p_type != PT_LOAD || skip > phdr.p_filesz || size > phdr.p_filesz - skip)
			continue;
		*out = (struct elf_span){ elf->bytes + phdr.p_offset + skip, (size_t)size };
		return MOTE_OK;
	}
	return error_set(err, MOTE_E_IMAGE,
			 "has 0x%" PRIx64 " bytes of relocations (%s) at 0x%" PRIx64
			 ", outside of the file's segments",
			 size, name, va);
}

static mote_status check_entry_size(const char *name, uint64_t size, uint64_t entry, uint64_t want,
				    mote_error *err)
{
	if (size == 0 || (entry == want && size % want == 0))
		return MOTE_OK;
	return error_set(err, MOTE_E_IMAGE,
			 "has 0x%" PRIx64 " bytes of relocations (%s) in entries of %" PRIu64
			 ", want %" PRIu64,
			 size, name, entry, want);
}

static mote_status check_relocation(const struct hyperlight_image *image, const Elf64_Rela *reloc,
				    mote_error *err)
{
	const uint64_t type = ELF64_R_TYPE(reloc->r_info);

	if (type == R_X86_64_NONE)
		return MOTE_OK;
	if (type != R_X86_64_RELATIVE)
		return error_set(err, MOTE_E_IMAGE,
				 "has a relocation of type %" PRIu64 " at 0x%" PRIx64
				 "; of those there may be only R_X86_64_RELATIVE (8): link with "
				 "-static-pie and without libraries",
				 type, reloc->r_offset);
	if (image->size < sizeof(uint64_t) || reloc->r_offset > image->size - sizeof(uint64_t))
		return error_set(err, MOTE_E_IMAGE,
				 "has a relocation at 0x%" PRIx64
				 ", outside of its image of 0x%" PRIx64 " bytes",
				 reloc->r_offset, image->size);
	return MOTE_OK;
}

/* Without an addend of their own, they may only say that nothing is to be done. */
static mote_status check_rel(const struct elf *elf, const struct tables *tables, mote_error *err)
{
	struct elf_span rel;
	mote_status status = check_entry_size("DT_REL", tables->rel_size, tables->rel_entry,
					      sizeof(Elf64_Rel), err);

	if (!status)
		status = find_table(elf, "DT_REL", tables->rel, tables->rel_size, &rel, err);
	for (size_t at = 0; !status && at < rel.size; at += sizeof(Elf64_Rel)) {
		Elf64_Rel reloc;

		memcpy(&reloc, rel.bytes + at, sizeof reloc);
		if (ELF64_R_TYPE(reloc.r_info) != R_X86_64_NONE)
			status = error_set(err, MOTE_E_IMAGE,
					   "has a relocation without an addend (DT_REL) at "
					   "0x%" PRIx64,
					   reloc.r_offset);
	}
	return status;
}

static mote_status check_rela(struct hyperlight_image *image, const struct tables *tables,
			      mote_error *err)
{
	mote_status status = check_entry_size("DT_RELA", tables->rela_size, tables->rela_entry,
					      sizeof(Elf64_Rela), err);

	if (!status)
		status = find_table(&image->elf, "DT_RELA", tables->rela, tables->rela_size,
				    &image->relocs, err);
	for (size_t at = 0; !status && at < image->relocs.size; at += sizeof(Elf64_Rela)) {
		Elf64_Rela reloc;

		memcpy(&reloc, image->relocs.bytes + at, sizeof reloc);
		status = check_relocation(image, &reloc, err);
	}
	return status;
}

mote_status hyperlight_image_find_relocations(struct hyperlight_image *image, mote_error *err)
{
	struct tables tables = { 0 };
	mote_status status = read_dynamic(&image->elf, &tables, err);

	if (status)
		return status;
	if (tables.has_packed)
		return error_set(err, MOTE_E_IMAGE,
				 "has packed relocations (DT_RELR), which hosts of this ABI do not "
				 "apply; link with -z nopack-relative-relocs");
	if (tables.rel_size > 0)
		status = check_rel(&image->elf, &tables, err);
	if (!status && tables.rela_size > 0)
		status = check_rela(image, &tables, err);
	if (!status && image->relocs.size > 0 && image->base != 0)
		status = error_set(err, MOTE_E_IMAGE,
				   "has relocations, and its first segment at 0x%" PRIx64
				   "; hosts of this ABI apply them right only if it is at 0",
				   image->base);
	return status;
}

void hyperlight_image_relocate(const struct hyperlight_image *image, uint8_t *to)
{
	for (size_t at = 0; at < image->relocs.size; at += sizeof(Elf64_Rela)) {
		Elf64_Rela reloc;

		memcpy(&reloc, image->relocs.bytes + at, sizeof reloc);
		if (ELF64_R_TYPE(reloc.r_info) != R_X86_64_RELATIVE)
			continue;
		const uint64_t value = HYPERLIGHT_BASE + (uint64_t)reloc.r_addend;

		memcpy(to + reloc.r_offset, &value, sizeof value);
	}
}
