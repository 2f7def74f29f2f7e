/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of JSON, by json-c, which is asked to be strict.
 */
#include "store/tree.h"

#include "base/text.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void fail(struct tree_reader *reader, mote_status status)
{
	if (!reader->status)
		reader->status = status;
}

void tree_refuse(struct tree_reader *reader, const char *key, const char *want)
{
	if (!reader->status)
		fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s: \"%s\" is not %s",
				       reader->file, key, want));
}

void tree_refuse_text(struct tree_reader *reader, const char *before, const char *found,
		      const char *after)
{
	char shown[96];

	if (reader->status)
		return;
	text_escape(shown, sizeof shown, found, strlen(found));
	fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s\"%s\"%s", before, shown, after));
}

/*
 * What json-c 0.16 takes for each value: lists and objects, which have room in advance, and
 * whatever stands before a comma or behind a colon. A file of 8 MiB could become 2 GiB.
 */
enum { OBJECT_COST = 768, LIST_COST = 160, VALUE_COST = 88 };

/* At most so many bytes of memory are needed for TEXT, whether it is JSON or not. */
static uint64_t cost_of(const struct text *text)
{
	uint64_t cost = 2 * (uint64_t)text->size; /* strings, and one that is still growing */
	bool is_string = false;

	for (size_t i = 0; i < text->size; i++) {
		const char c = text->bytes[i];
		if (c == '"')
			is_string = !is_string;
		else if (is_string)
			i += c == '\\';
		else if (c == '{')
			cost += OBJECT_COST;
		else if (c == '[')
			cost += LIST_COST;
		else if (c == ',' || c == ':')
			cost += VALUE_COST;
	}
	return cost;
}

static bool is_affordable(struct tree_reader *reader, const struct text *text)
{
	const uint64_t cost = cost_of(text);

	if (cost > MOTE_MAX_METADATA_MEMORY)
		fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT,
				       "%s: has so many values that they would take %" PRIu64
				       " bytes of memory; the limit is %" PRIu64,
				       reader->file, cost, MOTE_MAX_METADATA_MEMORY));
	return cost <= MOTE_MAX_METADATA_MEMORY;
}

json_object *tree_parse(struct tree_reader *reader, const struct text *text)
{
	if (!is_affordable(reader, text))
		return NULL;
	struct json_tokener *tokener = json_tokener_new_ex(TREE_DEPTH);
	json_object *object = NULL;

	if (!tokener) {
		fail(reader, error_nomem(reader->err, reader->file, text->size));
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	/* with the NUL, or it would wait for more of a number or a blank */
	object = json_tokener_parse_ex(tokener, text->bytes, (int)text->size + 1);
	enum json_tokener_error error = json_tokener_get_error(tokener);
	size_t end = json_tokener_get_parse_end(tokener);

	if (error != json_tokener_success)
		fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s: no JSON at byte %zu: %s",
				       reader->file, end, json_tokener_error_desc(error)));
	else if (end < text->size || !json_object_is_type(object, json_type_object))
		fail(reader,
		     error_set(reader->err, MOTE_E_SNAPSHOT,
			       "%s: is not one JSON object and nothing else", reader->file));
	json_tokener_free(tokener);
	if (reader->status) {
		json_object_put(object);
		return NULL;
	}
	return object;
}

/* The field, of whatever type; NULL and not *FOUND if there is none. */
static json_object *look(struct tree_reader *reader, json_object *object, const char *key,
			 bool *found)
{
	json_object *value = NULL;

	*found = !reader->status && json_object_is_type(object, json_type_object) &&
		 json_object_object_get_ex(object, key, &value);
	return value;
}

static json_object *need(struct tree_reader *reader, json_object *object, const char *key,
			 enum json_type type, const char *want)
{
	bool found;
	json_object *value = look(reader, object, key, &found);

	if (found && json_object_is_type(value, type))
		return value;
	if (found)
		tree_refuse(reader, key, want);
	else if (!reader->status)
		fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s: \"%s\" is missing",
				       reader->file, key));
	return NULL;
}

/* A number from 0 to MAX; one that is none, or out of range, fails. */
static uint64_t number(struct tree_reader *reader, json_object *value, const char *key,
		       uint64_t max)
{
	if (!value || reader->status)
		return 0;
	const uint64_t found = json_object_get_uint64(value);

	if (json_object_get_int64(value) >= 0 && found <= max)
		return found;
	fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT,
			       "%s: \"%s\" is %s; it must be from 0 to %" PRIu64, reader->file, key,
			       json_object_to_json_string(value), max));
	return 0;
}

