/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what a guest can do that its host must see, in words that fit every guest ABI.
 */
#ifndef GUEST_ABI_EVENT_H
#define GUEST_ABI_EVENT_H

#include <mote/status.h>

#include <stddef.h>
#include <stdint.h>

enum guest_event_kind {
	GUEST_READY,       /* it has started, and waits for calls */
	GUEST_DONE,        /* the call is over; its result is on the output buffer */
	GUEST_HOST_CALL,   /* a call of a host function is on the output buffer */
	GUEST_LOG,         /* a log record is on the output buffer */
	GUEST_OUTPUT,      /* it prints TEXT, by STREAM */
	GUEST_EXIT,        /* the program has ended, with CODE */
	GUEST_INTERRUPTED, /* kicked, or its alarm went off: run it again, or give it up */
	GUEST_ENDED, /* it cannot go on: STATUS, CODE, ADDRESS and PC say why, TEXT in words */
};

/* After GUEST_EXIT and GUEST_ENDED nothing but a restore makes a guest run again. */
struct guest_event {
	enum guest_event_kind kind;
	/* GUEST_ENDED: MOTE_E_GUEST_ABORT (it gave up), MOTE_E_GUEST_FAULT (an exception that
	 * nobody handled), MOTE_E_GUEST_PROTOCOL (what no guest of its ABI does). */
	mote_status status;
	int stream;       /* GUEST_OUTPUT: 1 as to standard output, 2 as to standard error */
	uint64_t code;    /* the guest's own, where it gave one; else 0 */
	uint64_t address; /* that faulted, if known; else 0 */
	uint64_t pc;      /* where it stands, if known; else 0 */
	/* Bytes of the guest's choice in part: to be escaped. Lives until it runs again. */
	const char *text;
	size_t text_size;
};

#endif
