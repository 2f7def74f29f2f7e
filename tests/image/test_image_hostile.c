/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that nobody would write: cut at every byte, with every byte set to every value, every
 * number to every edge, alone and in pairs, and with random damage. The answer may be yes or no; an
 * image that loads must keep its promises, a refusal must say what in the file is wrong; memory
 * stays in bounds, and nothing may be left behind.
 */
#include "image/image.h"

#include "tests/kit/fail.h"
#include "tests/kit/held.h"
#include "tests/kit/image_flaw.h"
#include "tests/kit/load_image.h"
#include "tests/kit/tiny_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static unsigned nloaded, nrefused;

/* What a refusal may speak of. */
static const char *const places[] = { "segment", "program header", "section",   "note",
				      "entry",   "export",         "import",    "records",
				      "ELF",     "machine",        "e_version", "class",
				      "byte",    "executable",     "ABI",       "is for",
				      "object",  "core",           "library",   NULL };

/* Whether TEXT has one of WORDS in it. */
static bool has_word(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strstr(text, *words))
			return true;
	return false;
}

/* Beside the file itself: the image, and two entries for each function. */
static size_t memory_bound(size_t size)
{
	return size + 4096 + (TINY_NEXPORTS + TINY_NIMPORTS) * 128;
}

/* Loads SIZE bytes; WHAT says how they came to be. A refusal has to have one of WORDS in it. */
static void load_naming(const void *bytes, size_t size, const char *what, const char *const *words)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mote_image *image;
	mote_error err = { .code = MOTE_OK };
	mote_status status = load_image_memory(&image, host, bytes, size, &err);

	if (status == MOTE_OK) {
		nloaded++;
		const char *flaw = image_flaw(image);
		if (flaw)
			fail_msg("%s: loaded, but %s", what, flaw);
	} else {
		nrefused++;
		if (status != MOTE_E_IMAGE && status != MOTE_E_ABI_MISMATCH)
			fail_msg("%s: %s %s", what, mote_status_name(status), err.message);
		if (err.code != status || strncmp(err.message, "memory: ", 8) != 0)
			fail_msg("%s: bad message \"%s\"", what, err.message);
		if (!has_word(err.message + 8, words))
			fail_msg("%s: the message does not say where: \"%s\"", what, err.message);
	}
	if (held_peak() > memory_bound(size))
		fail_msg("%s: %zu bytes were allocated", what, held_peak());
	mote_image_unref(image);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s: %s", what, leak);
}

static void load(const void *bytes, size_t size, const char *what)
{
	load_naming(bytes, size, what, places);
}

static void a_file_cut_anywhere(void **state)
{
	(void)state;
	struct tiny_elf file;
	tiny_elf_init(&file);
	nloaded = 0;
	for (size_t size = 1; size < sizeof file; size++) {
		char what[64];
		snprintf(what, sizeof what, "cut after %zu bytes", size);
		load(&file, size, what);
	}
	/* the section headers come last: a mote guest cannot do without any of them */
	assert_int_equal(nloaded, 0);
	load(&file, sizeof file, "whole");
	assert_int_equal(nloaded, 1);
}

/* Every number of the file that the parser may look at. */
struct field {
	const char *name;
	size_t offset, size;
};

#define F(member)                                                                                  \
	{                                                                                          \
#member, offsetof(struct tiny_elf, member), sizeof(((struct tiny_elf *)0)->member) \
	}
#define PHDR(i)                                                                                    \
	F(phdrs[i].p_type), F(phdrs[i].p_flags), F(phdrs[i].p_offset), F(phdrs[i].p_vaddr),        \
		F(phdrs[i].p_paddr), F(phdrs[i].p_filesz), F(phdrs[i].p_memsz),                    \
		F(phdrs[i].p_align)
#define SHDR(i)                                                                                    \
	F(shdrs[i].sh_name), F(shdrs[i].sh_type), F(shdrs[i].sh_flags), F(shdrs[i].sh_addr),       \
		F(shdrs[i].sh_offset), F(shdrs[i].sh_size), F(shdrs[i].sh_link),                   \
		F(shdrs[i].sh_info), F(shdrs[i].sh_addralign), F(shdrs[i].sh_entsize)

