/* SPDX-License-Identifier: Apache-2.0 */
/*
 * attacks.h - the table of attacks, and what each may come to.
 */
#ifndef TESTS_HOSTILE_ATTACKS_H
#define TESTS_HOSTILE_ATTACKS_H

#include <stdbool.h>
#include <stddef.h>

/* How an attack may end. The first two leave the sandbox as usable as it was, the others poison it.
 */
enum end {
	FINE = 1,       /* the call succeeded */
	ERROR = 2,      /* MOTE_E_GUEST_ERROR */
	ABORT = 4,      /* MOTE_E_GUEST_ABORT, as all below */
	FAULT = 8,      /* MOTE_E_GUEST_FAULT */
	PROTOCOL = 16,  /* MOTE_E_GUEST_PROTOCOL */
	LIMIT = 32,     /* MOTE_E_GUEST_LIMIT */
	TIMEOUT = 64,   /* MOTE_E_TIMEOUT */
	CANCELED = 128, /* MOTE_E_CANCELED */
};

/* What a guest cannot do at an address that the host picks for it. */
enum place { NO_PLACE, NOT_READABLE, NOT_WRITABLE, NOT_EXECUTABLE };

struct attack {
	const char *guest; /* the program's name */
	unsigned ends;     /* of enum end: what may happen */
	const char *says;  /* one of these is in each error's message: "page fault|divide" */
	unsigned ways;     /* how many there are at least, so that none gets lost */
	unsigned sample;   /* how many are tried at most; 0: all. MOTE_TEST_SEED picks others */
	unsigned sweep;    /* of all ways, one in so many is called besides: see trial.h */
	enum place place;  /* then the ways are addresses, in all regions and outside of them */
	bool is_endless;   /* it gets little time */
	bool has_files;    /* it is given directories: see given.h */
	bool is_stopped;   /* another thread stops the call, if the guest does not */
	bool spoils;       /* a guest that survives its attack may have broken itself */
};

extern const struct attack attacks[];
extern const size_t attacks_count;

#endif
