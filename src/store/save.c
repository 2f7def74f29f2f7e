/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saves a snapshot: its memory, its description and its manifest as blobs, which nobody refers to
 * yet, and then, under a lock, its tag in the index.
 */
#include <mote/store.h>

#include "base/text.h"
#include "store/config.h"
#include "store/descriptor.h"
#include "store/index.h"

#include <string.h>

static mote_status check(const struct snapshot_parts *parts, const char *tag, mote_error *err)
{
	if (!tag_is_valid(tag))
		return error_set(
			err, MOTE_E_INVALID,
			"\"%.140s\" cannot be a tag; it must have 1 to %d letters, digits, "
			"'_', '.' or '-', and not begin with '.' or '-'",
			tag, MOTE_MAX_TAG_SIZE);
	if (parts->mapped_file)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot has the mapped file \"%s\", which cannot be saved; "
				 "take it before files are mapped",
				 parts->mapped_file);
	char name[200];
	if (parts->changed_file) {
		text_escape(name, sizeof name, parts->changed_file, strlen(parts->changed_file));
		return error_set(err, MOTE_E_SNAPSHOT,
				 "the snapshot's guest has changed %s, which cannot be saved; take "
				 "it before the guest changes files",
				 name);
	}
	if (parts->open_file) {
		text_escape(name, sizeof name, parts->open_file, strlen(parts->open_file));
		return error_set(
			err, MOTE_E_SNAPSHOT,
			"the snapshot's guest has %s open, or as its working folder, which "
			"cannot be saved; take it before the guest opens files",
			name);
	}
	return MOTE_OK;
}

static mote_status add_config(const struct folder *folder, const struct snapshot_parts *parts,
			      const struct digest *memory, struct blob *out, mote_error *err)
{
	struct text text;
	mote_status status = config_write(parts, memory, folder->host, &text, err);

	if (status)
		return status;
	status = folder_add(folder, text.bytes, text.size, out, err);
	text_free(&text, folder->host);
	return status;
}

static mote_status set_tag(const struct folder *folder, const char *tag,
			   const struct blob *manifest, mote_error *err)
{
	struct index index;
	int lock;
	mote_status status = folder_lock(folder, &lock, err);

	if (status)
		return status;
	status = index_read(&index, folder, true, err);
	if (!status) {
		status = index_set(&index, tag, manifest, err);
		if (!status)
			status = index_write(&index, folder, err);
		index_free(&index);
	}
	folder->host->sys->close(lock);
	return status;
}

static mote_status save(const struct snapshot_parts *parts, const struct host *host,
			const char *directory, const char *tag, mote_error *err)
{
	struct manifest manifest;
	struct folder folder;
	struct blob blob;
	mote_status status = folder_make(&folder, host, directory, err);

	if (status)
		return status;
	status = folder_add_file(&folder, parts->fd, parts->file_size, &manifest.memory, err);
	if (!status)
		status = add_config(&folder, parts, &manifest.memory.digest, &manifest.config, err);
	if (!status)
		status = manifest_add(&folder, &manifest, parts->name, &blob, err);
	if (!status)
		status = set_tag(&folder, tag, &blob, err);
	folder_close(&folder);
	return status;
}

mote_status mote_snapshot_save(const mote_snapshot *snapshot, const char *directory,
			       const char *tag, mote_error *err)
{
	struct snapshot_parts parts;
	mote_status status = mote_private_snapshot_open(&parts, snapshot, err);

	if (status)
		return status;
	status = check(&parts, tag, err);
	if (!status) {
		status = save(&parts, mote_private_snapshot_host(snapshot), directory, tag, err);
		if (status)
			error_prefix(err, "%.160s: ", directory);
	}
	mote_private_snapshot_close(&parts, snapshot);
	return status;
}
