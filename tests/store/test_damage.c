/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each field of each file of a snapshot with each wrong value, twice, or at the edges of what it may
 * be; files that nest, that are enormous, or that are damaged at random. All digests are
 * right. Each is refused by name, or harms only the guest that is in it.
 */
#define _GNU_SOURCE
#include "store/tree.h"
#include "store/tried.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One of the three files: its text as it was, and what puts another in its place. */
struct part {
	const char *name; /* as messages call it */
	char *(*file)(const struct box *box);
	void (*put)(const struct box *box, const void *bytes, size_t size);
};

static char *index_name(const struct box *box)
{
	(void)box;
	return strdup("index.json");
}

static void put_index(const struct box *box, const void *bytes, size_t size)
{
	forge_write(box, "index.json", bytes, size);
}

static const struct part parts[] = {
	{ "index", index_name, put_index },
	{ "manifest", forge_manifest_name, forge_manifest },
	{ "config", forge_config_name, forge_config },
};
enum { NPARTS = sizeof parts / sizeof parts[0] };

/* A saved snapshot, one of its files, and what became of changes to that. */
struct damage {
	struct box box;
	const struct part *part;
	char *text;
	struct tried tried;
};

static void damage_init(struct damage *d, struct guest *g, const struct part *part)
{
	box_init(&d->box, g);
	box_save(&d->box, "one");
	d->part = part;
	char *file = part->file(&d->box);
	d->text = forge_read(&d->box, file, NULL);
	d->tried = (struct tried){ .box = &d->box };
	free(file);
}

static void damage_try(struct damage *d, const void *bytes, size_t size, const char *path)
{
	d->part->put(&d->box, bytes, size);
	tried_use(&d->tried, path);
}

/* As it was, it works still. */
static void damage_fini(struct damage *d)
{
	const unsigned accepted = d->tried.accepted;

	damage_try(d, d->text, strlen(d->text), "unchanged");
	assert_int_equal(d->tried.accepted, accepted + 1);
	free(d->text);
	box_fini(&d->box);
}

static void try_changed(void *user, const char *changed, const char *path)
{
	damage_try(user, changed, strlen(changed), path);
}

static void each_field(struct guest *g, const struct part *part, unsigned accepted_at_most)
{
	struct damage d;

	if (!tried_concerns(g))
		return;
	damage_init(&d, g, part);
	d.tried.text = d.text;
	unsigned n = forge_each(d.text, try_changed, &d);
	assert_int_equal(d.tried.refused + d.tried.accepted, n);
	if (d.tried.accepted > accepted_at_most)
		fail_msg("%u of %u changes were accepted; at most %u", d.tried.accepted, n,
			 accepted_at_most);
	damage_fini(&d);
}

static void each_field_of_the_index_is_checked(struct guest *g)
{
	each_field(g, &parts[0], 60);
}

static void each_field_of_the_manifest_is_checked(struct guest *g)
{
	each_field(g, &parts[1], 300);
}

static void each_field_of_the_config_is_checked(struct guest *g)
{
	each_field(g, &parts[2], 1500);
}

/* TEXT with the SIZE bytes at AT replaced by NEW; to be freed. */
static char *replaced(const char *text, size_t at, size_t size, const char *new)
{
	char *changed;

	assert_true(asprintf(&changed, "%.*s%s%s", (int)at, text, new, text + at + size) > 0);
	return changed;
}

/* Each number a little less and more, at pages, and twice as large. */
static void each_number_is_tried_next_to_itself(struct guest *g)
{
	static const int64_t steps[] = { -1, 1, -4096, 4096, 4095, 2048 };
	struct damage d;

	if (!tried_concerns(g))
		return;
	for (size_t i = 0; i < NPARTS; i++) {
		damage_init(&d, g, &parts[i]);
		for (size_t at = 1; d.text[at]; at++) {
			if (!isdigit((unsigned char)d.text[at]) || !strchr(":[,", d.text[at - 1]))
				continue;
			size_t size = strspn(d.text + at, "0123456789");
			uint64_t value = strtoull(d.text + at, NULL, 10);
			for (size_t k = 0; k <= sizeof steps / sizeof steps[0]; k++) {
				char new[32], path[96];
				uint64_t other = k < sizeof steps / sizeof steps[0]
							 ? value + (uint64_t)steps[k]
							 : 2 * value;
				snprintf(new, sizeof new, "%lld", (long long)other);
				snprintf(path, sizeof path, "%s: byte %zu: %s", parts[i].name, at,
					 new);
				char *changed = replaced(d.text, at, size, new);
				damage_try(&d, changed, strlen(changed), path);
				free(changed);
			}
		}
		damage_fini(&d);
	}
}

