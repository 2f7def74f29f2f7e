/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes snapshots that somebody else wrote, by changes to real ones: fields, digests and blobs,
 * each consistent with the others, so that a test reaches the check that it is about.
 */
#define _GNU_SOURCE
#include "store/forge.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *forge_read(const struct box *box, const char *name, size_t *size)
{
	FILE *file = fopen(box_path(box, name), "rb");
	char *bytes = NULL;
	size_t used = 0, n;

	if (!file)
		return NULL;
	do {
		bytes = realloc(bytes, used + 65537);
		assert_non_null(bytes);
		n = fread(bytes + used, 1, 65536, file);
		used += n;
	} while (n > 0);
	fclose(file);
	bytes[used] = '\0';
	if (size)
		*size = used;
	return bytes;
}

void forge_write(const struct box *box, const char *name, const void *bytes, size_t size)
{
	FILE *file = fopen(box_path(box, name), "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static json_object *parse(const struct box *box, const char *name)
{
	char *text = forge_read(box, name, NULL);
	assert_non_null(text);
	json_object *tree = json_tokener_parse(text);
	assert_non_null(tree);
	free(text);
	return tree;
}

static char *blob_name(json_object *descriptor)
{
	const char *digest = json_object_get_string(json_object_object_get(descriptor, "digest"));
	char *name = NULL;

	assert_true(asprintf(&name, "blobs/sha256/%s", digest + 7) > 0);
	return name;
}

static json_object *first(json_object *tree, const char *key)
{
	return json_object_array_get_idx(json_object_object_get(tree, key), 0);
}

char *forge_manifest_name(const struct box *box)
{
	json_object *index = parse(box, "index.json");
	char *name = blob_name(first(index, "manifests"));

	json_object_put(index);
	return name;
}

static json_object *parse_manifest(const struct box *box)
{
	char *name = forge_manifest_name(box);
	json_object *tree = parse(box, name);

	free(name);
	return tree;
}

char *forge_config_name(const struct box *box)
{
	json_object *manifest = parse_manifest(box);
	char *name = blob_name(json_object_object_get(manifest, "config"));

	json_object_put(manifest);
	return name;
}

char *forge_memory_name(const struct box *box)
{
	json_object *manifest = parse_manifest(box);
	char *name = blob_name(first(manifest, "layers"));

	json_object_put(manifest);
	return name;
}

/* Adds a blob and has DESCRIPTOR say so. */
static void add_blob(const struct box *box, json_object *descriptor, const void *bytes, size_t size)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned length;
	char digest[80] = "sha256:", name[100];

	assert_int_equal(EVP_Digest(bytes, size, hash, &length, EVP_sha256(), NULL), 1);
	for (unsigned i = 0; i < length; i++)
		snprintf(digest + 7 + 2 * i, 3, "%02x", hash[i]);
	snprintf(name, sizeof name, "blobs/sha256/%s", digest + 7);
	forge_write(box, name, bytes, size);
	json_object_object_add(descriptor, "digest", json_object_new_string(digest));
	json_object_object_add(descriptor, "size", json_object_new_uint64(size));
}

void forge_manifest(const struct box *box, const void *bytes, size_t size)
{
	json_object *index = parse(box, "index.json");

	add_blob(box, first(index, "manifests"), bytes, size);
	const char *text = json_object_to_json_string(index);
	forge_write(box, "index.json", text, strlen(text));
	json_object_put(index);
}

void forge_config(const struct box *box, const void *bytes, size_t size)
{
	json_object *manifest = parse_manifest(box);

	add_blob(box, json_object_object_get(manifest, "config"), bytes, size);
	const char *text = json_object_to_json_string(manifest);
	forge_manifest(box, text, strlen(text));
	json_object_put(manifest);
}

/* What is put in the place of a node; NULL: nothing, it goes. */
static const char *const values[] = {
	NULL,
	"null",
	"true",
	"0",
	"1",
	"-1",
	"4096",
	"4294967296",
	"9223372036854775807",
	"9223372036854775808",
	"18446744073709551615",
	"18446744073709547520",
	"99999999999999999999999999",
	"1.5",
	"1e308",
	"\"\"",
	"\"x\"",
	"\"a\\u0000b\"",
	"\"\\u001b[2J\"",
	"\"sha256:../../../../../../../../../../etc/passwd\"",
	"\"0123456789012345678901234567890123456789012345678901234567890123456789"
	"0123456789012345678901234567890123456789012345678901234567890123456789\"",
	"[]",
	"[[]]",
	"[0]",
	"[1,2,3,4]",
	"{}",
	"{\"a\":{}}",
};
enum { NVALUES = sizeof values / sizeof values[0] };

/* The node to change, counted in the order of the text, and where it was found. */
struct walk {
	unsigned left;
	const char *value;
	char path[512];
	bool done;
};

static json_object *new_value(const char *text)
{
	return strcmp(text, "null") == 0 ? NULL : json_tokener_parse(text);
}

static void walk(struct walk *w, json_object *node);

static void walk_object(struct walk *w, json_object *node)
{
	json_object_object_foreach(node, key, child)
	{
		const size_t used = strlen(w->path);

		snprintf(w->path + used, sizeof w->path - used, ".%s", key);
		if (w->left-- == 0) {
			w->done = true;
			if (w->value)
				json_object_object_add(node, key, new_value(w->value));
			else
				json_object_object_del(node, key);
			return;
		}
		walk(w, child);
		if (w->done)
			return;
		w->path[used] = '\0';
	}
}

static void walk_array(struct walk *w, json_object *node)
{
	for (size_t i = 0; i < json_object_array_length(node); i++) {
		const size_t used = strlen(w->path);

		snprintf(w->path + used, sizeof w->path - used, "[%zu]", i);
		if (w->left-- == 0) {
			w->done = true;
			if (w->value)
				json_object_array_put_idx(node, i, new_value(w->value));
			else
				json_object_array_del_idx(node, i, 1);
			return;
		}
		walk(w, json_object_array_get_idx(node, i));
		if (w->done)
			return;
		w->path[used] = '\0';
	}
}

static void walk(struct walk *w, json_object *node)
{
	if (json_object_is_type(node, json_type_object))
		walk_object(w, node);
	else if (json_object_is_type(node, json_type_array))
		walk_array(w, node);
}

unsigned forge_each(const char *text,
		    void (*try)(void *user, const char *changed, const char *path), void *user)
{
	for (unsigned n = 0;; n++) {
		struct walk w = { .left = n / NVALUES, .value = values[n % NVALUES] };
		json_object *tree = json_tokener_parse(text);

		walk(&w, tree);
		if (!w.done) {
			json_object_put(tree);
			return n;
		}
		snprintf(w.path + strlen(w.path), sizeof w.path - strlen(w.path), "=%.60s",
			 w.value ? w.value : "(gone)");
		try(user, json_object_to_json_string(tree), w.path);
		json_object_put(tree);
	}
}
