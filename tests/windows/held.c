/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kit/held.h for Windows: one short table of everything that was handed out.
 */
#include "tests/kit/held.h"

#include "tests/windows/books.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THINGS_MAX 64

static struct {
	pthread_mutex_t lock;
	struct {
		const void *thing;
		size_t size;
		const char *who;
	} things[THINGS_MAX];
	char sentence[128];
} books = { .lock = PTHREAD_MUTEX_INITIALIZER };

void held_forget(void)
{
	pthread_mutex_lock(&books.lock);
	memset(books.things, 0, sizeof books.things);
	pthread_mutex_unlock(&books.lock);
}

/* The line of THING; NULL finds a free one. */
static size_t line_of(const void *thing)
{
	size_t i = 0;

	while (i < THINGS_MAX && books.things[i].thing != thing)
		i++;
	return i;
}

void books_take(const void *thing, size_t size, const char *who)
{
	pthread_mutex_lock(&books.lock);
	size_t i = line_of(NULL);
	if (i < THINGS_MAX) {
		books.things[i].thing = thing;
		books.things[i].size = size;
		books.things[i].who = who;
	}
	pthread_mutex_unlock(&books.lock);
	if (i == THINGS_MAX)
		fail_msg("more than %d things are held", THINGS_MAX);
}

void books_give_back(const void *thing, size_t size)
{
	pthread_mutex_lock(&books.lock);
	size_t i = line_of(thing);
	bool right = i < THINGS_MAX && books.things[i].size == size;
	if (right)
		books.things[i].thing = NULL;
	pthread_mutex_unlock(&books.lock);
	if (!right)
		fail_msg("%p with %zu bytes is given back, which nobody got", thing, size);
}

const char *held_first(void)
{
	const char *sentence = NULL;

	pthread_mutex_lock(&books.lock);
	for (size_t i = 0; i < THINGS_MAX && !sentence; i++)
		if (books.things[i].thing) {
			snprintf(books.sentence, sizeof books.sentence,
				 "%p from %s was not given back", books.things[i].thing,
				 books.things[i].who);
			sentence = books.sentence;
		}
	pthread_mutex_unlock(&books.lock);
	return sentence;
}

/* What runs here never lets an allocation grow. */
void *held_realloc(void *ptr, size_t old_size, size_t new_size)
{
	if (ptr)
		books_give_back(ptr, old_size);
	free(ptr);
	void *fresh = new_size ? malloc(new_size) : NULL;
	if (fresh) {
		memset(fresh, 0xab, new_size);
		books_take(fresh, new_size, "realloc");
	}
	return fresh;
}
