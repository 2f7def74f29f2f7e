/* SPDX-License-Identifier: Apache-2.0 */
/*
 * personality.h - the system calls that a guest's libc makes.
 *
 * A guest has no kernel. What static C libraries need to start, allocate, print
 * and end is served here from the sandbox's own memory, and from the files that it was given;
 * nothing else reaches the host's file system, network or processes. All else answers ENOSYS and is
 * logged, once a number. Every pointer and length comes from the guest and goes through
 * guest_memory; a call works on a bounded number of bytes.
 *
 * Threads: as its sandbox.
 */
#ifndef GUEST_ABI_MOTE_PERSONALITY_H
#define GUEST_ABI_MOTE_PERSONALITY_H

#include "guest_abi/account.h"
#include "guest_abi/mote/files.h"
#include "guest_abi/mote/machine.h"
#include "guest_abi/mote/signals.h"
#include "mem/arena.h"

#define PERSONALITY_SYSCALL_END 512 /* numbers from here on do not exist */

/* The guest's process and thread, and its user and group. */
#define PERSONALITY_TASK_ID 1
#define PERSONALITY_USER_ID 65534

enum program_state {
	PROGRAM_RUNNING,
	PROGRAM_EXITED,   /* exit() with exit_status */
	PROGRAM_STUCK,    /* waits for ever, for what stuck_for says */
	PROGRAM_SIGNALED, /* ended by the signal end_signal, which it sent itself or mishandled */
};

/* What never comes, unless a signal ends the wait. */
enum stuck_for {
	STUCK_FOR_DESCRIPTORS,
	STUCK_FOR_SIGNAL,
	STUCK_FOR_THREAD, /* at stuck_at */
};

/* ITIMER_REAL, by CLOCK_MONOTONIC. Lasts as long as the run that it was set in. */
struct guest_timer {
	uint64_t at;       /* SIGALRM then; 0: it does not run */
	uint64_t interval; /* and again after so long; 0: once */
	bool is_new;       /* whoever runs the guest has not seen it yet */
};

/* What the system call under way waits for. All zero: for nothing. */
struct waiting {
	uint64_t until;      /* on CLOCK_MONOTONIC; UINT64_MAX: for ever */
	uint64_t taken;      /* signals that end it, and are its result */
	uint64_t info, left; /* guest addresses: for their siginfo, for the time left; or 0 */
	bool has_mask;       /* the signal mask is another one meanwhile: */
	uint64_t mask;       /* this one comes back */
};

struct personality {
	const struct host *host;
	struct machine *machine;
	struct guest_memory *memory;
	struct arena *arena; /* the heap: brk and mmap */
	struct account *account;
	struct streams *streams;
	struct files files;

	enum program_state state;
	int exit_status;
	int end_signal;
	enum stuck_for stuck_for;
	uint64_t stuck_at;
	struct waiting wait;
	struct guest_timer timer;
	struct signals signals;
	struct queued_signal queued;
	struct guest_clock clock;
	bool is_resumed; /* the system call under way has set all registers */
	/* How often each number was asked for that is not served; stays at UINT16_MAX. The last is
	 * for all that do not exist. */
	uint16_t refused[PERSONALITY_SYSCALL_END];
};

/* Serves the system call that the guest's registers ask for, and puts the result where the
 * guest finds it; or, when the guest ended itself, sets p->state and leaves the registers. May set
 * p->wait: then the call is over when personality_wait() says so; and p->timer.is_new, for the
 * caller to clear and to see to. What it uses is counted; account_check() tells whether that was
 * too much. */
void personality_syscall(struct personality *p);

/* NOW, on CLOCK_MONOTONIC, the guest waits: until when the caller should wait before it asks again,
 * or 0, and the system call is over, as after personality_syscall(). */
uint64_t personality_wait(struct personality *p, uint64_t now);

/* In how many nanoseconds from NOW a guest that runs is to be interrupted; UINT64_MAX: never. */
uint64_t personality_alarm(const struct personality *p, uint64_t now);

/* The guest was interrupted NOW, wherever it was: it gets the signal of its timer, if that is over
 * and the guest is where signals can be delivered; else soon. That may end it. Returns whether
 * the timer was over. */
bool personality_interrupt(struct personality *p, uint64_t now);

/* The run is over: no timer goes on, and what could not be delivered any more was not sent. */
void personality_rest(struct personality *p);

/* The program runs again, with these SIGNALS. */
void personality_reset(struct personality *p, const struct signals *signals);

#endif
