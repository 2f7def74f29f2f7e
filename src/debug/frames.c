/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks a guest's stack by its frame pointers, and guesses where they are missing.
 */
#include "debug/frames.h"

#include "mem/layout.h"

/* Words of the stack that are looked at for guesses. */
enum { SCAN_WORDS = 1024 };

/* The walk: what was found, and where the stack goes on. */
struct walk {
	struct guest *guest;
	struct frame *frames;
	size_t count, wanted;
	uint64_t stack; /* nothing below belongs to a frame that is still to be found */
};

/* The hypercall page is the library's, and has no frames: what led there is undone like a call to
 * nowhere. */
static bool look_for_code(void *user, const struct region *region)
{
	*(bool *)user = region->flags & REGION_EXECUTE && region->kind != REGION_HYPERCALL;
	return false;
}

bool frames_is_code(struct guest *guest, uint64_t address)
{
	bool is_code = false;

	guest->abi->visit_regions(guest, address, address, look_for_code, &is_code);
	return is_code;
}

static bool read_words(struct walk *walk, uint64_t address, uint64_t *words, size_t count)
{
	return walk->guest->abi->read(walk->guest, address, words, count * sizeof *words, NULL) ==
	       MOTE_OK;
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

	if (address < sizeof code || !frames_is_code(walk->guest, address) ||
	    !frames_is_code(walk->guest, address - sizeof code) ||
	    walk->guest->abi->read(walk->guest, address - sizeof code, code, sizeof code, NULL))
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
		    !read_words(walk, frame, words, 2) || !frames_is_code(walk->guest, words[1]))
			return false;
		add(walk, words[1], false);
		walk->stack = frame + sizeof words;
		frame = words[0];
	}
	return true;
}

/* What is mapped at the address that USER points to needs no search; if nothing is, the stack may
 * begin behind it. */
static bool look_for_stack(void *user, const struct region *region)
{
	uint64_t *address = user;

	if (region->va <= *address)
		return false;
	if (region->kind != REGION_STACK)
		return true;
	*address = region->va;
	return false;
}

/* The first word to look at. A stack that has run out is left by a step into the gap below it. */
static uint64_t scan_start(const struct walk *walk)
{
	uint64_t address = (walk->stack + 7) & ~UINT64_C(7);
	const uint64_t room = UINT64_MAX - address;
	const uint64_t last = address + (room < LAYOUT_GUARD_SIZE ? room : LAYOUT_GUARD_SIZE);

	walk->guest->abi->visit_regions(walk->guest, address, last, look_for_stack, &address);
	return address;
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

bool frames_undo_call(struct guest *guest, struct hv_regs *regs)
{
	struct walk walk = { .guest = guest };
	uint64_t word;

	if (frames_is_code(guest, regs->rip) || !read_words(&walk, regs->rsp, &word, 1) ||
	    !follows_call(&walk, word))
		return false;
	regs->rip = word;
	regs->rsp += sizeof word;
	return true;
}

size_t frames_walk(struct guest *guest, const struct frames_start *start, struct frame *frames,
		   size_t wanted)
{
	struct walk walk = { .guest = guest, .frames = frames, .wanted = wanted };
	struct hv_regs at = start->regs;

	add(&walk, at.rip, false);
	if (frames_undo_call(guest, &at))
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
size_t frames_guess_rest(struct guest *guest, const struct frames_start *start,
			 struct frame *frames, size_t count)
{
	struct walk walk = {
		.guest = guest,
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
