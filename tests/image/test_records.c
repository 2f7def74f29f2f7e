/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a guest says of itself: the ABI it speaks and its functions. Each field of a record that is
 * not as it must be is refused by name; every function is found, and none that is not there.
 */
#include "image/records.h"

#include "tests/kit/fail.h"
#include "tests/kit/tiny_elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void parse(struct elf *elf, const struct tiny_elf *file)
{
	assert_int_equal(elf_parse(elf, file, sizeof *file, NULL), MOTE_OK);
}

static const struct {
	const char *what;
	uint32_t type, name_size, desc_size;
	char name[8];
	struct mote_note body;
	mote_status status;
	uint32_t version;
	const char *message;
} note_rows[] = {
	{ "this library's own", 1, 5, 8, "mote", { MOTE_ABI_VERSION, 96 }, MOTE_OK, 1, NULL },
	{ "another type", 0x101, 5, 8, "mote", { 99, 96 }, MOTE_OK, 0, NULL },
	{ "another name", 1, 5, 8, "note", { 99, 96 }, MOTE_OK, 0, NULL },
	{ "a name without NUL", 1, 4, 8, "mote", { 99, 96 }, MOTE_OK, 0, NULL },
	{ "a longer name", 1, 6, 8, "mote", { 99, 96 }, MOTE_OK, 0, NULL },
	{ "the next version",
	  1,
	  5,
	  8,
	  "mote",
	  { 2, 96 },
	  MOTE_E_ABI_MISMATCH,
	  0,
	  "was built for version 2 of the guest ABI, this library speaks version 1" },
	{ "version 0", 1, 5, 8, "mote", { 0, 96 }, MOTE_E_ABI_MISMATCH, 0, "for version 0 of" },
	{ "the next version in a shorter note",
	  1,
	  5,
	  4,
	  "mote",
	  { 2, 0 },
	  MOTE_E_ABI_MISMATCH,
	  0,
	  "was built for version 2 of" },
	{ "this version in a shorter note",
	  1,
	  5,
	  4,
	  "mote",
	  { 1, 0 },
	  MOTE_E_IMAGE,
	  0,
	  "its mote note has 4 bytes, want 8" },
	{ "this version in a longer note",
	  1,
	  5,
	  12,
	  "mote",
	  { 1, 96 },
	  MOTE_E_IMAGE,
	  0,
	  "its mote note has 12 bytes, want 8" },
	{ "half a version",
	  1,
	  5,
	  3,
	  "mote",
	  { 1, 96 },
	  MOTE_E_IMAGE,
	  0,
	  "its mote note has 3 bytes, want 8" },
	{ "no body", 1, 5, 0, "mote", { 1, 96 }, MOTE_E_IMAGE, 0, "its mote note has 0 bytes" },
	{ "other records",
	  1,
	  5,
	  8,
	  "mote",
	  { 1, 104 },
	  MOTE_E_ABI_MISMATCH,
	  0,
	  "has records of 104 bytes, guest ABI 1 has 96" },
};

static void the_abi_version_is_read_from_the_note(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof note_rows / sizeof note_rows[0]; i++) {
		struct tiny_elf file;
		struct elf elf;
		struct abi_claims claims = { 77, 77 };
		mote_error err = { .code = MOTE_OK };
		tiny_elf_init(&file);
		file.note.n_type = note_rows[i].type;
		file.note.n_namesz = note_rows[i].name_size;
		file.note.n_descsz = note_rows[i].desc_size;
		memcpy(file.note_name, note_rows[i].name, sizeof file.note_name);
		file.note_body = note_rows[i].body;
		file.phdrs[TINY_NOTE].p_filesz = sizeof file.note +
						 (note_rows[i].name_size + 3) / 4 * 4 +
						 note_rows[i].desc_size;
		parse(&elf, &file);

		mote_status status = records_read_abi(&elf, &claims, &err);
		if (status != note_rows[i].status || claims.version != note_rows[i].version)
			fail_msg("%s: %s, version %u %s", note_rows[i].what,
				 mote_status_name(status), claims.version, err.message);
		if (note_rows[i].message && !strstr(err.message, note_rows[i].message))
			fail_msg("%s: \"%s\", want \"%s\"", note_rows[i].what, err.message,
				 note_rows[i].message);
	}
}

static const struct {
	const char *what;
	uint32_t type, name_size, desc_size;
	mote_status status;
	uint32_t features;
} feature_rows[] = {
	{ "32 bits", 0x101, 5, 4, MOTE_OK, 0x80000001 },
	{ "more of them", 0x101, 5, 8, MOTE_OK, 0x80000001 },
	{ "less", 0x101, 5, 3, MOTE_E_IMAGE, 0 },
	{ "none", 0x101, 5, 0, MOTE_E_IMAGE, 0 },
	{ "another name", 0x101, 4, 4, MOTE_OK, 0 },
	{ "another type", 2, 5, 4, MOTE_OK, 0 },
};

