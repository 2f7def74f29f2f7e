/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Section headers and notes: what is asked for is found, and what does not fit the file is
 * refused, but only when someone asks.
 */
#include "image/elf.h"

#include "base/error.h"
#include "tests/kit/tiny_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_SIZE sizeof(struct tiny_elf)
#define EXPORTS   shdrs[TINY_SECTION_EXPORTS]
#define NAMES     shdrs[TINY_SECTION_NAMES]
#define NOTE      phdrs[TINY_NOTE]

/* A good file that loads; what a test does with it must not make it unloadable. */
struct fixture {
	struct tiny_elf file;
	struct elf elf;
};

static void parse(struct fixture *f)
{
	assert_int_equal(elf_parse(&f->elf, &f->file, sizeof f->file, NULL), MOTE_OK);
}

static void sections_are_found_by_name(void **state)
{
	(void)state;
	struct fixture f;
	struct elf_span span;
	tiny_elf_init(&f.file);
	parse(&f);

	assert_true(elf_has_sections(&f.elf));
	assert_int_equal(elf_find_section(&f.elf, MOTE_EXPORTS_SECTION, &span, NULL), MOTE_OK);
	assert_ptr_equal(span.bytes, f.file.exports);
	assert_int_equal(span.size, sizeof f.file.exports);
	assert_int_equal(elf_find_section(&f.elf, ".shstrtab", &span, NULL), MOTE_OK);
	assert_ptr_equal(span.bytes, f.file.names);
}

static void names_are_compared_to_their_end(void **state)
{
	(void)state;
	static const char *const absent[] = { "mote_export", "mote_exports_", "ote_exports.",
					      ".text" };
	struct fixture f;
	tiny_elf_init(&f.file);
	parse(&f);
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
		struct elf_span span = { (const uint8_t *)"", 1 };
		assert_int_equal(elf_find_section(&f.elf, absent[i], &span, NULL), MOTE_OK);
		assert_null(span.bytes);
		assert_int_equal(span.size, 0);
	}
}

static void without_section_headers_there_are_no_sections(void **state)
{
	(void)state;
	struct fixture f;
	struct elf_span span;
	tiny_elf_init(&f.file);
	f.file.header.e_shoff = 0;
	parse(&f);
	assert_false(elf_has_sections(&f.elf));
	assert_int_equal(elf_find_section(&f.elf, MOTE_EXPORTS_SECTION, &span, NULL), MOTE_OK);
	assert_null(span.bytes);

	tiny_elf_init(&f.file);
	f.file.header.e_shnum = 0;
	parse(&f);
	assert_false(elf_has_sections(&f.elf));
}

/* A number of 16, 32 or 64 bits somewhere in the file. */
#define SET(member, value)                                                                         \
	offsetof(struct tiny_elf, member), sizeof(((struct tiny_elf *)0)->member), value

static const struct {
	const char *what;
	size_t offset, size;
	uint64_t value;
	const char *message; /* part of it; NULL: the section is found */
} section_rows[] = {
	{ "small section headers", SET(header.e_shentsize, 63),
	  "has section headers of 63 bytes, want 64" },
	{ "no size of section headers", SET(header.e_shentsize, 0), "has section headers of 0" },
	{ "a header too many", SET(header.e_shnum, TINY_NSECTIONS + 1),
	  "past the end of the file" },
	{ "as many headers as there can be", SET(header.e_shnum, 0xffff), "past the end of" },
	{ "headers at the end of the file", SET(header.e_shoff, FILE_SIZE),
	  "has 320 bytes of section headers at offset 0x" },
	{ "headers whose end wraps", SET(header.e_shoff, UINT64_MAX - 8), "past the end of the" },
	{ "names in a section that does not exist", SET(header.e_shstrndx, TINY_NSECTIONS),
	  "has its section names in section 5, of 5 sections" },
	{ "names in an extended section", SET(header.e_shstrndx, SHN_XINDEX), "section 65535, of" },
	{ "names without bytes", SET(NAMES.sh_type, SHT_NOBITS),
	  "the section of section names has no bytes in the file" },
	{ "names past the end", SET(NAMES.sh_offset, FILE_SIZE - 63), "past the end of the file" },
	{ "names whose end wraps", SET(NAMES.sh_size, UINT64_MAX), "past the end of the file" },
	{ "contents up to the end", SET(EXPORTS.sh_offset, FILE_SIZE - 3 * 96), NULL },
	{ "contents one past the end", SET(EXPORTS.sh_offset, FILE_SIZE - 3 * 96 + 1),
	  "mote_exports has 0x120 bytes at offset 0x" },
	{ "contents whose end wraps", SET(EXPORTS.sh_offset, UINT64_MAX), "past the end of the" },
	{ "contents of all ones", SET(EXPORTS.sh_size, UINT64_MAX), "past the end of the file" },
	{ "contents without bytes", SET(EXPORTS.sh_type, SHT_NOBITS),
	  "mote_exports has no bytes in the file" },
	{ "two of that name", SET(shdrs[TINY_SECTION_OTHER].sh_name, 11),
	  "has two sections mote_exports" },
	{ "another section's name past the end of the names",
	  SET(shdrs[TINY_SECTION_OTHER].sh_name, UINT32_MAX), NULL },
};

