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
	PROGRAM_STUCK,    /* waits for another thread at stuck_at; 0: for descriptors */
	PROGRAM_SIGNALED, /* ended by the signal end_signal, which it sent itself or mishandled */
};

struct personality {
	const struct host *host;
	struct machine *machine;
	struct guest_memory *memory;
	struct arena *arena; /* the heap: brk and mmap */
	struct account *account;
	struct streams streams;
	struct files files;

	enum program_state state;
	int exit_status;
	int end_signal;
	uint64_t stuck_at;
	uint64_t wait_until; /* on CLOCK_MONOTONIC, before the guest goes on; 0: it need not wait */
	struct signals signals;
	struct guest_clock clock;
	bool is_resumed; /* the system call under way has set all registers */
	/* How often each number was asked for that is not served; stays at UINT16_MAX. The last is
	 * for all that do not exist. */
	uint16_t refused[PERSONALITY_SYSCALL_END];
};

/* Serves the system call that the guest's registers ask for, and puts the result where the
 * guest finds it; or, when the guest ended itself, sets p->state and leaves the registers. May set
 * p->wait_until, for the caller to see to. What it
 * uses is counted; account_check() tells whether that was too much. */
void personality_syscall(struct personality *p);

/* The program runs again, with these SIGNALS. */
void personality_reset(struct personality *p, const struct signals *signals);

#endif
