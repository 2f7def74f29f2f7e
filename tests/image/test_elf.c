/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ELF parser against a good file with one or a few numbers of it changed: each mistake
 * gets its own message, each edge that still fits is accepted.
 */
#include "image/elf.h"

#include "tests/kit/tiny_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A number somewhere in the file. */
struct patch {
	size_t offset, size;
	uint64_t value;
};

#define SET(member, value)                                                                         \
	{                                                                                          \
		offsetof(struct tiny_elf, member), sizeof(((struct tiny_elf *)0)->member), value   \
	}

#define FILE_SIZE sizeof(struct tiny_elf)
#define MAX64     UINT64_MAX
#define CODE      phdrs[TINY_CODE]
#define DATA      phdrs[TINY_DATA]
#define OTHER     phdrs[TINY_OTHER]

static void apply(struct tiny_elf *elf, const struct patch *patches, size_t count)
{
	for (size_t i = 0; i < count; i++)
		memcpy((char *)elf + patches[i].offset, &patches[i].value, patches[i].size);
}

struct row {
	const char *what;
	struct patch patches[5];
	const char *message; /* part of it; NULL: the file is accepted */
};

static const struct row header_rows[] = {
	{ "nothing changed", { { 0, 0, 0 } }, NULL },
	{ "no magic", { SET(header.e_ident[0], 0) }, "is not an ELF file" },
	{ "last byte of the magic", { SET(header.e_ident[3], 'G') }, "is not an ELF file" },
	{ "32-bit", { SET(header.e_ident[EI_CLASS], 1) }, "is a 32-bit ELF file" },
	{ "class 0", { SET(header.e_ident[EI_CLASS], 0) }, "has ELF class 0, want 2" },
	{ "class 3", { SET(header.e_ident[EI_CLASS], 3) }, "has ELF class 3, want 2" },
	{ "big-endian", { SET(header.e_ident[EI_DATA], 2) }, "has byte order 2, want 1" },
	{ "ident version", { SET(header.e_ident[EI_VERSION], 0) }, "has ELF version 0" },
	{ "GNU/Linux", { SET(header.e_ident[EI_OSABI], ELFOSABI_GNU) }, NULL },
	{ "FreeBSD", { SET(header.e_ident[EI_OSABI], 9) }, "ELF OS number 9" },
	{ "aarch64", { SET(header.e_machine, EM_AARCH64) }, "is for aarch64; mote guests are" },
	{ "i386", { SET(header.e_machine, EM_386) }, "is for i386; mote guests are x86-64" },
	{ "riscv", { SET(header.e_machine, EM_RISCV) }, "is for riscv; mote guests are x86-64" },
	{ "rare machine", { SET(header.e_machine, 999) }, "is for machine 999; mote guests" },
	{ "object", { SET(header.e_type, ET_REL) }, "is a relocatable object; link it" },
	{ "core dump", { SET(header.e_type, ET_CORE) }, "is a core dump" },
	{ "no type", { SET(header.e_type, 0) }, "has ELF type 0" },
	{ "rare type", { SET(header.e_type, 0xffff) }, "has ELF type 65535" },
	{ "version 2", { SET(header.e_version, 2) }, "has e_version 2, want 1" },

	{ "no program headers", { SET(header.e_phnum, 0) }, "has no program headers" },
	{ "65 program headers", { SET(header.e_phnum, 65) }, "has 65 program headers; the limit" },
	{ "PN_XNUM", { SET(header.e_phnum, 0xffff) }, "has 65535 program headers; the limit" },
	{ "64 program headers past the end",
	  { SET(header.e_phnum, 64), SET(header.e_phoff, FILE_SIZE - 64 * sizeof(Elf64_Phdr) + 1) },
	  "has 3584 bytes of program headers at offset 0x" },
	{ "small program headers",
	  { SET(header.e_phentsize, 55) },
	  "has program headers of 55 bytes, want 56" },
	{ "32-bit program headers",
	  { SET(header.e_phentsize, 32) },
	  "has program headers of 32 bytes, want 56" },
	{ "program headers at the end",
	  { SET(header.e_phoff, FILE_SIZE) },
	  "bytes of program headers at offset 0x" },
	{ "program headers whose end wraps",
	  { SET(header.e_phoff, MAX64 - 100) },
	  "bytes of program headers at offset 0xffffffffffffff9b, past the end of the file" },
	{ "program headers that no segment loads",
	  { SET(phdrs[TINY_HEADERS].p_type, PT_NULL) },
	  "program headers at offset 0x40 are in no loaded segment" },
	{ "last byte of the program headers not loaded",
	  { SET(phdrs[TINY_HEADERS].p_filesz, offsetof(struct tiny_elf, note) - 1) },
	  "program headers at offset 0x40 are in no loaded segment" },
	{ "a segment that starts with the program headers and ends with them",
	  { SET(phdrs[TINY_HEADERS].p_offset, 0x40), SET(phdrs[TINY_HEADERS].p_vaddr, 0x400040),
	    SET(phdrs[TINY_HEADERS].p_filesz, offsetof(struct tiny_elf, note) - 0x40) },
	  NULL },
	{ "just the program headers loaded",
	  { SET(phdrs[TINY_HEADERS].p_filesz, offsetof(struct tiny_elf, note)) },
	  NULL },

	{ "entry in the code's page, before the code",
	  { SET(header.e_entry, 0x401000) },
	  "entry 0x401000 is" },
	{ "entry 0", { SET(header.e_entry, 0) }, "entry 0x0 is in no executable segment" },
	{ "entry in data",
	  { SET(header.e_entry, 0x402000 + offsetof(struct tiny_elf, exports)) },
	  "is in no executable segment" },
	{ "entry at the last byte of the code",
	  { SET(header.e_entry, 0x401000 + offsetof(struct tiny_elf, exports) - 1) },
	  NULL },
	{ "entry behind the code",
	  { SET(header.e_entry, 0x401000 + offsetof(struct tiny_elf, exports)) },
	  "is in no executable segment" },
	{ "entry in front of the code",
	  { SET(header.e_entry, 0x401000 + offsetof(struct tiny_elf, code) - 1) },
	  "is in no executable segment" },
};

