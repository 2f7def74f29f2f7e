/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists the snapshots of a directory, by tag.
 */
#include <mote/store.h>

#include "store/config.h"
#include "store/index.h"

#include <stdlib.h>
#include <string.h>

typedef void (*visit_fn)(void *user, const mote_stored_info *info);

/* Those without a tag come last, by digest. */
static int by_tag(const void *a, const void *b)
{
	const struct index_entry *one = a, *two = b;

	if (!one->tag != !two->tag)
		return one->tag ? -1 : 1;
	int order = one->tag ? strcmp(one->tag, two->tag) : 0;
	return order ? order : strcmp(one->manifest.digest.text, two->manifest.digest.text);
}

static mote_status visit_one(const struct folder *folder, const struct index_entry *entry,
			     visit_fn visit, void *user, mote_error *err)
{
	struct manifest manifest;
	struct config config;
	struct text text;
	mote_status status = manifest_read(folder, &entry->manifest, &manifest, err);

	if (status || !manifest.is_ours)
		return status;
	status = folder_read_blob(folder, &manifest.config, MOTE_MAX_METADATA_SIZE, "config", &text,
				  err);
	if (status)
		return status;
	status = config_read_summary(&config, folder->host, &text, err);
	text_free(&text, folder->host);
	if (status)
		return status;
	const mote_stored_info info = {
		.tag = entry->tag,
		.digest = entry->manifest.digest.text,
		.guest = config.parts.name,
		.created = manifest.created,
		.memory_size = config.parts.memory_size,
		.stored_size = manifest.memory.size,
	};
	visit(user, &info);
	config_free(&config);
	return MOTE_OK;
}

static mote_status visit_all(const struct folder *folder, const struct index *index, visit_fn visit,
			     void *user, mote_error *err)
{
	struct index_entry *entries;
	mote_status status = MOTE_OK;
	size_t count = 0;

	if (index->count == 0)
		return MOTE_OK;
	entries = host_alloc_array(folder->host, index->count, sizeof entries[0]);
	if (!entries)
		return error_nomem(err, "a list of snapshots", index->count * sizeof entries[0]);
	for (const struct tree_node *node = index_first(index); !status && node;
	     node = node->next) {
		status = index_entry(node, &entries[count], err);
		count += entries[count].is_manifest;
	}
	if (!status)
		qsort(entries, count, sizeof entries[0], by_tag);
	for (size_t i = 0; !status && i < count; i++)
		status = visit_one(folder, &entries[i], visit, user, err);
	host_free(folder->host, entries, index->count * sizeof entries[0]);
	return status;
}

mote_status mote_store_list(const char *directory, visit_fn visit, void *user, mote_error *err)
{
	struct folder folder;
	struct index index;
	struct host host;

	host_init(&host);
	mote_status status = folder_open(&folder, &host, directory, err);
	if (!status) {
		status = index_read(&index, &folder, false, err);
		if (!status) {
			status = visit_all(&folder, &index, visit, user, err);
			index_free(&index);
		}
		folder_close(&folder);
	}
	if (status)
		error_prefix(err, "%.160s: ", directory);
	return status;
}
