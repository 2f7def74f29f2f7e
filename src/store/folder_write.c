/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the files of an image layout: under a name that nobody looks for first, to the disk, and
 * then under their own.
 */
#define _GNU_SOURCE
#include "store/folder.h"

#include "store/folder_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TEMPORARY_PREFIX ".new-"

/* A file that has no name of its own yet. */
struct temporary {
	int fd;
	char name[sizeof TEMPORARY_PREFIX + 16];
};

static mote_status begin(const struct folder *folder, int at, struct temporary *file,
			 mote_error *err)
{
	const struct sys *sys = folder->host->sys;
	uint64_t random;

	if (sys->getrandom(&random, sizeof random, 0) != sizeof random)
		return error_os(err, errno, "no random bytes for a file's name");
	snprintf(file->name, sizeof file->name, TEMPORARY_PREFIX "%016" PRIx64, random);
	file->fd = sys->openat(at, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			       0666);
	if (file->fd < 0)
		return error_os(err, errno, "cannot create a file");
	return MOTE_OK;
}

static void discard(const struct folder *folder, int at, const struct temporary *file)
{
	folder->host->sys->close(file->fd);
	folder->host->sys->unlinkat(at, file->name, 0);
}

/* What is called NAME in the folder AT, like all that is in there, is so on the disk from now on. */
static mote_status sync_folder(const struct folder *folder, int at, const char *name,
			       mote_error *err)
{
	if (folder->host->sys->fsync(at) < 0)
		return error_os(err, errno, "cannot finish writing the folder of %s", name);
	return MOTE_OK;
}

/* Gives the file its NAME when all of it is on the disk. */
static mote_status finish(const struct folder *folder, int at, const struct temporary *file,
			  const char *name, mote_error *err)
{
	const struct sys *sys = folder->host->sys;

	if (sys->fsync(file->fd) < 0 || sys->renameat(at, file->name, at, name) < 0) {
		mote_status status = error_os(err, errno, "cannot finish writing %s", name);
		discard(folder, at, file);
		return status;
	}
	sys->close(file->fd);
	return sync_folder(folder, at, name, err);
}

mote_status folder_append(const struct folder *folder, int fd, const void *bytes, size_t size,
			  mote_error *err)
{
	if (sys_write_all(folder->host->sys, fd, bytes, size) < 0)
		return error_os(err, errno, "cannot write a file");
	return MOTE_OK;
}

mote_status folder_write(const struct folder *folder, const char *name, const void *bytes,
			 size_t size, mote_error *err)
{
	struct temporary file;
	mote_status status = begin(folder, folder->fd, &file, err);

	if (status)
		return status;
	status = folder_append(folder, file.fd, bytes, size, err);
	if (!status)
		return finish(folder, folder->fd, &file, name, err);
	discard(folder, folder->fd, &file);
	return status;
}

/* Whether the blob is there, whole. */
static bool has_blob(const struct folder *folder, const struct blob *blob)
{
	int fd;

	if (folder_open_blob(folder, blob, true, &fd, NULL))
		return false;
	folder->host->sys->close(fd);
	return true;
}

/* FILE has the bytes of BLOB: it becomes the blob, or goes if there is one. */
static mote_status finish_blob(const struct folder *folder, const struct temporary *file,
			       const struct blob *blob, mote_error *err)
{
	if (!has_blob(folder, blob))
		return finish(folder, folder->blobs, file, folder_blob_name(&blob->digest), err);
	discard(folder, folder->blobs, file);
	return MOTE_OK;
}

mote_status folder_add(const struct folder *folder, const void *bytes, uint64_t size,
		       struct blob *out, mote_error *err)
{
	struct temporary file;

	out->size = size;
	mote_status status = hash_bytes(bytes, (size_t)size, &out->digest, err);
	if (!status)
		status = begin(folder, folder->blobs, &file, err);
	if (status)
		return status;
	status = folder_append(folder, file.fd, bytes, (size_t)size, err);
	if (!status)
		return finish_blob(folder, &file, out, err);
	discard(folder, folder->blobs, &file);
	return status;
}

mote_status folder_add_file(const struct folder *folder, int fd, uint64_t size, struct blob *out,
			    mote_error *err)
{
	struct temporary file;
	bool is_cut;

	out->size = size;
	mote_status status = begin(folder, folder->blobs, &file, err);
	if (status)
		return status;
	status = folder_hash(folder, fd, size, file.fd, &out->digest, &is_cut, err);
	if (!status && is_cut)
		status = error_os(err, EIO,
				  "the file that the snapshot was loaded from was cut meanwhile");
	if (!status)
		return finish_blob(folder, &file, out, err);
	discard(folder, folder->blobs, &file);
	return status;
}