/* Where the good file has its segments. */
#define CODE_AT  (0x401000 + offsetof(struct tiny_elf, code))
#define DATA_AT  (0x402000 + offsetof(struct tiny_elf, exports))
#define DATA_OFF offsetof(struct tiny_elf, exports)
#define CODE_OFF offsetof(struct tiny_elf, code)

static const struct row segment_rows[] = {
	{ "no segment",
	  { SET(phdrs[0].p_type, 0), SET(phdrs[1].p_type, 0), SET(phdrs[2].p_type, 0) },
	  "has no loadable segment" },
	{ "an empty segment anywhere is skipped",
	  { SET(OTHER.p_type, PT_LOAD), SET(OTHER.p_vaddr, 5) },
	  NULL },
	{ "no memory but bytes in the file",
	  { SET(DATA.p_memsz, 0) },
	  "segment 2 has 0x180 bytes in the file, more than its 0x0 in memory" },
	{ "one byte more in the file than in memory",
	  { SET(DATA.p_memsz, 0x17f) },
	  "segment 2 has 0x180 bytes in the file, more than its 0x17f in memory" },
	{ "as many in the file as in memory", { SET(DATA.p_memsz, 0x180) }, NULL },
	{ "bytes up to the end of the file", { SET(DATA.p_filesz, FILE_SIZE - DATA_OFF) }, NULL },
	{ "bytes one past the end of the file",
	  { SET(DATA.p_filesz, FILE_SIZE - DATA_OFF + 1) },
	  "segment 2 has 0x" },
	{ "offset past the end of the file",
	  { SET(DATA.p_offset, DATA_OFF + 0x1000) },
	  "past the end of the file" },
	{ "offset + size wraps",
	  { SET(DATA.p_offset, MAX64 - 0xfff + DATA_OFF), SET(DATA.p_filesz, 0x2000) },
	  "past the end of the file" },
	{ "size of all ones", { SET(DATA.p_filesz, MAX64) }, "past the end of the file" },
	{ "only zeros, offset past the end",
	  { SET(DATA.p_filesz, 0), SET(DATA.p_offset, FILE_SIZE + 1) },
	  "segment 2 has 0x0 bytes at offset 0x" },
	{ "only zeros, offset at the end",
	  { SET(DATA.p_filesz, 0), SET(DATA.p_offset, FILE_SIZE) },
	  NULL },
	{ "one byte, offset out of step",
	  { SET(DATA.p_filesz, 1), SET(DATA.p_offset, 1) },
	  "in the file, which differ within a page" },
	{ "only zeros, offset out of step", { SET(DATA.p_filesz, 0), SET(DATA.p_offset, 1) }, NULL },
	{ "address and offset out of step",
	  { SET(DATA.p_vaddr, DATA_AT + 1) },
	  "in the file, which differ within a page" },

	{ "write and execute",
	  { SET(CODE.p_flags, PF_W | PF_X), SET(CODE.p_vaddr, 0x401000 + CODE_OFF),
	    SET(CODE.p_memsz, 0x1000 - CODE_OFF) },
	  "..0x402000 is writable and executable" },
	{ "execute alone", { SET(CODE.p_flags, PF_X) }, NULL },
	{ "no rights at all", { SET(DATA.p_flags, 0) }, NULL },
	{ "unknown rights", { SET(DATA.p_flags, 0xfffffff8 | PF_R) }, NULL },

	{ "up to the end of guest addresses",
	  { SET(DATA.p_memsz, MOTE_ADDRESS_END - DATA_AT) },
	  NULL },
	{ "one byte past the end of guest addresses",
	  { SET(DATA.p_memsz, MOTE_ADDRESS_END - DATA_AT + 1) },
	  "past the end of guest addresses (0x7ffffffff000)" },
	{ "an address in the upper half",
	  { SET(DATA.p_vaddr, 0xffffffff80000000 + DATA_OFF) },
	  "past the end of guest addresses" },
	{ "address + size wraps to low addresses",
	  { SET(DATA.p_vaddr, MAX64 - 0xfff + DATA_OFF), SET(DATA.p_memsz, 0x2000) },
	  "past the end of guest addresses" },
	{ "memory of all ones", { SET(DATA.p_memsz, MAX64) }, "past the end of guest addresses" },

	{ "at address 0",
	  { SET(phdrs[0].p_vaddr, 0) },
	  "reaches below 0x200000, which the host keeps; link it higher" },
	{ "in the window",
	  { SET(phdrs[0].p_vaddr, MOTE_HYPERCALL_PAGE), SET(phdrs[0].p_memsz, 0x234) },
	  "segment 0 at 0x10000..0x10234 reaches" },
	{ "last page of the window",
	  { SET(phdrs[0].p_vaddr, MOTE_WINDOW_END - 0x1000) },
	  "reaches below 0x200000" },
	{ "right above the window", { SET(phdrs[0].p_vaddr, MOTE_WINDOW_END) }, NULL },

	{ "the same address twice",
	  { SET(DATA.p_vaddr, 0x401000 + DATA_OFF), SET(CODE.p_memsz, 0x1000) },
	  "overlaps segment 1 at 0x401" },
	{ "the last byte of the one before",
	  { SET(CODE.p_memsz, DATA_AT + 1 - CODE_AT) },
	  "overlaps segment 1 at 0x401" },
	{ "right behind the one before, in its page",
	  { SET(CODE.p_memsz, DATA_AT - CODE_AT) },
	  "shares a page with segment 1" },
	{ "the one before ends at the page's start",
	  { SET(CODE.p_memsz, 0x402000 - CODE_AT) },
	  NULL },
	{ "the one before ends one byte into the page",
	  { SET(CODE.p_memsz, 0x402001 - CODE_AT) },
	  "shares a page with segment 1" },
	{ "segments that descend",
	  { SET(DATA.p_vaddr, 0x300000 + DATA_OFF) },
	  "lies below segment 1 at 0x401" },
	{ "segments that descend and touch",
	  { SET(DATA.p_vaddr, 0x300000 + DATA_OFF),
	    SET(DATA.p_memsz, CODE_AT - 0x300000 - DATA_OFF) },
	  "lies below segment 1 at 0x401" },
	{ "around the one before",
	  { SET(DATA.p_vaddr, 0x3ff000 + DATA_OFF), SET(DATA.p_memsz, 0x10000) },
	  "overlaps segment 1" },
};

