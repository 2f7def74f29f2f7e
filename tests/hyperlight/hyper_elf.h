/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hyper_elf.h - a whole guest file of the hyperlight ABI as one struct: what the loader accepts,
 * small enough to break each field of it. The code in it does nothing.
 */
#ifndef TESTS_HYPERLIGHT_HYPER_ELF_H
#define TESTS_HYPERLIGHT_HYPER_ELF_H

#include <elf.h>
#include <stdint.h>

enum { HYPER_CODE, HYPER_DATA, HYPER_DYNAMIC, HYPER_NPHDRS };
enum { HYPER_SECTION_NULL, HYPER_SECTION_NAMES, HYPER_SECTION_NOTE, HYPER_NSECTIONS };

/* By what the file has of them; the last is DT_NULL. */
enum {
	HYPER_DT_RELA,
	HYPER_DT_RELASZ,
	HYPER_DT_RELAENT,
	HYPER_DT_REL,
	HYPER_DT_RELSZ,
	HYPER_DT_RELENT,
	HYPER_DT_OTHER,
	HYPER_DT_NULL,
	HYPER_NDYNAMIC,
};

#define HYPER_NRELAS 3
#define HYPER_NRELS  1

/* Where the data segment is in memory, and how much of it is zero. */
#define HYPER_DATA_ADDRESS UINT64_C(0x3000)
#define HYPER_BSS_SIZE     UINT64_C(0x2345)

struct hyper_elf {
	Elf64_Ehdr header; /* the first segment has all up to DATA, at address 0 */
	Elf64_Phdr phdrs[HYPER_NPHDRS];
	Elf64_Dyn dynamic[HYPER_NDYNAMIC];
	Elf64_Rela relas[HYPER_NRELAS];
	Elf64_Rel rels[HYPER_NRELS];
	uint8_t code[64];
	uint64_t data[4]; /* the second segment's; two relocations are here */
	uint8_t note[32];
	char names[64];
	Elf64_Shdr shdrs[HYPER_NSECTIONS];
};

/* A good one, for version 0.15.0. */
void hyper_elf_init(struct hyper_elf *elf);

#endif