uint64_t tree_number(struct tree_reader *reader, json_object *object, const char *key, uint64_t max)
{
	return number(reader, need(reader, object, key, json_type_int, "a whole number"), key, max);
}

bool tree_bool(struct tree_reader *reader, json_object *object, const char *key)
{
	return json_object_get_boolean(
		need(reader, object, key, json_type_boolean, "true or false"));
}

/* A string without a NUL inside. */
static const char *string(struct tree_reader *reader, json_object *value, const char *key)
{
	if (!value || reader->status)
		return "";
	const char *text = json_object_get_string(value);

	if (text && strlen(text) == (size_t)json_object_get_string_len(value))
		return text;
	tree_refuse(reader, key, "text without NUL bytes");
	return "";
}

const char *tree_string(struct tree_reader *reader, json_object *object, const char *key)
{
	return string(reader, need(reader, object, key, json_type_string, "a string"), key);
}

json_object *tree_field(struct tree_reader *reader, json_object *object, const char *key)
{
	return need(reader, object, key, json_type_object, "an object");
}

json_object *tree_list(struct tree_reader *reader, json_object *object, const char *key, size_t max,
		       size_t *count)
{
	json_object *list = need(reader, object, key, json_type_array, "a list");

	*count = list ? json_object_array_length(list) : 0;
	if (*count <= max)
		return list;
	fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT,
			       "%s: \"%s\" has %zu entries; %zu are the most that it may have",
			       reader->file, key, *count, max));
	*count = 0;
	return NULL;
}

const char *tree_optional_string(struct tree_reader *reader, json_object *object, const char *key)
{
	bool found;

	look(reader, object, key, &found);
	return found ? tree_string(reader, object, key) : NULL;
}

json_object *tree_optional_field(struct tree_reader *reader, json_object *object, const char *key)
{
	bool found;

	look(reader, object, key, &found);
	return found ? tree_field(reader, object, key) : NULL;
}

static json_object *item(struct tree_reader *reader, json_object *list, size_t index,
			 const char *key, enum json_type type, const char *want)
{
	json_object *value =
		list && !reader->status ? json_object_array_get_idx(list, index) : NULL;

	if (json_object_is_type(value, type))
		return value;
	tree_refuse(reader, key, want);
	return NULL;
}

json_object *tree_item(struct tree_reader *reader, json_object *list, size_t index, const char *key)
{
	return item(reader, list, index, key, json_type_object, "a list of objects");
}

uint64_t tree_item_number(struct tree_reader *reader, json_object *list, size_t index,
			  const char *key)
{
	return number(reader,
		      item(reader, list, index, key, json_type_int,
			   "a list of as many whole numbers as it should"),
		      key, INT64_MAX);
}

const char *tree_item_string(struct tree_reader *reader, json_object *list, size_t index,
			     const char *key)
{
	return string(reader, item(reader, list, index, key, json_type_string, "a list of strings"),
		      key);
}

json_object *tree_add(struct tree_writer *writer, json_object *object, const char *key,
		      json_object *value)
{
	if (value && object &&
	    (key ? json_object_object_add(object, key, value)
		 : json_object_array_add(object, value)) == 0)
		return value;
	json_object_put(value);
	writer->is_out_of_memory = true;
	return NULL;
}

json_object *tree_add_object(struct tree_writer *writer, json_object *object, const char *key)
{
	return tree_add(writer, object, key, json_object_new_object());
}

json_object *tree_add_list(struct tree_writer *writer, json_object *object, const char *key)
{
	return tree_add(writer, object, key, json_object_new_array());
}

void tree_add_string(struct tree_writer *writer, json_object *object, const char *key,
		     const char *value)
{
	tree_add(writer, object, key, json_object_new_string(value));
}

void tree_add_number(struct tree_writer *writer, json_object *object, const char *key,
		     uint64_t value)
{
	tree_add(writer, object, key, json_object_new_uint64(value));
}

void tree_add_bool(struct tree_writer *writer, json_object *object, const char *key, bool value)
{
	tree_add(writer, object, key, json_object_new_boolean(value));
}

mote_status tree_text(const struct tree_writer *writer, json_object *object, const char **text,
		      size_t *size, mote_error *err)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;

	*text = writer->is_out_of_memory ? NULL
					 : json_object_to_json_string_length(object, flags, size);
	return *text ? MOTE_OK : error_nomem(err, "the description of a snapshot", 0);
}
