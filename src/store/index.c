/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index of a directory. It is kept as the tree that it was read as, so that what is not ours in
 * it is written back as it was.
 */
#include "store/index.h"

#include "store/descriptor.h"
#include "store/folder_internal.h"
#include "store/media_types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define LAYOUT_VERSION "1.0.0"

static mote_status check_layout_file(const struct folder *folder, mote_error *err)
{
	struct tree_reader reader = { .file = LAYOUT_FILE, .err = err };
	struct text text;
	mote_status status = folder_read(folder, LAYOUT_FILE, 4096, &text, err);

	if (status)
		return status;
	if (!text.bytes)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "is no image layout: the file " LAYOUT_FILE " is missing");
	json_object *tree = tree_parse(&reader, &text);
	const char *version = tree_string(&reader, tree, "imageLayoutVersion");
	if (!reader.status && strcmp(version, LAYOUT_VERSION) != 0)
		tree_refuse_text(&reader, "is an image layout of version ", version,
				 "; this library knows " LAYOUT_VERSION);
	json_object_put(tree);
	text_free(&text, folder->host);
	return reader.status;
}

static mote_status make_empty(struct index *index, mote_error *err)
{
	struct tree_writer writer = { false };

	index->tree = json_object_new_object();
	tree_add_number(&writer, index->tree, "schemaVersion", 2);
	tree_add_string(&writer, index->tree, "mediaType", MEDIA_TYPE_INDEX);
	index->manifests = tree_add_list(&writer, index->tree, "manifests");
	if (!writer.is_out_of_memory)
		return MOTE_OK;
	index_free(index);
	return error_nomem(err, "an index", 0);
}

static mote_status parse(struct index *index, const struct text *text, mote_error *err)
{
	struct tree_reader reader = { .file = INDEX_FILE, .err = err };

	index->tree = tree_parse(&reader, text);
	uint64_t version = tree_number(&reader, index->tree, "schemaVersion", INT32_MAX);
	index->manifests = tree_list(&reader, index->tree, "manifests", MOTE_MAX_STORED_SNAPSHOTS,
				     &index->count);
	if (!reader.status && version != 2)
		reader.status = error_set(err, MOTE_E_SNAPSHOT,
					  INDEX_FILE ": \"schemaVersion\" is %d; this library "
						     "knows 2",
					  (int)version);
	if (reader.status)
		index_free(index);
	return reader.status;
}

mote_status index_read(struct index *index, const struct folder *folder, bool may_be_missing,
		       mote_error *err)
{
	struct text text;

	*index = (struct index){ 0 };
	mote_status status = check_layout_file(folder, err);
	if (!status)
		status = folder_read(folder, INDEX_FILE, MOTE_MAX_METADATA_SIZE, &text, err);
	if (status)
		return status;
	if (text.bytes)
		status = parse(index, &text, err);
	else if (may_be_missing)
		status = make_empty(index, err);
	else
		status = error_set(err, MOTE_E_SNAPSHOT,
				   "is no image layout: the file " INDEX_FILE " is missing");
	text_free(&text, folder->host);
	return status;
}

void index_free(struct index *index)
{
	json_object_put(index->tree);
	*index = (struct index){ 0 };
}

mote_status index_entry(const struct index *index, size_t number, struct index_entry *out,
			mote_error *err)
{
	struct tree_reader reader = { .file = INDEX_FILE, .err = err };
	json_object *entry = tree_item(&reader, index->manifests, number, "manifests");

	*out = (struct index_entry){ 0 };
	const char *type = tree_string(&reader, entry, "mediaType");
	out->is_manifest = strcmp(type, MEDIA_TYPE_MANIFEST) == 0;
	if (reader.status || !out->is_manifest)
		return reader.status;
	out->manifest = descriptor_read(&reader, entry, NULL);
	out->tag = tree_optional_string(&reader, tree_optional_field(&reader, entry, "annotations"),
					ANNOTATION_TAG);
	return reader.status;
}

/* Appends to a list of tags in a message, as far as there is room. */
static void name_tag(char *list, size_t size, const char *tag)
{
	const size_t used = strlen(list);

	if (used + strlen(tag) + 8 < size)
		snprintf(list + used, size - used, "%s\"%s\"", used ? ", " : "", tag);
}

