/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - messages with descriptors over a socket of the process backend.
 *
 * The other end is the launcher or a guest process before its guest runs: our own program,
 * which may however be killed at any time. Any thread; the caller serialises.
 */
#ifndef HV_PROCESS_MESSAGE_H
#define HV_PROCESS_MESSAGE_H

#include "base/host.h"
#include "hv/process/monitor_abi.h"

/* How long an answer may take; a machine that swaps is slow, one that hangs is not waited for. */
#define MESSAGE_TIMEOUT_MS 10000

/* Makes a connected pair, close-on-exec. 0, or -1 and errno. */
int message_socketpair(const struct host *host, int sockets[2]);

/* Sends REQUEST with NFILES descriptors, at most MONITOR_SLOTS_MAX + 2. 0, or -1 and errno. */
int message_send(const struct host *host, int socket, const struct monitor_request *request,
		 const int *files, size_t nfiles);

/*
 * Waits for an answer with at most NFILES (0 to 4) descriptors, which the caller then owns. 0, or
 * -1 and errno: EPIPE when the other end is gone, ETIMEDOUT. FILES that did not come are -1: an
 * answer that reports a failure has none, and this process may have no room for more.
 */
int message_receive(const struct host *host, int socket, struct monitor_reply *reply, int *files,
		    size_t nfiles);

#endif