static const char spare_text[] = "/lib64/ld-linux-x86-64.so.2";
#define SPARE_OFF   offsetof(struct tiny_elf, spare)
#define DYNAMIC_OFF offsetof(struct tiny_elf, dynamic)
#define DYN_SIZE    sizeof(Elf64_Dyn)

static const struct row dynamic_rows[] = {
	{ "an interpreter",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, SPARE_OFF),
	    SET(OTHER.p_filesz, sizeof spare_text) },
	  "is a dynamic executable (interpreter /lib64/ld-linux-x86-64.so.2); link it with "
	  "-static" },
	{ "an interpreter without NUL",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, SPARE_OFF), SET(OTHER.p_filesz, 4) },
	  "(interpreter /lib)" },
	{ "an interpreter past the end of the file",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, FILE_SIZE), SET(OTHER.p_filesz, 1) },
	  "(interpreter ?)" },
	{ "an interpreter with an escape sequence",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, SPARE_OFF), SET(OTHER.p_filesz, 9),
	    SET(spare[4], 0x1b) },
	  "(interpreter /lib)" },
	{ "an interpreter that goes on for ever",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, 0), SET(OTHER.p_filesz, FILE_SIZE) },
	  "(interpreter )" },
	{ "an interpreter with a space",
	  { SET(OTHER.p_type, PT_INTERP), SET(OTHER.p_offset, SPARE_OFF), SET(OTHER.p_filesz, 9),
	    SET(spare[4], ' ') },
	  "(interpreter /lib)" },
	{ "an interpreter in the first program header",
	  { SET(phdrs[0].p_type, PT_INTERP) },
	  "is a dynamic executable" },
	{ "an interpreter before all other faults",
	  { SET(OTHER.p_type, PT_INTERP), SET(header.e_entry, 0), SET(DATA.p_vaddr, 0) },
	  "is a dynamic executable" },
	{ "needs a library",
	  { SET(OTHER.p_type, PT_DYNAMIC), SET(OTHER.p_offset, DYNAMIC_OFF),
	    SET(OTHER.p_filesz, 2 * DYN_SIZE), SET(dynamic[1].d_tag, DT_NEEDED),
	    SET(dynamic[0].d_tag, DT_HASH) },
	  "is a shared library" },
	{ "needs a library, in an entry behind the last",
	  { SET(OTHER.p_type, PT_DYNAMIC), SET(OTHER.p_offset, DYNAMIC_OFF),
	    SET(OTHER.p_filesz, 2 * DYN_SIZE), SET(dynamic[1].d_tag, DT_NEEDED) },
	  NULL },
	{ "needs a library, in an entry that is cut off",
	  { SET(OTHER.p_type, PT_DYNAMIC), SET(OTHER.p_offset, DYNAMIC_OFF),
	    SET(OTHER.p_filesz, 2 * DYN_SIZE - 1), SET(dynamic[1].d_tag, DT_NEEDED),
	    SET(dynamic[0].d_tag, DT_HASH) },
	  NULL },
	{ "dynamic section past the end of the file",
	  { SET(OTHER.p_type, PT_DYNAMIC), SET(OTHER.p_offset, FILE_SIZE - 1),
	    SET(OTHER.p_filesz, DYN_SIZE) },
	  NULL },
};

