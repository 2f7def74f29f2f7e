/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts what guests use, and says so when it is too much.
 */
#include "guest_abi/account.h"

#include <inttypes.h>

static uint64_t or_default(uint64_t option, uint64_t standard)
{
	return option ? option : standard;
}

struct account_limits account_limits_of(uint64_t exits, uint64_t host_calls, uint64_t output_bytes,
					uint64_t log_lines, uint64_t log_bytes)
{
	return (struct account_limits){
		.exits = or_default(exits, MOTE_DEFAULT_MAX_EXITS),
		.host_calls = or_default(host_calls, MOTE_DEFAULT_MAX_HOST_CALLS),
		.output_bytes = or_default(output_bytes, MOTE_DEFAULT_MAX_OUTPUT_BYTES),
		.log_lines = or_default(log_lines, MOTE_DEFAULT_MAX_LOG_LINES),
		.log_bytes = or_default(log_bytes, MOTE_DEFAULT_MAX_LOG_BYTES),
	};
}

void account_begin(struct account *account)
{
	*account = (struct account){ .limits = account->limits };
}

size_t account_output(struct account *account, size_t size)
{
	const uint64_t left = account->limits.output_bytes - account->output_bytes;

	if (size > left) {
		account->limit = MOTE_LIMIT_OUTPUT_BYTES;
		size = (size_t)left;
	}
	account->output_bytes += size;
	return size;
}

static void drop(struct account *account, mote_log_level level)
{
	if (account->dropped_lines++ == 0 || level < account->dropped_level)
		account->dropped_level = level;
}

/* From the first line on that is too much all are dropped: what the log has is the beginning. */
void account_log(struct account *account, const struct host *host, mote_log_level level,
		 const char *text, size_t size)
{
	uint64_t room = account->limits.log_bytes - account->log_bytes;

	if (!host_logs(host, level))
		return;
	if (!account->log_limit && account->log_lines == account->limits.log_lines)
		account->log_limit = MOTE_LIMIT_LOG_LINES;
	else if (!account->log_limit && !host_log_guest(host, level, text, size, &room))
		account->log_limit = MOTE_LIMIT_LOG_BYTES;
	if (account->log_limit) {
		drop(account, level);
		return;
	}
	account->log_lines++;
	account->log_bytes = account->limits.log_bytes - room;
}

static uint64_t limit_of(const struct account *account, mote_limit limit)
{
	switch (limit) {
	case MOTE_LIMIT_EXITS:
		return account->limits.exits;
	case MOTE_LIMIT_HOST_CALLS:
		return account->limits.host_calls;
	case MOTE_LIMIT_OUTPUT_BYTES:
		return account->limits.output_bytes;
	case MOTE_LIMIT_LOG_LINES:
		return account->limits.log_lines;
	default:
		return account->limits.log_bytes;
	}
}

/* At the level of what is missing: who would have seen that sees this. */
void account_end(struct account *account, const struct host *host)
{
	if (account->dropped_lines)
		host_log(host, account->dropped_level,
			 "%" PRIu64 " more lines of the guest were dropped: %s is %" PRIu64,
			 account->dropped_lines, mote_limit_name(account->log_limit),
			 limit_of(account, account->log_limit));
}

const char *mote_limit_name(mote_limit limit)
{
	static const char *const names[] = {
		[MOTE_LIMIT_NONE] = "none",
		[MOTE_LIMIT_TIMEOUT] = "timeout_ns",
		[MOTE_LIMIT_CPU] = "cpu_ns",
		[MOTE_LIMIT_EXITS] = "max_exits",
		[MOTE_LIMIT_HOST_CALLS] = "max_host_calls",
		[MOTE_LIMIT_OUTPUT_BYTES] = "max_output_bytes",
		[MOTE_LIMIT_LOG_LINES] = "max_log_lines",
		[MOTE_LIMIT_LOG_BYTES] = "max_log_bytes",
	};

	return (unsigned)limit < sizeof names / sizeof names[0] ? names[limit] : "?";
}

mote_status account_check(const struct account *account, mote_error *err)
{
	static const char *const what[] = {
		[MOTE_LIMIT_EXITS] = "left its machine more than",
		[MOTE_LIMIT_HOST_CALLS] = "called the host more than",
		[MOTE_LIMIT_OUTPUT_BYTES] = "wrote more than",
	};
	const mote_limit limit = account->limit;

	if (!limit)
		return MOTE_OK;
	return error_set(err, MOTE_E_GUEST_LIMIT, "the guest %s %" PRIu64 " %s; raise %s",
			 what[limit], limit_of(account, limit),
			 limit == MOTE_LIMIT_OUTPUT_BYTES ? "bytes" : "times",
			 mote_limit_name(limit));
}
