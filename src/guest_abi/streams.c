/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Input and outputs of a guest: bytes for the embedder's callback, or lines for the log.
 */
#include "guest_abi/streams.h"

#include <string.h>

static mote_log_level level_of(unsigned stream)
{
	return stream == 1 ? MOTE_LOG_INFO : MOTE_LOG_WARN;
}

static void flush_line(struct streams *streams, unsigned stream)
{
	struct output_line *line = &streams->lines[stream - 1];

	account_log(streams->account, streams->host, level_of(stream), line->text, line->used);
	line->used = 0;
}

static void log_text(struct streams *streams, unsigned stream, const char *text, size_t size)
{
	struct output_line *line = &streams->lines[stream - 1];

	for (size_t i = 0; i < size; i++) {
		if (text[i] != '\n')
			line->text[line->used++] = text[i];
		if (text[i] == '\n' || line->used == sizeof line->text)
			flush_line(streams, stream);
	}
}

size_t streams_read(struct streams *streams, void *to, size_t size)
{
	const size_t n = size < streams->input.size ? size : streams->input.size;

	if (n == 0)
		return 0;
	memcpy(to, streams->input.bytes, n);
	streams->input.bytes += n;
	streams->input.size -= n;
	return n;
}

void streams_unread(struct streams *streams, size_t size)
{
	streams->input.bytes -= size;
	streams->input.size += size;
}

/* What may not be passed on ends the run, so that nobody asks how much was. */
void streams_write(struct streams *streams, unsigned stream, const char *text, size_t size)
{
	const size_t n = streams->output ? account_output(streams->account, size) : 0;

	if (n)
		streams->output(streams->output_user, (int)stream, text, n);
	else if (!streams->output && host_logs(streams->host, level_of(stream)))
		log_text(streams, stream, text, size);
}

void streams_flush(struct streams *streams)
{
	for (unsigned stream = 1; stream <= 2; stream++)
		if (streams->lines[stream - 1].used)
			flush_line(streams, stream);
}
