/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lines for the host's log.
 */
#include "state.h"

#include <string.h>

static enum wire_level level_on_wire(mote_log_level level)
{
	static const uint8_t levels[] = {
		[MOTE_LOG_ERROR] = WIRE_LEVEL_ERROR, [MOTE_LOG_WARN] = WIRE_LEVEL_WARN,
		[MOTE_LOG_INFO] = WIRE_LEVEL_INFO,   [MOTE_LOG_DEBUG] = WIRE_LEVEL_DEBUG,
		[MOTE_LOG_TRACE] = WIRE_LEVEL_TRACE,
	};
	return (unsigned)level < sizeof(levels) ? (enum wire_level)levels[level] : WIRE_LEVEL_TRACE;
}

static void log_to_host(mote_log_level level, const char *text, size_t len)
{
	const char *caller = current_function ? current_function : "main";
	const struct wire_log log = {
		.message = { text, len },
		.source = { "guest", sizeof("guest") - 1 },
		.caller = { caller, strlen(caller) },
		.source_file = { "", 0 },
		.level = level_on_wire(level),
	};
	struct io_stack output = output_buffer();
	struct io_fault fault;
	size_t size = wire_log_size(&log);
	void *message = io_stack_reserve(&output, size, &fault);

	if (!message)
		call_fail_format(WIRE_CODE_GUEST_ERROR,
				 "a log line takes %lu bytes; the output buffer has room for %lu",
				 (unsigned long)size, (unsigned long)fault.high);
	wire_log_write(message, size, &log);
	io_stack_commit(&output, message, size);
	hypercall(MOTE_HC_LOG, 0, 0, 0);
}

void mote_guest_log_line(mote_log_level level, const char *line)
{
	char text[TEXT_SIZE + 1];

	if (!log_is_wanted(level))
		return;
	size_t len = text_copy(text, TEXT_SIZE, line, strlen(line));
	if (start_block()) {
		log_to_host(level, text, len);
	} else {
		text[len] = '\n';
		program_print(text, len + 1);
	}
}
