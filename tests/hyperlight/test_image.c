/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loader of hyperlight guests: what it makes of a good file, and that every field of a
 * file that leads astray is an error and never an access.
 */
#include "abi/hyperlight.h"
#include "guest_abi/hyperlight/hyperlight.h"
#include "guest_abi/hyperlight/image.h"
#include "tests/hyperlight/hyper_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define IMAGE_SIZE (HYPER_DATA_ADDRESS + sizeof(((struct hyper_elf *)0)->data) + HYPER_BSS_SIZE)

static mote_status parse(struct hyperlight_image *image, const struct hyper_elf *elf,
			 mote_error *err)
{
	return hyperlight_image_parse(image, elf, sizeof *elf, err);
}

static void a_good_file_is_loaded_and_relocated(void **state)
{
	struct hyper_elf elf;
	struct hyperlight_image image;
	uint64_t word;

	(void)state;
	hyper_elf_init(&elf);
	assert_int_equal(parse(&image, &elf, NULL), MOTE_OK);
	assert_string_equal(image.version, "0.15.0");
	assert_int_equal(image.size, IMAGE_SIZE);
	assert_int_equal(image.entry, HYPERLIGHT_BASE + elf.header.e_entry);

	uint8_t *memory = calloc(1, IMAGE_SIZE);
	assert_non_null(memory);
	hyperlight_image_load(&image, memory);
	assert_memory_equal(memory, &elf, offsetof(struct hyper_elf, data));
	memcpy(&word, memory + HYPER_DATA_ADDRESS, sizeof word);
	assert_int_equal(word, HYPERLIGHT_BASE + 0x1234);
	memcpy(&word, memory + HYPER_DATA_ADDRESS + 8, sizeof word);
	assert_int_equal(word, HYPERLIGHT_BASE - 16);
	memcpy(&word, memory + HYPER_DATA_ADDRESS + 24, sizeof word);
	assert_int_equal(word, 42);
	for (size_t i = HYPER_DATA_ADDRESS + sizeof elf.data; i < IMAGE_SIZE; i++)
		assert_int_equal(memory[i], 0);
	free(memory);
}

static void later_segments_win_with_their_zeroes(void **state)
{
	struct hyper_elf elf;
	struct hyperlight_image image;

	(void)state;
	hyper_elf_init(&elf);
	memset(elf.code, 0x90, sizeof elf.code);
	/* the data segment's zeroes lie over the end of the code segment */
	elf.phdrs[HYPER_DATA].p_vaddr = elf.phdrs[HYPER_CODE].p_memsz - 64;
	elf.phdrs[HYPER_DATA].p_memsz = 64;
	memset(elf.dynamic, 0, sizeof elf.dynamic);
	assert_int_equal(parse(&image, &elf, NULL), MOTE_OK);

	uint8_t *memory = calloc(1, image.size);
	assert_non_null(memory);
	hyperlight_image_load(&image, memory);
	assert_memory_equal(memory + image.size - 64, elf.data, sizeof elf.data);
	for (size_t i = image.size - 64 + sizeof elf.data; i < image.size; i++)
		assert_int_equal(memory[i], 0);
	free(memory);
}

static void an_executable_for_fixed_addresses_goes_where_the_first_segment_says(void **state)
{
	struct hyper_elf elf;
	struct hyperlight_image image;

	(void)state;
	hyper_elf_init(&elf);
	memset(elf.dynamic, 0, sizeof elf.dynamic);
	elf.header.e_type = ET_EXEC;
	elf.header.e_entry += HYPERLIGHT_BASE;
	elf.phdrs[HYPER_CODE].p_vaddr += HYPERLIGHT_BASE;
	elf.phdrs[HYPER_DATA].p_vaddr += HYPERLIGHT_BASE;
	assert_int_equal(parse(&image, &elf, NULL), MOTE_OK);
	assert_int_equal(image.entry, elf.header.e_entry);
	assert_int_equal(image.size, IMAGE_SIZE);
}

/* A way to break the good file. */
struct flaw {
	const char *text;
	void (*make)(struct hyper_elf *elf);
	const char *says; /* part of the message */
};

