/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts that the embedder serves by functions of its own. What they say is checked, so that a
 * mistake there is an error of the guest's and nothing worse.
 */
#define _GNU_SOURCE
#include "guest_abi/mote/file_paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

enum { FIRST_ENTRY = 2 }; /* behind "." and ".." */

/* Errors of callbacks are errno values; anything else is a mistake of theirs. */
static int64_t error_of(int result)
{
	return result == 0 ? 0 : result > 0 && result < 4096 ? -result : -EIO;
}

static const char *path_below(const struct open_file *file)
{
	const char *below = file->path + file->mount->length;

	return below + (*below == '/');
}

static int64_t look(const struct mount *mount, const char *path, struct stat *to)
{
	mote_file_info info = { .size = 0 };
	int64_t failed = error_of(mount->system.look(mount->user, path, &info));

	if (failed)
		return failed;
	if (info.size > INT64_MAX)
		return -EIO;
	*to = (struct stat){
		.st_ino = 1,
		.st_mode = info.is_directory ? S_IFDIR | 0755 : S_IFREG | 0644,
		.st_nlink = 1,
		.st_size = (off_t)info.size,
		.st_blksize = FILE_BLOCK_SIZE,
		.st_mtim.tv_sec = info.modified,
	};
	files_dress(mount, to);
	return 0;
}

static int64_t find(struct files *files, struct place *place, bool follows, char *link)
{
	(void)files, (void)follows, (void)link;
	int64_t failed = look(place->mount, place_below(place), &place->stat);

	if (failed != -ENOENT)
		return failed;
	place->missing = -ENOENT;
	return 0;
}

static int64_t read_file(struct files *files, struct open_file *file, uint64_t at, void *to,
			 size_t size)
{
	size_t done = size;
	int result = file->mount->system.read(file->mount->user, file->handle, at, to, &done);

	(void)files;
	return result ? error_of(result) : done > size ? -EIO : (int64_t)done;
}

static int64_t write_file(struct files *files, struct open_file *file, uint64_t at,
			  const void *from, size_t size)
{
	size_t done = size;
	int result = file->mount->system.write(file->mount->user, file->handle, at, from, &done);

	(void)files;
	return result ? error_of(result) : done > size ? -EIO : (int64_t)done;
}

static int64_t stat_file(struct files *files, struct open_file *file, struct stat *to)
{
	(void)files;
	return look(file->mount, path_below(file), to);
}

static void close_file(struct files *files, struct open_file *file)
{
	(void)files;
	file->mount->system.close(file->mount->user, file->handle);
}

static int64_t entry_of(struct files *files, struct open_file *file, struct file_entry *entry)
{
	const struct mount *mount = file->mount;
	const uint64_t at = file->offset;
	int result = 0;

	(void)files;
	*entry = (struct file_entry){ .type = DT_UNKNOWN, .inode = 1, .next = at + 1 };
	if (at < FIRST_ENTRY)
		memcpy(entry->name, "..", at + 1);
	else
		result = mount->system.list(mount->user, path_below(file), at - FIRST_ENTRY,
					    entry->name);
	if (result)
		return result == ENOENT ? 0 : error_of(result);
	entry->length = strnlen(entry->name, sizeof entry->name);
	if (entry->length == 0 || entry->length == sizeof entry->name || strchr(entry->name, '/'))
		return -EIO;
	return 1;
}

static const struct file_ops callback_file_ops = {
	.read = read_file,
	.write = write_file,
	.stat = stat_file,
	.close = close_file,
	.is_seekable = true,
};

static const struct file_ops callback_folder_ops = {
	.entry = entry_of,
	.stat = stat_file,
	.is_seekable = true,
};

static int64_t open_folder(const struct mount *mount, int flags, struct open_file *file)
{
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC))
		return -EISDIR;
	if (!mount->system.list)
		return -EACCES;
	file->ops = &callback_folder_ops;
	return 0;
}

static int64_t open_place(struct files *files, struct place *place, int flags, uint32_t mode,
			  struct open_file *file)
{
	const struct mount *mount = place->mount;
	unsigned how = 0;

	(void)files, (void)mode;
	if (place->missing && !(flags & O_CREAT))
		return place->missing;
	if (!place->missing && flags & O_CREAT && flags & O_EXCL)
		return -EEXIST;
	if (!place->missing && S_ISDIR(place->stat.st_mode))
		return open_folder(mount, flags, file);
	if (flags & O_DIRECTORY)
		return -ENOTDIR;
	how |= (flags & O_ACCMODE) != O_RDONLY ? MOTE_FILE_WRITE : 0;
	how |= place->missing ? MOTE_FILE_CREATE : 0;
	how |= flags & O_TRUNC ? MOTE_FILE_TRUNCATE : 0;
	if (how && !mount->system.write)
		return -EROFS;
	int64_t failed =
		error_of(mount->system.open(mount->user, place_below(place), how, &file->handle));
	if (!failed)
		file->ops = &callback_file_ops;
	return failed;
}

static int64_t make(struct files *files, struct place *place, enum node_kind kind, uint32_t mode,
		    const char *text)
{
	(void)files, (void)kind, (void)mode, (void)text;
	return place->missing ? -EPERM : -EEXIST;
}

static int64_t remove_place(struct files *files, struct place *place, bool is_folder)
{
	(void)files, (void)is_folder;
	return place->missing ? place->missing : -EPERM;
}

static int64_t rename_place(struct files *files, struct place *from, struct place *to)
{
	(void)files, (void)from, (void)to;
	return -EPERM;
}

static int64_t change(struct files *files, struct place *place, const uint32_t *mode,
		      const struct timespec *modified)
{
	(void)files, (void)mode, (void)modified;
	return place->missing ? place->missing : -EPERM;
}

static int64_t read_link(struct files *files, struct place *place, char *to, size_t size)
{
	(void)files, (void)place, (void)to, (void)size;
	return -EINVAL;
}

const struct mount_ops callback_ops = {
	.find = find,
	.open = open_place,
	.make = make,
	.remove = remove_place,
	.rename = rename_place,
	.change = change,
	.read_link = read_link,
};