#define RECORD(r)                                                                                  \
	F(r.entry), F(r.result), F(r.nparams), F(r.params[0]), F(r.params[MOTE_PARAMS_MAX - 1]),   \
		F(r.reserved[0]), F(r.reserved[11]), F(r.name[0]), F(r.name[MOTE_NAME_SIZE - 1])

static const struct field fields[] = {
	F(header.e_ident[4]),
	F(header.e_ident[5]),
	F(header.e_ident[6]),
	F(header.e_ident[7]),
	F(header.e_type),
	F(header.e_machine),
	F(header.e_version),
	F(header.e_entry),
	F(header.e_phoff),
	F(header.e_shoff),
	F(header.e_flags),
	F(header.e_ehsize),
	F(header.e_phentsize),
	F(header.e_phnum),
	F(header.e_shentsize),
	F(header.e_shnum),
	F(header.e_shstrndx),
	PHDR(0),
	PHDR(1),
	PHDR(2),
	PHDR(3),
	PHDR(4),
	F(note.n_namesz),
	F(note.n_descsz),
	F(note.n_type),
	F(note_name),
	F(note_body.abi_version),
	F(note_body.record_size),
	SHDR(0),
	SHDR(1),
	SHDR(2),
	SHDR(3),
	SHDR(4),
	RECORD(exports[0]),
	RECORD(exports[1]),
	RECORD(exports[2]),
	RECORD(imports[0]),
	F(dynamic[0].d_tag),
	F(dynamic[0].d_un),
};

#define NFIELDS (sizeof fields / sizeof fields[0])

/* What a refusal speaks of when a field is wrong whose name begins so. What a segment or a section
 * is there for may be what misses it. */
static const struct naming {
	const char *beginning, *words[16];
} namings[] = {
	{ "header.e_ident",
	  { "ELF class", "byte order", "ELF version", "ELF OS number", "32-bit" } },
	{ "header.e_type", { "ELF type", "relocatable", "core dump", "segment" } },
	{ "header.e_machine", { "is for " } },
	{ "header.e_version", { "e_version" } },
	{ "header.e_entry", { "entry", "library" } },
	{ "header.e_ph", { "program header", "loadable segment", "entry", "segment" } },
	{ "header.e_sh", { "section", "export", "import" } },
	{ "header", { "nothing" } },
	{ "phdrs", { "segment", "program header", "entry", "notes", "dynamic", "library" } },
	{ "note", { "note", "ABI", "records" } },
	{ "shdrs[0]", { "nothing" } },
	{ "shdrs", { "section", "export", "import" } },
	{ "exports", { "export" } },
	{ "imports", { "import" } },
	{ "dynamic", { "library" } },
};

static const char *const *words_for(const struct field *field)
{
	size_t i = 0;

	while (strncmp(field->name, namings[i].beginning, strlen(namings[i].beginning)) != 0)
		i++;
	return namings[i].words;
}

/* Edges of types, of the file, of pages, of the window, of guest addresses. */
static const uint64_t edges[] = {
	0,
	1,
	2,
	3,
	4,
	7,
	8,
	63,
	64,
	65,
	96,
	0xfff,
	0x1000,
	0x1001,
	0x7fff,
	0x8000,
	0xfffe,
	0xffff,
	sizeof(struct tiny_elf) - 1,
	sizeof(struct tiny_elf),
	sizeof(struct tiny_elf) + 1,
	offsetof(struct tiny_elf, names),
	offsetof(struct tiny_elf, shdrs),
	MOTE_WINDOW_BASE,
	MOTE_WINDOW_END - 1,
	MOTE_WINDOW_END,
	MOTE_PIE_BASE,
	0x7fffffff,
	0x80000000,
	0xffffffff,
	0x100000000,
	MOTE_ADDRESS_END - MOTE_PIE_BASE,
	MOTE_ADDRESS_END - 1,
	MOTE_ADDRESS_END,
	MOTE_ADDRESS_END + 1,
	INT64_MAX,
	(uint64_t)INT64_MAX + 1,
	UINT64_MAX - 0xfff,
	UINT64_MAX - 1,
	UINT64_MAX,
};

#define NEDGES (sizeof edges / sizeof edges[0])

/* Sets FIELD to edge number EDGE, or to its old value more or less by one. */
static void set_field(struct tiny_elf *file, const struct field *field, size_t edge)
{
	uint64_t value = 0;
	char *at = (char *)file + field->offset;
	memcpy(&value, at, field->size);
	if (edge < NEDGES)
		value = edges[edge];
	else
		value += edge == NEDGES ? 1 : UINT64_MAX;
	memcpy(at, &value, field->size);
}

