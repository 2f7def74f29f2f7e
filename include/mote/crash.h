/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/crash.h - where a guest stood when it crashed.
 *
 *     static void crashed(void *user, mote_sandbox *sb, mote_status status)
 *     {
 *             mote_sandbox_backtrace(sb, print_frame, NULL, NULL);
 *             mote_sandbox_core(sb, "guest.core", NULL);
 *     }
 *     ... MOTE_OPTIONS(mote_sandbox_options, .crashed = crashed)
 *
 * or, since a sandbox that is poisoned stays as it is until it is restored or freed, the same behind
 * the mote_call() that failed. `gdb GUEST guest.core` then shows what a debugger would have seen.
 *
 * The names of functions and files are the guest's own: they arrive with control characters
 * escaped, and may be lies.
 *
 * Threads: as the sandbox.
 */
#ifndef MOTE_CRASH_H
#define MOTE_CRASH_H

#include <mote/limits.h>
#include <mote/sandbox.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One function of a back-trace. Strings live until the visitor returns. */
typedef struct mote_frame_info {
	uint64_t address; /* of the instruction; of all but the first, where a call returns to */
	const char *function; /* NULL: the image has no name for it */
	uint64_t offset;      /* of ADDRESS in FUNCTION, bytes */
	const char *file;     /* NULL: not known; only with debug_info, see mote/runtime.h */
	uint32_t line;        /* in FILE, from 1 */
	/* FUNCTION was inlined into the one of the next frame, which has the same address. */
	bool is_inlined;
	/* The frame was guessed: the stack holds an address behind a call there, but nobody knows
	 * if that call is still under way. */
	bool is_guess;
} mote_frame_info;

/*
 * Calls VISIT for each function that was under way when the guest stopped last, innermost first, at
 * most MOTE_MAX_FRAMES times. What a guest stopped for does not matter: a fault, an abort, a time
 * limit, the end of a call.
 *
 * Callers are found by the chain of frame pointers, which guests have that are compiled with
 * -fno-omit-frame-pointer. Where the chain breaks, the rest are guesses. With debug_info in the
 * runtime's options, DWARF says who called whom, for guests that have it. Everything that is read
 * is the guest's, and checked: a guest that lies gets a wrong back-trace.
 *
 * Errors: MOTE_E_STATE (a call is under way, or nothing is known: the virtual machine is gone).
 */
MOTE_API MOTE_NODISCARD mote_status
mote_sandbox_backtrace(mote_sandbox *sb, void (*visit)(void *user, const mote_frame_info *frame),
		       void *user, mote_error *err);

/*
 * Writes an ELF core file of the guest to PATH, for gdb and other debuggers: general registers,
 * signal, auxiliary vector, and all memory that the guest can read; vector registers are not in it.
 * Pages of zeroes are holes, so that the file takes the room of what the guest has used, though its
 * length is that of all its memory. It is written under another name in the same directory,
 * readable by its owner alone, and renamed when it is whole. It holds whatever secrets the guest
 * was given. What a guest with page tables of its own maps beyond all measure is left out, and the
 * log says so.
 *
 * Errors: MOTE_E_STATE (as above), MOTE_E_NOMEM, MOTE_E_OS; nothing is left behind then.
 */
MOTE_API MOTE_NODISCARD mote_status mote_sandbox_core(mote_sandbox *sb, const char *path,
						      mote_error *err);

/*
 * Calls VISIT for each symbol of IMAGE, functions and variables, in the order of its file; NAME,
 * SIZE bytes at ADDRESS as the guest sees it. NAME is as the file has it, not fit to be printed,
 * and lives as long as IMAGE. A SIZE of 0 means that nobody knows. Thread-local variables have no
 * address and are left out. Errors: MOTE_E_IMAGE (the file has no symbols: it was stripped; they
 * are malformed). Any thread.
 */
MOTE_API MOTE_NODISCARD mote_status mote_image_symbols(const mote_image *image,
						       void (*visit)(void *user, const char *name,
								     uint64_t address,
								     uint64_t size,
								     bool is_function),
						       void *user, mote_error *err);

#ifdef __cplusplus
}
#endif

#endif /* MOTE_CRASH_H */
