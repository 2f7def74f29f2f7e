/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the mounts of a guest and keeps its table of descriptors.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/files.h"

#include "base/options.h"
#include "guest_abi/mote/file_host.h"
#include "guest_abi/mote/file_paths.h"
#include "guest_abi/mote/personality.h"

#include <mote/limits.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

static char *copy_string(const struct host *host, const char *text)
{
	const size_t size = strlen(text) + 1;
	char *copy = host_alloc(host, size);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}

static void free_string(const struct host *host, char *text)
{
	host_free(host, text, text ? strlen(text) + 1 : 0);
}

static mote_status check_directory(const struct files *files, const mote_directory *given, size_t i,
				   char *path, mote_error *err)
{
	path[0] = '/';
	path[1] = '\0';
	if (!given->guest || given->guest[0] != '/' || path_append(path, given->guest))
		return error_set(err, MOTE_E_INVALID,
				 "directories[%zu].guest is %.200s; it must be an absolute path of "
				 "less than %d bytes",
				 i, given->guest ? given->guest : "NULL", FILES_PATH_SIZE);
	if (given->flags & ~(uint64_t)MOTE_DIR_PRIVATE)
		return error_set(err, MOTE_E_INVALID,
				 "directories[%zu].flags is 0x%" PRIx64
				 "; MOTE_DIR_PRIVATE may be set",
				 i, given->flags);
	if (given->system && (given->host || given->flags || given->max_bytes))
		return error_set(err, MOTE_E_INVALID,
				 "directories[%zu] has a system, which leaves no use for host, "
				 "flags and max_bytes",
				 i);
	if (!given->system && !given->host && !(given->flags & MOTE_DIR_PRIVATE))
		return error_set(err, MOTE_E_INVALID,
				 "directories[%zu].host is NULL: a directory in memory needs "
				 "MOTE_DIR_PRIVATE, or nobody could put anything there",
				 i);
	if (given->max_bytes > MOTE_MAX_DIRECTORY_BYTES)
		return error_set(err, MOTE_E_INVALID,
				 "directories[%zu].max_bytes is %" PRIu64
				 "; it may be at most %" PRIu64,
				 i, given->max_bytes, MOTE_MAX_DIRECTORY_BYTES);
	if (path[1] == '\0')
		path[0] = '\0';
	if (files_mount(files, path, strlen(path)))
		return error_set(err, MOTE_E_INVALID, "directories has %.200s twice", given->guest);
	return MOTE_OK;
}

/* Also tries whether this kernel can open beneath it. */
static mote_status open_root(struct mount *mount, const struct host *host, mote_error *err)
{
	struct stat stat;
	int fd;

	mount->fd = host->sys->open(mount->host_path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mount->fd < 0)
		return error_os(err, errno, "cannot open the directory %.200s", mount->host_path);
	int error = host_file_find(host, mount->fd, "", &fd, &stat);
	if (error)
		return error_os(err, -error,
				"cannot open anything beneath %.200s, which takes openat2() of "
				"Linux 5.6",
				mount->host_path);
	host->sys->close(fd);
	return MOTE_OK;
}

/* The functions that a mount of the embedder's cannot do without. */
static mote_status copy_system(struct mount *mount, const mote_directory *given, size_t i,
			       mote_error *err)
{
	mote_file_system *system = &mount->system;
	mote_status status =
		options_copy(system, sizeof *system, given->system, "mote_file_system", err);

	if (!status && (!system->look || !system->open || !system->read || !system->close))
		status = error_set(err, MOTE_E_INVALID,
				   "directories[%zu].system lacks look, open, read or close", i);
	mount->ops = &callback_ops;
	mount->user = given->user;
	mount->is_writable = system->write != NULL;
	return status;
}