/* Each field a second time, before the first, as something else. */
static void each_field_is_tried_twice(struct guest *g)
{
	static const char *const firsts[] = { "0,", "null,", "\"\",", "{}," };
	struct damage d;

	if (!tried_concerns(g))
		return;
	for (size_t i = 0; i < NPARTS; i++) {
		damage_init(&d, g, &parts[i]);
		for (const char *at = d.text; (at = strstr(at, "\":")); at += 2) {
			const char *key = at;
			while (key[-1] != '"')
				key--;
			for (size_t k = 0; k < sizeof firsts / sizeof firsts[0]; k++) {
				char twice[256];
				snprintf(twice, sizeof twice, "\"%.*s\":%s", (int)(at - key), key,
					 firsts[k]);
				char *changed =
					replaced(d.text, (size_t)(key - 1 - d.text), 0, twice);
				damage_try(&d, changed, strlen(changed), twice);
				free(changed);
			}
		}
		/* fields that nobody asks for may be there twice: four at most of each part */
		assert_in_range(d.tried.accepted, 0, 4 * sizeof firsts / sizeof firsts[0]);
		damage_fini(&d);
	}
}

/* TEXT with a field more, that nobody asks for: N times BEFORE, LAST, N times AFTER. */
static char *with_field(const char *text, const char *before, size_t n, const char *last,
			const char *after)
{
	size_t size = strlen(text) + n * (strlen(before) + strlen(after)) + 64;
	char *changed = malloc(size), *end;

	assert_non_null(changed);
	end = stpcpy(changed, "{\"x\":");
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, before);
	end = stpcpy(end, last);
	for (size_t i = 0; i < n; i++)
		end = stpcpy(end, after);
	*end++ = ',';
	stpcpy(end, text + 1);
	return changed;
}

static void files_that_nest_are_refused(struct guest *g)
{
	static const size_t depths[] = { 1, 5, 10, 11, 12, 13, 100, 10000, 1000000 };
	struct damage d;

	if (!tried_concerns(g))
		return;
	for (size_t i = 0; i < NPARTS; i++) {
		damage_init(&d, g, &parts[i]);
		for (size_t k = 0; k < sizeof depths / sizeof depths[0]; k++) {
			unsigned refused = d.tried.refused;
			char *lists = with_field(d.text, "[", depths[k], "0", "]");
			char *objects = with_field(d.text, "{\"y\":", depths[k], "0", "}");
			damage_try(&d, lists, strlen(lists), "lists");
			damage_try(&d, objects, strlen(objects), "objects");
			assert_int_equal(d.tried.refused - refused, depths[k] < TREE_DEPTH ? 0 : 2);
			free(lists);
			free(objects);
		}
		damage_fini(&d);
	}
}

/* Bytes of memory that this process had at most. */
static uint64_t peak_memory(void)
{
	char line[256];
	uint64_t peak = 0;
	FILE *file = fopen("/proc/self/status", "r");

	assert_non_null(file);
	while (fgets(line, sizeof line, file))
		if (strncmp(line, "VmHWM:", 6) == 0)
			peak = strtoull(line + 6, NULL, 10) * 1024;
	fclose(file);
	return peak;
}

