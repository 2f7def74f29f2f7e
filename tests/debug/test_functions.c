/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions by address, in symbol tables that are honest and in tables that are not. The file is in
 * a block of its own size, so that a sanitizer sees a read behind it.
 */
#include "debug/functions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define CODE      UINT64_C(0x401000) /* two executable segments */
#define CODE_SIZE UINT64_C(0x1000)
#define MORE      UINT64_C(0x500000)

enum { NULL_SECTION, SYMBOLS, NAMES, SECTION_NAMES, NSECTIONS };

#define NSYMBOLS 12

static const char names[] =
	"\0sized\0local\0weak\0global\0bare\0inner\0data\0tls\0undefined\0ifunc";

/* In file order. */
struct file {
	Elf64_Sym symbols[NSYMBOLS];
	char names[sizeof names];
	Elf64_Shdr sections[NSECTIONS];
};

struct fixture {
	struct file *file;
	struct elf elf;
};

static uint32_t name_of(const char *name)
{
	uint32_t at = 1;

	while (at < sizeof names && strcmp(names + at, name) != 0)
		at += (uint32_t)strlen(names + at) + 1;
	assert_true(at < sizeof names);
	return at;
}

static Elf64_Sym symbol(const char *name, int binding, int type, uint64_t address, uint64_t size)
{
	return (Elf64_Sym){
		.st_name = name_of(name),
		.st_info = (unsigned char)ELF64_ST_INFO(binding, type),
		.st_shndx = strcmp(name, "undefined") == 0 ? SHN_UNDEF : 1,
		.st_value = address,
		.st_size = size,
	};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct file *file = f ? calloc(1, sizeof *file) : NULL;

	if (!file)
		return -1;
	const Elf64_Sym symbols[NSYMBOLS] = {
		[1] = symbol("sized", STB_GLOBAL, STT_FUNC, CODE + 0x100, 0x80),
		symbol("local", STB_LOCAL, STT_FUNC, CODE + 0x200, 0x40),
		symbol("weak", STB_WEAK, STT_FUNC, CODE + 0x200, 0x40),
		symbol("global", STB_GLOBAL, STT_FUNC, CODE + 0x300, 0x100),
		symbol("local", STB_LOCAL, STT_FUNC, CODE + 0x300, 0x100),
		symbol("inner", STB_LOCAL, STT_FUNC, CODE + 0x340, 0x20),
		symbol("bare", STB_GLOBAL, STT_NOTYPE, CODE + 0x800, 0),
		symbol("data", STB_GLOBAL, STT_OBJECT, CODE + 0x900, 0x100),
		symbol("tls", STB_GLOBAL, STT_TLS, CODE + 0x900, 0x100),
		symbol("undefined", STB_GLOBAL, STT_FUNC, CODE + 0x900, 0x100),
		symbol("ifunc", STB_GLOBAL, STT_GNU_IFUNC, MORE, 0x10),
	};
	memcpy(file->symbols, symbols, sizeof symbols);
	memcpy(file->names, names, sizeof names);
	file->sections[SYMBOLS] = (Elf64_Shdr){ .sh_type = SHT_SYMTAB,
						.sh_offset = 0,
						.sh_size = sizeof file->symbols,
						.sh_link = NAMES };
	file->sections[NAMES] = (Elf64_Shdr){ .sh_type = SHT_STRTAB,
					      .sh_offset = offsetof(struct file, names),
					      .sh_size = sizeof names };
	file->sections[SECTION_NAMES] = file->sections[NAMES];
	f->file = file;
	f->elf = (struct elf){
		.bytes = (const uint8_t *)file,
		.size = sizeof *file,
		.header = { .e_shoff = offsetof(struct file, sections),
			    .e_shnum = NSECTIONS,
			    .e_shentsize = sizeof(Elf64_Shdr),
			    .e_shstrndx = SECTION_NAMES },
		.segments = { { .address = CODE, .memory_size = CODE_SIZE, .executable = true },
			      { .address = MORE, .memory_size = CODE_SIZE, .executable = true } },
		.nsegments = 2,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	free(f->file);
	free(f);
	return 0;
}

/* The name of the function that ADDRESS is in; "" if there is none. */
static const char *at(const struct fixture *f, uint64_t address)
{
	static char name[64];
	struct function_at place = { .address = address };

	functions_find(&f->elf, &place, 1);
	name[0] = '\0';
	if (place.symbol.name) {
		assert_in_range(strlen(place.symbol.name), 1, sizeof name - 1);
		memcpy(name, place.symbol.name, strlen(place.symbol.name) + 1);
	}
	return name;
}

static void the_best_symbol_wins(void **state)
{
	const struct fixture *f = *state;
	static const struct {
		uint64_t address;
		const char *name, *what;
	} rows[] = {
		{ CODE + 0x100, "sized", "the first byte" },
		{ CODE + 0x17f, "sized", "the last byte" },
		{ CODE + 0x180, "", "one behind, where nothing is known" },
		{ CODE + 0xff, "", "one before all" },
		{ CODE + 0x210, "weak", "weak before local" },
		{ CODE + 0x310, "global", "global before local, though it comes first" },
		{ CODE + 0x345, "inner", "the one that begins last" },
		{ CODE + 0x360, "global", "behind an inner one" },
		{ CODE + 0x900, "bare",
		  "far behind one without a size; no data, TLS, nor undefined" },
		{ CODE + CODE_SIZE - 1, "bare", "the segment's last byte" },
		{ CODE + CODE_SIZE, "", "another segment's address" },
		{ MORE + 15, "ifunc", "an indirect function" },
		{ MORE + 16, "", "not one without a size in another segment" },
		{ 0, "", "0" },
		{ UINT64_MAX, "", "the last address" },
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (strcmp(at(f, rows[i].address), rows[i].name) != 0)
			fail_msg("%s: got \"%s\", want \"%s\"", rows[i].what,
				 at(f, rows[i].address), rows[i].name);
}

static void a_pie_is_where_it_was_loaded(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < NSYMBOLS; i++)
		f->file->symbols[i].st_value -= CODE;
	f->elf.bias = CODE;
	assert_string_equal(at(f, CODE + 0x100), "sized");
}

static void several_are_found_at_once(void **state)
{
	const struct fixture *f = *state;
	struct function_at places[] = { { .address = CODE + 0x110 },
					{ .address = CODE + 1 },
					{ .address = CODE + 0x341 } };

	functions_find(&f->elf, places, 3);
	assert_string_equal(places[0].symbol.name, "sized");
	assert_null(places[1].symbol.name);
	assert_string_equal(places[2].symbol.name, "inner");
}

static void stripped(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_type = SHT_PROGBITS;
}

static void no_sections(struct fixture *f)
{
	f->elf.header.e_shoff = 0;
}

static void sections_outside(struct fixture *f)
{
	f->elf.header.e_shoff = f->elf.size - 8;
}

static void sections_wrap(struct fixture *f)
{
	f->elf.header.e_shoff = UINT64_MAX - 63;
}

static void odd_headers(struct fixture *f)
{
	f->elf.header.e_shentsize = 63;
}

static void too_many_sections(struct fixture *f)
{
	f->elf.header.e_shnum = NSECTIONS + 1;
}

static void table_outside(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_offset = f->elf.size - 8;
}

static void table_wraps(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_offset = UINT64_MAX - 8;
}

static void table_without_bytes(struct fixture *f)
{
	f->file->sections[NAMES].sh_type = SHT_NOBITS;
}

static void table_too_long(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_size = UINT64_MAX;
}

static void names_nowhere(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_link = NSECTIONS;
}

static void names_far_away(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_link = UINT32_MAX;
}

static void names_outside(struct fixture *f)
{
	f->file->sections[NAMES].sh_size = f->elf.size;
}

static void name_outside(struct fixture *f)
{
	f->file->symbols[1].st_name = sizeof names;
}

static void name_far_away(struct fixture *f)
{
	f->file->symbols[1].st_name = UINT32_MAX;
}

static void name_without_end(struct fixture *f)
{
	f->file->sections[NAMES].sh_size = 4;
}

static void no_name(struct fixture *f)
{
	f->file->symbols[1].st_name = 0;
}

static void size_wraps(struct fixture *f)
{
	f->file->symbols[1].st_value = CODE + 0x120;
	f->file->symbols[1].st_size = UINT64_MAX;
}

static void address_wraps(struct fixture *f)
{
	f->file->symbols[1].st_value = UINT64_MAX;
	f->file->symbols[1].st_size = UINT64_MAX;
}

static void table_cut(struct fixture *f)
{
	f->file->sections[SYMBOLS].sh_size = 2 * sizeof(Elf64_Sym) - 1;
}

static void tables_that_lie_name_nothing(void **state)
{
	static const struct {
		void (*spoil)(struct fixture *f);
		const char *what;
	} rows[] = {
#define ROW(name) { name, #name }
		ROW(stripped),         ROW(no_sections),   ROW(sections_outside),
		ROW(sections_wrap),    ROW(odd_headers),   ROW(too_many_sections),
		ROW(table_outside),    ROW(table_wraps),   ROW(table_without_bytes),
		ROW(table_too_long),   ROW(names_nowhere), ROW(names_far_away),
		ROW(names_outside),    ROW(name_outside),  ROW(name_far_away),
		ROW(name_without_end), ROW(no_name),       ROW(size_wraps),
		ROW(address_wraps),    ROW(table_cut),
#undef ROW
	};
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		void *fresh = *state;
		if (i > 0)
			assert_int_equal(setup(&fresh), 0);
		struct fixture *f = fresh;
		rows[i].spoil(f);
		if (strcmp(at(f, CODE + 0x110), "") != 0)
			fail_msg("%s: found \"%s\"", rows[i].what, at(f, CODE + 0x110));
		if (i > 0)
			teardown(&fresh);
	}
}

static void any_byte_may_be_any(void **state)
{
	struct fixture *f = *state;
	const struct file good = *f->file;
	uint8_t *bytes = (uint8_t *)f->file;

	for (size_t i = 0; i < sizeof good; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] = (uint8_t)(bytes[i] ^ 1u << bit);
			at(f, CODE + 0x345);
			bytes[i] = ((const uint8_t *)&good)[i];
		}
		bytes[i] = 0xff;
		at(f, CODE + 0x345);
		bytes[i] = ((const uint8_t *)&good)[i];
	}
	assert_string_equal(at(f, CODE + 0x345), "inner");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_best_symbol_wins),      TEST(a_pie_is_where_it_was_loaded),
		TEST(several_are_found_at_once), TEST(tables_that_lie_name_nothing),
		TEST(any_byte_may_be_any),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