mote_status folder_lock(const struct folder *folder, int *lock, mote_error *err)
{
	const struct sys *sys = folder->host->sys;
	int result;

	*lock = sys->openat(folder->fd, LOCK_FILE, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (*lock < 0)
		return error_os(err, errno, "cannot open " LOCK_FILE);
	do
		result = sys->flock(*lock, LOCK_EX);
	while (result < 0 && errno == EINTR);
	if (result == 0)
		return MOTE_OK;
	mote_status status = error_os(err, errno, "cannot lock " LOCK_FILE);
	sys->close(*lock);
	*lock = -1;
	return status;
}

/* Whether NAME may be in a folder that another process is just making. */
static bool is_ours(const char *name)
{
	static const char *const names[] = { ".",        "..",    LOCK_FILE, LAYOUT_FILE,
					     INDEX_FILE, "blobs", NULL };

	for (size_t i = 0; names[i]; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return strncmp(name, TEMPORARY_PREFIX, strlen(TEMPORARY_PREFIX)) == 0;
}

/* A folder that is no image layout yet becomes one only if there is nothing else in it. */
static mote_status check_nothing_else(const struct folder *folder, mote_error *err)
{
	union {
		struct dirent64 first;
		char bytes[4096];
	} list;
	ssize_t n;

	while ((n = folder->host->sys->getdents64(folder->fd, &list, sizeof list)) > 0) {
		for (size_t at = 0; at < (size_t)n;) {
			const struct dirent64 *entry = (const void *)(list.bytes + at);
			if (!is_ours(entry->d_name))
				return error_set(err, MOTE_E_SNAPSHOT,
						 "is no image layout, and has other things in it "
						 "(\"%.64s\"); choose an empty or a new folder",
						 entry->d_name);
			at += entry->d_reclen;
		}
	}
	return n < 0 ? error_os(err, errno, "cannot list the folder") : MOTE_OK;
}

static mote_status make_below(const struct folder *folder, int at, const char *name,
			      mote_error *err)
{
	if (folder->host->sys->mkdirat(at, name, 0777) == 0 || errno == EEXIST)
		return MOTE_OK;
	return error_os(err, errno, "cannot make the folder \"%s\"", name);
}

static mote_status make_blobs(const struct folder *folder, mote_error *err)
{
	int blobs;
	mote_status status = make_below(folder, folder->fd, "blobs", err);

	if (!status)
		status = folder_open_below(folder, folder->fd, "blobs", &blobs, err);
	if (status)
		return status;
	status = make_below(folder, blobs, "sha256", err);
	if (!status)
		status = sync_folder(folder, blobs, "sha256", err);
	folder->host->sys->close(blobs);
	return status;
}

/* The folder itself is a name in another one. */
static mote_status sync_parent(const struct folder *folder, mote_error *err)
{
	const struct sys *sys = folder->host->sys;
	const int parent = sys->openat(folder->fd, "..", O_RDONLY | O_CLOEXEC | O_DIRECTORY, 0);

	if (parent < 0 && errno == EACCES)
		return MOTE_OK; /* nothing can be asked of one that may not be read */
	if (parent < 0)
		return error_os(err, errno, "cannot open the folder that it is in");
	mote_status status = sync_folder(folder, parent, "the folder", err);
	sys->close(parent);
	return status;
}

static mote_status make_layout(struct folder *folder, mote_error *err)
{
	struct text text;
	mote_status status = folder_read(folder, LAYOUT_FILE, 4096, &text, err);

	if (status)
		return status;
	const bool is_there = text.bytes != NULL;
	text_free(&text, folder->host);
	if (!is_there)
		status = check_nothing_else(folder, err);
	if (!status)
		status = make_blobs(folder, err);
	if (status || is_there)
		return status;
	/* it comes last: where it is, the folder is, and on the disk */
	status = sync_parent(folder, err);
	if (!status)
		status = folder_write(folder, LAYOUT_FILE, LAYOUT_TEXT, strlen(LAYOUT_TEXT), err);
	return status;
}

mote_status folder_make(struct folder *folder, const struct host *host, const char *directory,
			mote_error *err)
{
	const struct sys *sys = host->sys;

	*folder = (struct folder){ .host = host, .fd = -1, .blobs = -1 };
	if (sys->mkdirat(AT_FDCWD, directory, 0777) < 0 && errno != EEXIST)
		return error_os(err, errno, "cannot make the folder");
	struct folder made = { .host = host, .blobs = -1 };
	made.fd = sys->open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
	if (made.fd < 0)
		return error_os(err, errno, "cannot open the folder");
	mote_status status = make_layout(&made, err);
	folder_close(&made);
	return status ? status : folder_open(folder, host, directory, err);
}
