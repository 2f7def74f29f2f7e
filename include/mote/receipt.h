/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mote/receipt.h - what a call, or a program, used.
 *
 *     mote_receipt receipt = { .size = sizeof receipt };
 *     mote_call_with(sb, "Decode", args, 1,
 *                    MOTE_OPTIONS(mote_call_options, .receipt = &receipt), &result, &err);
 *
 * Calls that ask for no receipt take no clock and cost what they cost without.
 */
#ifndef MOTE_RECEIPT_H
#define MOTE_RECEIPT_H

#include <mote/limits.h>

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Filled in however the call ended, once the guest was to run (a program counts as one call); all
 * zero if it never was. All counts but those of time and pages are the same whenever the guest does
 * the same, on every backend.
 */
typedef struct mote_receipt {
	size_t size;           /* sizeof(mote_receipt), set by the caller */
	uint64_t wall_ns;      /* from the arguments to the result, by the clock on the wall */
	uint64_t cpu_ns;       /* CPU time of the guest, of host functions, and of the library */
	uint64_t exits;        /* from the machine, the end of the call included */
	uint64_t host_calls;   /* of them, also of functions that the host does not have */
	uint64_t system_calls; /* of them, also of those that are not served */
	uint64_t bytes_in;     /* of messages and bulk data to the guest: arguments, results */
	uint64_t bytes_out;    /* from it: the result, arguments of host calls, log records */
	uint64_t output_bytes; /* that the output function got */
	uint64_t log_lines;    /* of the guest that reached the log */
	uint64_t log_bytes;    /* of these lines */
	uint64_t log_dropped;  /* lines that did not, because of a limit */
	/* Pages of 4096 bytes, without those of the buffers, that differ now from the snapshot that
	 * was taken or restored last. So after a restore they are what this call has changed. */
	uint64_t pages_dirtied;
	bool pages_are_known; /* if there is such a snapshot, and not too many are written; with kvm
			       * from Linux 5.11 on */
	/* What ended the call; or, if nothing did, what cut the log off. */
	mote_limit limit;
} mote_receipt;

#ifdef __cplusplus
}
#endif

#endif /* MOTE_RECEIPT_H */
