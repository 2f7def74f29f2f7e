/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real guests whose files were damaged: fields of the headers at their edges, and bytes anywhere.
 * What does not load is refused with the file's name; what loads is run, and harms nobody but
 * itself.
 */
#include "integration/harness.h"

#include "hostile/census.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* main() and a call get so long. Most damaged guests crash at once, and some never end. */
#define TIME_NS UINT64_C(20000000)

/* What the library may have allocated at a time besides the file, and what the process may grow by.
 */
#define LIBRARY_MEMORY (UINT64_C(24) << 20)
#define PROCESS_MEMORY ((IS_SANITIZED ? UINT64_C(1024) : UINT64_C(256)) << 20)

struct damaged {
	struct guest *g;
	struct ledger ledger;
	mote_runtime *rt;
	unsigned char *bytes;
	size_t size;
	unsigned refused, started, useful;
};

static void open_damaged(struct damaged *d, struct guest *g)
{
	FILE *file = fopen(g->path, "rb");

	*d = (struct damaged){ .g = g };
	assert_non_null(file);
	fseek(file, 0, SEEK_END);
	d->size = (size_t)ftell(file);
	rewind(file);
	d->bytes = malloc(d->size);
	assert_non_null(d->bytes);
	assert_int_equal(fread(d->bytes, 1, d->size, file), d->size);
	fclose(file);
	EXPECT_STATUS(g,
		      mote_runtime_new(&d->rt,
				       MOTE_OPTIONS(mote_runtime_options, .backend = g->backend,
						    .realloc = ledger_realloc,
						    .realloc_user = &d->ledger),
				       &g->err),
		      MOTE_OK);
}

static void close_damaged(struct damaged *d)
{
	print_message("%s: %u refused, %u started, %u of them useful\n", d->g->where, d->refused,
		      d->started, d->useful);
	mote_runtime_free(d->rt);
	assert_int_equal(d->ledger.now, 0);
	free(d->bytes);
}

/* Its answer may be wrong, or none; but it is one, in time. */
static void run_damaged(struct damaged *d, mote_image *image, const char *what)
{
	const mote_sandbox_options *options = MOTE_OPTIONS(
		mote_sandbox_options, .heap_size = 2 << 20, .stack_size = 64 << 10,
		.input_size = 16 << 10, .output_size = 16 << 10, .start_timeout_ns = TIME_NS);
	const mote_call_options *limits = MOTE_OPTIONS(mote_call_options, .timeout_ns = TIME_NS);
	mote_error *err = &d->g->err;
	mote_sandbox *sb;

	mote_status status = mote_sandbox_new(&sb, image, options, err);
	if (status) {
		if (mote_status_class(status) < MOTE_CLASS_FILE || !err->message[0])
			fail_msg("%s: %s: %s", what, mote_status_name(status), err->message);
		return;
	}
	d->started++;
	status = mote_call_with(sb, "EchoI32", MOTE_ARGS(5), limits, NULL, err);
	if (status && mote_status_class(status) < MOTE_CLASS_CALL)
		fail_msg("%s: %s: %s", what, mote_status_name(status), err->message);
	if (mote_sandbox_is_poisoned(sb) != (mote_status_class(status) == MOTE_CLASS_POISON))
		fail_msg("%s: poisoned, or not: %s", what, mote_status_name(status));
	d->useful += status == MOTE_OK;
	mote_sandbox_free(sb);
}

static void try_damaged(struct damaged *d, const void *bytes, size_t size, const char *what)
{
	mote_error *err = &d->g->err;
	mote_image *image;

	d->ledger.peak = d->ledger.now;
	mote_status status = mote_image_load_memory(&image, d->rt, bytes, size, err);
	if (status) {
		if (mote_status_class(status) != MOTE_CLASS_FILE ||
		    strncmp(err->message, "memory: ", 8) != 0)
			fail_msg("%s: %s: %s", what, mote_status_name(status), err->message);
		d->refused++;
	} else {
		run_damaged(d, image, what);
		mote_image_unref(image);
	}
	if (d->ledger.peak > 2 * size + LIBRARY_MEMORY)
		fail_msg("%s: %llu bytes were allocated", what, (unsigned long long)d->ledger.peak);
}

static const uint64_t edges[] = {
	0,
	1,
	7,
	0xfff,
	0x1000,
	0x1001,
	0xffff,
	0x10000,
	0x100000,
	0x1ff000,
	0x200000,
	0x400000,
	0x7fffffff,
	0xffffffff,
	UINT64_C(0x100000000),
	UINT64_C(0x7fffffffefff),
	UINT64_C(0x7ffffffff000),
	UINT64_C(0x800000000000),
	INT64_MAX,
	UINT64_MAX - 0xfff,
	UINT64_MAX,
};
enum { NEDGES = sizeof edges / sizeof edges[0] };

