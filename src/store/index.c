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
#define EMPTY_INDEX    "{\"schemaVersion\":2,\"mediaType\":\"" MEDIA_TYPE_INDEX "\",\"manifests\":[]}"

static mote_status check_layout_file(const struct folder *folder, mote_error *err)
{
	struct tree_reader reader = { .file = LAYOUT_FILE, .err = err };
	struct tree tree;
	struct text text;
	mote_status status = folder_read(folder, LAYOUT_FILE, 4096, &text, err);

	if (status)
		return status;
	if (!text.bytes)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "is no image layout: the file " LAYOUT_FILE " is missing");
	tree_parse(&reader, &tree, folder->host, &text);
	text_free(&text, folder->host);
	const char *version = tree_string(&reader, tree.root, "imageLayoutVersion");
	if (!reader.status && strcmp(version, LAYOUT_VERSION) != 0)
		tree_refuse_text(&reader, "is an image layout of version ", version,
				 "; this library knows " LAYOUT_VERSION);
	tree_free(&tree);
	return reader.status;
}

static mote_status parse(struct index *index, const struct folder *folder, const struct text *text,
			 mote_error *err)
{
	struct tree_reader reader = { .file = INDEX_FILE, .err = err };

	tree_parse(&reader, &index->tree, folder->host, text);
	uint64_t version = tree_number(&reader, index->tree.root, "schemaVersion", INT32_MAX);
	index->manifests = tree_list(&reader, index->tree.root, "manifests",
				     MOTE_MAX_STORED_SNAPSHOTS, &index->count);
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
	static char empty_text[] = EMPTY_INDEX;
	static const struct text empty = { empty_text, sizeof empty_text - 1 };
	struct text text;

	*index = (struct index){ 0 };
	mote_status status = check_layout_file(folder, err);
	if (!status)
		status = folder_read(folder, INDEX_FILE, MOTE_MAX_METADATA_SIZE, &text, err);
	if (status)
		return status;
	if (!text.bytes && !may_be_missing)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "is no image layout: the file " INDEX_FILE " is missing");
	status = parse(index, folder, text.bytes ? &text : &empty, err);
	text_free(&text, folder->host);
	return status;
}

void index_free(struct index *index)
{
	tree_free(&index->tree);
	tree_free(&index->added);
	*index = (struct index){ 0 };
}

const struct tree_node *index_first(const struct index *index)
{
	return index->count ? index->manifests->first : NULL;
}

mote_status index_entry(const struct tree_node *node, struct index_entry *out, mote_error *err)
{
	struct tree_reader reader = { .file = INDEX_FILE, .err = err };
	const struct tree_node *entry = tree_entry(&reader, node, "manifests");

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

	for (const struct tree_node *node = index_first(index); node; node = node->next) {
		struct index_entry entry;
		mote_status status = index_entry(node, &entry, err);

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

/* Another entry of the manifest of the entry NODE: not of another kind of thing, which may say that
 * it has the same digest. */
static bool is_listed_twice(const struct index *index, const struct tree_node *node,
			    const struct blob *blob)
{
	struct index_entry entry;

	for (const struct tree_node *other = index_first(index); other; other = other->next)
		if (other != node && !index_entry(other, &entry, NULL) && entry.is_manifest &&
		    strcmp(entry.manifest.digest.text, blob->digest.text) == 0)
			return true;
	return false;
}

/* Takes TAG away from whatever has it. What is left has no tag, and stays, once. */
static mote_status take_away(struct index *index, const char *tag, mote_error *err)
{
	struct tree_node *next;

	for (struct tree_node *node = index->manifests->first; node; node = next) {
		struct index_entry entry;
		mote_status status = index_entry(node, &entry, err);

		next = node->next;
		if (status)
			return status;
		if (!entry.tag || strcmp(entry.tag, tag) != 0)
			continue;
		if (is_listed_twice(index, node, &entry.manifest)) {
			tree_remove(index->manifests, node);
			index->count--;
		} else {
			struct tree_node *annotations = tree_find(node, "annotations");
			tree_remove(annotations, tree_find(annotations, ANNOTATION_TAG));
		}
	}
	return MOTE_OK;
}

/* An entry of MANIFEST that has no tag; NULL if there is none. */
static mote_status find_untagged(const struct index *index, const struct blob *manifest,
				 struct tree_node **out, mote_error *err)
{
	*out = NULL;
	for (struct tree_node *node = index->manifests->first; node; node = node->next) {
		struct index_entry entry;
		mote_status status = index_entry(node, &entry, err);

		if (status)
			return status;
		if (entry.is_manifest && !entry.tag &&
		    strcmp(entry.manifest.digest.text, manifest->digest.text) == 0)
			*out = node;
	}
	return MOTE_OK;
}

/* A new entry, as a tree of its own. */
static mote_status make_entry(struct tree *out, const struct host *host, const char *tag,
			      const struct blob *manifest, mote_error *err)
{
	struct tree_reader reader = { .file = INDEX_FILE, .err = err };
	struct writer writer;
	struct text text;

	writer_init(&writer, host);
	descriptor_open(&writer, NULL, MEDIA_TYPE_MANIFEST, manifest);
	writer_open(&writer, "annotations");
	writer_string(&writer, ANNOTATION_TAG, tag);
	writer_close(&writer);
	writer_close(&writer);
	reader.status = writer_text(&writer, &text, err);
	if (!reader.status)
		tree_parse(&reader, out, host, &text);
	writer_fini(&writer);
	return reader.status;
}

/* Of the new entry, what OLD, one of the same manifest without a tag, lacks. */
static void give_tag(struct tree_node *old, struct tree_node *new)
{
	struct tree_node *annotations = tree_find(old, "annotations");

	if (annotations)
		tree_append(annotations, tree_find(new, "annotations")->first);
	else
		tree_append(old, tree_find(new, "annotations"));
}

mote_status index_set(struct index *index, const char *tag, const struct blob *manifest,
		      mote_error *err)
{
	struct tree_node *entry;
	mote_status status = take_away(index, tag, err);

	if (!status)
		status = find_untagged(index, manifest, &entry, err);
	if (!status && !entry && index->count == MOTE_MAX_STORED_SNAPSHOTS)
		status = error_set(err, MOTE_E_LIMIT, "has %d snapshots already, which is the most",
				   MOTE_MAX_STORED_SNAPSHOTS);
	if (!status)
		status = make_entry(&index->added, index->tree.host, tag, manifest, err);
	if (status)
		return status;
	if (entry) {
		give_tag(entry, index->added.root);
	} else {
		tree_append(index->manifests, index->added.root);
		index->count++;
	}
	return MOTE_OK;
}

mote_status index_write(const struct index *index, const struct folder *folder, mote_error *err)
{
	struct writer writer;
	struct text text;

	writer_init(&writer, folder->host);
	writer_node(&writer, index->tree.root);
	mote_status status = writer_text(&writer, &text, err);
	if (!status && text.size > MOTE_MAX_METADATA_SIZE)
		status = error_set(err, MOTE_E_LIMIT,
				   INDEX_FILE " would have %zu bytes; at most %" PRIu64, text.size,
				   MOTE_MAX_METADATA_SIZE);
	if (!status)
		status = folder_write(folder, INDEX_FILE, text.bytes, text.size, err);
	writer_fini(&writer);
	return status;
}
