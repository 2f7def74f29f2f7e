/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that nobody would write: cut at every byte, with every number set to every edge, alone and
 * in pairs, and with random damage. The answer may be yes or no; an image that loads must keep its
 * promises, a refusal must say why, and nothing may be left behind.
 */
#include "image/image.h"

#include "tests/kit/fail.h"
#include "tests/kit/image_flaw.h"
#include "tests/kit/tiny_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static unsigned nloaded, nrefused;

/* Loads SIZE bytes; WHAT says how they came to be. */
static void load(const void *bytes, size_t size, const char *what)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct mote_image *image;
	mote_error err = { .code = MOTE_OK };
	mote_status status = image_load_memory(&image, host, bytes, size, &err);

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
	}
	mote_image_unref(image);
	const char *leak = fail_leak();
	if (leak)
		fail_msg("%s: %s", what, leak);
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
	F(exports[0].result),
	F(exports[0].nparams),
	F(exports[0].params[0]),
	F(imports[0].nparams),
	F(imports[0].reserved[5]),
};

#define NFIELDS (sizeof fields / sizeof fields[0])

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
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);
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
		cmocka_unit_test(every_number_at_every_edge),
		cmocka_unit_test(pairs_of_numbers_at_every_edge),
		cmocka_unit_test(random_damage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