/* The field of SIZE bytes at AT: each edge, and steps from what it is. */
static void try_field(struct damaged *d, size_t at, size_t size, const char *name)
{
	static const int64_t steps[] = { -4096, -1, 1, 16, 4096, 1 << 20 };
	unsigned char *changed = malloc(d->size);
	uint64_t old = 0;

	assert_non_null(changed);
	memcpy(&old, d->bytes + at, size);
	for (size_t i = 0; i < NEDGES + sizeof steps / sizeof steps[0]; i++) {
		uint64_t new = i < NEDGES ? edges[i] : old + (uint64_t)steps[i - NEDGES];
		char what[96];
		memcpy(changed, d->bytes, d->size);
		memcpy(changed + at, &new, size);
		snprintf(what, sizeof what, "%s at %zu is 0x%llx", name, at,
			 (unsigned long long)new);
		try_damaged(d, changed, d->size, what);
	}
	free(changed);
}

static bool is_first_variant(const struct guest *g)
{
	return strcmp(strrchr(g->path, '-'), "-glibc") == 0;
}

static void headers_at_their_edges(struct guest *g)
{
	struct damaged d;
	Elf64_Ehdr header;

	if (!is_first_variant(g))
		return;
	open_damaged(&d, g);
	const uint64_t before = census_take().now;
	memcpy(&header, d.bytes, sizeof header);
	try_field(&d, offsetof(Elf64_Ehdr, e_entry), 8, "e_entry");
	try_field(&d, offsetof(Elf64_Ehdr, e_phoff), 8, "e_phoff");
	try_field(&d, offsetof(Elf64_Ehdr, e_shoff), 8, "e_shoff");
	try_field(&d, offsetof(Elf64_Ehdr, e_phnum), 2, "e_phnum");
	for (size_t i = 0; i < header.e_phnum; i++) {
		const size_t at = header.e_phoff + i * sizeof(Elf64_Phdr);
		try_field(&d, at + offsetof(Elf64_Phdr, p_type), 4, "p_type");
		try_field(&d, at + offsetof(Elf64_Phdr, p_flags), 4, "p_flags");
		try_field(&d, at + offsetof(Elf64_Phdr, p_offset), 8, "p_offset");
		try_field(&d, at + offsetof(Elf64_Phdr, p_vaddr), 8, "p_vaddr");
		try_field(&d, at + offsetof(Elf64_Phdr, p_filesz), 8, "p_filesz");
		try_field(&d, at + offsetof(Elf64_Phdr, p_memsz), 8, "p_memsz");
		try_field(&d, at + offsetof(Elf64_Phdr, p_align), 8, "p_align");
	}
	if (census_take().peak > before + PROCESS_MEMORY)
		fail_msg("the process had %llu bytes",
			 (unsigned long long)(census_take().peak - before));
	assert_true(d.refused > 100 && d.started > 100 && d.useful > 100);
	close_damaged(&d);
}

/* xorshift64: the seed is in each failure's message, so that it can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* Every second file is damaged in its first bytes, where the headers are. */
static void bytes_at_random(struct guest *g)
{
	const char *given = getenv("MOTE_TEST_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x2545f4914f6cdd1d);
	uint64_t random = seed ? seed : 1;
	struct damaged d;

	if (!is_first_variant(g))
		return;
	open_damaged(&d, g);
	unsigned char *changed = malloc(d.size);
	assert_non_null(changed);
	for (unsigned n = 0; n < rounds(600); n++) {
		const size_t reach = n % 2 ? d.size : 64 + 12 * sizeof(Elf64_Phdr);
		char what[64];
		memcpy(changed, d.bytes, d.size);
		for (uint64_t k = next_random(&random) % (n % 2 ? 200 : 4) + 1; k; k--)
			changed[next_random(&random) % reach] = (unsigned char)next_random(&random);
		snprintf(what, sizeof what, "MOTE_TEST_SEED=%llu: file %u",
			 (unsigned long long)seed, n);
		try_damaged(&d, changed, next_random(&random) % 16 ? d.size : d.size / 2, what);
	}
	free(changed);
	close_damaged(&d);
}

static const struct row rows[] = {
	{ "headers at their edges", "echo", headers_at_their_edges, NULL, true },
	{ "bytes at random", "echo", bytes_at_random, NULL, true },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
