/* SPDX-License-Identifier: Apache-2.0 */
/*
 * event.h - what a guest can do that its host must see, in words that fit every guest ABI.
 */
#ifndef GUEST_ABI_EVENT_H
#define GUEST_ABI_EVENT_H

#include <mote/status.h>

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guest_event_kind {
	GUEST_READY, /* it has started, and waits for calls */
	GUEST_DONE,  /* the call is over; its result is on the output buffer, in part by SPANS */
	GUEST_HOST_CALL, /* a call of a host function is on the output buffer, in part by SPANS */
	GUEST_LOG,       /* a log record is on the output buffer */
	GUEST_OUTPUT,    /* it prints TEXT, by STREAM */
	GUEST_SLEEP,     /* it waits: run it again at UNTIL, or when it was kicked */
	GUEST_TIMER,     /* it has a new timer: from now on alarm() says when to interrupt it */
	GUEST_EXIT,      /* the program has ended, with CODE */
	/* Kicked, or its alarm went off, or this process was forked from the guest's: run it
	 * again, or give it up. */
	GUEST_INTERRUPTED,
	GUEST_LIMIT, /* it has used more than it may; its account knows of what */
	GUEST_ENDED, /* it cannot go on: STATUS, CODE, ADDRESS and PC say why, TEXT in words */
};

/* After GUEST_EXIT, GUEST_LIMIT and GUEST_ENDED nothing but a restore makes a guest run again. */
struct guest_event {
	enum guest_event_kind kind;
	/* GUEST_ENDED: MOTE_E_GUEST_ABORT (it gave up), MOTE_E_GUEST_FAULT (an exception that
	 * nobody handled), MOTE_E_GUEST_PROTOCOL (what no guest of its ABI does). */
	mote_status status;
	int stream;       /* GUEST_OUTPUT: 1 as to standard output, 2 as to standard error */
	uint64_t code;    /* the guest's own, where it gave one; else 0 */
	uint64_t address; /* that faulted, if known; else 0 */
	uint64_t pc;      /* where it stands, if known; else 0 */
	uint64_t until;   /* nanoseconds on CLOCK_MONOTONIC */
	uint64_t spans;   /* a bit for each value, from the first one on: it is in a bulk buffer */
	bool takes_spans; /* GUEST_HOST_CALL: the result may be there, too */
	bool is_at_pc;    /* GUEST_ENDED: what the guest did at PC is why */
	bool is_gone;     /* GUEST_ENDED: there is no machine any more, which a kick can do to it */
	int signal;       /* GUEST_ENDED: what Linux would have ended a program with; 0: nothing */
	/* Bytes of the guest's choice in part: to be escaped. Lives until it runs again. */
	const char *text;
	size_t text_size;
};

/* Makes EVENT a GUEST_ENDED with STATUS, whose text is formatted to the SIZE bytes at TEXT, cut if
 * it does not fit; all else is 0. */
void guest_event_end(struct guest_event *event, mote_status status, char *text, size_t size,
		     const char *format, va_list arguments) __attribute__((format(printf, 5, 0)));

#endif