/* As many values as a file can have, each of which takes up to 37 times its bytes. */
static void files_of_many_values_are_bounded(struct guest *g)
{
	static const char *const values[] = { "{}", "[]", "0", "\"\"", "{\"a\":0}" };
	struct damage d;

	if (!tried_concerns(g))
		return;
	for (size_t i = 0; i < NPARTS; i++) {
		damage_init(&d, g, &parts[i]);
		const uint64_t before = peak_memory();
		for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
			char list[16], last[16];
			snprintf(list, sizeof list, "%s,", values[k]);
			snprintf(last, sizeof last, "%s]", values[k]);
			size_t n = (MOTE_MAX_METADATA_SIZE - strlen(d.text) - 64) / strlen(list);
			char *many = with_field(d.text, list, n, last, "");
			memmove(many + 6, many + 5, strlen(many + 5) + 1);
			many[5] = '[';
			damage_try(&d, many, strlen(many), values[k]);
			free(many);
		}
		assert_int_equal(d.tried.refused, 2); /* of {} and [] there is room for most */
		assert_in_range(peak_memory() - before, 0,
				(IS_SANITIZED ? 4 : 1) * MOTE_MAX_METADATA_MEMORY + (64 << 20));
		damage_fini(&d);
	}
}

/* xorshift64: the seed is in each failure's message, so that it can be repeated. */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One wrong byte, one that is missing or too much, a piece of the text in another place, a number
 * that is another. */
static void damage_at_random(char *text, size_t *size, size_t capacity, uint64_t *random)
{
	size_t at = next_random(random) % *size, from = next_random(random) % *size;
	size_t length = next_random(random) % 24;

	switch (next_random(random) % 5) {
	case 0:
		text[at] = (char)next_random(random);
		break;
	case 1:
		memmove(text + at, text + at + 1, *size - at - 1);
		--*size;
		break;
	case 2:
		if (*size + 1 > capacity)
			break;
		memmove(text + at + 1, text + at, *size - at);
		text[at] = "{}[]\",:0\\-"[next_random(random) % 10];
		++*size;
		break;
	case 3:
		if (length > *size - at)
			length = *size - at;
		if (length > *size - from)
			length = *size - from;
		memmove(text + at, text + from, length);
		break;
	case 4:
		while (at < *size && !isdigit((unsigned char)text[at]))
			at++;
		if (at < *size)
			text[at] = (char)('0' + next_random(random) % 10);
		break;
	}
}

static void random_damage_is_survived(struct guest *g)
{
	const char *given = getenv("MOTE_TEST_SEED");
	const uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x9e3779b97f4a7c15);
	uint64_t random = seed ? seed : 1;
	struct damage d;

	if (!tried_concerns(g))
		return;
	for (size_t i = 0; i < NPARTS; i++) {
		damage_init(&d, g, &parts[i]);
		const size_t capacity = strlen(d.text) + 16;
		char *text = malloc(capacity + 1);
		for (unsigned n = 0; n < rounds(1000); n++) {
			char what[96];
			size_t size = strlen(d.text);
			memcpy(text, d.text, size + 1);
			for (uint64_t k = next_random(&random) % 4 + 1; k; k--)
				damage_at_random(text, &size, capacity, &random);
			snprintf(what, sizeof what, "MOTE_TEST_SEED=%llu: %s %u",
				 (unsigned long long)seed, parts[i].name, n);
			damage_try(&d, text, size, what);
		}
		free(text);
		damage_fini(&d);
	}
}

static const struct row rows[] = {
	{ "each field of the index is checked", "state", each_field_of_the_index_is_checked, NULL,
	  false },
	{ "each field of the manifest is checked", "state", each_field_of_the_manifest_is_checked,
	  NULL, false },
	{ "each field of the config is checked", "state", each_field_of_the_config_is_checked, NULL,
	  false },
	{ "each number is tried next to itself", "state", each_number_is_tried_next_to_itself, NULL,
	  false },
	{ "each field is tried twice", "state", each_field_is_tried_twice, NULL, false },
	{ "files that nest are refused", "state", files_that_nest_are_refused, NULL, false },
	{ "files of many values are bounded", "state", files_of_many_values_are_bounded, NULL,
	  false },
	{ "random damage is survived", "state", random_damage_is_survived, NULL, false },
};

int main(void)
{
	return harness_main(rows, sizeof rows / sizeof rows[0]);
}