static mote_status add_mount(struct files *files, const mote_directory *given, size_t i,
			     mote_error *err)
{
	const struct host *host = files->host;
	struct mount *mount = &files->mounts[files->nmounts];
	char path[FILES_PATH_SIZE];

	mote_status status = check_directory(files, given, i, path, err);
	if (status)
		return status;
	*mount = (struct mount){
		.ops = &layers_ops,
		.length = strlen(path),
		.fd = -1,
		.is_writable = given->flags & MOTE_DIR_PRIVATE,
		.number = (unsigned)files->nmounts + 1,
	};
	file_tree_init(&mount->tree, host,
		       given->max_bytes ? given->max_bytes : MOTE_DEFAULT_DIRECTORY_BYTES,
		       given->host != NULL);
	files->nmounts++;
	mount->path = copy_string(host, path);
	if (given->host)
		mount->host_path = copy_string(host, given->host);
	if (!mount->path || (given->host && !mount->host_path))
		return error_nomem(err, "the path of a directory", sizeof path);
	if (given->system)
		return copy_system(mount, given, i, err);
	return given->host ? open_root(mount, host, err) : MOTE_OK;
}

static mote_status add_mounts(struct files *files, const struct files_plan *plan, mote_error *err)
{
	mote_status status = directories_check(plan->directories, plan->ndirectories, err);

	if (status || !plan->ndirectories)
		return status;
	files->mounts =
		host_alloc_array(files->host, MOTE_MAX_DIRECTORIES, sizeof files->mounts[0]);
	if (!files->mounts)
		return error_nomem(err, "a guest's directories",
				   MOTE_MAX_DIRECTORIES * sizeof files->mounts[0]);
	for (size_t i = 0; !status && i < plan->ndirectories; i++)
		status = add_mount(files, &plan->directories[i], i, err);
	return status;
}

mote_status files_init(struct files *files, const struct host *host, struct streams *streams,
		       const struct files_plan *plan, mote_error *err)
{
	const uint64_t most = plan->max_open_files;

	*files = (struct files){ .host = host, .streams = streams, .mask = 022 };
	if (most > MOTE_MAX_OPEN_FILES || (most && most < 3))
		return error_set(err, MOTE_E_INVALID,
				 "max_open_files is %" PRIu64
				 "; it may be at least 3 and at most %d",
				 most, MOTE_MAX_OPEN_FILES);
	files->capacity = most ? (size_t)most : MOTE_DEFAULT_OPEN_FILES;
	files->table = host_alloc_array(host, files->capacity, sizeof files->table[0]);
	if (!files->table)
		return error_nomem(err, "a guest's descriptors",
				   files->capacity * sizeof files->table[0]);
	for (unsigned i = 0; i < 3; i++) {
		files->standard[i] = (struct open_file){
			.ops = &stream_ops,
			.nrefs = 2, /* one is never given back */
			.flags = i == 0 ? O_RDONLY : O_WRONLY,
			.fd = -1,
			.stream = i,
		};
		files->table[i].file = &files->standard[i];
	}
	return add_mounts(files, plan, err);
}

static void free_mount(struct mount *mount, const struct host *host)
{
	file_tree_clear(&mount->tree);
	if (mount->fd >= 0)
		host->sys->close(mount->fd);
	free_string(host, mount->path);
	free_string(host, mount->host_path);
}

void files_fini(struct files *files)
{
	const struct host *host = files->host;

	for (size_t i = 0; files->table && i < files->capacity; i++)
		files_close(files, i);
	for (size_t i = 0; i < files->nmounts; i++)
		free_mount(&files->mounts[i], host);
	for (size_t i = 0; i < FILES_REFUSED_MAX; i++)
		free_string(host, files->refused[i].path);
	free_string(host, files->folder);
	host_free(host, files->mounts, MOTE_MAX_DIRECTORIES * sizeof files->mounts[0]);
	host_free(host, files->table, files->capacity * sizeof files->table[0]);
	*files = (struct files){ .host = host };
}

struct mount *files_mount(const struct files *files, const char *path, size_t length)
{
	for (size_t i = 0; i < files->nmounts; i++)
		if (files->mounts[i].length == length && files->mounts[i].path &&
		    memcmp(files->mounts[i].path, path, length) == 0)
			return &files->mounts[i];
	return NULL;
}

