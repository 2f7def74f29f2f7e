/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fields of a tree: each is looked for where it must be, and compared with what it must be.
 */
#include "store/tree.h"

#include "base/text.h"

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

static bool is_called(const struct tree_node *field, const char *key)
{
	return field->key_size == strlen(key) && memcmp(field->key, key, field->key_size) == 0;
}

/* The first of FIELD and those behind it that is KEY. */
static struct tree_node *next_called(struct tree_node *field, const char *key)
{
	while (field && !is_called(field, key))
		field = field->next;
	return field;
}

struct tree_node *tree_find(const struct tree_node *object, const char *key)
{
	return object && object->type == TREE_OBJECT ? next_called(object->first, key) : NULL;
}

/* The field, of whatever type; NULL if there is none, or there are two. */
static struct tree_node *look(struct tree_reader *reader, const struct tree_node *object,
			      const char *key)
{
	struct tree_node *field = reader->status ? NULL : tree_find(object, key);

	if (!field || !next_called(field->next, key))
		return field;
	fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s: \"%s\" is there twice",
			       reader->file, key));
	return NULL;
}

static bool is_type(const struct tree_node *value, enum tree_type type)
{
	return value && value->type == type;
}

static struct tree_node *need(struct tree_reader *reader, const struct tree_node *object,
			      const char *key, enum tree_type type, const char *want)
{
	struct tree_node *value = look(reader, object, key);

	if (is_type(value, type))
		return value;
	if (value)
		tree_refuse(reader, key, want);
	else if (!reader->status)
		fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT, "%s: \"%s\" is missing",
				       reader->file, key));
	return NULL;
}

/* Whether VALUE, a number, is from 0 to MAX; *IS_WHOLE: it has digits only, but for a sign. */
static bool is_within(const struct tree_node *value, uint64_t max, uint64_t *number, bool *is_whole)
{
	const bool is_negative = value->text[0] == '-';
	bool is_small = !is_negative;

	*number = 0;
	*is_whole = true;
	for (uint32_t i = is_negative; i < value->size; i++) {
		const unsigned digit = (unsigned)(value->text[i] - '0');

		*is_whole = digit <= 9;
		if (!*is_whole)
			return false;
		is_small = is_small && !__builtin_mul_overflow(*number, 10, number) &&
			   !__builtin_add_overflow(*number, digit, number);
	}
	return is_small && *number <= max;
}

/* A number from 0 to MAX; one that is none, or out of range, fails. */
static uint64_t number(struct tree_reader *reader, const struct tree_node *value, const char *key,
		       const char *want, uint64_t max)
{
	uint64_t found;
	bool is_whole;

	if (!value || reader->status)
		return 0;
	if (is_within(value, max, &found, &is_whole))
		return found;
	if (!is_whole)
		tree_refuse(reader, key, want);
	else
		fail(reader,
		     error_set(reader->err, MOTE_E_SNAPSHOT,
			       "%s: \"%s\" is %.*s; it must be from 0 to %" PRIu64, reader->file,
			       key, value->size < 40 ? (int)value->size : 40, value->text, max));
	return 0;
}

uint64_t tree_number(struct tree_reader *reader, const struct tree_node *object, const char *key,
		     uint64_t max)
{
	static const char want[] = "a whole number";

	return number(reader, need(reader, object, key, TREE_NUMBER, want), key, want, max);
}

bool tree_bool(struct tree_reader *reader, const struct tree_node *object, const char *key)
{
	const struct tree_node *value = look(reader, object, key);
	const bool is_true = is_type(value, TREE_TRUE);

	if (!is_true)
		need(reader, object, key, TREE_FALSE, "true or false");
	return is_true;
}

/* A string without a NUL inside. */
static const char *string(struct tree_reader *reader, const struct tree_node *value,
			  const char *key)
{
	if (!value || reader->status)
		return "";
	if (!memchr(value->text, '\0', value->size))
		return value->text;
	tree_refuse(reader, key, "text without NUL bytes");
	return "";
}

const char *tree_string(struct tree_reader *reader, const struct tree_node *object, const char *key)
{
	return string(reader, need(reader, object, key, TREE_STRING, "a string"), key);
}

struct tree_node *tree_field(struct tree_reader *reader, const struct tree_node *object,
			     const char *key)
{
	return need(reader, object, key, TREE_OBJECT, "an object");
}

struct tree_node *tree_list(struct tree_reader *reader, const struct tree_node *object,
			    const char *key, size_t max, size_t *count)
{
	struct tree_node *list = need(reader, object, key, TREE_LIST, "a list");

	*count = list ? list->size : 0;
	if (*count <= max)
		return list;
	fail(reader, error_set(reader->err, MOTE_E_SNAPSHOT,
			       "%s: \"%s\" has %zu entries; %zu are the most that it may have",
			       reader->file, key, *count, max));
	*count = 0;
	return NULL;
}

uint64_t tree_optional_number(struct tree_reader *reader, const struct tree_node *object,
			      const char *key, uint64_t max)
{
	return look(reader, object, key) ? tree_number(reader, object, key, max) : 0;
}

const char *tree_optional_string(struct tree_reader *reader, const struct tree_node *object,
				 const char *key)
{
	return look(reader, object, key) ? tree_string(reader, object, key) : NULL;
}

struct tree_node *tree_optional_field(struct tree_reader *reader, const struct tree_node *object,
				      const char *key)
{
	return look(reader, object, key) ? tree_field(reader, object, key) : NULL;
}

uint64_t tree_entry_number(struct tree_reader *reader, const struct tree_node *entry,
			   const char *key)
{
	static const char want[] = "a list of as many whole numbers as it should";

	if (is_type(entry, TREE_NUMBER))
		return number(reader, entry, key, want, INT64_MAX);
	tree_refuse(reader, key, want);
	return 0;
}

const char *tree_entry_string(struct tree_reader *reader, const struct tree_node *entry,
			      const char *key)
{
	if (is_type(entry, TREE_STRING))
		return string(reader, entry, key);
	tree_refuse(reader, key, "a list of strings");
	return "";
}

const struct tree_node *tree_entry(struct tree_reader *reader, const struct tree_node *entry,
				   const char *key)
{
	if (!reader->status && is_type(entry, TREE_OBJECT))
		return entry;
	tree_refuse(reader, key, "a list of objects");
	return NULL;
}

/* Where NODE hangs, or with NULL, where the next one would. */
static struct tree_node **place_of(struct tree_node *in, const struct tree_node *node)
{
	struct tree_node **place = &in->first;

	while (*place != node)
		place = &(*place)->next;
	return place;
}

void tree_append(struct tree_node *to, struct tree_node *node)
{
	*place_of(to, NULL) = node;
	node->next = NULL;
	to->size++;
}

void tree_remove(struct tree_node *from, const struct tree_node *node)
{
	*place_of(from, node) = node->next;
	from->size--;
}