static void section_headers_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof section_rows / sizeof section_rows[0]; i++) {
		struct fixture f;
		struct elf_span span = { (const uint8_t *)"", 1 };
		mote_error err = { .code = MOTE_OK };
		tiny_elf_init(&f.file);
		memcpy((char *)&f.file + section_rows[i].offset, &section_rows[i].value,
		       section_rows[i].size);
		parse(&f);

		const char *want = section_rows[i].message;
		mote_status status = elf_find_section(&f.elf, MOTE_EXPORTS_SECTION, &span, &err);
		if (status != (want ? MOTE_E_IMAGE : MOTE_OK))
			fail_msg("%s: %s %s", section_rows[i].what, mote_status_name(status),
				 err.message);
		if (want && !strstr(err.message, want))
			fail_msg("%s: \"%s\", want \"%s\"", section_rows[i].what, err.message,
				 want);
		assert_int_equal(span.bytes != NULL, want == NULL);
	}
}

/* A name at the very end of the table of names, with and without its NUL in the table. */
static void a_name_cut_off_by_the_end_of_the_names_is_not_found(void **state)
{
	(void)state;
	struct fixture f;
	struct elf_span span;
	size_t with_nul = 11 + sizeof MOTE_EXPORTS_SECTION;
	tiny_elf_init(&f.file);
	f.file.NAMES.sh_size = with_nul;
	parse(&f);
	assert_int_equal(elf_find_section(&f.elf, MOTE_EXPORTS_SECTION, &span, NULL), MOTE_OK);
	assert_non_null(span.bytes);

	f.file.NAMES.sh_size = with_nul - 1;
	assert_int_equal(elf_find_section(&f.elf, MOTE_EXPORTS_SECTION, &span, NULL), MOTE_OK);
	assert_null(span.bytes);
}

/* What elf_each_note() showed: the types of the notes and the sizes of their bodies. */
struct seen {
	unsigned count;
	uint32_t types[16];
	size_t name_sizes[16], desc_sizes[16];
	unsigned stop_at; /* fail at the note of this number, from 1 */
};

static mote_status see(void *user, const struct elf_note *note, mote_error *err)
{
	struct seen *seen = user;
	if (seen->count < 16) {
		seen->types[seen->count] = note->type;
		seen->name_sizes[seen->count] = note->name.size;
		seen->desc_sizes[seen->count] = note->desc.size;
	}
	seen->count++;
	if (seen->count == seen->stop_at)
		return error_set(err, MOTE_E_ABI_MISMATCH, "stop");
	return MOTE_OK;
}

static void the_note_of_a_guest_is_shown(void **state)
{
	(void)state;
	struct fixture f;
	struct seen seen = { 0 };
	tiny_elf_init(&f.file);
	parse(&f);
	assert_int_equal(elf_each_note(&f.elf, see, &seen, NULL), MOTE_OK);
	assert_int_equal(seen.count, 2);
	assert_int_equal(seen.types[1], MOTE_FEATURES_NOTE_TYPE);
	assert_int_equal(seen.desc_sizes[1], sizeof(uint32_t));
	assert_int_equal(seen.types[0], MOTE_NOTE_TYPE);
	assert_int_equal(seen.name_sizes[0], 5);
	assert_int_equal(seen.desc_sizes[0], sizeof(struct mote_note));
}

static void notes_may_come_first(void **state)
{
	(void)state;
	struct fixture f;
	struct seen seen = { 0 };
	tiny_elf_init(&f.file);
	Elf64_Phdr note = f.file.NOTE;
	memmove(&f.file.phdrs[1], &f.file.phdrs[0], TINY_NSEGMENTS * sizeof note);
	f.file.phdrs[0] = note;
	parse(&f);
	assert_int_equal(elf_each_note(&f.elf, see, &seen, NULL), MOTE_OK);
	assert_int_equal(seen.count, 2);
}

