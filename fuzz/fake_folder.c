/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The system calls of fake_folder.h: files have fixed descriptors; any blob is the manifest.
 */
#include "fuzz/fake_folder.h"

#include "fuzz/fuzz.h"
#include "store/digest.h"

#include <errno.h>
#include <fcntl.h>

/* Descriptors that no process gets by chance. */
enum { FOLDER_FD = 1 << 20, BLOBS_FD, FIRST_FD };

/* The folder that system calls are about: they have no pointer of the caller's. */
static struct fake_folder *now;

static struct fake_file *file_of(int fd)
{
	CHECK(fd >= FIRST_FD && fd < FIRST_FD + FAKE_NAMES);
	return &now->files[fd - FIRST_FD];
}

static enum fake_name find(int folder, const char *name)
{
	if (folder == BLOBS_FD)
		return FAKE_MANIFEST;
	return strcmp(name, "index.json") == 0 ? FAKE_INDEX : FAKE_LAYOUT;
}

static int fake_openat(int folder, const char *name, int flags, mode_t mode)
{
	(void)mode;
	CHECK(folder == FOLDER_FD || folder == BLOBS_FD);
	CHECK(!strchr(name, '/') && (flags & O_NOFOLLOW) && (flags & O_CLOEXEC));
	const enum fake_name which = flags & O_CREAT ? FAKE_WRITTEN : find(folder, name);

	if (which == FAKE_WRITTEN) {
		free(now->files[which].bytes);
		now->files[which] = (struct fake_file){ malloc(1), 0 };
	}
	if (!now->files[which].bytes) {
		errno = ENOENT;
		return -1;
	}
	now->nopen++;
	return FIRST_FD + (int)which;
}

static int fake_close(int fd)
{
	file_of(fd);
	now->nopen--;
	return 0;
}

static int fake_fstat(int fd, struct stat *to)
{
	*to = (struct stat){ .st_mode = S_IFREG, .st_size = (off_t)file_of(fd)->size };
	return 0;
}

/* Half of what is asked for at a time, as from a slow file system. */
static ssize_t fake_pread(int fd, void *to, size_t size, off_t offset)
{
	const struct fake_file *file = file_of(fd);
	const size_t at = (size_t)offset < file->size ? (size_t)offset : file->size;
	const size_t some = size / 2 + 1;
	const size_t n = some < file->size - at ? some : file->size - at;

	if (n > 0)
		memcpy(to, file->bytes + at, n < size ? n : size);
	return (ssize_t)(n < size ? n : size);
}

static ssize_t fake_write(int fd, const void *from, size_t size)
{
	struct fake_file *file = file_of(fd);

	file->bytes = realloc(file->bytes, file->size + size + 1);
	CHECK(file->bytes);
	memcpy(file->bytes + file->size, from, size);
	file->size += size;
	return (ssize_t)size;
}

static int fake_fsync(int fd)
{
	(void)fd;
	return 0;
}

static int fake_renameat(int from_folder, const char *from, int to_folder, const char *to)
{
	CHECK(from_folder == to_folder && from[0] == '.');
	snprintf(now->written_name, sizeof now->written_name, "%s", to);
	return 0;
}

static int fake_unlinkat(int folder, const char *name, int flags)
{
	(void)folder;
	(void)flags;
	CHECK(name[0] == '.'); /* what was begun, and no file of the folder's */
	return 0;
}

static ssize_t fake_getrandom(void *to, size_t size, unsigned flags)
{
	(void)flags;
	memset(to, 7, size);
	return (ssize_t)size;
}

static int fake_clock_gettime(clockid_t clock, struct timespec *to)
{
	(void)clock;
	*to = (struct timespec){ 1700000000, 0 };
	return 0;
}

static const struct sys fake_sys = {
	.openat = fake_openat,
	.close = fake_close,
	.fstat = fake_fstat,
	.pread = fake_pread,
	.write = fake_write,
	.fsync = fake_fsync,
	.renameat = fake_renameat,
	.unlinkat = fake_unlinkat,
	.getrandom = fake_getrandom,
	.clock_gettime = fake_clock_gettime,
};

/* Takes what is before the next NUL off *DATA. */
static struct fake_file cut(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, 0, *size) : NULL;
	struct fake_file file = { .size = end ? (size_t)(end - *data) : *size };

	if (*size == 0)
		return file;
	file.bytes = malloc(file.size + 1);
	CHECK(file.bytes);
	memcpy(file.bytes, *data, file.size);
	file.bytes[file.size] = '\0';
	*data += file.size + (end != NULL);
	*size -= file.size + (end != NULL);
	return file;
}

const char *fake_folder_init(struct fake_folder *files, const uint8_t *data, size_t size)
{
	*files = (struct fake_folder){ 0 };
	host_init(&files->host);
	files->host.sys = &fake_sys;
	files->folder = (struct folder){ &files->host, FOLDER_FD, BLOBS_FD };
	for (int i = 0; i < FAKE_WRITTEN; i++)
		files->files[i] = cut(&data, &size);
	files->tag = cut(&data, &size).bytes;
	now = files;
	return files->tag ? files->tag : "";
}

void fake_folder_fini(struct fake_folder *files)
{
	for (int i = 0; i < FAKE_NAMES; i++)
		free(files->files[i].bytes);
	free(files->tag);
	now = NULL;
}

void fake_folder_manifest(const struct fake_folder *files, struct blob *out)
{
	const struct fake_file *file = &files->files[FAKE_MANIFEST];

	*out = (struct blob){ .size = file->size };
	CHECK(hash_bytes(file->bytes, file->size, &out->digest, NULL) == MOTE_OK);
}

static void replace(struct fake_folder *files, enum fake_name which)
{
	free(files->files[which].bytes);
	files->files[which] = files->files[FAKE_WRITTEN];
	files->files[FAKE_WRITTEN] = (struct fake_file){ 0 };
}

void fake_folder_replace_index(struct fake_folder *files)
{
	replace(files, FAKE_INDEX);
}

void fake_folder_replace_manifest(struct fake_folder *files)
{
	replace(files, FAKE_MANIFEST);
}
