/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section headers, symbols and notes: the parts of an ELF file that loading does not need. They are
 * checked when they are asked for, so that a program that is no mote guest runs whatever
 * its section headers say.
 */
#include "image/elf.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

bool elf_has_sections(const struct elf *elf)
{
	return elf->header.e_shoff != 0 && elf->header.e_shnum != 0;
}

/* The caller has checked the table. */
static Elf64_Shdr section_header(const struct elf *elf, size_t index)
{
	Elf64_Shdr shdr;
	memcpy(&shdr, elf->bytes + elf->header.e_shoff + index * sizeof shdr, sizeof shdr);
	return shdr;
}

static mote_status check_section_table(const struct elf *elf, mote_error *err)
{
	const Elf64_Ehdr *header = &elf->header;
	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return error_set(err, MOTE_E_IMAGE, "has section headers of %u bytes, want %zu",
				 header->e_shentsize, sizeof(Elf64_Shdr));
	uint64_t size = header->e_shnum * sizeof(Elf64_Shdr);
	if (!elf_has_bytes(elf, header->e_shoff, size))
		return error_set(err, MOTE_E_IMAGE,
				 "has %" PRIu64 " bytes of section headers at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 size, header->e_shoff, elf->size);
	if (header->e_shstrndx >= header->e_shnum)
		return error_set(err, MOTE_E_IMAGE,
				 "has its section names in section %u, of %u sections",
				 header->e_shstrndx, header->e_shnum);
	return MOTE_OK;
}

static mote_status section_bytes(const struct elf *elf, const char *what, const Elf64_Shdr *shdr,
				 struct elf_span *out, mote_error *err)
{
	if (shdr->sh_type == SHT_NOBITS)
		return error_set(err, MOTE_E_IMAGE, "%s has no bytes in the file", what);
	if (!elf_has_bytes(elf, shdr->sh_offset, shdr->sh_size))
		return error_set(err, MOTE_E_IMAGE,
				 "%s has 0x%" PRIx64 " bytes at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 what, shdr->sh_size, shdr->sh_offset, elf->size);
	*out = (struct elf_span){ elf->bytes + shdr->sh_offset, (size_t)shdr->sh_size };
	return MOTE_OK;
}

/* Compares with the final NUL, so that a name cut off by the table's end differs. */
static bool section_is_named(const struct elf_span *names, const Elf64_Shdr *shdr, const char *name)
{
	size_t size = strlen(name) + 1;
	return shdr->sh_name <= names->size && size <= names->size - shdr->sh_name &&
	       memcmp(names->bytes + shdr->sh_name, name, size) == 0;
}

mote_status elf_find_section(const struct elf *elf, const char *name, struct elf_span *out,
			     mote_error *err)
{
	*out = (struct elf_span){ NULL, 0 };
	if (!elf_has_sections(elf))
		return MOTE_OK;
	mote_status status = check_section_table(elf, err);
	if (status != MOTE_OK)
		return status;

	struct elf_span names;
	Elf64_Shdr shdr = section_header(elf, elf->header.e_shstrndx);
	status = section_bytes(elf, "the section of section names", &shdr, &names, err);
	for (size_t i = 1; status == MOTE_OK && i < elf->header.e_shnum; i++) {
		shdr = section_header(elf, i);
		if (!section_is_named(&names, &shdr, name))
			continue;
		if (out->bytes)
			status = error_set(err, MOTE_E_IMAGE, "has two sections %s", name);
		else
			status = section_bytes(elf, name, &shdr, out, err);
	}
	if (status != MOTE_OK)
		*out = (struct elf_span){ NULL, 0 };
	return status;
}

/* The bytes of the INDEX-th section, which WHAT names in messages. */
static mote_status indexed_section(const struct elf *elf, size_t index, const char *what,
				   struct elf_span *out, mote_error *err)
{
	if (index >= elf->header.e_shnum)
		return error_set(err, MOTE_E_IMAGE, "has %s in section %zu, of %u sections", what,
				 index, elf->header.e_shnum);
	const Elf64_Shdr shdr = section_header(elf, index);
	return section_bytes(elf, what, &shdr, out, err);
}

mote_status elf_find_symbols(const struct elf *elf, struct elf_symbols *out, mote_error *err)
{
	*out = (struct elf_symbols){ .bias = elf->bias };
	mote_status status = elf_has_sections(elf) ? check_section_table(elf, err) : MOTE_OK;
	size_t index = 0;

	if (status != MOTE_OK)
		return status;
	while (index < elf->header.e_shnum && elf_has_sections(elf) &&
	       section_header(elf, index).sh_type != SHT_SYMTAB)
		index++;
	if (!elf_has_sections(elf) || index == elf->header.e_shnum)
		return error_set(err, MOTE_E_IMAGE, "has no symbol table; it was stripped");
	const size_t names = section_header(elf, index).sh_link;
	status = indexed_section(elf, index, "the symbol table", &out->table, err);
	if (status == MOTE_OK)
		status = indexed_section(elf, names, "the table of symbol names", &out->names, err);
	if (status != MOTE_OK)
		return status;
	if (out->names.size == 0 || out->names.bytes[out->names.size - 1] != '\0')
		return error_set(err, MOTE_E_IMAGE, "has a table of symbol names without an end");
	out->count = out->table.size / sizeof(Elf64_Sym);
	if (out->count > MOTE_MAX_SYMBOLS)
		out->count = MOTE_MAX_SYMBOLS;
	return MOTE_OK;
}

bool elf_symbol(const struct elf_symbols *symbols, size_t index, struct elf_symbol *out)
{
	Elf64_Sym symbol;
	memcpy(&symbol, symbols->table.bytes + index * sizeof symbol, sizeof symbol);
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_name >= symbols->names.size ||
	    ELF64_ST_TYPE(symbol.st_info) == STT_TLS)
		return false;
	/* the table ends with a NUL, so that each name has one */
	const char *name = (const char *)symbols->names.bytes + symbol.st_name;
	if (name[0] == '\0')
		return false;
	*out = (struct elf_symbol){
		.name = name,
		.address = symbols->bias + symbol.st_value,
		.size = symbol.st_size,
		.type = ELF64_ST_TYPE(symbol.st_info),
		.binding = ELF64_ST_BIND(symbol.st_info),
	};
	return true;
}

/* Takes the first SIZE bytes off REST; false when it has fewer. */
static bool take(struct elf_span *rest, size_t size, struct elf_span *out)
{
	if (size > rest->size)
		return false;
	*out = (struct elf_span){ rest->bytes, size };
	rest->bytes += size;
	rest->size -= size;
	return true;
}

/* Drops what pads SIZE bytes to ALIGN; the last note of a segment may lack its padding. */
static void skip_padding(struct elf_span *rest, size_t size, size_t align)
{
	size_t padding = (align - size % align) % align;
	if (padding > rest->size)
		padding = rest->size;
	rest->bytes += padding;
	rest->size -= padding;
}

bool elf_take_note(struct elf_span *rest, size_t align, struct elf_note *note)
{
	struct elf_span bytes;
	Elf64_Nhdr header;
	if (!take(rest, sizeof header, &bytes))
		return false;
	memcpy(&header, bytes.bytes, sizeof header);

	note->type = header.n_type;
	if (!take(rest, header.n_namesz, &note->name))
		return false;
	/* header and name are padded together: 12 is no multiple of 8 */
	skip_padding(rest, sizeof header + header.n_namesz, align);
	if (!take(rest, header.n_descsz, &note->desc))
		return false;
	skip_padding(rest, header.n_descsz, align);
	return true;
}

static mote_status each_note_of(const struct elf *elf, const Elf64_Phdr *phdr, elf_note_fn visit,
				void *user, mote_error *err)
{
	if (!elf_has_bytes(elf, phdr->p_offset, phdr->p_filesz))
		return error_set(err, MOTE_E_IMAGE,
				 "has 0x%" PRIx64 " bytes of notes at offset 0x%" PRIx64
				 ", past the end of the file (0x%zx bytes)",
				 phdr->p_filesz, phdr->p_offset, elf->size);
	struct elf_span rest = { elf->bytes + phdr->p_offset, (size_t)phdr->p_filesz };
	while (rest.size > 0) {
		struct elf_note note;
		size_t offset = (size_t)(rest.bytes - elf->bytes);
		if (!elf_take_note(&rest, phdr->p_align == 8 ? 8 : 4, &note))
			return error_set(err, MOTE_E_IMAGE,
					 "the note at offset 0x%zx does not fit its segment",
					 offset);
		mote_status status = visit(user, &note, err);
		if (status != MOTE_OK)
			return status;
	}
	return MOTE_OK;
}

mote_status elf_each_note(const struct elf *elf, elf_note_fn visit, void *user, mote_error *err)
{
	for (size_t i = 0; i < elf->header.e_phnum; i++) {
		Elf64_Phdr phdr = elf_program_header(elf, i);
		if (phdr.p_type != PT_NOTE)
			continue;
		mote_status status = each_note_of(elf, &phdr, visit, user, err);
		if (status != MOTE_OK)
			return status;
	}
	return MOTE_OK;
}
