/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The message of a log record: a struct log_head, then the four texts. They are for
 * people, so a NUL in one is no reason to lose a line that may tell why a guest
 * failed; whoever shows them escapes them anyway.
 */
#include "abi/wire_parts.h"

#include <string.h>

/* Field numbers. */
enum { LOG_MESSAGE, LOG_SOURCE, LOG_LEVEL, LOG_CALLER, LOG_SOURCE_FILE, LOG_LINE };

/* The fixed part; the texts follow in the order of their offsets. */
struct log_head {
	uint32_t size_prefix;
	uint32_t root;
	uint16_t vtable[8];
	struct {
		int32_t vtable;
		uint32_t message; /* offsets */
		uint32_t source;
		uint32_t caller;
		uint32_t source_file;
		uint32_t line;
		uint8_t level;
		uint8_t zero[3];
	} log;
} WIRE_IN_PLACE;

#define HEAD(field)     ((uint32_t)offsetof(struct log_head, field))
#define LOG_FIELD(name) (HEAD(log.name) - HEAD(log))

_Static_assert(sizeof(struct log_head) == 52,
	       "the message is laid out by this struct; it must not have padding");

size_t wire_log_size(const struct wire_log *log)
{
	if ((unsigned)log->level > WIRE_LEVEL_NONE)
		return 0;
	return wire_total(sizeof(struct log_head) + wire_text_blob_size(log->message.len) +
			  wire_text_blob_size(log->source.len) +
			  wire_text_blob_size(log->caller.len) +
			  wire_text_blob_size(log->source_file.len));
}

size_t wire_log_write(void *to, size_t capacity, const struct wire_log *log)
{
	struct flatbuf_writer w = { to, 0 };
	size_t size = wire_log_size(log);
	uint64_t message = sizeof(struct log_head);
	uint64_t source = message + wire_text_blob_size(log->message.len);
	uint64_t caller = source + wire_text_blob_size(log->source.len);
	uint64_t source_file = caller + wire_text_blob_size(log->caller.len);

	if (size == 0 || size > capacity)
		return 0;
	struct log_head *head = flatbuf_put(&w, sizeof(*head));
	*head = (struct log_head){
		.size_prefix = (uint32_t)size - HEAD(root),
		.root = HEAD(log) - HEAD(root),
		.vtable = { sizeof(head->vtable), sizeof(head->log), LOG_FIELD(message),
			    LOG_FIELD(source), LOG_FIELD(level), LOG_FIELD(caller),
			    LOG_FIELD(source_file), LOG_FIELD(line) },
		.log = { .vtable = HEAD(log) - HEAD(vtable),
			 .message = (uint32_t)message - HEAD(log.message),
			 .source = (uint32_t)source - HEAD(log.source),
			 .caller = (uint32_t)caller - HEAD(log.caller),
			 .source_file = (uint32_t)source_file - HEAD(log.source_file),
			 .line = log->line,
			 .level = (uint8_t)log->level },
	};
	flatbuf_put_blob(&w, log->message.ptr, log->message.len);
	flatbuf_put_blob(&w, log->source.ptr, log->source.len);
	flatbuf_put_blob(&w, log->caller.ptr, log->caller.len);
	flatbuf_put_blob(&w, log->source_file.ptr, log->source_file.len);
	flatbuf_pad_to(&w, size);
	return size;
}

struct wire_check wire_log_read(const void *from, size_t size, struct wire_log *out)
{
	struct flatbuf_reader r;
	struct flatbuf_table t = flatbuf_root(&r, from, size);
	uint8_t level = flatbuf_u8(&r, &t, LOG_LEVEL, WIRE_FIELD_LEVEL);

	/* Statements, not one initializer: the order decides which failure is the
	 * first. */
	out->message = wire_read_text(&r, &t, LOG_MESSAGE, FLATBUF_REQUIRED, WIRE_FIELD_MESSAGE);
	out->source = wire_read_text(&r, &t, LOG_SOURCE, FLATBUF_REQUIRED, WIRE_FIELD_SOURCE);
	out->caller = wire_read_text(&r, &t, LOG_CALLER, FLATBUF_REQUIRED, WIRE_FIELD_CALLER);
	out->source_file =
		wire_read_text(&r, &t, LOG_SOURCE_FILE, FLATBUF_REQUIRED, WIRE_FIELD_SOURCE_FILE);
	out->level = (enum wire_level)level;
	out->line = flatbuf_u32(&r, &t, LOG_LINE, WIRE_FIELD_LINE);
	if (level > WIRE_LEVEL_NONE)
		flatbuf_fail(&r, WIRE_UNKNOWN_LEVEL, WIRE_FIELD_LEVEL);
	if (r.status != WIRE_OK)
		memset(out, 0, sizeof(*out));
	return wire_outcome(&r, 0);
}
