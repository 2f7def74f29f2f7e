/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds the name nearest to a mistyped one: by letters to insert, delete or replace, where
 * another case costs nothing. With more than a third of its letters changed it is another word.
 */
#include "suggest.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define NAME_MAX_LENGTH 63 /* of functions; longer words get no suggestion */

struct suggestion suggestion_for(const char *typed)
{
	return (struct suggestion){ .typed = typed,
				    .distance = (unsigned)(strlen(typed) + 1) / 3 + 1 };
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;
	return ab < c ? ab : c;
}

/* Levenshtein's distance, one row of the table at a time. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_LENGTH + 1];
	size_t length = strlen(b);

	for (unsigned j = 0; j <= length; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1]; i++) {
		unsigned diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			unsigned above = row[j];
			bool differ = tolower((unsigned char)a[i - 1]) !=
				      tolower((unsigned char)b[j - 1]);
			row[j] = least(above + 1, row[j - 1] + 1, diagonal + differ);
			diagonal = above;
		}
	}
	return row[length];
}

void suggestion_offer(struct suggestion *suggestion, const char *name)
{
	if (strlen(suggestion->typed) > NAME_MAX_LENGTH || strlen(name) > NAME_MAX_LENGTH)
		return;
	unsigned found = distance(suggestion->typed, name);
	if (found < suggestion->distance) {
		suggestion->best = name;
		suggestion->distance = found;
	}
}