static void features_are_read_from_the_second_note(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof feature_rows / sizeof feature_rows[0]; i++) {
		struct tiny_elf file;
		struct elf elf;
		struct abi_claims claims = { 77, 77 };
		tiny_elf_init(&file);
		file.features = 0x80000001;
		file.features_note.n_type = feature_rows[i].type;
		file.features_note.n_namesz = feature_rows[i].name_size;
		file.features_note.n_descsz = feature_rows[i].desc_size;
		const size_t before =
			offsetof(struct tiny_elf, features_note) - offsetof(struct tiny_elf, note);
		file.phdrs[TINY_NOTE].p_filesz = before + sizeof file.features_note +
						 (feature_rows[i].name_size + 3) / 4 * 4 +
						 (feature_rows[i].desc_size + 3) / 4 * 4;
		parse(&elf, &file);

		mote_status status = records_read_abi(&elf, &claims, NULL);
		if (status != feature_rows[i].status ||
		    claims.features != feature_rows[i].features ||
		    claims.version != (status ? 0 : MOTE_ABI_VERSION))
			fail_msg("%s: %s, version %u, features 0x%x", feature_rows[i].what,
				 mote_status_name(status), claims.version, claims.features);
	}
}

static void a_second_note_of_another_version_is_seen(void **state)
{
	(void)state;
	struct tiny_elf file;
	struct elf elf;
	struct abi_claims claims = { 77, 77 };
	tiny_elf_init(&file);
	memcpy(file.code, &file.note,
	       offsetof(struct tiny_elf, code) - offsetof(struct tiny_elf, note));
	file.phdrs[TINY_OTHER] = file.phdrs[TINY_NOTE];
	file.phdrs[TINY_OTHER].p_offset = offsetof(struct tiny_elf, code);
	parse(&elf, &file);
	assert_int_equal(records_read_abi(&elf, &claims, NULL), MOTE_OK);
	assert_int_equal(claims.version, MOTE_ABI_VERSION);

	file.code[offsetof(struct tiny_elf, note_body) - offsetof(struct tiny_elf, note)] = 9;
	assert_int_equal(records_read_abi(&elf, &claims, NULL), MOTE_E_ABI_MISMATCH);
	assert_int_equal(claims.version, 0);
}

/* Reads the exports of FILE, as an image does, and indexes them. */
static mote_status read_exports(struct records *records, const struct host *host,
				const struct tiny_elf *file, mote_error *err)
{
	struct elf elf;
	parse(&elf, file);
	mote_status status = records_read(records, host, &elf, MOTE_EXPORTS_SECTION, "export", err);
	if (status != MOTE_OK)
		return status;
	status = records_index(records, host, err);
	if (status != MOTE_OK)
		records_fini(records, host);
	return status;
}

static void records_arrive_in_the_order_of_the_section(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	struct tiny_elf file;
	struct records r;
	tiny_elf_init(&file);
	assert_int_equal(read_exports(&r, host, &file, NULL), MOTE_OK);

	assert_int_equal(r.count, 3);
	assert_string_equal(r.functions[0].name, "Zoo");
	assert_int_equal(r.functions[0].result, MOTE_VOID);
	assert_int_equal(r.functions[0].nparams, 0);
	assert_string_equal(r.functions[1].name, "Add");
	assert_int_equal(r.functions[1].result, MOTE_I32);
	assert_int_equal(r.functions[1].nparams, 2);
	assert_int_equal(r.functions[1].params[0], MOTE_I32);
	assert_int_equal(r.functions[1].params[1], MOTE_I32);
	assert_string_equal(r.functions[2].name, "Mid");
	assert_int_equal(r.functions[2].nparams, MOTE_MAX_PARAMS);
	assert_int_equal(r.functions[2].params[9], MOTE_STRING);

	assert_ptr_equal(records_find(&r, "Zoo"), &r.functions[0]);
	assert_ptr_equal(records_find(&r, "Add"), &r.functions[1]);
	assert_ptr_equal(records_find(&r, "Mid"), &r.functions[2]);
	assert_null(records_find(&r, "Ad"));
	assert_null(records_find(&r, "Adda"));
	assert_null(records_find(&r, ""));
	assert_null(records_find(&r, "add"));
	assert_null(records_find(&r, "\xff"));
	records_fini(&r, host);
	assert_null(fail_leak());
}

