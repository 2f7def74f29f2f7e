/* SPDX-License-Identifier: Apache-2.0 */
/*
 * boot.h - what the parts of the hyperlight guest library share, beside state.h of the library
 * for mote's own guests.
 */
#ifndef GUEST_HYPERLIGHT_BOOT_H
#define GUEST_HYPERLIGHT_BOOT_H

#include "abi/hyperlight.h"

_Static_assert(sizeof(struct hyperlight_exception) % 16 == 0,
	       "entry.S: the stack is aligned when C begins");

/* The code of vector N is at N times this. */
#define STUB_SIZE 16
extern const char hyperlight_stubs[] __attribute__((visibility("hidden")));

/*
 * Makes descriptors, and a first page of stack. Runs before any exception can be handled: it writes
 * to nothing but its stack, the words of scratch, and pages that it has mapped itself.
 */
void hyperlight_boot(void);

/* Then the rest, on the stack that grows: PEB, main(). Returns when the guest is ready. */
void hyperlight_start(const struct hyperlight_peb *peb, uint64_t log_filter);

/* Each call. */
_Noreturn void hyperlight_call(void);

/* Mends what can be mended, and ends the guest otherwise. The frame's unused word is the vector. */
void hyperlight_exception(const struct hyperlight_exception *frame);

/* The physical address of the page tables' root. */
uint64_t hyperlight_root(void);

/* Makes the processor see pages that were mapped where nothing was: it need not before this. */
void hyperlight_settle(void);

/* Maps a fresh page, writable and not executable, at ADDRESS, where nothing is. */
void hyperlight_map_page(uint64_t address);

#endif
