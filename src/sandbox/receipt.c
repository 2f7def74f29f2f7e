/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts of calls. Whoever asks for one pays for it: clocks, and a look at the pages that were
 * written; counts are kept in any case.
 */
#include "sandbox/receipt.h"

#include "base/options.h"

struct receipt_start receipt_begin(const mote_sandbox *sb)
{
	return (struct receipt_start){
		.wall = sandbox_clock_ns(sb, CLOCK_MONOTONIC),
		.thread = sandbox_clock_ns(sb, CLOCK_THREAD_CPUTIME_ID),
		.guest = sandbox_guest_cpu_ns(sb),
	};
}

/* The clock of a guest's process that has died stands at 0. */
static uint64_t since(uint64_t start, uint64_t now)
{
	return now < start ? 0 : now - start;
}

static mote_limit limit_of(const struct account *account, mote_status status)
{
	const bool is_over = status == MOTE_E_TIMEOUT || status == MOTE_E_GUEST_LIMIT;

	return is_over ? account->limit : account->log_limit;
}

static bool count_pages(mote_sandbox *sb, uint64_t *count)
{
	const struct guest_abi *abi = sb->guest->abi;

	return !host_is_forked(&sb->rt->host) && abi->count_changed &&
	       abi->count_changed(sb->guest, count);
}

void receipt_end(mote_sandbox *sb, const struct receipt_start *start, mote_status status,
		 mote_receipt *receipt)
{
	const struct account *account = &sb->account;
	const struct receipt_start now = receipt_begin(sb);
	mote_receipt filled = {
		.size = sizeof filled,
		.wall_ns = since(start->wall, now.wall),
		.cpu_ns = since(start->thread, now.thread) + since(start->guest, now.guest),
		.exits = account->exits,
		.host_calls = account->host_calls,
		.system_calls = account->system_calls,
		.bytes_in = account->bytes_in,
		.bytes_out = account->bytes_out,
		.output_bytes = account->output_bytes,
		.log_lines = account->log_lines,
		.log_bytes = account->log_bytes,
		.log_dropped = account->dropped_lines,
		.limit = limit_of(account, status),
	};

	filled.pages_are_known = count_pages(sb, &filled.pages_dirtied);
	/* its size was sound before the call */
	(void)!options_fill(receipt, &filled, sizeof filled, "mote_receipt", NULL);
}