static void every_number_at_every_edge(void **state)
{
	(void)state;
	static void (*const inits[])(struct tiny_elf *) = { tiny_elf_init, tiny_elf_init_pie };
	nloaded = nrefused = 0;
	for (size_t i = 0; i < 2; i++)
		for (size_t f = 0; f < NFIELDS; f++)
			for (size_t e = 0; e < NEDGES + 2; e++) {
				struct tiny_elf file;
				char what[128];
				inits[i](&file);
				set_field(&file, &fields[f], e);
				snprintf(what, sizeof what, "%s at edge %zu", fields[f].name, e);
				load_naming(&file, sizeof file, what, words_for(&fields[f]));
			}
	print_message("%u loaded, %u refused\n", nloaded, nrefused);
	assert_true(nloaded > 0 && nrefused > 0);
}

static void every_byte_at_every_value(void **state)
{
	(void)state;
	nloaded = nrefused = 0;
	for (size_t at = 0; at < sizeof(struct tiny_elf); at++)
		for (unsigned value = 0; value < 256; value++) {
			struct tiny_elf file;
			char what[64];
			tiny_elf_init(&file);
			((uint8_t *)&file)[at] = (uint8_t)value;
			snprintf(what, sizeof what, "byte %zu is 0x%02x", at, value);
			load(&file, sizeof file, what);
		}
	print_message("%u loaded, %u refused\n", nloaded, nrefused);
	assert_true(nloaded > 0 && nrefused > 0);
}

/* A field of a segment with another of the same: sums that wrap need two. */
static void pairs_of_numbers_at_every_edge(void **state)
{
	(void)state;
	nloaded = nrefused = 0;
	for (size_t f = 0; f + 1 < NFIELDS; f++)
		for (size_t g = f + 1; g < NFIELDS && g < f + 8; g++)
			for (size_t e = 0; e < NEDGES * NEDGES; e++) {
				struct tiny_elf file;
				char what[128];
				tiny_elf_init(&file);
				set_field(&file, &fields[f], e % NEDGES);
				set_field(&file, &fields[g], e / NEDGES);
				snprintf(what, sizeof what, "%s at edge %zu, %s at edge %zu",
					 fields[f].name, e % NEDGES, fields[g].name, e / NEDGES);
				load(&file, sizeof file, what);
			}
	print_message("%u loaded, %u refused\n", nloaded, nrefused);
	assert_true(nloaded > 0 && nrefused > 0);
}

/* xorshift: a seed is all that it takes to see a failure again. */
static uint64_t random_state;

static uint64_t random_number(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void damage(struct tiny_elf *file)
{
	for (unsigned n = 1 + (unsigned)(random_number() % 6); n > 0; n--) {
		if (random_number() % 3 == 0)
			((uint8_t *)file)[random_number() % sizeof *file] =
				(uint8_t)random_number();
		else
			set_field(file, &fields[random_number() % NFIELDS],
				  random_number() % (NEDGES + 2));
	}
}

#define NRANDOM 300000

static void random_damage(void **state)
{
	(void)state;
	const char *given = getenv("MOTE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : 20261121;
	print_message("MOTE_TEST_SEED=%llu\n", (unsigned long long)seed);
	random_state = seed * 2 + 1;
	nloaded = nrefused = 0;
	for (unsigned i = 0; i < NRANDOM; i++) {
		struct tiny_elf file;
		char what[64];
		if (random_number() % 2)
			tiny_elf_init(&file);
		else
			tiny_elf_init_pie(&file);
		damage(&file);
		snprintf(what, sizeof what, "seed %llu, file %u", (unsigned long long)seed, i);
		load(&file, random_number() % 8 ? sizeof file : random_number() % sizeof file + 1,
		     what);
	}
	print_message("%u loaded, %u refused\n", nloaded, nrefused);
	assert_true(nloaded > NRANDOM / 100 && nrefused > NRANDOM / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_file_cut_anywhere),
		cmocka_unit_test(every_byte_at_every_value),
		cmocka_unit_test(every_number_at_every_edge),
		cmocka_unit_test(pairs_of_numbers_at_every_edge),
		cmocka_unit_test(random_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