static const struct row pie_rows[] = {
	{ "nothing changed", { { 0, 0, 0 } }, NULL },
	{ "no entry", { SET(header.e_entry, 0) }, "is a shared library" },
	{ "alignment of a large page", { SET(DATA.p_align, 0x200000) }, NULL },
	{ "alignment of the PIE base", { SET(DATA.p_align, MOTE_PIE_BASE) }, NULL },
	{ "alignment that the PIE base lacks",
	  { SET(DATA.p_align, 2 * MOTE_PIE_BASE) },
	  "segment 2 wants alignment 0x800000, but a static PIE is loaded at 0x400000" },
	{ "alignment 0", { SET(DATA.p_align, 0) }, NULL },
	{ "up to the end of guest addresses",
	  { SET(DATA.p_memsz, MOTE_ADDRESS_END - DATA_AT) },
	  NULL },
	{ "one byte past the end of guest addresses",
	  { SET(DATA.p_memsz, MOTE_ADDRESS_END - DATA_AT + 1) },
	  "past the end of guest addresses (0x7fffffbff000)" },
	{ "address + base wraps",
	  { SET(DATA.p_vaddr, MAX64 - 0xfff + DATA_OFF) },
	  "past the end of guest addresses" },
	{ "entry + base wraps into the code",
	  { SET(header.e_entry, CODE_AT - MOTE_PIE_BASE - 0x1000) },
	  "is in no executable segment" },
};

