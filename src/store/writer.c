/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON in a buffer that grows by half of itself.
 */
#include "store/writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

void writer_init(struct writer *writer, const struct host *host)
{
	*writer = (struct writer){ .host = host };
}

void writer_fini(struct writer *writer)
{
	host_free(writer->host, writer->bytes, writer->room);
	writer->bytes = NULL;
}

static bool grow(struct writer *writer, size_t size)
{
	const struct host *host = writer->host;
	const size_t room = writer->room + writer->room / 2 + size;
	char *bytes = host->realloc(host->realloc_user, writer->bytes, writer->room, room);

	if (bytes) {
		writer->bytes = bytes;
		writer->room = room;
	} else {
		writer->is_out_of_memory = true;
	}
	return bytes != NULL;
}

static void put(struct writer *writer, const char *bytes, size_t size)
{
	if (writer->is_out_of_memory)
		return;
	if (size > writer->room - writer->size && !grow(writer, size + 256))
		return;
	memcpy(writer->bytes + writer->size, bytes, size);
	writer->size += size;
}

static void put_text(struct writer *writer, const char *text)
{
	put(writer, text, strlen(text));
}

/* The character in JSON, in OUT, or NULL: as it is. */
static const char *escape(char out[8], unsigned char c)
{
	static const char letters[] = "\"\\bfnrt", meaning[] = "\"\\\b\f\n\r\t";
	const char *found = c ? strchr(meaning, c) : NULL;

	if (found)
		snprintf(out, 8, "\\%c", letters[found - meaning]);
	else if (c < ' ')
		snprintf(out, 8, "\\u%04x", c);
	else
		return NULL;
	return out;
}

static void put_string(struct writer *writer, const char *text, size_t size)
{
	char escaped[8];
	size_t done = 0;

	put_text(writer, "\"");
	for (size_t i = 0; i < size; i++) {
		if (!escape(escaped, (unsigned char)text[i]))
			continue;
		put(writer, text + done, i - done);
		put_text(writer, escaped);
		done = i + 1;
	}
	put(writer, text + done, size - done);
	put_text(writer, "\"");
}

/* What is in front of a value: no value ends in a bracket that opens. */
static void put_key(struct writer *writer, const char *key, size_t size)
{
	if (writer->size > 0 && !strchr("{[", writer->bytes[writer->size - 1]))
		put_text(writer, ",");
	if (!key)
		return;
	put_string(writer, key, size);
	put_text(writer, ":");
}

static void put_value(struct writer *writer, const char *key, const char *value)
{
	put_key(writer, key, key ? strlen(key) : 0);
	put_text(writer, value);
}

void writer_open(struct writer *writer, const char *key)
{
	put_value(writer, key, "{");
}

void writer_close(struct writer *writer)
{
	put_text(writer, "}");
}

void writer_open_list(struct writer *writer, const char *key)
{
	put_value(writer, key, "[");
}

void writer_close_list(struct writer *writer)
{
	put_text(writer, "]");
}

void writer_string(struct writer *writer, const char *key, const char *value)
{
	put_value(writer, key, "");
	put_string(writer, value, strlen(value));
}

void writer_number(struct writer *writer, const char *key, uint64_t value)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%" PRIu64, value);
	put_value(writer, key, digits);
}

void writer_bool(struct writer *writer, const char *key, bool value)
{
	put_value(writer, key, value ? "true" : "false");
}

/* All but lists and objects. */
static void put_leaf(struct writer *writer, const struct tree_node *node)
{
	static const char *const words[] = { "null", "false", "true" };

	if (node->type == TREE_STRING)
		put_string(writer, node->text, node->size);
	else if (node->type == TREE_NUMBER)
		put(writer, node->text, node->size);
	else
		put_text(writer, words[node->type]);
}

/* Calls itself as often as the tree is deep: TREE_DEPTH times. */
void writer_node(struct writer *writer, const struct tree_node *node)
{
	const bool is_list = node->type == TREE_LIST;

	put_key(writer, node->key, node->key_size);
	if (!is_list && node->type != TREE_OBJECT) {
		put_leaf(writer, node);
		return;
	}
	put_text(writer, is_list ? "[" : "{");
	for (const struct tree_node *entry = node->first; entry; entry = entry->next)
		writer_node(writer, entry);
	put_text(writer, is_list ? "]" : "}");
}

mote_status writer_text(struct writer *writer, struct text *out, mote_error *err)
{
	put(writer, "", 1);
	if (writer->is_out_of_memory) {
		*out = (struct text){ 0 };
		return error_nomem(err, "the description of a snapshot", writer->size);
	}
	writer->size--;
	*out = (struct text){ writer->bytes, writer->size };
	return MOTE_OK;
}
