/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launcher.h - the process that makes guest processes.
 *
 * One for each hv: a copy of the monitor, started from the image inside the library. It is
 * nobody's child, so the program that we live in never meets it in a wait(); it ends, and
 * all guest processes with it, when it is stopped or when that program ends,
 * however it does. Any thread.
 */
#ifndef HV_PROCESS_LAUNCHER_H
#define HV_PROCESS_LAUNCHER_H

#include "base/error.h"
#include "base/host.h"

#include <pthread.h>

struct launcher {
	const struct host *host;
	int socket;
	pthread_mutex_t lock; /* one request at a time */
	uint32_t serial;      /* of the last one */
};

/* A guest process, as its owner holds it. */
struct guest_process {
	pid_t pid;    /* in the launcher's eyes */
	int listener; /* seccomp notifications: its stops */
	int pidfd;
	int watch;   /* keeps it stopping where pages are missing, and its writes told; or -1 */
	int pagemap; /* tells which pages it has written; -1: the kernel cannot */
};

#define GUEST_PROCESS_NONE                                                                         \
	((struct guest_process){ .listener = -1, .pidfd = -1, .watch = -1, .pagemap = -1 })

/* Starts it. Errors: MOTE_E_OS, naming the step that the kernel refused. */
mote_status launcher_start(struct launcher *launcher, const struct host *host, mote_error *err);

/* Ends it. All guest processes die. In a forked copy of the host only its descriptor is closed. */
void launcher_stop(struct launcher *launcher);

/*
 * Makes a guest process from CONTROL, a memory file that holds a filled-in
 * struct monitor_control and views, and SLOTS, the memory that the views show. The
 * descriptors stay the caller's. The process is stopped in its first stop call.
 */
mote_status launcher_spawn(struct launcher *launcher, struct guest_process *out, int control,
			   const int *slots, size_t nslots, mote_error *err);

/*
 * Kills and buries PROCESS and closes its descriptors. Returns the signal that ended it:
 * SIGKILL unless it was dead already; 0 when it is not known. A second call does nothing. In a
 * forked copy of the host it lives on.
 */
int launcher_reap(struct launcher *launcher, struct guest_process *process);

#endif
