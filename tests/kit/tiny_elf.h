/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tiny_elf.h - a whole guest file as one struct: what the image parser accepts, small
 * enough to break each field of it.
 *
 * A test takes a good one from tiny_elf_init(), changes members, and loads the bytes. The code
 * in it does nothing; it is for tests that never run a guest.
 */
#ifndef KIT_TINY_ELF_H
#define KIT_TINY_ELF_H

#include "abi/mote_abi.h"

#include <elf.h>
#include <stdint.h>

enum {
	TINY_HEADERS, /* index of the segments among the loadable ones */
	TINY_CODE,
	TINY_DATA,
	TINY_NSEGMENTS,
	TINY_NOTE = TINY_NSEGMENTS, /* and of the other program headers */
	TINY_OTHER,                 /* PT_NULL, for tests to make something of */
	TINY_NPHDRS,
};

enum {
	TINY_SECTION_NULL,
	TINY_SECTION_NAMES,
	TINY_SECTION_EXPORTS,
	TINY_SECTION_IMPORTS,
	TINY_SECTION_OTHER, /* an empty section without a name */
	TINY_NSECTIONS,
};

#define TINY_NEXPORTS 3
#define TINY_NIMPORTS 1
#define TINY_ADDRESS  UINT64_C(0x400000)
#define TINY_BSS_SIZE UINT64_C(0x2345)

struct tiny_elf {
	Elf64_Ehdr header;
	Elf64_Phdr phdrs[TINY_NPHDRS];
	Elf64_Nhdr note;
	char note_name[8]; /* "mote", NUL, padding */
	struct mote_note note_body;
	Elf64_Nhdr features_note;
	char features_name[8];
	uint32_t features; /* of mote_abi.h; MOTE_FEATURE_SPANS */
	uint8_t code[64];
	struct mote_record
		exports[TINY_NEXPORTS]; /* Zoo() -> void, Add(i32, i32) -> i32, Mid(...) */
	struct mote_record imports[TINY_NIMPORTS]; /* Print(str) -> void */
	char names[64];
	Elf64_Dyn dynamic[2];
	char spare[80]; /* for an interpreter's name */
	Elf64_Shdr shdrs[TINY_NSECTIONS];
};

/* A good mote guest, not a PIE. */
void tiny_elf_init(struct tiny_elf *elf);

/* The same as a static PIE. */
void tiny_elf_init_pie(struct tiny_elf *elf);

#endif
