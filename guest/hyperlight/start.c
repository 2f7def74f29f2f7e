/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the first C code that may write to variables to the state in which the guest takes calls,
 * and what the parts that all guest libraries share ask of this one.
 */
#include "guest/src/state.h"

#include "guest/cow/abort.h"
#include "guest/hyperlight/boot.h"

int main(int argc, char **argv, char **envp);

/* What C and C++ have run before main(), from the linker; there may be none. */
typedef void init_fn(void);
extern init_fn *const __init_array_start[] __attribute__((weak, visibility("hidden")));
extern init_fn *const __init_array_end[] __attribute__((weak, visibility("hidden")));

/* For which version of the ABI this was built. Hosts look the section up by its name. */
static const struct {
	uint32_t name_size, desc_size, type;
	char name[12];
	char version[8];
} note __attribute__((used, section(HYPERLIGHT_NOTE_SECTION), aligned(8))) = {
	.name_size = sizeof(HYPERLIGHT_NOTE_NAME),
	.desc_size = sizeof(HYPERLIGHT_VERSION),
	.type = HYPERLIGHT_NOTE_TYPE,
	.name = HYPERLIGHT_NOTE_NAME,
	.version = HYPERLIGHT_VERSION,
};
_Static_assert(sizeof note == 32, "hosts of 0.15 find the version at byte 24 of the note");

/* The PEB in the words of the library. Hosts of this ABI tell nothing of mapped files and of their
 * own functions. */
static struct mote_start_block block;
static uint64_t heap_used;
static uint64_t log_filter;

const struct mote_start_block *start_block(void)
{
	return &block;
}

struct io_stack input_buffer(void)
{
	return (struct io_stack){ (uint8_t *)block.input_address, block.input_size };
}

struct io_stack output_buffer(void)
{
	return (struct io_stack){ (uint8_t *)block.output_address, block.output_size };
}

static uint64_t generation(void)
{
	return *(const volatile uint64_t *)(SCRATCH_END_GVA - HYPERLIGHT_SCRATCH_GENERATION);
}

void *memory_take(size_t size)
{
	const uint64_t first = -block.heap_address & (VMEM_PAGE_SIZE - 1);

	if (heap_used == 0)
		heap_used = first;
	if (heap_used > block.heap_size || size > block.heap_size - heap_used)
		return NULL;
	heap_used += size;
	return (void *)(block.heap_address + heap_used - size);
}

bool log_is_wanted(mote_log_level level)
{
	return (uint64_t)level < log_filter;
}

/* Nobody runs such a guest but its host. */
void program_print(const char *text, size_t len)
{
	(void)text;
	(void)len;
}

/* TEXT is from the library itself, or what a guest fails with: it ends with a NUL. */
void program_abort(uint8_t code, const char *text, size_t len)
{
	(void)len;
	abort_code(code);
	abort_text(text);
	abort_end();
}

void program_end(const char *text, size_t len)
{
	program_abort(WIRE_CODE_UNKNOWN, text, len);
}

static void read_peb(const struct hyperlight_peb *peb)
{
	block = (struct mote_start_block){
		.magic = MOTE_START_MAGIC,
		.input_address = peb->input.address,
		.input_size = peb->input.size,
		.output_address = peb->output.address,
		.output_size = peb->output.size,
		.heap_address = peb->heap.address,
		.heap_size = peb->heap.size,
		.init_data_address = peb->init_data.size ? peb->init_data.address : 0,
		.init_data_size = peb->init_data.size,
		.generation = generation(),
	};
}

void hyperlight_start(const struct hyperlight_peb *peb, uint64_t filter)
{
	static char name[] = "guest";
	static char *arguments[] = { name, NULL };

	read_peb(peb);
	log_filter = filter;
	for (init_fn *const *init = __init_array_start; init != __init_array_end; init++)
		(*init)();
	if (main(1, arguments, &arguments[1]) != 0)
		program_end("main() did not return 0", 0);
}

void hyperlight_call(void)
{
	/* only when it changed: the write costs a page */
	if (block.generation != generation())
		block.generation = generation();
	dispatch(0, 0); /* export_find() goes by the name; hosts of this ABI have no spans */
}
