/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - JSON that an enemy may have written, read a field at a time with its type and bounds.
 *
 * The first field that is not what it should be fills the error; from then on everything that is
 * read is 0, "" or NULL, which all functions take, so that a reader checks once, at the end.
 * Fields that nobody asks for do not matter: newer writers may have added them.
 *
 * Writing is the mirror image: when memory is out, the rest does nothing and tree_text() says so.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "base/error.h"
#include "store/folder.h"

#include <json-c/json.h>
#include <mote/limits.h>
#include <stdbool.h>
#include <stdint.h>

/* How deep files that are JSON may be. */
#define TREE_DEPTH 12

struct tree_reader {
	const char *file; /* for messages: "index.json" */
	mote_error *err;
	mote_status status; /* MOTE_E_SNAPSHOT from the first failure on */
};

/* The object in TEXT, or NULL: MOTE_E_SNAPSHOT (no JSON, or too many values), MOTE_E_NOMEM. To be
 * freed with json_object_put(). */
json_object *tree_parse(struct tree_reader *reader, const struct text *text);

/* Fails: KEY is not WANT ("a number"). */
void tree_refuse(struct tree_reader *reader, const char *key, const char *want);

/* Fails with BEFORE, FOUND, which a file says and is made fit to be shown, and AFTER. */
void tree_refuse_text(struct tree_reader *reader, const char *before, const char *found,
		      const char *after);

/* The fields of OBJECT. What they return lives as long as the whole tree. */
uint64_t tree_number(struct tree_reader *reader, json_object *object, const char *key,
		     uint64_t max);
bool tree_bool(struct tree_reader *reader, json_object *object, const char *key);
const char *tree_string(struct tree_reader *reader, json_object *object, const char *key);
json_object *tree_field(struct tree_reader *reader, json_object *object, const char *key);
json_object *tree_list(struct tree_reader *reader, json_object *object, const char *key, size_t max,
		       size_t *count);

/* The same without failing when there is none: NULL. */
const char *tree_optional_string(struct tree_reader *reader, json_object *object, const char *key);
json_object *tree_optional_field(struct tree_reader *reader, json_object *object, const char *key);

/* The INDEX-th of LIST, an object; the INDEX-th number of LIST; the INDEX-th string. KEY is LIST's,
 * for messages. */
json_object *tree_item(struct tree_reader *reader, json_object *list, size_t index,
		       const char *key);
uint64_t tree_item_number(struct tree_reader *reader, json_object *list, size_t index,
			  const char *key);
const char *tree_item_string(struct tree_reader *reader, json_object *list, size_t index,
			     const char *key);

struct tree_writer {
	bool is_out_of_memory;
};

/* Each adds VALUE, which is OBJECT's from then on, or new, and returns it; NULL when memory is out.
 * With KEY NULL, OBJECT is a list. */
json_object *tree_add(struct tree_writer *writer, json_object *object, const char *key,
		      json_object *value);
json_object *tree_add_object(struct tree_writer *writer, json_object *object, const char *key);
json_object *tree_add_list(struct tree_writer *writer, json_object *object, const char *key);
void tree_add_string(struct tree_writer *writer, json_object *object, const char *key,
		     const char *value);
void tree_add_number(struct tree_writer *writer, json_object *object, const char *key,
		     uint64_t value);
void tree_add_bool(struct tree_writer *writer, json_object *object, const char *key, bool value);

/* The text of OBJECT, which lives as long. Errors: MOTE_E_NOMEM, also if anything before was out of
 * it. */
mote_status tree_text(const struct tree_writer *writer, json_object *object, const char **text,
		      size_t *size, mote_error *err);

#endif
