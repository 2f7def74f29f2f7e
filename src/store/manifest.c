/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests: a config and one layer, the memory.
 */
#include "store/index.h"

#include "store/descriptor.h"
#include "store/media_types.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Of other people's images: ours have one. */
#define LAYERS_MAX 1024

/* Today as RFC 3339 has it; an odd clock makes an odd date. */
static void format_now(const struct folder *folder, char *out, size_t size)
{
	struct timespec now = { 0 };
	struct tm parts;

	folder->host->sys->clock_gettime(CLOCK_REALTIME, &now);
	if (!gmtime_r(&now.tv_sec, &parts) || !strftime(out, size, "%Y-%m-%dT%H:%M:%SZ", &parts))
		out[0] = '\0';
}

static void compose(struct writer *writer, const struct manifest *manifest, const char *name,
		    const char *created)
{
	writer_open(writer, NULL);
	writer_number(writer, "schemaVersion", 2);
	writer_string(writer, "mediaType", MEDIA_TYPE_MANIFEST);
	writer_string(writer, "artifactType", ARTIFACT_TYPE);
	descriptor_open(writer, "config", MEDIA_TYPE_CONFIG, &manifest->config);
	writer_close(writer);
	writer_open_list(writer, "layers");
	descriptor_open(writer, NULL, MEDIA_TYPE_MEMORY, &manifest->memory);
	writer_close(writer);
	writer_close_list(writer);
	writer_open(writer, "annotations");
	writer_string(writer, ANNOTATION_CREATED, created);
	writer_string(writer, ANNOTATION_TITLE, name);
	writer_close(writer);
	writer_close(writer);
}

mote_status manifest_add(const struct folder *folder, const struct manifest *manifest,
			 const char *name, struct blob *out, mote_error *err)
{
	char created[sizeof manifest->created];
	struct writer writer;
	struct text text;

	format_now(folder, created, sizeof created);
	writer_init(&writer, folder->host);
	compose(&writer, manifest, name, created);
	mote_status status = writer_text(&writer, &text, err);
	if (!status)
		status = folder_add(folder, text.bytes, text.size, out, err);
	writer_fini(&writer);
	return status;
}

static void read_created(struct tree_reader *reader, const struct tree_node *root,
			 struct manifest *out)
{
	const struct tree_node *annotations = tree_optional_field(reader, root, "annotations");
	const char *created = tree_optional_string(reader, annotations, ANNOTATION_CREATED);

	if (created && strlen(created) >= sizeof out->created)
		tree_refuse(reader, ANNOTATION_CREATED, "a date");
	else if (created)
		memcpy(out->created, created, strlen(created) + 1);
}

/* Whatever has a layer of memory is ours, and must be right then; other things have other layers,
 * of which there may be any number. */
static void read_parts(struct tree_reader *reader, const struct tree_node *root,
		       struct manifest *out)
{
	size_t count;
	const struct tree_node *layers = tree_list(reader, root, "layers", LAYERS_MAX, &count);
	const struct tree_node *layer = count ? tree_entry(reader, layers->first, "layers") : NULL;
	const char *type = count ? tree_string(reader, layer, "mediaType") : "";

	out->is_ours = strcmp(type, MEDIA_TYPE_MEMORY) == 0;
	if (reader->status || !out->is_ours)
		return;
	if (count > 1)
		tree_refuse(reader, "layers", "a list of one");
	out->memory = descriptor_read(reader, layer, MEDIA_TYPE_MEMORY);
	out->config =
		descriptor_read(reader, tree_field(reader, root, "config"), MEDIA_TYPE_CONFIG);
	read_created(reader, root, out);
}

mote_status manifest_read(const struct folder *folder, const struct blob *blob,
			  struct manifest *out, mote_error *err)
{
	struct tree_reader reader = { .file = "manifest", .err = err };
	struct tree tree;
	struct text text;

	*out = (struct manifest){ 0 };
	mote_status status =
		folder_read_blob(folder, blob, MOTE_MAX_METADATA_SIZE, "manifest", &text, err);
	if (status)
		return status;
	tree_parse(&reader, &tree, folder->host, &text);
	text_free(&text, folder->host);
	read_parts(&reader, tree.root, out);
	tree_free(&tree);
	return reader.status;
}
