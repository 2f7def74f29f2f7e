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

static json_object *compose(struct tree_writer *writer, const struct manifest *manifest,
			    const char *name, const char *created)
{
	json_object *root = json_object_new_object();

	tree_add_number(writer, root, "schemaVersion", 2);
	tree_add_string(writer, root, "mediaType", MEDIA_TYPE_MANIFEST);
	tree_add_string(writer, root, "artifactType", ARTIFACT_TYPE);
	descriptor_add(writer, root, "config", MEDIA_TYPE_CONFIG, &manifest->config);
	json_object *layers = tree_add_list(writer, root, "layers");
	descriptor_add(writer, layers, NULL, MEDIA_TYPE_MEMORY, &manifest->memory);
	json_object *annotations = tree_add_object(writer, root, "annotations");
	tree_add_string(writer, annotations, ANNOTATION_CREATED, created);
	tree_add_string(writer, annotations, ANNOTATION_TITLE, name);
	return root;
}

mote_status manifest_add(const struct folder *folder, const struct manifest *manifest,
			 const char *name, struct blob *out, mote_error *err)
{
	struct tree_writer writer = { false };
	char created[sizeof manifest->created];
	const char *text;
	size_t size;

	format_now(folder, created, sizeof created);
	json_object *root = compose(&writer, manifest, name, created);
	mote_status status = tree_text(&writer, root, &text, &size, err);
	if (!status)
		status = folder_add(folder, text, size, out, err);
	json_object_put(root);
	return status;
}

static void read_created(struct tree_reader *reader, json_object *root, struct manifest *out)
{
	json_object *annotations = tree_optional_field(reader, root, "annotations");
	const char *created = tree_optional_string(reader, annotations, ANNOTATION_CREATED);

	if (created && strlen(created) >= sizeof out->created)
		tree_refuse(reader, ANNOTATION_CREATED, "a date");
	else if (created)
		memcpy(out->created, created, strlen(created) + 1);
}

/* Whatever has a layer of memory is ours, and must be right then; other things have other layers,
 * of which there may be any number. */
static void read_parts(struct tree_reader *reader, json_object *root, struct manifest *out)
{
	size_t count;
	json_object *layers = tree_list(reader, root, "layers", LAYERS_MAX, &count);
	json_object *layer = count ? tree_item(reader, layers, 0, "layers") : NULL;
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
	struct text text;

	*out = (struct manifest){ 0 };
	mote_status status =
		folder_read_blob(folder, blob, MOTE_MAX_METADATA_SIZE, "manifest", &text, err);
	if (status)
		return status;
	json_object *root = tree_parse(&reader, &text);
	read_parts(&reader, root, out);
	json_object_put(root);
	text_free(&text, folder->host);
	return reader.status;
}
