/* SPDX-License-Identifier: Apache-2.0 */
/*
 * abort.h - the last words of a ring-0 guest: a message to the host, a piece at a time.
 *
 *     abort_code(SCRATCH_ABORT_EXCEPTION);
 *     abort_text("page fault at ");
 *     abort_hex(address);
 *     abort_end();
 *
 * Nothing is written to memory but the stack, so this works with nothing left. The host
 * does not run the guest again after the end.
 */
#ifndef GUEST_COW_ABORT_H
#define GUEST_COW_ABORT_H

#include <stdint.h>

/* Says CODE: SCRATCH_ABORT_..., which comes first, or the vector of an exception. */
void abort_code(uint8_t code);

/* Says TEXT, which is plain ASCII. */
void abort_text(const char *text);

/* Says NUMBER as 0x and hexadecimal digits, without leading zeroes. */
void abort_hex(uint64_t number);

/* Ends the message, and the guest. */
_Noreturn void abort_end(void);

#endif