uint64_t files_changes(const struct files *files)
{
	uint64_t changes = files->changes;

	for (size_t i = 0; i < files->nmounts; i++)
		changes += files->mounts[i].tree.changes;
	return changes;
}

/* A guest's files belong to the guest. */
void files_dress(const struct mount *mount, struct stat *to)
{
	to->st_uid = to->st_gid = PERSONALITY_USER_ID;
	to->st_dev = mount ? mount->number : 0;
	if (!mount && S_ISCHR(to->st_mode)) /* a device of the guest's own */
		return;
	to->st_rdev = 0;
	if (!S_ISLNK(to->st_mode))
		to->st_mode &= S_IFMT | (mount && mount->is_writable ? 0777 : 0555);
}

struct open_file *files_get(const struct files *files, uint64_t fd)
{
	return fd < files->capacity ? files->table[fd].file : NULL;
}

struct open_file *open_file_ref(struct open_file *file)
{
	file->nrefs++;
	return file;
}

void open_file_unref(struct files *files, struct open_file *file)
{
	if (--file->nrefs)
		return;
	if (file->ops && file->ops->close)
		file->ops->close(files, file);
	free_string(files->host, file->path);
	host_free(files->host, file, sizeof *file);
}

void files_put(struct files *files, uint64_t fd, struct open_file *file, bool closes_on_exec)
{
	struct open_file *old = files->table[fd].file;

	files->table[fd] = (struct descriptor){ file, closes_on_exec };
	files->changes++;
	if (old)
		open_file_unref(files, old);
}

int64_t files_add(struct files *files, struct open_file *file, uint64_t lowest, bool closes_on_exec)
{
	for (uint64_t fd = lowest; fd < files->capacity; fd++)
		if (!files->table[fd].file) {
			files_put(files, fd, file, closes_on_exec);
			return (int64_t)fd;
		}
	return -EMFILE;
}

int64_t files_close(struct files *files, uint64_t fd)
{
	if (!files_get(files, fd))
		return -EBADF;
	files_put(files, fd, NULL, false);
	return 0;
}

static int64_t open_branch(struct open_file *file, int flags)
{
	if (flags & O_CREAT || (flags & O_ACCMODE) != O_RDONLY)
		return -EISDIR;
	file->ops = &branch_ops;
	return 0;
}

/* Opens what is at PLACE as FILE, which is empty. */
static int64_t open_place(struct files *files, struct place *place, int flags, uint32_t mode,
			  struct open_file *file)
{
	file->nrefs = 1;
	file->fd = -1;
	file->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC | O_CLOEXEC | O_NOFOLLOW);
	file->mount = place->mount;
	file->path = copy_string(files->host, place->path);
	if (!file->path)
		return -ENOMEM;
	if (place->mount)
		return place->mount->ops->open(files, place, flags, mode & ~files->mask, file);
	if (place->missing)
		return place->missing;
	return S_ISCHR(place->stat.st_mode) ? device_open(file, flags) : open_branch(file, flags);
}

int64_t files_open(struct files *files, uint64_t folder, const char *path, int flags, uint32_t mode)
{
	struct place place;
	/* a link that O_EXCL or O_NOFOLLOW meets is what is there */
	const bool follows =
		!(flags & O_NOFOLLOW) && (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL);

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return -EOPNOTSUPP;
	int64_t result = place_find(files, &place, folder, path, follows);
	if (result)
		return result;
	place_note(files, &place);
	struct open_file *file = host_alloc(files->host, sizeof *file);
	result = file ? open_place(files, &place, flags, mode, file) : -ENOMEM;
	place_drop(files, &place);
	if (!result)
		result = files_add(files, file, 0, flags & O_CLOEXEC);
	if (result < 0 && file)
		open_file_unref(files, file);
	return result;
}

int64_t files_enter(struct files *files, const char *path)
{
	char *copy = copy_string(files->host, path);

	if (!copy)
		return -ENOMEM;
	free_string(files->host, files->folder);
	files->folder = copy;
	files->changes++;
	return 0;
}
