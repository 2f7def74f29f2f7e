/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fills in the good file. The note's bytes are those that stock guests of 0.15.0 have.
 */
#include "tests/hyperlight/hyper_elf.h"

#include <stddef.h>
#include <string.h>

static const uint8_t stock_note[32] = {
	0x0b, 0,   0,   0,   0x07, 0,   0, 0, 1,   0,   0,   0,   'H', 'y', 'p', 'e',
	'r',  'l', 'i', 'g', 'h',  't', 0, 0, '0', '.', '1', '5', '.', '0', 0,   0,
};

static void set_dynamic(struct hyper_elf *elf, int index, int64_t tag, uint64_t value)
{
	elf->dynamic[index] = (Elf64_Dyn){ .d_tag = tag, .d_un = { .d_val = value } };
}

static void fill_dynamic(struct hyper_elf *elf)
{
	set_dynamic(elf, HYPER_DT_RELA, DT_RELA, offsetof(struct hyper_elf, relas));
	set_dynamic(elf, HYPER_DT_RELASZ, DT_RELASZ, sizeof elf->relas);
	set_dynamic(elf, HYPER_DT_RELAENT, DT_RELAENT, sizeof elf->relas[0]);
	set_dynamic(elf, HYPER_DT_REL, DT_REL, offsetof(struct hyper_elf, rels));
	set_dynamic(elf, HYPER_DT_RELSZ, DT_RELSZ, sizeof elf->rels);
	set_dynamic(elf, HYPER_DT_RELENT, DT_RELENT, sizeof elf->rels[0]);
	set_dynamic(elf, HYPER_DT_OTHER, DT_FLAGS, 0);
	set_dynamic(elf, HYPER_DT_NULL, DT_NULL, 0);
	elf->relas[0] = (Elf64_Rela){ HYPER_DATA_ADDRESS, R_X86_64_RELATIVE, 0x1234 };
	elf->relas[1] = (Elf64_Rela){ HYPER_DATA_ADDRESS + 8, R_X86_64_RELATIVE, -16 };
	elf->relas[2] = (Elf64_Rela){ UINT64_MAX, R_X86_64_NONE, 0 };
	elf->rels[0] = (Elf64_Rel){ UINT64_MAX, R_X86_64_NONE };
}

static void fill_sections(struct hyper_elf *elf)
{
	static const char names[] = "\0.shstrtab\0.note.hyperlight-version";

	memcpy(elf->names, names, sizeof names);
	elf->shdrs[HYPER_SECTION_NAMES] = (Elf64_Shdr){
		.sh_name = 1,
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct hyper_elf, names),
		.sh_size = sizeof elf->names,
	};
	elf->shdrs[HYPER_SECTION_NOTE] = (Elf64_Shdr){
		.sh_name = 11,
		.sh_type = SHT_NOTE,
		.sh_offset = offsetof(struct hyper_elf, note),
		.sh_size = sizeof elf->note,
		.sh_addralign = 8,
	};
	memcpy(elf->note, stock_note, sizeof stock_note);
}

void hyper_elf_init(struct hyper_elf *elf)
{
	const uint64_t data = offsetof(struct hyper_elf, data);

	memset(elf, 0, sizeof *elf);
	elf->header = (Elf64_Ehdr){
		.e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_entry = offsetof(struct hyper_elf, code),
		.e_phoff = offsetof(struct hyper_elf, phdrs),
		.e_shoff = offsetof(struct hyper_elf, shdrs),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = HYPER_NPHDRS,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = HYPER_NSECTIONS,
		.e_shstrndx = HYPER_SECTION_NAMES,
	};
	elf->phdrs[HYPER_CODE] = (Elf64_Phdr){
		.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = data, .p_memsz = data
	};
	elf->phdrs[HYPER_DATA] = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = data,
		.p_vaddr = HYPER_DATA_ADDRESS,
		.p_filesz = sizeof elf->data,
		.p_memsz = sizeof elf->data + HYPER_BSS_SIZE,
	};
	elf->phdrs[HYPER_DYNAMIC] = (Elf64_Phdr){
		.p_type = PT_DYNAMIC,
		.p_offset = offsetof(struct hyper_elf, dynamic),
		.p_vaddr = offsetof(struct hyper_elf, dynamic),
		.p_filesz = sizeof elf->dynamic,
		.p_memsz = sizeof elf->dynamic,
	};
	elf->code[0] = 0xf4;
	elf->data[3] = 42;
	fill_dynamic(elf);
	fill_sections(elf);
}