static void check_rows(const struct row *rows, size_t count, void (*init)(struct tiny_elf *))
{
	for (size_t i = 0; i < count; i++) {
		struct tiny_elf file;
		struct elf elf;
		mote_error err = { .code = MOTE_OK };
		init(&file);
		memcpy(file.spare, spare_text, sizeof spare_text);
		apply(&file, rows[i].patches, 5);

		mote_status status = elf_parse(&elf, &file, sizeof file, &err);
		if (!rows[i].message && status != MOTE_OK)
			fail_msg("%s: refused: %s", rows[i].what, err.message);
		if (rows[i].message && status != MOTE_E_IMAGE)
			fail_msg("%s: accepted", rows[i].what);
		if (rows[i].message && !strstr(err.message, rows[i].message))
			fail_msg("%s: \"%s\", want \"%s\"", rows[i].what, err.message,
				 rows[i].message);
	}
}

#define CHECK_ROWS(rows, init) check_rows(rows, sizeof rows / sizeof rows[0], init)

static void each_fault_of_the_header_has_its_message(void **state)
{
	(void)state;
	CHECK_ROWS(header_rows, tiny_elf_init);
}

static void each_fault_of_a_segment_has_its_message(void **state)
{
	(void)state;
	CHECK_ROWS(segment_rows, tiny_elf_init);
}

static void dynamic_programs_are_told_what_to_do(void **state)
{
	(void)state;
	CHECK_ROWS(dynamic_rows, tiny_elf_init);
}

static void a_long_interpreter_is_cut(void **state)
{
	(void)state;
	struct tiny_elf file;
	struct elf elf;
	mote_error err;
	char name[64] = "";
	char want[128];
	memset(name, 'x', sizeof name - 1);
	snprintf(want, sizeof want, "(interpreter %s); link", name);

	tiny_elf_init(&file);
	memset(file.spare, 'x', sizeof file.spare);
	file.OTHER.p_type = PT_INTERP;
	file.OTHER.p_offset = SPARE_OFF;
	file.OTHER.p_filesz = sizeof file.spare;
	assert_int_equal(elf_parse(&elf, &file, sizeof file, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, want));
}

static void a_static_pie_is_loaded_at_its_base(void **state)
{
	(void)state;
	CHECK_ROWS(pie_rows, tiny_elf_init_pie);
}

static void assert_good_tiny_elf(const struct elf *elf)
{
	assert_int_equal(elf->nsegments, TINY_NSEGMENTS);
	assert_int_equal(elf->entry, CODE_AT);
	assert_int_equal(elf->phdr_address, TINY_ADDRESS + offsetof(struct tiny_elf, phdrs));
	for (size_t i = 0; i < TINY_NSEGMENTS; i++) {
		const mote_segment_info *s = &elf->segments[i];
		assert_int_equal(s->address, TINY_ADDRESS + i * 0x1000 + s->file_offset);
		assert_true(s->readable);
		assert_int_equal(s->writable, i == TINY_DATA);
		assert_int_equal(s->executable, i == TINY_CODE);
		assert_int_equal(s->memory_size,
				 s->file_size + (i == TINY_DATA ? TINY_BSS_SIZE : 0));
	}
	assert_int_equal(elf->segments[TINY_CODE].file_offset, CODE_OFF);
	assert_int_equal(elf->segments[TINY_CODE].file_size, DATA_OFF - CODE_OFF);
}

static void a_good_file_is_described(void **state)
{
	(void)state;
	struct tiny_elf file;
	struct elf elf;
	tiny_elf_init(&file);
	assert_int_equal(elf_parse(&elf, &file, sizeof file, NULL), MOTE_OK);
	assert_false(elf.is_pie);
	assert_int_equal(elf.bias, 0);
	assert_good_tiny_elf(&elf);

	tiny_elf_init_pie(&file);
	assert_int_equal(elf_parse(&elf, &file, sizeof file, NULL), MOTE_OK);
	assert_true(elf.is_pie);
	assert_int_equal(elf.bias, MOTE_PIE_BASE);
	assert_good_tiny_elf(&elf);
}

