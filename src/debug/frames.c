/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a guest's stack by its frame pointers, and guesses where they are missing.
 */
#include "debug/frames.h"

#include <string.h>

/* Words of the stack that are looked at for guesses. */
enum { SCAN_WORDS = 1024 };

/* The walk: what was found, and where the stack goes on. */
struct walk {
	struct guest_memory *memory;
	struct frame *frames;
	size_t count, wanted;
	uint64_t stack; /* nothing below belongs to a frame that is still to be found */
};

bool frames_is_code(struct guest_memory *memory, uint64_t address)
{
	return guest_memory_allows(memory, address, 1, REGION_EXECUTE);
}

static bool read_words(struct walk *walk, uint64_t address, uint64_t *words, size_t count)
{
	return guest_memory_read(walk->memory, address, words, count * sizeof *words, REGION_READ,
				 NULL) == MOTE_OK;
}

static void add(struct walk *walk, uint64_t address, bool is_guess)
{
	if (walk->count < walk->wanted)
		walk->frames[walk->count++] = (struct frame){ address, is_guess };
}

/*
 * Whether there is a call instruction before ADDRESS: e8 and 4 bytes, or ff /2 with its operand, 2
 * to 7 bytes in all (a prefix before it does not matter).
 */
static bool follows_call(struct walk *walk, uint64_t address)
{
	uint8_t code[7];

	if (address < sizeof code || !frames_is_code(walk->memory, address) ||
	    guest_memory_read(walk->memory, address - sizeof code, code, sizeof code,
			      REGION_EXECUTE, NULL))
		return false;
	if (code[2] == 0xe8)
		return true;
	for (size_t i = 0; i + 1 < sizeof code; i++)
		if (code[i] == 0xff && (code[i + 1] & 0x38) == 0x10)
			return true;
	return false;
}

/* The innermost function may have no frame yet, or none at all: its return address is then the
 * first word of the stack. A frame pointer that says the same needs no guess. */
static void guess_caller(struct walk *walk, const struct hv_regs *regs)
{
	uint64_t word;

	if (regs->rbp == regs->rsp || !read_words(walk, regs->rsp, &word, 1) ||
	    !follows_call(walk, word))
		return;
	add(walk, word, true);
	walk->stack = regs->rsp + sizeof word;
}

/* Follows the chain. Returns true when it ends where it should. */
static bool follow_chain(struct walk *walk, uint64_t frame)
{
	uint64_t words[2]; /* the caller's frame pointer, the return address */

	while (frame != 0 && walk->count < walk->wanted) {
		if (frame < walk->stack || frame % sizeof words[0] != 0 ||
		    !read_words(walk, frame, words, 2) || !frames_is_code(walk->memory, words[1]))
			return false;
		add(walk, words[1], false);
		walk->stack = frame + sizeof words;
		frame = words[0];
	}
	return true;
}

/* The first word to look at. A stack that has run out is left by a step into the gap below it. */
static uint64_t scan_start(const struct walk *walk)
{
	const struct region *stack = layout_get(guest_memory_layout(walk->memory), REGION_STACK);
	const uint64_t address = (walk->stack + 7) & ~UINT64_C(7);

	return stack->va - address <= LAYOUT_GUARD_SIZE ? stack->va : address;
}

/* Words of the stack one after the other, which are read some at a time. */
struct words {
	uint64_t next; /* its address */
	size_t left;
	uint64_t ahead[32];
};

static bool next_word(struct walk *walk, struct words *words, uint64_t *word)
{
	enum { AHEAD = sizeof words->ahead / sizeof words->ahead[0] };

	if (words->left == 0) {
		words->left = AHEAD;
		/* fewer where the stack ends: its last words one by one */
		if (!read_words(walk, words->next, words->ahead, AHEAD)) {
			words->left = 1;
			if (!read_words(walk, words->next, &words->ahead[AHEAD - 1], 1))
				return false;
		}
	}
	*word = words->ahead[AHEAD - words->left--];
	words->next += sizeof *word;
	return true;
}

/* Up to END, or as far as there is a stack. */
static void scan(struct walk *walk, uint64_t end)
{
	struct words words = { .next = scan_start(walk) };
	uint64_t word;

	for (size_t i = 0; i < SCAN_WORDS && walk->count < walk->wanted; i++) {
		if (words.next == end || !next_word(walk, &words, &word))
			return;
		if (follows_call(walk, word))
			add(walk, word, true);
	}
}

bool frames_undo_call(struct guest_memory *memory, struct hv_regs *regs)
{
	struct walk walk = { .memory = memory };
	uint64_t word;

	if (frames_is_code(memory, regs->rip) || !read_words(&walk, regs->rsp, &word, 1) ||
	    !follows_call(&walk, word))
		return false;
	regs->rip = word;
	regs->rsp += sizeof word;
	return true;
}

size_t frames_walk(struct guest_memory *memory, const struct frames_start *start,
		   struct frame *frames, size_t wanted)
{
	struct walk walk = { .memory = memory, .frames = frames, .wanted = wanted };
	struct hv_regs at = start->regs;

	add(&walk, at.rip, false);
	if (frames_undo_call(memory, &at))
		add(&walk, at.rip, false);
	else
		guess_caller(&walk, &at);
	if (walk.stack < at.rsp)
		walk.stack = at.rsp;
	if (!follow_chain(&walk, at.rbp))
		scan(&walk, start->stack_end);
	return walk.count;
}

/* Guesses begin behind the return address of the last frame, if it is on the stack. */
size_t frames_guess_rest(struct guest_memory *memory, const struct frames_start *start,
			 struct frame *frames, size_t count)
{
	struct walk walk = {
		.memory = memory,
		.frames = frames,
		.count = count,
		.wanted = MOTE_MAX_FRAMES,
		.stack = start->regs.rsp,
	};
	struct words words = { .next = scan_start(&walk) };
	uint64_t word;

	for (size_t i = 0; i < SCAN_WORDS && next_word(&walk, &words, &word); i++) {
		if (word != frames[count - 1].address)
			continue;
		walk.stack = words.next;
		break;
	}
	scan(&walk, start->stack_end);
	return walk.count;
}
