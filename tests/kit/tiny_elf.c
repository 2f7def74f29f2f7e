/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills in a tiny guest file. Its segments are pieces of the struct, each on a page of
 * its own in memory: address and offset agree within the page, as the loader asks.
 */
#include "tests/kit/tiny_elf.h"

#include <stddef.h>
#include <string.h>

#include <mote/value.h>

#define SPAN(first, last)                                                                          \
	offsetof(struct tiny_elf, first),                                                          \
		offsetof(struct tiny_elf, last) - offsetof(struct tiny_elf, first)

static Elf64_Phdr load(unsigned index, uint32_t flags, size_t offset, size_t size)
{
	uint64_t address = TINY_ADDRESS + index * MOTE_PAGE_SIZE + offset;
	return (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_paddr = address,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = MOTE_PAGE_SIZE,
	};
}

static void set_phdrs(struct tiny_elf *elf)
{
	elf->phdrs[TINY_HEADERS] = load(TINY_HEADERS, PF_R, SPAN(header, code));
	elf->phdrs[TINY_CODE] = load(TINY_CODE, PF_R | PF_X, SPAN(code, exports));
	elf->phdrs[TINY_DATA] = load(TINY_DATA, PF_R | PF_W, SPAN(exports, names));
	elf->phdrs[TINY_DATA].p_memsz += TINY_BSS_SIZE;
	elf->phdrs[TINY_NOTE] = load(TINY_HEADERS, PF_R, SPAN(note, code));
	elf->phdrs[TINY_NOTE].p_type = PT_NOTE;
	elf->phdrs[TINY_NOTE].p_align = 4;
}

static uint32_t add_name(struct tiny_elf *elf, uint32_t at, const char *name, uint32_t *next)
{
	memcpy(elf->names + at, name, strlen(name) + 1);
	*next = at + (uint32_t)strlen(name) + 1;
	return at;
}

static Elf64_Shdr section(uint32_t name, uint32_t type, size_t offset, size_t size)
{
	return (Elf64_Shdr){
		.sh_name = name, .sh_type = type, .sh_offset = offset, .sh_size = size
	};
}

static void set_sections(struct tiny_elf *elf)
{
	uint32_t at = 1;
	uint32_t name = add_name(elf, at, ".shstrtab", &at);
	elf->shdrs[TINY_SECTION_NAMES] = section(name, SHT_STRTAB, SPAN(names, dynamic));
	name = add_name(elf, at, MOTE_EXPORTS_SECTION, &at);
	elf->shdrs[TINY_SECTION_EXPORTS] = section(name, SHT_PROGBITS, SPAN(exports, imports));
	name = add_name(elf, at, MOTE_IMPORTS_SECTION, &at);
	elf->shdrs[TINY_SECTION_IMPORTS] = section(name, SHT_PROGBITS, SPAN(imports, names));
}

static struct mote_record record(const char *name, mote_type result, uint8_t nparams,
				 mote_type param)
{
	struct mote_record r = { .result = (uint8_t)result, .nparams = nparams };
	memset(r.params, (int)param, nparams);
	memcpy(r.name, name, strlen(name));
	return r;
}

void tiny_elf_init(struct tiny_elf *elf)
{
	memset(elf, 0, sizeof *elf);
	elf->header = (Elf64_Ehdr){
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			     EV_CURRENT },
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = offsetof(struct tiny_elf, phdrs),
		.e_shoff = offsetof(struct tiny_elf, shdrs),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = TINY_NPHDRS,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = TINY_NSECTIONS,
		.e_shstrndx = TINY_SECTION_NAMES,
	};
	set_phdrs(elf);
	elf->header.e_entry = elf->phdrs[TINY_CODE].p_vaddr;
	set_sections(elf);

	elf->note = (Elf64_Nhdr){ .n_namesz = sizeof MOTE_NOTE_NAME,
				  .n_descsz = sizeof elf->note_body,
				  .n_type = MOTE_NOTE_TYPE };
	memcpy(elf->note_name, MOTE_NOTE_NAME, sizeof MOTE_NOTE_NAME);
	elf->note_body = (struct mote_note){ MOTE_ABI_VERSION, sizeof(struct mote_record) };
	elf->features_note = elf->note;
	elf->features_note.n_descsz = sizeof elf->features;
	elf->features_note.n_type = MOTE_FEATURES_NOTE_TYPE;
	memcpy(elf->features_name, MOTE_NOTE_NAME, sizeof MOTE_NOTE_NAME);
	elf->features = MOTE_FEATURE_SPANS;

	/* not in the order of their names, so that the index has work */
	elf->exports[0] = record("Zoo", MOTE_VOID, 0, MOTE_VOID);
	elf->exports[1] = record("Add", MOTE_I32, 2, MOTE_I32);
	elf->exports[2] = record("Mid", MOTE_BYTES, MOTE_PARAMS_MAX, MOTE_STRING);
	elf->imports[0] = record("Print", MOTE_VOID, 1, MOTE_STRING);
}

void tiny_elf_init_pie(struct tiny_elf *elf)
{
	tiny_elf_init(elf);
	elf->header.e_type = ET_DYN;
	elf->header.e_entry -= TINY_ADDRESS;
	for (unsigned i = 0; i < TINY_NPHDRS; i++)
		if (elf->phdrs[i].p_type != PT_NULL)
			elf->phdrs[i].p_vaddr -= TINY_ADDRESS;
}
