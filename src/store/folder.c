/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Finds and reads the files of an image layout.
 */
#include "store/folder.h"

#include "store/folder_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

/* O_NONBLOCK: a pipe in place of a file must not keep us waiting. */
#define READ_FLAGS   (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
#define FOLDER_FLAGS (O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_DIRECTORY)

/* Bytes that are read at a time. */
#define CHUNK ((size_t)256 << 10)

const char *folder_blob_name(const struct digest *digest)
{
	return strchr(digest->text, ':') + 1;
}

void text_free(struct text *text, const struct host *host)
{
	host_free(host, text->bytes, text->size + 1);
	*text = (struct text){ 0 };
}

mote_status folder_open_file(const struct folder *folder, int at, const char *name, int *fd,
			     uint64_t *size, mote_error *err)
{
	const struct sys *sys = folder->host->sys;
	struct stat file;

	*size = 0;
	*fd = sys->openat(at, name, READ_FLAGS, 0);
	if (*fd < 0 && errno == ENOENT)
		return MOTE_OK;
	if (*fd < 0 && errno == ELOOP)
		return error_set(err, MOTE_E_SNAPSHOT, "%s is a link; files must be in place",
				 name);
	if (*fd < 0)
		return error_os(err, errno, "cannot open %s", name);
	mote_status status = MOTE_OK;
	if (sys->fstat(*fd, &file) < 0)
		status = error_os(err, errno, "cannot look at %s", name);
	else if (!S_ISREG(file.st_mode) || file.st_size < 0)
		status = error_set(err, MOTE_E_SNAPSHOT, "%s is no regular file", name);
	if (status) {
		sys->close(*fd);
		*fd = -1;
		return status;
	}
	*size = (uint64_t)file.st_size;
	return MOTE_OK;
}

mote_status folder_pread(const struct folder *folder, int fd, void *to, size_t size,
			 uint64_t offset, size_t *got, mote_error *err)
{
	const ssize_t n = sys_pread_all(folder->host->sys, fd, to, size, offset);

	*got = n < 0 ? 0 : (size_t)n;
	if (n < 0)
		return error_os(err, errno, "cannot read a file");
	return MOTE_OK;
}

/* Reads all of a file into memory of our own: who changes it meanwhile changes nothing here. */
static mote_status read_text(const struct folder *folder, int fd, const char *name, uint64_t size,
			     size_t max, struct text *out, mote_error *err)
{
	const struct host *host = folder->host;
	size_t got;

	if (size > max)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "%s has %" PRIu64 " bytes; %zu are the most that it may have",
				 name, size, max);
	out->bytes = host_alloc(host, (size_t)size + 1);
	if (!out->bytes)
		return error_nomem(err, name, (size_t)size + 1);
	out->size = (size_t)size;
	mote_status status = folder_pread(folder, fd, out->bytes, out->size, 0, &got, err);
	if (!status && got < out->size)
		status = error_set(err, MOTE_E_SNAPSHOT, "%s was cut while it was read", name);
	if (status)
		text_free(out, host);
	return status;
}

mote_status folder_read(const struct folder *folder, const char *name, size_t max, struct text *out,
			mote_error *err)
{
	uint64_t size;
	int fd;

	*out = (struct text){ 0 };
	mote_status status = folder_open_file(folder, folder->fd, name, &fd, &size, err);
	if (status || fd < 0)
		return status;
	status = read_text(folder, fd, name, size, max, out, err);
	folder->host->sys->close(fd);
	return status;
}

/* Opens BLOB and checks its size. */
static mote_status open_blob(const struct folder *folder, const struct blob *blob, int *fd,
			     mote_error *err)
{
	uint64_t size;
	mote_status status = folder_open_file(folder, folder->blobs,
					      folder_blob_name(&blob->digest), fd, &size, err);

	if (status)
		return status;
	if (*fd < 0)
		return error_set(err, MOTE_E_SNAPSHOT, "blob %s is missing", blob->digest.text);
	if (size == blob->size)
		return MOTE_OK;
	folder->host->sys->close(*fd);
	*fd = -1;
	return error_set(err, MOTE_E_SNAPSHOT,
			 "blob %s has %" PRIu64 " bytes, and should have %" PRIu64,
			 blob->digest.text, size, blob->size);
}