mote_status index_find(const struct index *index, const char *tag_or_digest, struct blob *out,
		       mote_error *err)
{
	char tags[200] = "";
	struct digest digest;
	const bool is_digest = digest_parse(&digest, tag_or_digest);

	for (size_t i = 0; i < index->count; i++) {
		struct index_entry entry;
		mote_status status = index_entry(index, i, &entry, err);

		if (status)
			return status;
		*out = entry.manifest;
		if (!entry.is_manifest)
			continue;
		if (is_digest ? strcmp(entry.manifest.digest.text, digest.text) == 0
			      : entry.tag && strcmp(entry.tag, tag_or_digest) == 0)
			return MOTE_OK;
		if (entry.tag && tag_is_valid(entry.tag))
			name_tag(tags, sizeof tags, entry.tag);
	}
	return error_set(err, MOTE_E_INVALID, "has no snapshot \"%.80s\"; it has %s", tag_or_digest,
			 *tags ? tags : "none");
}

static json_object *annotations_of(json_object *entry)
{
	return json_object_object_get(entry, "annotations");
}

/* Another entry of the manifest of the entry NUMBER: not of another kind of thing, which may say
 * that it has the same digest. */
static bool is_listed_twice(const struct index *index, size_t number, const struct blob *blob)
{
	struct index_entry entry;

	for (size_t i = 0; i < index->count; i++)
		if (i != number && !index_entry(index, i, &entry, NULL) && entry.is_manifest &&
		    strcmp(entry.manifest.digest.text, blob->digest.text) == 0)
			return true;
	return false;
}

/* Takes TAG away from whatever has it. What is left has no tag, and stays, once. */
static mote_status take_away(struct index *index, const char *tag, mote_error *err)
{
	for (size_t i = 0; i < index->count; i++) {
		json_object *object = json_object_array_get_idx(index->manifests, i);
		struct index_entry entry;
		mote_status status = index_entry(index, i, &entry, err);

		if (status)
			return status;
		if (!entry.tag || strcmp(entry.tag, tag) != 0)
			continue;
		if (is_listed_twice(index, i, &entry.manifest)) {
			json_object_array_del_idx(index->manifests, i--, 1);
			index->count--;
		} else {
			json_object_object_del(annotations_of(object), ANNOTATION_TAG);
		}
	}
	return MOTE_OK;
}

/* An entry of MANIFEST that has no tag; NULL if there is none. */
static mote_status find_untagged(const struct index *index, const struct blob *manifest,
				 json_object **out, mote_error *err)
{
	*out = NULL;
	for (size_t i = 0; i < index->count; i++) {
		struct index_entry entry;
		mote_status status = index_entry(index, i, &entry, err);

		if (status)
			return status;
		if (entry.is_manifest && !entry.tag &&
		    strcmp(entry.manifest.digest.text, manifest->digest.text) == 0)
			*out = json_object_array_get_idx(index->manifests, i);
	}
	return MOTE_OK;
}

mote_status index_set(struct index *index, const char *tag, const struct blob *manifest,
		      mote_error *err)
{
	struct tree_writer writer = { false };
	json_object *entry;
	mote_status status = take_away(index, tag, err);

	if (!status)
		status = find_untagged(index, manifest, &entry, err);
	if (status)
		return status;
	if (!entry) {
		if (index->count == MOTE_MAX_STORED_SNAPSHOTS)
			return error_set(err, MOTE_E_LIMIT,
					 "has %d snapshots already, which is the most",
					 MOTE_MAX_STORED_SNAPSHOTS);
		entry = descriptor_add(&writer, index->manifests, NULL, MEDIA_TYPE_MANIFEST,
				       manifest);
		index->count++;
	}
	if (entry && !annotations_of(entry))
		tree_add_object(&writer, entry, "annotations");
	tree_add_string(&writer, entry ? annotations_of(entry) : NULL, ANNOTATION_TAG, tag);
	return writer.is_out_of_memory ? error_nomem(err, "an index", 0) : MOTE_OK;
}

mote_status index_write(const struct index *index, const struct folder *folder, mote_error *err)
{
	const struct tree_writer writer = { false };
	const char *text;
	size_t size;
	mote_status status = tree_text(&writer, index->tree, &text, &size, err);

	if (!status && size > MOTE_MAX_METADATA_SIZE)
		status = error_set(err, MOTE_E_LIMIT,
				   INDEX_FILE " would have %zu bytes; at most %" PRIu64, size,
				   MOTE_MAX_METADATA_SIZE);
	return status ? status : folder_write(folder, INDEX_FILE, text, size, err);
}