/* The second export is changed: AT is an offset in struct mote_record. */
#define FIELD(member) offsetof(struct mote_record, member)
#define NAME_62       "12345678901234567890123456789012345678901234567890123456789012"

static const struct {
	const char *what;
	size_t at;
	const char *bytes;
	size_t size;
	const char *message; /* part of it; NULL: accepted */
} record_rows[] = {
	{ "an entry is the guest's business", FIELD(entry), "\xff\xff\xff\xff", 4, NULL },
	{ "the last type as result", FIELD(result), "\x09", 1, NULL },
	{ "no such type as result", FIELD(result), "\x0a", 1,
	  "export 1 (\"Add\") has result type 10, which does not exist" },
	{ "type 255 as result", FIELD(result), "\xff", 1, "has result type 255" },
	{ "a parameter more than there are", FIELD(nparams), "\x03", 1,
	  "export 1 (\"Add\") has 3 parameters, of which number 3 has type 0" },
	{ "a parameter less than there are", FIELD(nparams), "\x01", 1,
	  "export 1 (\"Add\") has 1 parameters, of which number 2 has type 1" },
	{ "12 parameters", FIELD(nparams), "\x0c", 1,
	  "export 1 (\"Add\") has 12 parameters; the limit is 11" },
	{ "255 parameters", FIELD(nparams), "\xff", 1, "has 255 parameters; the limit is 11" },
	{ "void as parameter", FIELD(params), "\0", 1, "number 1 has type 0" },
	{ "the last type as parameter", FIELD(params[1]), "\x09", 1, NULL },
	{ "no such type as parameter", FIELD(params[1]), "\x0a", 1, "number 2 has type 10" },
	{ "the first reserved byte", FIELD(reserved), "\x01", 1,
	  "export 1 (\"Add\") has reserved byte 0 set to 1, want 0" },
	{ "the last reserved byte", FIELD(reserved[10]), "\xff", 1,
	  "has reserved byte 10 set to 255, want 0" },
	{ "no name", FIELD(name), "\0", 1, "export 1 has no name" },
	{ "a name of one byte", FIELD(name), "x\0", 2, NULL },
	{ "a name of 63 bytes", FIELD(name), NAME_62 "x", 64, NULL },
	{ "a name without end, then zeros", FIELD(name), NAME_62 "xy", 64,
	  "export 1 has a name without end; names have 1 to 63 bytes" },
	{ "a name without end, then more", FIELD(name), NAME_62 "xyz", 65,
	  "export 1 has a name without end; names have 1 to 63 bytes" },
	{ "a name of C++", FIELD(name), "a::b<int>(&)", 13, NULL },
	{ "a name of UTF-8", FIELD(name), "gr\xc3\xbc\xc3\x9f", 7, NULL },
	{ "a name with a line break", FIELD(name), "a\nb", 4,
	  "has a name with control characters" },
	{ "a name with an escape", FIELD(name), "\x1b[2J", 5,
	  "has a name with control characters" },
	{ "a name with a backslash", FIELD(name), "a\\b", 4, "has a name with control characters" },
	{ "a name of broken UTF-8", FIELD(name), "a\xc3", 3, "has a name with control characters" },
	{ "a name of 63 broken bytes", FIELD(name),
	  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
	  "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	  64, "has a name with control characters" },
	{ "the name of another", FIELD(name), "Zoo", 4, "exports \"Zoo\" twice" },
	{ "the name of another, first of all", FIELD(name), "Mid", 4, "exports \"Mid\" twice" },
	{ "the name of another and more", FIELD(name), "Zoo2", 5, NULL },
};

static void each_fault_of_a_record_has_its_message(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof record_rows / sizeof record_rows[0]; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct tiny_elf file;
		struct records r;
		mote_error err = { .code = MOTE_OK };
		const char *want = record_rows[i].message;
		tiny_elf_init(&file);
		memcpy((char *)&file.exports[1] + record_rows[i].at, record_rows[i].bytes,
		       record_rows[i].size);

		mote_status status = read_exports(&r, host, &file, &err);
		if (status != (want ? MOTE_E_IMAGE : MOTE_OK))
			fail_msg("%s: %s %s", record_rows[i].what, mote_status_name(status),
				 err.message);
		if (want && !strstr(err.message, want))
			fail_msg("%s: \"%s\", want \"%s\"", record_rows[i].what, err.message, want);
		if (status == MOTE_OK)
			records_fini(&r, host);
		assert_null(fail_leak());
	}
}

