/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a program: arguments, environment and auxiliary vector, built in
 * the host's memory and copied to the top of the guest's stack in one piece.
 */
#include "guest_abi/mote/program.h"

#include "guest_abi/mote/personality.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

/* The image of the stack's top: words grow from the start, strings lie behind them. */
struct stack_image {
	uint64_t *words;
	size_t nwords;
	char *strings;
	size_t nstrings;          /* bytes of strings so far */
	uint64_t strings_address; /* guest address of strings[0] */
};

static void push_word(struct stack_image *image, uint64_t word)
{
	image->words[image->nwords++] = word;
}

static uint64_t push_bytes(struct stack_image *image, const void *bytes, size_t size)
{
	uint64_t address = image->strings_address + image->nstrings;
	memcpy(image->strings + image->nstrings, bytes, size);
	image->nstrings += size;
	return address;
}

static void push_strings(struct stack_image *image, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		push_word(image, push_bytes(image, list[i], strlen(list[i]) + 1));
	push_word(image, 0);
}

static size_t strings_size(const char *const *list, size_t count)
{
	size_t size = 0;
	for (size_t i = 0; i < count; i++)
		size += strlen(list[i]) + 1;
	return size;
}

static void push_auxv(struct stack_image *image, const struct program *program)
{
	const uint64_t random = push_bytes(image, program->random, sizeof program->random);
	const uint64_t name = push_bytes(image, "guest", sizeof "guest");
	const uint64_t platform = push_bytes(image, "x86_64", sizeof "x86_64");
	const uint64_t entries[][2] = {
		{ AT_PHDR, program->phdr_address },
		{ AT_PHENT, program->phdr_size },
		{ AT_PHNUM, program->phdr_count },
		{ AT_PAGESZ, MOTE_PAGE_SIZE },
		{ AT_BASE, 0 },
		{ AT_FLAGS, 0 },
		{ AT_ENTRY, program->entry },
		/* nobody in particular */
		{ AT_UID, PERSONALITY_USER_ID },
		{ AT_EUID, PERSONALITY_USER_ID },
		{ AT_GID, PERSONALITY_USER_ID },
		{ AT_EGID, PERSONALITY_USER_ID },
		{ AT_SECURE, 0 },
		{ AT_CLKTCK, 100 },
		{ AT_RANDOM, random },
		{ AT_EXECFN, name },
		{ AT_PLATFORM, platform },
		{ program->has_start_block ? MOTE_AT_START_BLOCK : AT_IGNORE, MOTE_START_BLOCK },
		{ program->has_vdso ? AT_SYSINFO_EHDR : AT_IGNORE,
		  MOTE_HYPERCALL_PAGE + MOTE_VDSO },
		{ AT_NULL, 0 },
	};
	_Static_assert(sizeof entries / sizeof entries[0] == PROGRAM_AUXV_ENTRIES,
		       "the stack's size is computed from this number");
	for (size_t i = 0; i < PROGRAM_AUXV_ENTRIES; i++) {
		push_word(image, entries[i][0]);
		push_word(image, entries[i][1]);
	}
}

static void fill(struct stack_image *image, const struct program *program)
{
	push_word(image, program->argc);
	push_strings(image, program->argv, program->argc);
	push_strings(image, program->envp, program->envc);
	push_auxv(image, program);
}

mote_status program_build_stack(struct guest_memory *memory, const struct host *host,
				const struct program *program, uint64_t *rsp, mote_error *err)
{
	const struct region *stack = layout_get(guest_memory_layout(memory), REGION_STACK);
	const size_t nwords = 1 + program->argc + 1 + program->envc + 1 + 2 * PROGRAM_AUXV_ENTRIES;
	const size_t nbytes = strings_size(program->argv, program->argc) +
			      strings_size(program->envp, program->envc) + PROGRAM_STRINGS_SIZE;
	/* The stack pointer must be a multiple of 16 at the entry point. */
	const size_t size = (nwords * sizeof(uint64_t) + nbytes + 15) & ~(size_t)15;

	if (size > stack->size / 4)
		return error_set(
			err, MOTE_E_INVALID,
			"arguments and environment need %zu bytes; a quarter of the stack, "
			"%" PRIu64 " bytes, is the most; raise stack_size",
			size, stack->size / 4);
	void *copy = host_alloc(host, size);
	if (!copy)
		return error_nomem(err, "the program's arguments", size);
	*rsp = stack->va + stack->size - size;
	struct stack_image image = {
		.words = copy,
		.strings = (char *)copy + nwords * sizeof(uint64_t),
		.strings_address = *rsp + nwords * sizeof(uint64_t),
	};
	fill(&image, program);
	mote_status status = guest_memory_write(memory, *rsp, copy, size, REGION_WRITE, err);
	host_free(host, copy, size);
	return status;
}
