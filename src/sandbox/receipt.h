/* SPDX-License-Identifier: Apache-2.0 */
/*
 * receipt.h - receipts of calls: what was counted anyway, and what is measured only for them.
 */
#ifndef SANDBOX_RECEIPT_H
#define SANDBOX_RECEIPT_H

#include "sandbox/sandbox.h"

/* Clocks, in nanoseconds. */
struct receipt_start {
	uint64_t wall, thread, guest;
};

/* Reads the clocks, when a call on SB begins. */
struct receipt_start receipt_begin(const mote_sandbox *sb);

/* Fills in RECEIPT, whose size is sound, for the call on SB that began at START and ended with
 * STATUS. The guest's memory is as the call left it. */
void receipt_end(mote_sandbox *sb, const struct receipt_start *start, mote_status status,
		 mote_receipt *receipt);

#endif
