/* SPDX-License-Identifier: Apache-2.0 */
/*
 * writer.h - JSON, written from its beginning to its end without blanks.
 *
 * When memory is out, the rest does nothing and writer_text() says so. Each function takes the name
 * of a field, or NULL in a list; who opens closes.
 */
#ifndef STORE_WRITER_H
#define STORE_WRITER_H

#include "store/tree.h"

struct writer {
	const struct host *host;
	char *bytes;
	size_t size, room;
	bool is_out_of_memory;
};

/* A writer of nothing yet. */
void writer_init(struct writer *writer, const struct host *host);

/* Frees what was not taken. */
void writer_fini(struct writer *writer);

/* Begins and ends an object. */
void writer_open(struct writer *writer, const char *key);
void writer_close(struct writer *writer);

/* Begins and ends a list. */
void writer_open_list(struct writer *writer, const char *key);
void writer_close_list(struct writer *writer);

/* A value each. VALUE is UTF-8. */
void writer_string(struct writer *writer, const char *key, const char *value);
void writer_number(struct writer *writer, const char *key, uint64_t value);
void writer_bool(struct writer *writer, const char *key, bool value);

/* NODE with its name and all that is in it, as it was read: numbers digit by digit. */
void writer_node(struct writer *writer, const struct tree_node *node);

/* What was written, with a NUL behind it, in *OUT, which is the writer's. Errors: MOTE_E_NOMEM, if
 * anything was out of it. */
mote_status writer_text(struct writer *writer, struct text *out, mote_error *err);

#endif