static mote_status check_digest(const struct digest *want, const struct digest *is, mote_error *err)
{
	if (strcmp(want->text, is->text) == 0)
		return MOTE_OK;
	return error_set(err, MOTE_E_SNAPSHOT, "blob %s was changed: its digest is %s", want->text,
			 is->text);
}

mote_status folder_read_blob(const struct folder *folder, const struct blob *blob, size_t max,
			     const char *what, struct text *out, mote_error *err)
{
	struct digest digest;
	int fd;

	*out = (struct text){ 0 };
	mote_status status = open_blob(folder, blob, &fd, err);
	if (status)
		return status;
	status = read_text(folder, fd, what, blob->size, max, out, err);
	folder->host->sys->close(fd);
	if (status)
		return status;
	status = hash_bytes(out->bytes, out->size, &digest, err);
	if (!status)
		status = check_digest(&blob->digest, &digest, err);
	if (status)
		text_free(out, folder->host);
	return status;
}

static mote_status hash_pieces(const struct folder *folder, int fd, uint64_t size, int to,
			       struct hash *hash, void *chunk, bool *is_cut, mote_error *err)
{
	for (uint64_t at = 0; at < size && !*is_cut;) {
		const size_t want = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		size_t got;
		mote_status status = folder_pread(folder, fd, chunk, want, at, &got, err);

		if (!status)
			status = hash_add(hash, chunk, got, err);
		if (!status && to >= 0)
			status = folder_append(folder, to, chunk, got, err);
		if (status)
			return status;
		*is_cut = got < want;
		at += got;
	}
	return MOTE_OK;
}

mote_status folder_hash(const struct folder *folder, int fd, uint64_t size, int to,
			struct digest *out, bool *is_cut, mote_error *err)
{
	struct hash hash;
	void *chunk = host_alloc(folder->host, CHUNK);

	*is_cut = false;
	if (!chunk)
		return error_nomem(err, "copying a file", CHUNK);
	mote_status status = hash_init(&hash, err);
	if (!status) {
		status = hash_pieces(folder, fd, size, to, &hash, chunk, is_cut, err);
		if (!status)
			status = hash_get(&hash, out, err);
		hash_fini(&hash);
	}
	host_free(folder->host, chunk, CHUNK);
	return status;
}

mote_status folder_open_blob(const struct folder *folder, const struct blob *blob, bool verify,
			     int *fd, mote_error *err)
{
	struct digest digest;
	bool is_cut;
	mote_status status = open_blob(folder, blob, fd, err);

	if (status || !verify)
		return status;
	status = folder_hash(folder, *fd, blob->size, -1, &digest, &is_cut, err);
	if (!status)
		status = check_digest(&blob->digest, &digest, err);
	if (status) {
		folder->host->sys->close(*fd);
		*fd = -1;
	}
	return status;
}

mote_status folder_open_below(const struct folder *folder, int at, const char *name, int *fd,
			      mote_error *err)
{
	*fd = folder->host->sys->openat(at, name, FOLDER_FLAGS, 0);
	if (*fd >= 0)
		return MOTE_OK;
	if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)
		return error_set(err, MOTE_E_SNAPSHOT,
				 "is no image layout: \"%s\" in it is missing or is no folder",
				 name);
	return error_os(err, errno, "cannot open the folder \"%s\"", name);
}

static mote_status open_blobs(struct folder *folder, mote_error *err)
{
	int blobs;
	mote_status status = folder_open_below(folder, folder->fd, "blobs", &blobs, err);

	if (status)
		return status;
	status = folder_open_below(folder, blobs, "sha256", &folder->blobs, err);
	folder->host->sys->close(blobs);
	return status;
}

mote_status folder_open(struct folder *folder, const struct host *host, const char *directory,
			mote_error *err)
{
	*folder = (struct folder){ .host = host, .fd = -1, .blobs = -1 };
	folder->fd = host->sys->open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (folder->fd < 0)
		return error_os(err, errno, "cannot open the folder");
	mote_status status = open_blobs(folder, err);
	if (status)
		folder_close(folder);
	return status;
}

void folder_close(struct folder *folder)
{
	if (folder->blobs >= 0)
		folder->host->sys->close(folder->blobs);
	if (folder->fd >= 0)
		folder->host->sys->close(folder->fd);
	folder->fd = folder->blobs = -1;
}