#define FLAW(name, statement)                                                                      \
	static void name(struct hyper_elf *elf)                                                    \
	{                                                                                          \
		statement;                                                                         \
	}

FLAW(no_segment, elf->phdrs[HYPER_CODE].p_type = elf->phdrs[HYPER_DATA].p_type = PT_NULL)
FLAW(empty_image, elf->phdrs[HYPER_DATA].p_type = PT_NULL; elf->phdrs[HYPER_CODE].p_filesz = 0;
     elf->phdrs[HYPER_CODE].p_memsz = 0)
FLAW(below_first, elf->phdrs[HYPER_CODE].p_vaddr = HYPER_DATA_ADDRESS + 1)
FLAW(memory_wraps, elf->phdrs[HYPER_DATA].p_memsz = UINT64_MAX - HYPER_DATA_ADDRESS + 2)
FLAW(too_large, elf->phdrs[HYPER_DATA].p_memsz = HYPERLIGHT_MAX_SIZE - HYPER_DATA_ADDRESS + 1)
FLAW(address_wraps, elf->phdrs[HYPER_DATA].p_vaddr = UINT64_MAX - 7)
FLAW(file_above_memory, elf->phdrs[HYPER_DATA].p_memsz = sizeof elf->data - 1)
FLAW(file_outside, elf->phdrs[HYPER_DATA].p_filesz = sizeof *elf;
     elf->phdrs[HYPER_DATA].p_memsz = sizeof *elf)
FLAW(offset_outside, elf->phdrs[HYPER_DATA].p_offset = sizeof *elf - sizeof elf->data + 1)
FLAW(offset_wraps, elf->phdrs[HYPER_DATA].p_offset = UINT64_MAX)
FLAW(behind_last, elf->phdrs[HYPER_CODE].p_memsz = IMAGE_SIZE + 1)
FLAW(entry_below, elf->phdrs[HYPER_CODE].p_vaddr += 0x1000;
     elf->phdrs[HYPER_DATA].p_vaddr += 0x1000)
FLAW(entry_behind, elf->header.e_entry = IMAGE_SIZE)
FLAW(dynamic_outside, elf->phdrs[HYPER_DYNAMIC].p_offset = sizeof *elf)
FLAW(dynamic_too_large, elf->phdrs[HYPER_DYNAMIC].p_filesz = UINT64_MAX)
FLAW(packed, elf->dynamic[HYPER_DT_OTHER].d_tag = 36)
FLAW(rela_outside, elf->dynamic[HYPER_DT_RELA].d_un.d_ptr = IMAGE_SIZE + 0x1000)
FLAW(rela_in_zeroes, elf->dynamic[HYPER_DT_RELA].d_un.d_ptr = HYPER_DATA_ADDRESS + 0x100)
FLAW(rela_wraps, elf->dynamic[HYPER_DT_RELA].d_un.d_ptr = UINT64_MAX)
FLAW(rela_too_large, elf->dynamic[HYPER_DT_RELASZ].d_un.d_val = 24 * 1000000)
FLAW(rela_not_whole, elf->dynamic[HYPER_DT_RELASZ].d_un.d_val = 25)
FLAW(rela_entries, elf->dynamic[HYPER_DT_RELAENT].d_un.d_val = 16)
FLAW(rela_entries_0, elf->dynamic[HYPER_DT_RELAENT].d_un.d_val = 0)
FLAW(rela_type, elf->relas[1].r_info = R_X86_64_64)
FLAW(rela_copy, elf->relas[0].r_info = ELF64_R_INFO(1, R_X86_64_JUMP_SLOT))
FLAW(rela_target, elf->relas[1].r_offset = IMAGE_SIZE - 7)
FLAW(rela_target_wraps, elf->relas[1].r_offset = UINT64_MAX - 3)
FLAW(rel_relative, elf->rels[0].r_info = R_X86_64_RELATIVE)
FLAW(rel_outside, elf->dynamic[HYPER_DT_REL].d_un.d_ptr = IMAGE_SIZE)
FLAW(rel_entries, elf->dynamic[HYPER_DT_RELENT].d_un.d_val = 24)
FLAW(base_not_0, elf->phdrs[HYPER_CODE].p_vaddr = 8; elf->phdrs[HYPER_CODE].p_offset = 8;
     elf->phdrs[HYPER_CODE].p_filesz -= 8; elf->phdrs[HYPER_CODE].p_memsz -= 8)
