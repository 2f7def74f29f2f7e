/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the start of the program to the state in which it takes calls. The linker (--wrap=main)
 * makes libc call __wrap_main() for main(), and __real_main() mean main().
 */
#include "state.h"

#include <sys/auxv.h>

int __real_main(int argc, char **argv, char **envp);
int __wrap_main(int argc, char **argv, char **envp);

/* Marks the executable as a guest, and for which ABI. Here, in the object that every guest
 * has. */
static const struct {
	uint32_t name_size, desc_size, type;
	char name[(sizeof(MOTE_NOTE_NAME) + 3) & ~3u];
	struct mote_note desc;
} note __attribute__((used, section(".note.mote"), aligned(4))) = {
	.name_size = sizeof(MOTE_NOTE_NAME),
	.desc_size = sizeof(struct mote_note),
	.type = MOTE_NOTE_TYPE,
	.name = MOTE_NOTE_NAME,
	.desc = { MOTE_ABI_VERSION, sizeof(struct mote_guest_record) },
};

/* And what it knows besides. */
static const struct {
	uint32_t name_size, desc_size, type;
	char name[(sizeof(MOTE_NOTE_NAME) + 3) & ~3u];
	uint32_t features;
} features_note __attribute__((used, section(".note.mote"), aligned(4))) = {
	.name_size = sizeof(MOTE_NOTE_NAME),
	.desc_size = sizeof(uint32_t),
	.type = MOTE_FEATURES_NOTE_TYPE,
	.name = MOTE_NOTE_NAME,
	.features = MOTE_FEATURE_SPANS,
};

const struct mote_start_block *start_block(void)
{
	static const struct mote_start_block *found;

	if (!found)
		found = (const struct mote_start_block *)getauxval(MOTE_AT_START_BLOCK);
	return found;
}

struct io_stack input_buffer(void)
{
	const struct mote_start_block *block = start_block();

	return (struct io_stack){ (uint8_t *)block->input_address, block->input_size };
}

struct io_stack output_buffer(void)
{
	const struct mote_start_block *block = start_block();

	return (struct io_stack){ (uint8_t *)block->output_address, block->output_size };
}

int __wrap_main(int argc, char **argv, char **envp)
{
	int result = __real_main(argc, argv, envp);

	if (!start_block())
		return result;
	fpu_save();
	/* Calls may use the stack from here on down: this function never returns. */
	uintptr_t stack = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)15;
	hypercall(MOTE_HC_READY, (uintptr_t)dispatch_entry, stack, (uint64_t)(int64_t)result);
	__builtin_trap();
}
