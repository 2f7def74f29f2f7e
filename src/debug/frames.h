/* SPDX-License-Identifier: Apache-2.0 */
/*
 * frames.h - who called whom, by what registers and stack of a guest say.
 *
 * The guest is hostile: each address is looked up before it is followed, stack addresses only ever
 * ascend, and the number of frames and of words that are looked at is bounded.
 */
#ifndef DEBUG_FRAMES_H
#define DEBUG_FRAMES_H

#include "guest_abi/guest_abi.h"
#include "hv/hv.h"

#include <mote/crash.h>

/* A guest's registers, and where its stack begins: what is there or above belongs to no function
 * that is under way. 0: not known. */
struct frames_start {
	struct hv_regs regs;
	uint64_t stack_end;
};

struct frame {
	uint64_t address; /* of the innermost: the instruction; of others: where a call returns to */
	bool is_guess;
};

/*
 * Fills FRAMES from START on, with WANTED at most, from 1 to MOTE_MAX_FRAMES; returns how many
 * there are, one at least. Follows frame pointers; where those end before the outermost frame,
 * whose frame pointer is 0, the words of the stack that look like return addresses follow as
 * guesses.
 */
size_t frames_walk(struct guest *guest, const struct frames_start *start, struct frame *frames,
		   size_t wanted);

/* Adds guesses to the COUNT frames of START that are known, which end before the outermost, up to
 * MOTE_MAX_FRAMES; returns how many there are then. */
size_t frames_guess_rest(struct guest *guest, const struct frames_start *start,
			 struct frame *frames, size_t count);

/* If REGS stand where no code is, because a call led there, puts them to where it returns to. */
bool frames_undo_call(struct guest *guest, struct hv_regs *regs);

/* Whether the guest may execute ADDRESS. */
bool frames_is_code(struct guest *guest, uint64_t address);

#endif