static const struct {
	const char *bytes;
	size_t size;
	const char *message;
} other_files[] = {
	{ "", 1, "is not an ELF file" },
	{ "#!/bin/sh\n", 10, "is a script; mote guests are static x86-64 ELF executables" },
	{ "MZ\x90", 4, "is a Windows executable" },
	{ "!<arch>\n", 8, "is a static library" },
	{ "!<arch>", 7, "is not an ELF file" },
	{ "\xcf\xfa\xed\xfe", 4, "is a macOS executable" },
	{ "\0asm\1\0\0\0", 8, "is a WebAssembly module" },
	{ "\x1f\x8b\x08", 3, "is a gzip file" },
	{ "\x7f"
	  "ELF",
	  4, "is cut off after 4 bytes, in the ELF header" },
	{ "\x7f"
	  "EL",
	  3, "is not an ELF file" },
};

static void other_files_are_called_by_their_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof other_files / sizeof other_files[0]; i++) {
		struct elf elf;
		mote_error err;
		assert_int_equal(elf_parse(&elf, other_files[i].bytes, other_files[i].size, &err),
				 MOTE_E_IMAGE);
		if (!strstr(err.message, other_files[i].message))
			fail_msg("row %zu: \"%s\", want \"%s\"", i, err.message,
				 other_files[i].message);
	}
}

static void a_header_and_nothing_else_is_a_header(void **state)
{
	(void)state;
	struct tiny_elf file;
	struct elf elf;
	mote_error err;
	tiny_elf_init(&file);
	assert_int_equal(elf_parse(&elf, &file, sizeof file.header, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "bytes of program headers at offset 0x40"));
	assert_int_equal(elf_parse(&elf, &file, sizeof file.header - 1, &err), MOTE_E_IMAGE);
	assert_non_null(strstr(err.message, "is cut off after 63 bytes, in the ELF header"));
}

/* A file of 64 loadable segments of one page each fills the table to its last entry. */
static void as_many_segments_as_program_headers_fit(void **state)
{
	(void)state;
	static struct {
		Elf64_Ehdr header;
		Elf64_Phdr phdrs[MOTE_MAX_SEGMENTS];
	} file;
	struct tiny_elf tiny;
	struct elf elf;
	tiny_elf_init(&tiny);
	file.header = tiny.header;
	file.header.e_phnum = MOTE_MAX_SEGMENTS;
	file.header.e_entry = TINY_ADDRESS;
	for (unsigned i = 0; i < MOTE_MAX_SEGMENTS; i++)
		file.phdrs[i] = (Elf64_Phdr){ .p_type = PT_LOAD,
					      .p_flags = PF_R | PF_X,
					      .p_vaddr = TINY_ADDRESS + i * MOTE_PAGE_SIZE,
					      .p_filesz = sizeof file,
					      .p_memsz = sizeof file };
	assert_true(sizeof file <= MOTE_PAGE_SIZE);
	assert_int_equal(elf_parse(&elf, &file, sizeof file, NULL), MOTE_OK);
	assert_int_equal(elf.nsegments, MOTE_MAX_SEGMENTS);

	/* and nothing looks behind the last */
	file.header.e_entry = 0;
	assert_int_equal(elf_parse(&elf, &file, sizeof file, NULL), MOTE_E_IMAGE);
	file.header.e_entry = TINY_ADDRESS;
	for (unsigned i = 0; i < MOTE_MAX_SEGMENTS; i++)
		file.phdrs[i].p_filesz = 64;
	assert_int_equal(elf_parse(&elf, &file, sizeof file, NULL), MOTE_E_IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_is_described),
		cmocka_unit_test(each_fault_of_the_header_has_its_message),
		cmocka_unit_test(each_fault_of_a_segment_has_its_message),
		cmocka_unit_test(dynamic_programs_are_told_what_to_do),
		cmocka_unit_test(a_long_interpreter_is_cut),
		cmocka_unit_test(a_static_pie_is_loaded_at_its_base),
		cmocka_unit_test(other_files_are_called_by_their_names),
		cmocka_unit_test(a_header_and_nothing_else_is_a_header),
		cmocka_unit_test(as_many_segments_as_program_headers_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