FLAW(class_32, elf->header.e_ident[EI_CLASS] = ELFCLASS32)
FLAW(big_endian, elf->header.e_ident[EI_DATA] = ELFDATA2MSB)
FLAW(other_machine, elf->header.e_machine = EM_AARCH64)
FLAW(headers_outside, elf->header.e_phoff = sizeof *elf)
FLAW(no_headers, elf->header.e_phnum = 0)
FLAW(sections_outside, elf->header.e_shoff = sizeof *elf)
FLAW(note_outside, elf->shdrs[HYPER_SECTION_NOTE].sh_offset = sizeof *elf - 31)

static void a_file_that_leads_astray_is_refused(void **state)
{
	static const struct flaw rows[] = {
		{ "nothing to load", no_segment, "no segment to load" },
		{ "a segment without bytes", empty_image, "no segment to load" },
		{ "a segment below the first", below_first, "the first is at" },
		{ "a size that wraps", memory_wraps, "no guest is larger" },
		{ "a byte more than a guest may have", too_large, "no guest is larger" },
		{ "an address that wraps", address_wraps, "no guest is larger" },
		{ "more bytes than memory", file_above_memory, "of a file of" },
		{ "more bytes than the file", file_outside, "of a file of" },
		{ "bytes that end behind the file", offset_outside, "of a file of" },
		{ "an offset that wraps", offset_wraps, "of a file of" },
		{ "a segment that ends behind the last", behind_last, "behind the last one" },
		{ "an entry below the image", entry_below, "outside of the image" },
		{ "an entry behind the image", entry_behind, "outside of the image" },
		{ "dynamic section outside", dynamic_outside, "dynamic section" },
		{ "dynamic section too large", dynamic_too_large, "dynamic section" },
		{ "packed relocations", packed, "DT_RELR" },
		{ "relocations outside", rela_outside, "DT_RELA" },
		{ "relocations where the file has none", rela_in_zeroes, "DT_RELA" },
		{ "relocations that wrap", rela_wraps, "DT_RELA" },
		{ "more relocations than the file", rela_too_large, "DT_RELA" },
		{ "half a relocation", rela_not_whole, "in entries of" },
		{ "relocations of another size", rela_entries, "in entries of 16, want 24" },
		{ "relocations of no size", rela_entries_0, "in entries of 0, want 24" },
		{ "a symbol's relocation", rela_type, "of type 1 " },
		{ "a library's relocation", rela_copy, "of type 7 " },
		{ "a relocation across the end", rela_target, "outside of its image" },
		{ "a relocation that wraps", rela_target_wraps, "outside of its image" },
		{ "a relocation without addend", rel_relative, "without an addend" },
		{ "relocations without addends outside", rel_outside, "DT_REL)" },
		{ "the same of another size", rel_entries, "in entries of 24, want 16" },
		{ "relocations and another base", base_not_0, "only if it is at 0" },
		{ "a 32-bit file", class_32, "32-bit" },
		{ "a big-endian file", big_endian, "byte order" },
		{ "a file for another machine", other_machine, "aarch64" },
		{ "program headers outside", headers_outside, "program headers" },
		{ "no program headers", no_headers, "program headers" },
		{ "section headers outside", sections_outside, "section" },
		{ "a note that ends behind the file", note_outside, "note" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hyper_elf elf;
		struct hyperlight_image image;
		mote_error err = { .message = "" };

		hyper_elf_init(&elf);
		rows[i].make(&elf);
		if (parse(&image, &elf, &err) != MOTE_E_IMAGE)
			fail_msg("%s: status %d: %s", rows[i].text, err.code, err.message);
		if (!strstr(err.message, rows[i].says))
			fail_msg("%s: the message is: %s", rows[i].text, err.message);
	}
}

FLAW(all_of_memory, elf->phdrs[HYPER_DATA].p_memsz = HYPERLIGHT_MAX_SIZE - HYPER_DATA_ADDRESS)
FLAW(target_at_the_end, elf->relas[1].r_offset = IMAGE_SIZE - 8)
FLAW(segment_to_the_end, elf->phdrs[HYPER_CODE].p_memsz = IMAGE_SIZE)
FLAW(entry_at_the_end, elf->header.e_entry = IMAGE_SIZE - 1)
FLAW(file_to_the_end, elf->phdrs[HYPER_DATA].p_offset = sizeof *elf - sizeof elf->data)
FLAW(no_relocations, memset(elf->dynamic, 0, sizeof elf->dynamic))
FLAW(no_rela_size, elf->dynamic[HYPER_DT_RELASZ].d_un.d_val = 0;
     elf->dynamic[HYPER_DT_RELA].d_un.d_ptr = UINT64_MAX)
FLAW(dynamic_without_end, elf->phdrs[HYPER_DYNAMIC].p_filesz = sizeof elf->dynamic - 8)

static void what_just_fits_is_accepted(void **state)
{
	static const struct flaw rows[] = {
		{ "the largest guest", all_of_memory, NULL },
		{ "a relocation of the last word", target_at_the_end, NULL },
		{ "an earlier segment that ends with the last", segment_to_the_end, NULL },
		{ "the last byte as entry", entry_at_the_end, NULL },
		{ "bytes that end with the file", file_to_the_end, NULL },
		{ "no dynamic section to speak of", no_relocations, NULL },
		{ "a table of no size, wherever", no_rela_size, NULL },
		{ "a dynamic section that ends in the middle", dynamic_without_end, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hyper_elf elf;
		struct hyperlight_image image;
		mote_error err = { .message = "" };

		hyper_elf_init(&elf);
		rows[i].make(&elf);
		if (parse(&image, &elf, &err) != MOTE_OK)
			fail_msg("%s: %s", rows[i].text, err.message);
	}
}

/* Version notes: what the file says it is for. */
FLAW(same, (void)elf)
FLAW(without_sections, elf->header.e_shoff = 0; elf->header.e_shnum = 0)
FLAW(without_note, elf->names[11] = 'x')
FLAW(other_owner, elf->note[12] = 'h')
FLAW(longer_owner, elf->note[0] = 12)
FLAW(other_type, elf->note[8] = 2)
FLAW(not_text, elf->note[25] = 0xff)
FLAW(cut, elf->shdrs[HYPER_SECTION_NOTE].sh_size = 30)
FLAW(no_description, elf->note[4] = 0)
FLAW(other_version, elf->note[24 + 5] = '1')
FLAW(longer, elf->note[24 + 6] = '1'; elf->note[4] = 8)
FLAW(no_nul, elf->note[4] = 6)

static void versions_are_compared_as_text(void **state)
{
	static const struct {
		const char *text;
		void (*make)(struct hyper_elf *elf);
		mote_status status;
		bool is_marked;
	} rows[] = {
		{ "the version of stock guests", same, MOTE_OK, true },
		{ "the same without its NUL", no_nul, MOTE_OK, true },
		{ "no section headers", without_sections, MOTE_OK, false },
		{ "no such section", without_note, MOTE_OK, false },
		{ "a note of somebody else", other_owner, MOTE_OK, false },
		{ "an owner with a longer name", longer_owner, MOTE_OK, false },
		{ "a note of another type", other_type, MOTE_OK, false },
		{ "a version that is no text", not_text, MOTE_OK, false },
		{ "a note that does not fit its section", cut, MOTE_OK, false },
		{ "an empty version", no_description, MOTE_OK, false },
		{ "another version", other_version, MOTE_E_ABI_MISMATCH, true },
		{ "a longer version", longer, MOTE_E_ABI_MISMATCH, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct hyper_elf elf;
		struct hyperlight_image image;
		char version[GUEST_VERSION_SIZE];
		mote_error err = { .message = "" };

		hyper_elf_init(&elf);
		rows[i].make(&elf);
		if (parse(&image, &elf, &err) != rows[i].status)
			fail_msg("%s: %s", rows[i].text, err.message);
		if (hyperlight_abi.recognise(&elf, sizeof elf, version) !=
		    (rows[i].is_marked ? GUEST_MINE : GUEST_PERHAPS))
			fail_msg("%s: it is marked or not", rows[i].text);
		if (!rows[i].is_marked != !version[0])
			fail_msg("%s: version %s", rows[i].text, version);
	}
}

static void what_is_no_guest_is_nobodys(void **state)
{
	char version[GUEST_VERSION_SIZE];
	struct hyper_elf elf;

	(void)state;
	assert_int_equal(hyperlight_abi.recognise("#!/bin/sh", 9, version), GUEST_NOT_MINE);
	assert_string_equal(version, "");
	assert_int_equal(hyperlight_abi.recognise("", 0, version), GUEST_NOT_MINE);
	/* a guest that cannot be loaded is still one, and load() says why */
	hyper_elf_init(&elf);
	elf.relas[0].r_info = R_X86_64_64;
	assert_int_equal(hyperlight_abi.recognise(&elf, sizeof elf, version), GUEST_MINE);
	assert_string_equal(version, "0.15.0");
}

static void a_mismatch_names_both_versions(void **state)
{
	struct hyper_elf elf;
	struct hyperlight_image image;
	mote_error err;

	(void)state;
	hyper_elf_init(&elf);
	memcpy(elf.note + 24, "0.0.0\0", 6);
	assert_int_equal(parse(&image, &elf, &err), MOTE_E_ABI_MISMATCH);
	assert_non_null(strstr(err.message, "version 0.0.0 of"));
	assert_non_null(strstr(err.message, "speaks 0.15.0"));
}

/* Every byte of the headers in turn becomes something else: the answer may be any, an access
 * outside of the file or the image is what the sanitizers look for. */
static void no_byte_leads_out_of_the_file(void **state)
{
	static const uint8_t values[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };
	uint8_t *memory = malloc(1 << 20);

	(void)state;
	assert_non_null(memory);
	for (size_t at = 0; at < sizeof(struct hyper_elf); at++) {
		for (size_t i = 0; i < sizeof values; i++) {
			struct hyper_elf *elf = malloc(sizeof *elf);
			struct hyperlight_image image;

			assert_non_null(elf);
			hyper_elf_init(elf);
			((uint8_t *)elf)[at] = values[i];
			if (parse(&image, elf, NULL) == MOTE_OK && image.size <= 1 << 20) {
				memset(memory, 0, image.size);
				hyperlight_image_load(&image, memory);
			}
			free(elf);
		}
	}
	free(memory);
}

static void a_file_may_end_anywhere(void **state)
{
	struct hyper_elf elf;

	(void)state;
	hyper_elf_init(&elf);
	for (size_t size = 0; size < sizeof elf; size++) {
		struct hyperlight_image image;
		void *cut_file = malloc(size + 1);

		assert_non_null(cut_file);
		memcpy(cut_file, &elf, size);
		assert_int_not_equal(hyperlight_image_parse(&image, cut_file, size, NULL), MOTE_OK);
		free(cut_file);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_loaded_and_relocated),
		cmocka_unit_test(later_segments_win_with_their_zeroes),
		cmocka_unit_test(
			an_executable_for_fixed_addresses_goes_where_the_first_segment_says),
		cmocka_unit_test(a_file_that_leads_astray_is_refused),
		cmocka_unit_test(what_just_fits_is_accepted),
		cmocka_unit_test(versions_are_compared_as_text),
		cmocka_unit_test(what_is_no_guest_is_nobodys),
		cmocka_unit_test(a_mismatch_names_both_versions),
		cmocka_unit_test(no_byte_leads_out_of_the_file),
		cmocka_unit_test(a_file_may_end_anywhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