/* Notes as words: name size, body size, type, name, body. In place of the guest's code. */
static const struct {
	const char *what;
	uint64_t align;
	size_t size;
	uint32_t words[12];
	int want; /* notes, or -1 for a refusal */
	size_t last_desc_size;
} note_rows[] = {
	{ "no bytes at all", 4, 0, { 0 }, 0, 0 },
	{ "one byte", 4, 1, { 0 }, -1, 0 },
	{ "nothing but a header", 4, 12, { 0, 0, 7 }, 1, 0 },
	{ "a header that is cut off", 4, 11, { 0, 0, 7 }, -1, 0 },
	{ "a name and no body", 4, 16, { 4, 0, 7, 1 }, 1, 0 },
	{ "a name that is cut off", 4, 15, { 4, 0, 7, 1 }, -1, 0 },
	{ "a body that just fits", 4, 20, { 4, 4, 7, 1, 2 }, 1, 4 },
	{ "a body that is cut off", 4, 19, { 4, 4, 7, 1, 2 }, -1, 0 },
	{ "a last body without padding", 4, 17, { 4, 1, 7, 1, 2 }, 1, 1 },
	{ "a name with padding, then a body", 4, 24, { 5, 4, 7, 1, 2, 3 }, 1, 4 },
	{ "a name whose padding is cut off", 4, 18, { 5, 0, 7, 1, 2 }, 1, 0 },
	{ "a name whose padding and body are cut off", 4, 18, { 5, 1, 7, 1, 2 }, -1, 0 },
	{ "two notes", 4, 32, { 0, 4, 7, 1, 4, 0, 8, 1 }, 2, 0 },
	{ "two notes, padded to 8", 8, 48, { 0, 4, 7, 0, 1, 0, 0, 8, 8, 0, 1, 2 }, 2, 8 },
	{ "padded to 8, a name of 4 ends a unit", 8, 24, { 4, 8, 7, 1, 2, 3 }, 1, 8 },
	{ "a name of 4 GiB", 4, 48, { UINT32_MAX, 0, 7 }, -1, 0 },
	{ "a name of nearly 4 GiB", 4, 48, { UINT32_MAX - 11, 0, 7 }, -1, 0 },
	{ "a body of 4 GiB", 4, 48, { 4, UINT32_MAX, 7, 1 }, -1, 0 },
	{ "sizes that add up to 0", 4, 48, { 0x80000000, 0x80000000, 7 }, -1, 0 },
};

static void notes_are_followed_by_size_and_padding(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof note_rows / sizeof note_rows[0]; i++) {
		struct fixture f;
		struct seen seen = { 0 };
		mote_error err = { .code = MOTE_OK };
		tiny_elf_init(&f.file);
		memcpy(f.file.code, note_rows[i].words, sizeof note_rows[i].words);
		f.file.NOTE.p_offset = offsetof(struct tiny_elf, code);
		f.file.NOTE.p_filesz = note_rows[i].size;
		f.file.NOTE.p_align = note_rows[i].align;
		parse(&f);

		mote_status status = elf_each_note(&f.elf, see, &seen, &err);
		bool refused = note_rows[i].want < 0;
		if (status != (refused ? MOTE_E_IMAGE : MOTE_OK))
			fail_msg("%s: %s %s", note_rows[i].what, mote_status_name(status),
				 err.message);
		if (refused && !strstr(err.message, "does not fit its segment"))
			fail_msg("%s: %s", note_rows[i].what, err.message);
		if (!refused && seen.count != (unsigned)note_rows[i].want)
			fail_msg("%s: %u notes, want %d", note_rows[i].what, seen.count,
				 note_rows[i].want);
		if (seen.count > 0)
			assert_int_equal(seen.desc_sizes[seen.count - 1],
					 note_rows[i].last_desc_size);
	}
}

static void notes_past_the_end_of_the_file_are_refused(void **state)
{
	(void)state;
	static const struct {
		uint64_t offset, size;
	} rows[] = {
		{ FILE_SIZE, 1 },  { FILE_SIZE + 1, 0 }, { FILE_SIZE - 23, 24 },
		{ 0, UINT64_MAX }, { UINT64_MAX, 24 },   { UINT64_MAX - 11, 24 },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct fixture f;
		struct seen seen = { 0 };
		mote_error err;
		tiny_elf_init(&f.file);
		f.file.NOTE.p_offset = rows[i].offset;
		f.file.NOTE.p_filesz = rows[i].size;
		parse(&f);
		assert_int_equal(elf_each_note(&f.elf, see, &seen, &err), MOTE_E_IMAGE);
		assert_non_null(strstr(err.message, "bytes of notes at offset 0x"));
		assert_int_equal(seen.count, 0);
	}
}

static void the_visitors_failure_ends_the_walk(void **state)
{
	(void)state;
	struct fixture f;
	struct seen seen = { .stop_at = 1 };
	mote_error err;
	tiny_elf_init(&f.file);
	f.file.phdrs[TINY_OTHER] = f.file.NOTE;
	parse(&f);
	assert_int_equal(elf_each_note(&f.elf, see, &seen, &err), MOTE_E_ABI_MISMATCH);
	assert_string_equal(err.message, "stop");
	assert_int_equal(seen.count, 1);

	seen = (struct seen){ 0 };
	assert_int_equal(elf_each_note(&f.elf, see, &seen, &err), MOTE_OK);
	assert_int_equal(seen.count, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sections_are_found_by_name),
		cmocka_unit_test(names_are_compared_to_their_end),
		cmocka_unit_test(without_section_headers_there_are_no_sections),
		cmocka_unit_test(section_headers_that_do_not_fit_are_refused),
		cmocka_unit_test(a_name_cut_off_by_the_end_of_the_names_is_not_found),
		cmocka_unit_test(the_note_of_a_guest_is_shown),
		cmocka_unit_test(notes_may_come_first),
		cmocka_unit_test(notes_are_followed_by_size_and_padding),
		cmocka_unit_test(notes_past_the_end_of_the_file_are_refused),
		cmocka_unit_test(the_visitors_failure_ends_the_walk),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
