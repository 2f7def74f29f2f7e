/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads a snapshot: from the tag to the manifest, to the description, and to the memory, which is
 * only opened.
 */
#include <mote/store.h>

#include "store/config.h"
#include "store/index.h"

static mote_status find(const struct folder *folder, const char *tag_or_digest,
			struct manifest *out, mote_error *err)
{
	struct index index;
	struct blob blob;
	mote_status status = index_read(&index, folder, false, err);

	if (status)
		return status;
	status = index_find(&index, tag_or_digest, &blob, err);
	index_free(&index);
	if (!status)
		status = manifest_read(folder, &blob, out, err);
	if (!status && !out->is_ours)
		status = error_set(err, MOTE_E_SNAPSHOT, "\"%.80s\" is no snapshot of a guest",
				   tag_or_digest);
	return status;
}

static mote_status make(mote_snapshot **out, mote_runtime *rt, const struct folder *folder,
			const struct manifest *manifest, struct config *config, bool verify,
			mote_error *err)
{
	int fd;
	mote_status status = folder_open_blob(folder, &manifest->memory, verify, &fd, err);

	if (status)
		return status;
	config->parts.file_size = manifest->memory.size;
	status = mote_private_snapshot_make(out, rt, &config->parts, fd, err);
	if (status)
		folder->host->sys->close(fd);
	return status;
}

static mote_status load(mote_snapshot **out, mote_runtime *rt, const struct folder *folder,
			const char *tag_or_digest, bool verify, mote_error *err)
{
	struct manifest manifest;
	struct config config;
	struct text text;
	mote_status status = find(folder, tag_or_digest, &manifest, err);

	if (!status)
		status = folder_read_blob(folder, &manifest.config, MOTE_MAX_METADATA_SIZE,
					  "config", &text, err);
	if (status)
		return status;
	status = config_read(&config, folder->host, &text, err);
	text_free(&text, folder->host);
	if (status)
		return status;
	status = make(out, rt, folder, &manifest, &config, verify, err);
	config_free(&config);
	return status;
}

mote_status mote_snapshot_load(mote_snapshot **out, mote_runtime *rt, const char *directory,
			       const char *tag_or_digest, bool verify, mote_error *err)
{
	struct folder folder;

	*out = NULL;
	mote_status status = folder_open(&folder, mote_private_host(rt), directory, err);
	if (!status) {
		status = load(out, rt, &folder, tag_or_digest, verify, err);
		folder_close(&folder);
	}
	if (status)
		error_prefix(err, "%.160s: ", directory);
	return status;
}