static const struct {
	size_t size;
	size_t count; /* records, or SIZE_MAX for a refusal */
} section_sizes[] = {
	{ 0, 0 },   { 1, SIZE_MAX },  { 95, SIZE_MAX },  { 96, 1 },
	{ 192, 2 }, { 97, SIZE_MAX }, { 287, SIZE_MAX }, { 288, 3 },
};

static void a_section_holds_whole_records(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof section_sizes / sizeof section_sizes[0]; i++) {
		const struct host *host = fail_host(0, FAIL_ONCE, 0);
		struct tiny_elf file;
		struct records r;
		mote_error err = { .code = MOTE_OK };
		tiny_elf_init(&file);
		file.shdrs[TINY_SECTION_EXPORTS].sh_size = section_sizes[i].size;
		mote_status status = read_exports(&r, host, &file, &err);
		if (section_sizes[i].count == SIZE_MAX) {
			assert_int_equal(status, MOTE_E_IMAGE);
			assert_non_null(strstr(err.message, "no multiple of a record's 96"));
			continue;
		}
		assert_int_equal(status, MOTE_OK);
		assert_int_equal(r.count, section_sizes[i].count);
		records_fini(&r, host);
		assert_null(fail_leak());
	}
}

/* A tiny guest whose exports are COUNT records at its end. */
static struct tiny_elf *file_with_exports(size_t count, size_t *size)
{
	*size = sizeof(struct tiny_elf) + count * sizeof(struct mote_record);
	struct tiny_elf *file = calloc(1, *size);
	assert_non_null(file);
	tiny_elf_init(file);
	file->shdrs[TINY_SECTION_EXPORTS].sh_offset = sizeof *file;
	file->shdrs[TINY_SECTION_EXPORTS].sh_size = count * sizeof(struct mote_record);
	return file;
}

/* In several orders, so that no lucky one hides a fault of the sort. */
static size_t scramble(size_t order, size_t i, size_t count)
{
	switch (order) {
	case 0:
		return i;
	case 1:
		return count - 1 - i;
	default:
		return i * 7919 % count; /* a prime that divides no COUNT below */
	}
}

static void check_many(size_t count, size_t order)
{
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	size_t size;
	struct tiny_elf *file = file_with_exports(count, &size);
	struct mote_record *list = (struct mote_record *)(file + 1);
	for (size_t i = 0; i < count; i++)
		snprintf(list[i].name, sizeof list[i].name, "f%zu", scramble(order, i, count));

	struct elf elf;
	struct records r;
	assert_int_equal(elf_parse(&elf, file, size, NULL), MOTE_OK);
	assert_int_equal(records_read(&r, host, &elf, MOTE_EXPORTS_SECTION, "export", NULL),
			 MOTE_OK);
	assert_int_equal(records_index(&r, host, NULL), MOTE_OK);
	assert_int_equal(r.count, count);
	for (size_t i = 0; i < count; i++)
		if (records_find(&r, list[i].name) != &r.functions[i])
			fail_msg("%zu of %zu, order %zu: not found", i, count, order);
	assert_null(records_find(&r, "f"));
	assert_null(records_find(&r, "g"));
	records_fini(&r, host);
	free(file);
	assert_null(fail_leak());
}

static void every_function_is_found_however_many_there_are(void **state)
{
	(void)state;
	static const size_t counts[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 1000, MOTE_MAX_EXPORTS };
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
		for (size_t order = 0; order < 3; order++)
			check_many(counts[i], order);
}

static void one_record_too_many_is_refused(void **state)
{
	(void)state;
	const struct host *host = fail_host(0, FAIL_ONCE, 0);
	size_t size;
	struct tiny_elf *file = file_with_exports(MOTE_MAX_EXPORTS + 1, &size);
	struct elf elf;
	struct records r;
	mote_error err;
	assert_int_equal(elf_parse(&elf, file, size, NULL), MOTE_OK);
	assert_int_equal(records_read(&r, host, &elf, MOTE_EXPORTS_SECTION, "export", &err),
			 MOTE_E_IMAGE);
	assert_string_equal(err.message,
			    "section mote_exports has 65537 records; the limit is 65536");
	assert_int_equal(fail_operations(), 0);
	free(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_abi_version_is_read_from_the_note),
		cmocka_unit_test(features_are_read_from_the_second_note),
		cmocka_unit_test(a_second_note_of_another_version_is_seen),
		cmocka_unit_test(records_arrive_in_the_order_of_the_section),
		cmocka_unit_test(each_fault_of_a_record_has_its_message),
		cmocka_unit_test(a_section_holds_whole_records),
		cmocka_unit_test(every_function_is_found_however_many_there_are),
		cmocka_unit_test(one_record_too_many_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
