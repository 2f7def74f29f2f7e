/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - what a run of a guest has used of its host, and how much it may.
 *
 * Whoever serves the guest counts here: the run loop, host functions, the personality, the log. A
 * run is a call, a main(), or a program. What is over a limit is refused by the one who counts;
 * the run loop then ends the run. Only the log goes on: lines over its limits are dropped, and the
 * last thing that is said is how many they were.
 *
 * Threads: as its sandbox, one at a time.
 */
#ifndef GUEST_ABI_ACCOUNT_H
#define GUEST_ABI_ACCOUNT_H

#include "base/error.h"
#include "base/host.h"

#include <mote/limits.h>

#include <stdbool.h>
#include <stdint.h>

/* What a run may use; MOTE_NO_LIMIT: as much as it likes. */
struct account_limits {
	uint64_t exits, host_calls;
	uint64_t output_bytes;
	uint64_t log_lines, log_bytes;
};

struct account {
	struct account_limits limits;

	uint64_t exits;      /* each time that the guest left its machine for the host */
	uint64_t host_calls; /* of them, calls of host functions, also of those that do not exist */
	uint64_t system_calls;
	uint64_t bytes_in, bytes_out; /* of messages to and from the guest */
	uint64_t output_bytes;        /* that its output function got */
	uint64_t log_lines, log_bytes;
	uint64_t dropped_lines;
	mote_log_level dropped_level; /* of the most severe one that was dropped */

	mote_limit limit;     /* that ends the run */
	mote_limit log_limit; /* from which on lines are dropped */
};

/* Limits of options, in which 0 stands for the default. */
struct account_limits account_limits_of(uint64_t exits, uint64_t host_calls, uint64_t output_bytes,
					uint64_t log_lines, uint64_t log_bytes);

/* A run begins: nothing is used. The limits stay. */
void account_begin(struct account *account);

/* Count one more. False: it is one too many, and the run must end. */
static inline bool account_exit(struct account *account)
{
	if (account->exits++ < account->limits.exits)
		return true;
	account->limit = MOTE_LIMIT_EXITS;
	return false;
}

static inline bool account_host_call(struct account *account)
{
	if (account->host_calls++ < account->limits.host_calls)
		return true;
	account->limit = MOTE_LIMIT_HOST_CALLS;
	return false;
}

/* How many of SIZE bytes of output may be passed on; if not all, the run must end. */
size_t account_output(struct account *account, size_t size);

/* Passes SIZE bytes of the guest's TEXT on to the log as a line, if they may. */
void account_log(struct account *account, const struct host *host, mote_log_level level,
		 const char *text, size_t size);

/* The run is over: says how many lines were dropped, if any were. */
void account_end(struct account *account, const struct host *host);

/* MOTE_OK, or MOTE_E_GUEST_LIMIT with a message that names the limit which ends the run. */
mote_status account_check(const struct account *account, mote_error *err);

#endif
