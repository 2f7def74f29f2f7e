/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.h - JSON that an enemy may have written, read a field at a time with its type and bounds.
 *
 * The first field that is not what it should be fills the error; from then on everything that is
 * read is 0, "" or NULL, which all functions take, so that a reader checks once, at the end.
 * Fields that nobody asks for do not matter: newer writers may have added them. A field that is
 * asked for and is there twice is refused: readers would not agree which one counts.
 *
 * A tree is one piece of memory, whose size the text tells in advance. Why no library does this:
 * docs/snapshots.md.
 */
#ifndef STORE_TREE_H
#define STORE_TREE_H

#include "base/error.h"
#include "store/folder.h"

#include <mote/limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How deep files that are JSON may be. */
#define TREE_DEPTH 12

enum tree_type {
	TREE_NULL,
	TREE_FALSE,
	TREE_TRUE,
	TREE_NUMBER,
	TREE_STRING,
	TREE_LIST,
	TREE_OBJECT
};

/* A value. Strings have a NUL behind them, and may have others inside, which count. */
struct tree_node {
	enum tree_type type;
	uint32_t size; /* of a string or a number, its bytes; of a list or an object, its entries */
	const char *text; /* of a string, what it means; of a number, as it was written: no NUL */
	const char *key;  /* of a field, else NULL */
	uint32_t key_size;
	struct tree_node *first; /* of a list or an object */
	struct tree_node *next;  /* in the list or object that this is in */
};

struct tree {
	const struct host *host;
	void *memory; /* the nodes, and behind them what they point to; NULL: nothing was read */
	size_t memory_size;
	struct tree_node *root; /* an object */
};

struct tree_reader {
	const char *file; /* for messages: "index.json" */
	mote_error *err;
	mote_status status; /* MOTE_E_SNAPSHOT or MOTE_E_NOMEM from the first failure on */
};

/* Reads TEXT, with a NUL behind it, which the tree does not need any more then: TREE->root is NULL
 * when it fails, with MOTE_E_SNAPSHOT (no JSON, or too many values) or MOTE_E_NOMEM. */
void tree_parse(struct tree_reader *reader, struct tree *tree, const struct host *host,
		const struct text *text);

/* Frees what was read; a tree that is zero is fine, and it is zero afterwards. */
void tree_free(struct tree *tree);

/* Fails: KEY is not WANT ("a number"). */
void tree_refuse(struct tree_reader *reader, const char *key, const char *want);

/* Fails with BEFORE, FOUND, which a file says and is made fit to be shown, and AFTER. */
void tree_refuse_text(struct tree_reader *reader, const char *before, const char *found,
		      const char *after);

/* The fields of OBJECT. What they return lives as long as the tree. */
uint64_t tree_number(struct tree_reader *reader, const struct tree_node *object, const char *key,
		     uint64_t max);
bool tree_bool(struct tree_reader *reader, const struct tree_node *object, const char *key);
const char *tree_string(struct tree_reader *reader, const struct tree_node *object,
			const char *key);
struct tree_node *tree_field(struct tree_reader *reader, const struct tree_node *object,
			     const char *key);

/* A list of at most MAX entries, which are its ->first and their ->next. */
struct tree_node *tree_list(struct tree_reader *reader, const struct tree_node *object,
			    const char *key, size_t max, size_t *count);

/* The same without failing when there is none: NULL, or 0. */
uint64_t tree_optional_number(struct tree_reader *reader, const struct tree_node *object,
			      const char *key, uint64_t max);
const char *tree_optional_string(struct tree_reader *reader, const struct tree_node *object,
				 const char *key);
struct tree_node *tree_optional_field(struct tree_reader *reader, const struct tree_node *object,
				      const char *key);

/* ENTRY of a list, which must be a number, or a string. KEY is the list's, for messages. */
uint64_t tree_entry_number(struct tree_reader *reader, const struct tree_node *entry,
			   const char *key);
const char *tree_entry_string(struct tree_reader *reader, const struct tree_node *entry,
			      const char *key);

/* Fails unless ENTRY of the list KEY is an object. */
const struct tree_node *tree_entry(struct tree_reader *reader, const struct tree_node *entry,
				   const char *key);

/* The field KEY of OBJECT whatever its type, or NULL. */
struct tree_node *tree_find(const struct tree_node *object, const char *key);

/* Makes NODE, of any tree that lives as long, the last entry of TO. */
void tree_append(struct tree_node *to, struct tree_node *node);

/* Takes NODE, which is there, away from FROM. */
void tree_remove(struct tree_node *from, const struct tree_node *node);

#endif
