/* SPDX-License-Identifier: Apache-2.0 */
/*
 * elf.h - a guest's ELF file, taken apart and checked.
 *
 * The file is hostile. Everything that the rest of the library uses of it passes through
 * here: each offset is checked against the file, each address against what a guest may
 * use, before anyone sees it. The bytes must stay as they are while the struct elf is
 * used: the caller reads the file into memory of its own first.
 *
 * Failures are MOTE_E_IMAGE with a message that does not name the file; the caller puts
 * the name in front. Pure functions, no allocation; any thread.
 */
#ifndef IMAGE_ELF_H
#define IMAGE_ELF_H

#include <mote/image.h>
#include <mote/limits.h>
#include <mote/status.h>

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What elf_parse() leaves behind. Read-only for everyone else. Of guests of another ABI it is
 * described by that (guest_abi/guest_abi.h), with segments as that has them. */
struct elf {
	const uint8_t *bytes; /* borrowed: the whole file */
	size_t size;
	Elf64_Ehdr header;

	bool is_pie;
	uint64_t bias;         /* guest address less address in the file */
	uint64_t entry;        /* guest address, in an executable segment */
	uint64_t phdr_address; /* guest address of the program headers: AT_PHDR */

	/* Loadable segments with guest addresses, ascending. No two share a page, none
	 * touches the host's window, none is writable and executable. Their file bytes are
	 * BYTES + file_offset. Nothing here bounds memory_size but the address space. */
	mote_segment_info segments[MOTE_MAX_SEGMENTS];
	size_t nsegments;
};

/*
 * Takes SIZE bytes at BYTES apart. Checks everything that loading needs: header, program
 * headers, segments, entry. Section headers and notes are only looked at when asked for.
 */
mote_status elf_parse(struct elf *elf, const void *bytes, size_t size, mote_error *err);

/* Whether the file has SIZE bytes at OFFSET. */
bool elf_has_bytes(const struct elf *elf, uint64_t offset, uint64_t size);

/* The INDEX-th of header.e_phnum program headers, once elf_parse() has accepted the table. */
Elf64_Phdr elf_program_header(const struct elf *elf, size_t index);

/* Bytes of the file; BYTES is NULL when there are none. */
struct elf_span {
	const uint8_t *bytes;
	size_t size;
};

/* Whether there are section headers at all: some programs strip them. */
bool elf_has_sections(const struct elf *elf);

/* Finds the contents of the section NAME; OUT->bytes is NULL when there is none. Fails for
 * section headers that do not fit the file, and for two sections of that name. */
mote_status elf_find_section(const struct elf *elf, const char *name, struct elf_span *out,
			     mote_error *err);

/*
 * The symbol table: names for places in the guest. Programs run without it, so that it is looked
 * for and checked when somebody asks, not when the file is loaded. Only MOTE_MAX_SYMBOLS are
 * looked at, so that a file of names cannot keep its host busy.
 */
struct elf_symbols {
	struct elf_span table; /* Elf64_Sym each, unaligned */
	struct elf_span names;
	uint64_t bias;
	size_t count;
};

struct elf_symbol {
	const char *name; /* of the guest's making; not empty */
	uint64_t address; /* as the guest sees it */
	uint64_t size;    /* bytes; 0: nobody knows. ADDRESS + SIZE may wrap */
	uint8_t type;     /* STT_... */
	uint8_t binding;  /* STB_... */
};

/* Finds the symbol table. MOTE_E_IMAGE: the file has none, or one that does not fit the file; OUT
 * then has no symbols. */
mote_status elf_find_symbols(const struct elf *elf, struct elf_symbols *out, mote_error *err);

/* Reads the INDEX-th of OUT->count symbols; false when it has no name or is for no address. */
bool elf_symbol(const struct elf_symbols *symbols, size_t index, struct elf_symbol *out);

/* An entry of a PT_NOTE segment. NAME counts its NUL, if it has one. */
struct elf_note {
	uint32_t type;
	struct elf_span name;
	struct elf_span desc;
};

typedef mote_status (*elf_note_fn)(void *user, const struct elf_note *note, mote_error *err);

/* Takes the next note off REST, in which header and name, and then the description, are padded to
 * ALIGN bytes: 4 or 8. False if REST has no whole one. */
bool elf_take_note(struct elf_span *rest, size_t align, struct elf_note *note);

/* Calls VISIT for each note until it fails; returns that failure, or one of its own for
 * notes that do not fit their segment. */
mote_status elf_each_note(const struct elf *elf, elf_note_fn visit, void *user, mote_error *err);

#endif
