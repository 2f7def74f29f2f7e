/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prints receipts. A call that never ran has none: its times are 0.
 */
#include "receipt.h"

#include "json.h"

#include <inttypes.h>
#include <stdio.h>

void receipt_print(const mote_receipt *receipt)
{
	char pages[32] = "unknown";

	if (receipt->wall_ns == 0)
		return;
	if (receipt->pages_are_known)
		snprintf(pages, sizeof pages, "%" PRIu64, receipt->pages_dirtied);
	fprintf(stderr,
		"receipt: wall %.3f ms, cpu %.3f ms, exits %" PRIu64 ", host calls %" PRIu64
		", system calls %" PRIu64 ", bytes in %" PRIu64 ", bytes out %" PRIu64
		", output %" PRIu64 ", log lines %" PRIu64 ", dropped %" PRIu64
		", pages dirtied %s, limit %s\n",
		(double)receipt->wall_ns / 1e6, (double)receipt->cpu_ns / 1e6, receipt->exits,
		receipt->host_calls, receipt->system_calls, receipt->bytes_in, receipt->bytes_out,
		receipt->output_bytes, receipt->log_lines, receipt->log_dropped, pages,
		mote_limit_name(receipt->limit));
}

void receipt_add_json(const mote_receipt *receipt, struct json_object *object)
{
	const struct {
		const char *key;
		uint64_t value;
	} numbers[] = {
		{ "wall_ns", receipt->wall_ns },
		{ "cpu_ns", receipt->cpu_ns },
		{ "exits", receipt->exits },
		{ "host_calls", receipt->host_calls },
		{ "system_calls", receipt->system_calls },
		{ "bytes_in", receipt->bytes_in },
		{ "bytes_out", receipt->bytes_out },
		{ "output_bytes", receipt->output_bytes },
		{ "log_lines", receipt->log_lines },
		{ "log_bytes", receipt->log_bytes },
		{ "log_dropped", receipt->log_dropped },
	};
	struct json_object *json;

	if (receipt->wall_ns == 0)
		return;
	json = json_map();
	for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
		json_add(json, numbers[i].key, json_number(numbers[i].value));
	if (receipt->pages_are_known)
		json_add(json, "pages_dirtied", json_number(receipt->pages_dirtied));
	json_add(json, "limit", json_text(mote_limit_name(receipt->limit)));
	json_add(object, "receipt", json);
}
